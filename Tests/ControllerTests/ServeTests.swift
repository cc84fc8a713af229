import EventLog
import Foundation
import Testing

@testable import Controller

/// `warmline serve`, running.
private final class Served {
    let directory: String
    private let process = Process()
    private let output = Pipe()
    private let errors: URL

    init(_ configuration: String, in directory: String, environment: [String: String] = [:]) throws {
        self.directory = directory
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        errors = URL(filePath: directory + "/stderr")
        try configuration.write(toFile: directory + "/w.json5", atomically: false, encoding: .utf8)
        try Data().write(to: errors)
        process.executableURL = try Program.executable()
        process.arguments = ["serve", "--config", "w.json5"]
        process.currentDirectoryURL = URL(filePath: directory)
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// What was said up to `ready`, or to the end of a process that never was.
    func waitUntilReady() -> Bool {
        var said = Data()
        while !said.contains(UInt8(ascii: "\n")) {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { return false }
            said += more
        }
        return said == Data("ready\n".utf8)
    }

    func write(_ configuration: String) throws {
        try configuration.write(toFile: directory + "/w.json5", atomically: true, encoding: .utf8)
    }

    func signal(_ signal: Int32) { kill(process.processIdentifier, signal) }

    func wait() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    var diagnostics: String { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" }

    func client() throws -> ControlClient { try ControlClient(path: directory + "/warmline.sock") }
}

/// The service manager's end of sd_notify(3).
private final class NotifySocket {
    let path: String
    private let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)

    init(_ path: String) throws {
        self.path = path
        let address = try #require(UnixAddress(path))
        #expect(address.with { bind(descriptor, $0, $1) } == 0)
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// The next notification; null when none comes.
    func receive() -> String? {
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
    }
}

@Suite struct ServeTests {
    private let scratch = Scratch()

    private static func configuration(_ address: String) -> String {
        """
        { node: "t", sip: { listen: ["udp:\(address):0", "tcp:\(address):0"] }, agents: { anna: {} },
          media: { address: "\(address)", ports: [20000, 20019] }, lines: { "7000": { to: "agent:anna" } } }
        """
    }

    @Test func aLifeFromStartToEnd() throws {
        let served = try Served(Self.configuration("127.60.1.1"), in: scratch.path)
        #expect(served.waitUntilReady(), "\(served.diagnostics)")
        let client = try served.client()
        let status = try client.call("status")
        #expect(status["state"]?.text == "running")
        #expect(status["node"]?.text == "t")
        #expect(status["events"]?["writable"] == .bool(true))
        #expect(status["events"]?["directory"]?.text == scratch.file("events"))
        let udp = try ListenAddress(parsing: try #require(status["listen"]?.elements?.first?.text))
        #expect(udp.port != 0)
        #expect(served.diagnostics.contains("listening on \(udp)"))
        #expect(served.diagnostics.contains("PJSIP 2."))

        // A datagram that is no SIP is dropped and counted (up to 32 bytes it would be taken for a keep-alive).
        try send("\u{1}\u{2} this is no SIP at all, whatever the parser thinks\r\n\r\n", to: udp)
        var malformed: Int64 = 0
        for _ in 0..<100 where malformed == 0 {
            malformed = try client.call("status")["sip"]?["malformed"]?.number ?? 0
            if malformed == 0 { usleep(20_000) }
        }
        #expect(malformed == 1)

        // Whoever follows the log sees its last event.
        let follower = try #require(LineChannel(path: scratch.file("warmline.sock")))
        follower.send(#"{"jsonrpc":"2.0","id":1,"method":"events.follow","params":{"type":"service.*"}}"#)
        guard case .line = follower.receive() else {
            Issue.record("no answer to events.follow")
            return
        }
        served.signal(SIGTERM)
        guard case .line(let line) = follower.receive() else {
            Issue.record("the follower was told nothing: \(served.diagnostics)")
            return
        }
        let event = JSONValue(parsing: line)
        #expect(event?["method"]?.text == "event")
        #expect(event?["params"]?["type"]?.text == "service.stopping")
        #expect(served.wait() == 0)
        #expect(!FileManager.default.fileExists(atPath: scratch.file("warmline.sock")))
        let types = try LogReader(path: scratch.file("events")).events().map(\.event.type)
        #expect(types == ["log.segment", "service.started", "service.stopping"])
    }

    /// SIGHUP and the control method; what is wrong is named in both places, and the service manager is told of either.
    @Test func theConfigurationIsReadAgain() throws {
        let manager = try NotifySocket(scratch.file("notify"))
        let served = try Served(
            Self.configuration("127.60.1.7"), in: scratch.path, environment: ["NOTIFY_SOCKET": manager.path])
        #expect(served.waitUntilReady(), "\(served.diagnostics)")
        #expect(manager.receive()?.contains("READY=1") == true)
        func said(_ text: String) -> Bool {
            for _ in 0..<200 where !served.diagnostics.contains(text) { usleep(20_000) }
            return served.diagnostics.contains(text)
        }
        served.signal(SIGHUP)
        #expect(said("configuration read again: nothing has changed"), "\(served.diagnostics)")
        let lines = manager.receive()?.split(separator: "\n") ?? []
        #expect(lines.first == "RELOADING=1")
        #expect(lines.last?.hasPrefix("MONOTONIC_USEC=") == true)
        #expect(manager.receive()?.hasPrefix("READY=1") == true)

        let client = try served.client()
        try served.write(Self.configuration("127.60.1.7").replacing("anna: {}", with: "anna: {}, boris: {}"))
        #expect(try client.call("reload")["changed"] == ["agents.boris"])
        #expect(try client.call("agents.list").elements?.count == 2)
        try served.write(Self.configuration("127.60.1.7").replacing("\"t\"", with: "\"u\""))
        let error = #expect(throws: ControllerError.self) { try client.call("reload") }
        #expect(
            error?.description
                == "w.json5: node: cannot be changed while the controller runs: it needs a restart")
        #expect(said("w.json5: node: cannot be changed"), "\(served.diagnostics)")
        #expect(try client.call("agents.list").elements?.count == 2)
        try served.write("{ nonsense: 1 }")
        let checked = try Program("check", "--config", "w.json5", directory: scratch.path)
        let reloaded = try Program("reload", directory: scratch.path)
        #expect(reloaded.status == 1)
        #expect(checked.status == 2)
        #expect(reloaded.errors == "warmline: \(checked.errors)")
        served.signal(SIGTERM)
        #expect(served.wait() == 0)
    }

    /// What node_exporter reads is what `warmline metrics` prints, up to the last event.
    @Test func theTextfileIsWritten() throws {
        try FileManager.default.createDirectory(atPath: scratch.file("collector"), withIntermediateDirectories: false)
        let path = scratch.file("collector/warmline.prom")
        let text = Self.configuration("127.60.1.5").replacing(
            "{ node:", with: "{ metrics: { textfile: 'collector/warmline.prom', interval: 1 }, node:")
        let served = try Served(text, in: scratch.path)
        #expect(served.waitUntilReady(), "\(served.diagnostics)")
        func content() -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
        for _ in 0..<200 where content().isEmpty { usleep(20_000) }
        #expect(content().contains("\nwarmline_calls_refused_total 0\n"))
        let udp = try ListenAddress(
            parsing: try #require(try served.client().call("status")["listen"]?.elements?.first?.text))
        try send(Self.invite(to: "9999", at: udp), to: udp)
        for _ in 0..<200 where !content().contains("\nwarmline_calls_refused_total 1\n") { usleep(20_000) }
        #expect(content().contains("\nwarmline_calls_refused_total 1\n"), "\(content().prefix(500))")
        served.signal(SIGTERM)
        #expect(served.wait() == 0)
        let printed = try Program("metrics", "--format", "prometheus", scratch.file("events"))
        #expect(printed.output == content())
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.file("collector")) == ["warmline.prom"])
    }

    /// A file that cannot be written is said once, and nothing else suffers.
    @Test func aTextfileThatCannotBeWrittenIsSaidOnce() throws {
        let text = Self.configuration("127.60.1.6").replacing(
            "{ node:", with: "{ metrics: { textfile: 'nowhere/warmline.prom', interval: 1 }, node:")
        let served = try Served(text, in: scratch.path)
        #expect(served.waitUntilReady(), "\(served.diagnostics)")
        for _ in 0..<200 where !served.diagnostics.contains("metrics.textfile: cannot create ") { usleep(20_000) }
        served.signal(SIGTERM)
        #expect(served.wait() == 0)
        #expect(served.diagnostics.components(separatedBy: "metrics.textfile: cannot create ").count == 2)
    }

    private static func invite(to line: String, at address: ListenAddress) -> String {
        let lines = [
            "INVITE sip:\(line)@\(address.address.text):\(address.port) SIP/2.0",
            "Via: SIP/2.0/UDP 127.60.1.5:5999;branch=z9hG4bK-textfile", "Max-Forwards: 70",
            "From: <sip:x@127.60.1.5>;tag=1", "To: <sip:\(line)@127.60.1.5>", "Call-ID: textfile@127.60.1.5",
            "CSeq: 1 INVITE", "Contact: <sip:x@127.60.1.5:5999>", "Content-Length: 0", "", "",
        ]
        return lines.joined(separator: "\r\n")
    }

    @Test func aSecondControllerIsRefusedAndTheFirstGoesOn() throws {
        let first = try Served(Self.configuration("127.60.1.2"), in: scratch.path)
        #expect(first.waitUntilReady(), "\(first.diagnostics)")
        let second = try Program("serve", "--config", "w.json5", directory: scratch.path)
        #expect(second.status == 1)
        #expect(second.errors.contains("another controller is listening there"))
        #expect(try first.client().call("calls.list") == .array([]))
        first.signal(SIGINT)
        #expect(first.wait() == 0)
    }

    @Test func afterAKillTheNextStartPutsThingsInOrder() throws {
        let first = try Served(Self.configuration("127.60.1.3"), in: scratch.path)
        #expect(first.waitUntilReady(), "\(first.diagnostics)")
        first.signal(SIGKILL)
        _ = first.wait()
        #expect(FileManager.default.fileExists(atPath: scratch.file("warmline.sock")))
        let second = try Served(Self.configuration("127.60.1.3"), in: scratch.path)
        #expect(second.waitUntilReady(), "\(second.diagnostics)")
        #expect(second.diagnostics.contains("the last run was cut off"))
        second.signal(SIGTERM)
        #expect(second.wait() == 0)
        let types = try LogReader(path: scratch.file("events")).events().map(\.event.type)
        #expect(types.contains("service.recovered"))
        #expect(try Program("verify", scratch.file("events")).status == 0)
    }

    @Test func aStartThatFailsIsNoRunThatWasCutOff() throws {
        let wrong = Self.configuration("127.60.1.13").replacing("tcp:127.60.1.13:0", with: "tcp:192.0.2.1:0")
        for _ in 1...2 {
            let failed = try Served(wrong, in: scratch.path)
            #expect(!failed.waitUntilReady())
            #expect(failed.wait() == 1)
            #expect(failed.diagnostics.contains("192.0.2.1"), "\(failed.diagnostics)")
            #expect(!failed.diagnostics.contains("cut off"), "\(failed.diagnostics)")
        }
        let served = try Served(Self.configuration("127.60.1.13"), in: scratch.path)
        #expect(served.waitUntilReady(), "\(served.diagnostics)")
        #expect(!served.diagnostics.contains("cut off"), "\(served.diagnostics)")
        served.signal(SIGTERM)
        #expect(served.wait() == 0)
        let types = try LogReader(path: scratch.file("events")).events().map(\.event.type)
        #expect(!types.contains("service.recovered"))
        #expect(types.count { $0 == "service.started" } == 1 && types.count { $0 == "service.stopping" } == 3)
        #expect(try Program("verify", scratch.file("events")).status == 0)
    }

    @Test func aPortThatIsTakenIsNamed() throws {
        let taken = try #require(IPAddress("127.60.1.4"))
        let holder = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(holder) }
        var address = sockaddr_in(taken, port: 0)
        #expect(withAddress(&address) { bind(holder, $0, $1) } == 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(holder, $0, &length) }
        }
        let port = UInt16(bigEndian: address.sin_port)
        let served = try Served(
            "{ sip: { listen: ['udp:127.60.1.4:\(port)'] }, media: { address: '127.60.1.4' } }", in: scratch.path)
        #expect(!served.waitUntilReady())
        #expect(served.wait() == 1)
        #expect(served.diagnostics.contains("127.60.1.4:\(port)"), "\(served.diagnostics)")
        #expect(!FileManager.default.fileExists(atPath: scratch.file("warmline.sock")))
    }

    /// What fails at the start is said, and leaves nothing behind: the process ends by itself, its socket is gone.
    @Test func anAddressForRTPThatIsNotOursIsNamed() throws {
        let served = try Served(
            "{ sip: { listen: ['udp:127.60.1.8:0'] }, media: { address: '192.0.2.1', ports: [20000, 20019] } }",
            in: scratch.path)
        #expect(!served.waitUntilReady())
        #expect(served.wait() == 1)
        let reason = "cannot bind any RTP port from 20000 to 20019 at 192.0.2.1: Cannot assign requested address"
        #expect(served.diagnostics.contains(reason), "\(served.diagnostics)")
        #expect(!FileManager.default.fileExists(atPath: scratch.file("warmline.sock")))
    }

    private func send(_ text: String, to: ListenAddress) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in(to.address, port: UInt16(to.port))
        let bytes = Array(text.utf8)
        #expect(withAddress(&address) { sendto(descriptor, bytes, bytes.count, 0, $0, $1) } == bytes.count)
    }

    private func withAddress<Result>(
        _ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}

extension sockaddr_in {
    fileprivate init(_ address: IPAddress, port: UInt16) {
        self.init()
        sin_family = sa_family_t(AF_INET)
        sin_port = port.bigEndian
        inet_pton(AF_INET, address.text, &sin_addr)
    }
}
