import CallEvents
import Foundation
import Testing
import TransferEngine

@testable import Controller

/// Runs the program that was built beside these tests.
struct Program {
    var status: Int32
    var output: String
    var errors: String

    static func executable() throws -> URL {
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        let folders = [own, Bundle.main.bundleURL].map { $0.deletingLastPathComponent() }
        let candidates = folders.map { $0.appending(path: "warmline") }
        return try #require(
            candidates.first { FileManager.default.isExecutableFile(atPath: $0.path) }, "no warmline in \(folders)")
    }

    init(_ arguments: String..., directory: String? = nil) throws { try self.init(arguments, directory: directory) }

    init(_ arguments: [String], directory: String? = nil) throws {
        let process = Process()
        process.executableURL = try Self.executable()
        process.arguments = arguments
        if let directory { process.currentDirectoryURL = URL(filePath: directory) }
        // Files, not pipes: a child that another test starts at the same time may inherit a pipe's end and keep it open.
        let base = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        defer { for suffix in ["out", "err"] { try? FileManager.default.removeItem(atPath: "\(base).\(suffix)") } }
        for suffix in ["out", "err"] { try Data().write(to: URL(filePath: "\(base).\(suffix)")) }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: "\(base).out"))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: "\(base).err"))
        try process.run()
        process.waitUntilExit()
        output = try String(contentsOfFile: "\(base).out", encoding: .utf8)
        errors = try String(contentsOfFile: "\(base).err", encoding: .utf8)
        status = process.terminationStatus
    }
}

@Suite struct CommandLineTests {
    private let scratch = Scratch()

    @Test func usageErrorsAreStatus2() throws {
        #expect(try Program().status == 2)
        let unknown = try Program("dance")
        #expect(unknown.status == 2)
        #expect(unknown.errors == "warmline: there is no command dance; see warmline --help\n")
        #expect(try Program("hold").errors == "warmline: hold takes CALL; see warmline hold --help\n")
        #expect(try Program("hold", "a", "b").status == 2)
        #expect(
            try Program("calls", "--jsn").errors
                == "warmline: --jsn is not an option of calls; see warmline calls --help\n")
        #expect(try Program("calls", "--socket").errors == "warmline: --socket needs a value: PATH\n")
        #expect(try Program("calls", "--json=1").errors == "warmline: --json takes no value\n")
        #expect(try Program("serve").status == 2)
        #expect(try Program("metrics", "--by", "moon", scratch.path).status == 2)
    }

    @Test(arguments: [
        "serve", "check", "replay", "status", "calls", "show", "hold", "resume", "consult", "complete", "cancel",
        "swap",
        "blind", "hangup", "events", "verify", "timeline", "metrics",
    ])
    func everyCommandHasHelp(command: String) throws {
        let help = try Program(command, "--help")
        #expect(help.status == 0)
        #expect(help.output.hasPrefix("usage: warmline \(command)"))
        #expect(help.errors.isEmpty)
        #expect(
            try Program("--help").output.contains("\n  \(command) ")
                || Program("--help").output.contains("\n  \(command)\n"))
    }

    @Test func checkWarnsOfKeysInClear() throws {
        try "{ media: { srtp: 'optional' } }".write(
            toFile: scratch.file("w.json5"), atomically: false, encoding: .utf8)
        let check = try Program("check", "--config", scratch.file("w.json5"))
        #expect(check.status == 0 && check.output.contains("\"srtp\": \"optional\""))
        #expect(
            check.errors
                == "warmline: warning: media.srtp: the keys travel in SIP messages, and no address of sip.listen is tls: "
                + "who can read these can listen\n")
    }

    @Test func checkNamesEveryMistakeAndExits2() throws {
        try "{ nod: 1,\n media: { srtp: 'maybe' } }".write(
            toFile: scratch.file("w.json5"), atomically: false, encoding: .utf8)
        let check = try Program("check", "--config", scratch.file("w.json5"))
        #expect(check.status == 2)
        #expect(
            check.errors == """
                \(scratch.file("w.json5")):1: nod: unknown key; did you mean node?
                \(scratch.file("w.json5")):2: media.srtp: must be one of off, optional, required, is "maybe"

                """)
        #expect(check.output.isEmpty)
    }

    @Test func checkPrintsTheEffectiveConfiguration() throws {
        try "{ node: 'x' }".write(toFile: scratch.file("w.json5"), atomically: false, encoding: .utf8)
        let check = try Program("check", "--config=\(scratch.file("w.json5"))")
        #expect(check.status == 0)
        var expected = Configuration()
        expected.node = "x"
        #expect(try Configuration.parse(check.output, file: "output") == expected)
    }

    @Test func checkWarnsOfADirectoryThatIsNotThere() throws {
        func errors(_ file: String) throws -> String {
            try "{ metrics: { textfile: '\(file)' } }".write(
                toFile: scratch.file("w.json5"), atomically: false, encoding: .utf8)
            let check = try Program("check", "--quiet", "--config", "w.json5", directory: scratch.path)
            #expect(check.status == 0)
            return check.errors
        }
        #expect(
            try errors(scratch.file("nowhere/warmline.prom"))
                == "warmline: warning: metrics.textfile: there is no directory \(scratch.file("nowhere/")): "
                + "the file cannot be written until there is\n")
        #expect(try errors("nowhere/warmline.prom").contains("there is no directory nowhere/:"))
        #expect(try errors("w.json5/warmline.prom").contains("there is no directory w.json5/:"))
        for file in ["warmline.prom", "/warmline.prom", scratch.file("warmline.prom")] {
            #expect(try errors(file).isEmpty)
        }
    }

    /// What is no log, no key, no format or no period: exit status 2 and one line that says what was wrong.
    @Test func badInputOfTheMetrics() throws {
        for name in ["empty", "photos"] {
            try FileManager.default.createDirectory(atPath: scratch.file(name), withIntermediateDirectories: false)
        }
        try Data([0xFF, 0xD8, 0xFF, 0xE0]).write(to: URL(filePath: scratch.file("photos/a.jpeg")))
        try "Dear diary,\nnothing happened.\n".write(toFile: scratch.file("diary"), atomically: false, encoding: .utf8)
        try Data().write(to: URL(filePath: scratch.file("nothing")))
        for (arguments, part) in [
            ([scratch.file("nowhere")], "nowhere: No such file or directory"),
            ([scratch.file("photos")], "photos holds no log"), ([scratch.file("diary")], "diary is not an event log"),
            ([scratch.file("photos/a.jpeg")], "a.jpeg is not an event log"),
            (["--by", "colour", scratch.file("empty")], "--by: unknown key \"colour\""),
            (["--format", "xml", scratch.file("empty")], "--format: unknown \"xml\""),
            (["--explain", "holding"], "--explain: unknown key \"holding\""),
            (["--since", "2026-03-03", "--until", "2026-03-02", scratch.file("empty")], "--since is after --until"),
            (["--since", "yesterday", scratch.file("empty")], "--since: \"yesterday\" is not a moment"),
            (["--tz", "Mars/Olympus", scratch.file("empty")], "--tz: \"Mars/Olympus\""),
            (["--direction", "upward", scratch.file("empty")], "--direction: unknown \"upward\""),
            (["--follow", scratch.file("empty")], "--follow needs --output FILE"),
        ] {
            let run = try Program(["metrics"] + arguments)
            #expect(run.status == 2, "\(arguments)")
            #expect(run.output.isEmpty)
            #expect(run.errors.contains(part), "\(run.errors)")
            #expect(run.errors.filter { $0 == "\n" }.count == 1, "\(run.errors)")
        }
        // A log that has not begun is no mistake.
        for path in ["empty", "nothing"] {
            for format in ["table", "json", "csv", "prometheus", "html"] {
                let run = try Program("metrics", "--format", format, scratch.file(path))
                #expect(run.status == 0)
                #expect(run.errors.isEmpty)
            }
            let json = JSONValue(parsing: Data(try Program("metrics", "--json", scratch.file(path)).output.utf8))
            #expect(json?["total"]?["received"]?.number == 0)
            #expect(json?["total"]?["hold_time.per_connection_ms"] == .null)
        }
    }

    @Test func aCallThatIsNotInTheLogIsSaid() throws {
        try FileManager.default.createDirectory(atPath: scratch.file("log"), withIntermediateDirectories: false)
        let run = try Program("events", "--call", "nosuch", scratch.file("log"))
        #expect(run.status == 1)
        #expect(run.errors == "warmline: no call nosuch in \(scratch.file("log"))\n")
        #expect(try Program("events", scratch.file("log")).status == 0)
    }

    @Test func whatIsNoTraceIsSaidInWords() throws {
        try "{\"a\":1}\n".write(toFile: scratch.file("trace"), atomically: false, encoding: .utf8)
        let run = try Program("replay", scratch.file("trace"))
        #expect(run.status == 1)
        #expect(!run.errors.contains("DecodingError"))
        try "hello\n".write(toFile: scratch.file("trace"), atomically: false, encoding: .utf8)
        #expect(
            try Program("replay", scratch.file("trace")).errors
                == "warmline: \(scratch.file("trace")):1: is no line of a trace that serve --trace has written\n")
    }

    /// A trace, replayed by two processes, gives the same effects byte for byte.
    @Test func aReplayedTraceIsTheSameInEveryProcess() throws {
        let configuration = try Configuration.parse(Bench.configuration, file: "bench").engine()
        let path = scratch.file("trace")
        let trace = try TraceWriter(path: path, configuration: configuration)
        let clock = ManualClock()
        var engine = TransferEngine(configuration: configuration)
        var effects = 0
        func feed(_ input: Input) {
            trace.write(input, at: clock.now)
            effects += engine.handle(input, at: clock.now).count
            clock.advance(milliseconds: 137)
        }
        for number in 1...3 {
            let caller = LegID(UInt64(2 * number - 1))
            let agent = LegID(UInt64(2 * number))
            feed(
                .invite(
                    Invitation(
                        handle: UInt64(number), call: "n-\(number)", sipCallID: "c\(number)", requestURI: "sip:7000@h",
                        to: "sip:7000@h", from: "sip:55\(number)@h")))
            feed(.legProgress(agent, sipStatus: 180, earlyMedia: false))
            feed(.legAnswered(agent, codec: "PCMA"))
            feed(.legAnswered(caller, codec: "PCMA"))
            feed(.command(RequestID(UInt64(number)), .hold(call: "n-\(number)")))
            feed(.legEnded(caller, LegEnd(how: .bye)))
            feed(.legEnded(agent, LegEnd(how: .local)))
        }
        feed(.terminate)
        trace.close()
        let first = try Program("replay", path)
        let second = try Program("replay", path)
        #expect(first.status == 0, "\(first.errors)")
        #expect(first.output == second.output)
        #expect(first.output.split(separator: "\n").count == effects)
        #expect(first.output.contains("callArrived"))
    }

    @Test func aFileThatIsNoTraceIsRefused() throws {
        try "{}\nx\n".write(toFile: scratch.file("t"), atomically: false, encoding: .utf8)
        let replay = try Program("replay", scratch.file("t"))
        #expect(replay.status == 1)
        #expect(replay.errors.hasPrefix("warmline: \(scratch.file("t")):2: is no line of a trace"))
        #expect(try Program("replay", scratch.file("none")).status == 1)
    }
}

@Suite(.serialized) struct ServiceManagerTests {
    private let scratch = Scratch()

    /// One datagram with the state, to a path or an abstract name.
    @Test(arguments: [false, true])
    func readinessIsTold(abstract: Bool) throws {
        let name = abstract ? "@" + scratch.file("n") : scratch.file("n")
        let address = try #require(UnixAddress(name))
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        #expect(address.with { bind(descriptor, $0, $1) } == 0)
        ServiceManager.notify("READY=1", socket: name)
        var buffer = [UInt8](repeating: 0, count: 100)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        #expect(count == 7)
        #expect(String(decoding: buffer.prefix(7), as: UTF8.self) == "READY=1")
    }
}
