import Foundation
import Testing

/// One test's world: a controller and its phones on an address of their own.
///
/// Nobody else uses the address, so ports never clash and tests run side by side. At the end everything is ended, the
/// log is held against its rules, and where the test failed it says what each process said last.
final class Scene {
    let address: String
    let directory: URL
    private(set) var warmline: Child
    private(set) var phones: [TestPhone] = []
    /// Phones of other makes: ended with the scene, and quoted where it fails.
    var others: [Child] = []
    let log: LogView

    /// Ports of the usual phones on the scene's address.
    enum Port {
        static let warmline = 5070
        static let anna = 5081, boris = 5082, clara = 5083
        static let caller = 5090
    }

    var configurationFile: URL { directory.appending(path: "warmline.json5") }
    /// Another address of this machine, which the scene's own network does not contain.
    var outside: String {
        let parts = address.split(separator: ".").map(String.init)
        return "127.\(Int(parts[1])! - 100).\(parts[2]).\(parts[3])"
    }
    var line: String {
        PBX.current == nil ? "sip:7000@\(address):\(Port.warmline)" : "sip:7000@\(PBX.address):\(PBX.port)"
    }

    /// Runs one test. `changes` go over the usual configuration; in them `{address}` becomes the scene's address and
    /// `{directory}` its directory, in which `prepare` can put files before the controller starts.
    static func run(
        _ changes: [String: Any] = [:], serve: [String] = [], verifies: Bool = true,
        prepare: (_ address: String, _ directory: URL) async throws -> Void = { _, _ in },
        _ body: (Scene) async throws -> Void
    ) async throws {
        await Turnstile.shared.enter()
        let outcome: Result<Void, any Error>
        do {
            let address = Addresses.next()
            let directory = FileManager.default.temporaryDirectory.appending(path: "warmline-\(getpid())-\(address)")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            try await prepare(address, directory)
            let scene = try Scene(changes, serve: serve, address: address, directory: directory)
            do {
                try await scene.ready()
                try await body(scene)
                try await scene.finish(verifies: verifies)
                scene.endAll()
                try scene.keep()
                outcome = .success(())
            } catch {
                // Before the processes are ended, so that it shows what they said by themselves.
                let story = scene.story
                scene.endAll()
                outcome = .failure(Failure("\(error)\n\(story)"))
            }
        } catch {
            outcome = .failure(error)
        }
        await Turnstile.shared.leave()
        try outcome.get()
    }

    private init(_ changes: [String: Any], serve: [String], address: String, directory: URL) throws {
        self.address = address
        self.directory = directory
        log = LogView(directory.appending(path: "events"))
        let file = directory.appending(path: "warmline.json5")
        var usual = Configuration.usual(address, directory)
        if Rtpengine.isWanted {
            others.append(try Rtpengine.start(at: address, interface: changes["media.address"] as? String))
            usual = Configuration.merged(usual, Rtpengine.configuration(at: address), [:])
        }
        let configuration = Configuration.merged(
            PBX.current?.configuration(usual) ?? usual, changes,
            ["{address}": address, "{directory}": directory.path(percentEncoded: false)])
        try JSONSerialization.data(withJSONObject: configuration, options: [.prettyPrinted, .sortedKeys]).write(
            to: file)
        warmline = try Child(
            "warmline", Executables.warmline, ["serve", "--config", file.path(percentEncoded: false)] + serve)
    }

    /// Waits until the controller takes calls.
    private func ready() async throws {
        try await wait(10, for: "warmline says that it is ready") {
            guard warmline.exitStatus == nil else { throw Failure("warmline ended: \(warmline.errors)") }
            return warmline.lines.contains { !$0.error && $0.text == "ready" }
        }
        try await PBX.current?.noticesController()
    }

    /// The line's address at the controller itself, whatever stands before it.
    var ownLine: String {
        PBX.current == nil ? line : "sip:7000@\(PBX.address):\(Port.warmline)"
    }

    /// The controller's own address.
    var controller: String { PBX.current == nil ? address : PBX.address }

    // MARK: - who takes part

    func phone(
        _ name: String, user: String, port: Int, tone: Int, _ options: [String] = [], at address: String? = nil,
        transport: String = "udp"
    ) async throws -> TestPhone {
        let account = PBX.current.flatMap { $0.knows(user) ? $0.registration(user) : nil }
        let phone = try TestPhone(
            name, user: user, tone: tone, address: address ?? self.address, port: port, transport: transport,
            (account ?? []) + options)
        phones.append(phone)
        try await phone.says("ready", within: 10)
        if account != nil { try await phone.says("registered") }
        return phone
    }

    func caller(_ options: String...) async throws -> TestPhone {
        try await phone("caller", user: "3100", port: Port.caller, tone: 1120, options)
    }

    /// Answers at once, unless told otherwise.
    func anna(_ options: String...) async throws -> TestPhone {
        let options = options.isEmpty ? ["--answer-after", "0"] : options
        return try await phone("anna", user: "1001", port: Port.anna, tone: 1300, options)
    }

    func boris(_ options: String...) async throws -> TestPhone {
        try await phone("boris", user: "1002", port: Port.boris, tone: 1600, options)
    }

    func clara(_ options: String...) async throws -> TestPhone {
        try await phone("clara", user: "1003", port: Port.clara, tone: 2000, options)
    }

    /// Caller and anna, talking.
    func conversation(caller: [String] = [], anna: [String] = []) async throws -> (caller: TestPhone, anna: TestPhone) {
        let agent = try await phone(
            "anna", user: "1001", port: Port.anna, tone: 1300, ["--answer-after", "0"] + anna)
        let customer = try await phone("caller", user: "3100", port: Port.caller, tone: 1120, caller)
        customer.send("call \(line)")
        try await customer.hears(agent)
        try await agent.hears(customer)
        return (customer, agent)
    }

    // MARK: - the controller

    /// Runs a command of `warmline` to its end.
    @discardableResult
    func command(_ arguments: String..., status: Int32 = 0) async throws -> (output: String, errors: String) {
        var words = arguments
        words.insert(contentsOf: ["--config", configurationFile.path(percentEncoded: false)], at: 1)
        return try await Scene.warmline(words, status: status)
    }

    /// Runs `warmline` with exactly these words.
    @discardableResult
    static func warmline(_ words: [String], status: Int32 = 0) async throws -> (output: String, errors: String) {
        let child = try Child("warmline \(words.first ?? "")", Executables.warmline, words)
        try await wait(10, for: "the end of warmline \(words.joined(separator: " "))") { child.isDone }
        guard child.exitStatus == status else {
            throw Failure(
                "warmline \(words.joined(separator: " ")): exit status \(child.exitStatus ?? -1), not \(status)\n"
                    + child.output + child.errors)
        }
        return (child.output, child.errors)
    }

    /// What `warmline status --json` says, without blanks and line ends.
    func status(of name: String = "warmline") async throws -> String {
        let file = directory.appending(path: "\(name).json5").path(percentEncoded: false)
        return try await Scene.warmline(["status", "--json", "--config", file]).output.filter { !$0.isWhitespace }
    }

    /// Waits until `warmline status --json` says that.
    func status(of name: String = "warmline", says text: String, within seconds: Double = soon) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let status = try await status(of: name)
            if status.contains(text) { return }
            guard ContinuousClock.now < deadline else { throw Failure("status does not say \(text), but \(status)") }
        }
    }

    /// Starts another controller, which calls itself that and keeps its log in a directory of that name.
    func other(_ name: String, _ configuration: [String: Any]) throws -> Child {
        let file = directory.appending(path: "\(name).json5")
        func path(_ name: String) -> String { directory.appending(path: name).path(percentEncoded: false) }
        let own: [String: Any] = [
            "node": name, "events": ["directory": path(name)], "control": ["socket": path("\(name).sock")],
        ]
        try JSONSerialization.data(withJSONObject: own.merging(configuration) { $1 }).write(to: file)
        let child = try Child(name, Executables.warmline, ["serve", "--config", file.path(percentEncoded: false)])
        others.append(child)
        return child
    }

    /// Starts the controller again, after its end, on the same log.
    func restart() async throws {
        warmline = try Child(
            "warmline", Executables.warmline, ["serve", "--config", configurationFile.path(percentEncoded: false)])
        try await ready()
    }

    /// No call is left, the controller ends when it is told to, and its log keeps the rules.
    private func finish(verifies: Bool) async throws {
        for phone in phones { phone.send("quit") }
        if warmline.exitStatus == nil {
            warmline.signal(SIGTERM)
            // Two signals at once are one.
            try await wait(for: "what warmline says to SIGTERM") {
                warmline.isDone || warmline.lines.contains { $0.text.contains("stopping") }
            }
            warmline.signal(SIGTERM)
            try await wait(for: "warmline's end after two SIGTERMs") { warmline.isDone }
            guard warmline.exitStatus == 0 else {
                throw Failure("warmline ended with status \(warmline.exitStatus ?? -1)")
            }
        }
        if verifies { try await Scene.warmline(["verify", log.directory.path(percentEncoded: false)]) }
    }

    /// Leaves the log to whoever asked for it by WARMLINE_KEEP, a directory, and nothing else behind.
    private func keep() throws {
        if let place = ProcessInfo.processInfo.environment["WARMLINE_KEEP"] {
            let kept = URL(filePath: place).appending(path: UUID().uuidString)
            try FileManager.default.createDirectory(at: kept, withIntermediateDirectories: true)
            try FileManager.default.moveItem(at: log.directory, to: kept.appending(path: "events"))
        }
        try? FileManager.default.removeItem(at: directory)
    }

    private func endAll() {
        warmline.kill()
        phones.forEach { $0.child.kill() }
        others.forEach { $0.kill() }
    }

    /// What everybody said last.
    private var story: String {
        var text = "— in \(directory.path(percentEncoded: false)):\n"
        for child in phones.map(\.child) + others + [warmline] {
            text += "— \(child.name)\(child.exitStatus.map { " (ended: \($0))" } ?? ""):\n"
            for line in child.lines.suffix(25) { text += "    \(line.text)\n" }
        }
        text += "— log:\n"
        for record in (try? log.records()) ?? [] { text += "    \(record)\n" }
        return text
    }
}

/// An address of 127.0.0.0/8 for each scene; the process's number keeps two test runs apart.
private enum Addresses {
    private static let lock = NSLock()
    nonisolated(unsafe) private static var count = 0

    static func next() -> String {
        let number = lock.withLock {
            count += 1
            return count
        }
        return "127.\(100 + Int(getpid()) / 250 % 100).\(1 + Int(getpid()) % 250).\(number)"
    }
}
