import Foundation
import EventLog
import TransferEngine

extension Configuration {
    /// Reads and checks a file. Everything that is wrong is named at once.
    public static func load(file: String) throws(ConfigurationError) -> Configuration {
        let text: String
        do {
            text = try String(contentsOfFile: file, encoding: .utf8)
        } catch {
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory)
            let reason =
                if isDirectory.boolValue {
                    "is a directory"
                } else if access(file, R_OK) == 0 {
                    "cannot be read as UTF-8 text"
                } else {
                    errno == ENOENT ? "no such file" : String(cString: strerror(errno)).lowercased()
                }
            throw ConfigurationError(mistakes: [ConfigurationMistake(file: file, path: "", reason: reason)])
        }
        return try parse(text, file: file)
    }

    /// Reads and checks a text; `file` is what messages call it.
    public static func parse(_ text: String, file: String) throws(ConfigurationError) -> Configuration {
        let root: ConfigNode
        do {
            root = try JSON5Parser.parse(text)
        } catch {
            let mistake = ConfigurationMistake(file: file, line: error.line, path: "", reason: error.reason)
            throw ConfigurationError(mistakes: [mistake])
        }
        let collector = MistakeCollector(file: file)
        let section = ConfigSection.section(root, at: ConfigPlace(path: "", line: root.line), mistakes: collector)
        var reader = ConfigurationReader(root: section)
        let configuration = reader.read()
        guard collector.mistakes.isEmpty else {
            throw ConfigurationError(mistakes: collector.mistakes.sorted { ($0.line ?? 0) < ($1.line ?? 0) })
        }
        return configuration
    }
}

/// Reads the parts of a configuration in an order in which each can be checked against those before it.
struct ConfigurationReader {
    let root: ConfigSection
    var configuration = Configuration()

    init(root: ConfigSection) { self.root = root }

    mutating func read() -> Configuration {
        readNode()
        readSIP(root.section("sip"))
        readRegistrations()
        readMedia(root.section("media"))
        readAgents(root.section("agents"))
        readGroups(root.section("groups"))
        readLines(root.section("lines"))
        readCallers(root.section("callers"))
        readAgentCodes(root.section("agentCodes"))
        readTransfer(root.section("transfer"))
        readEvents(root.section("events"))
        readControl(root.section("control"))
        readMetrics(root.section("metrics"))
        root.finish()
        return configuration
    }

    /// The node's name begins every call id and is the user part of our own URI.
    private mutating func readNode() {
        configuration.node = root.string("node", default: configuration.node)
        if !isName(configuration.node) {
            root.add("node", "must be 1 to 64 letters, digits, ‘-’, ‘_’ or ‘.’, is \"\(configuration.node)\"")
        }
    }

    private mutating func readEvents(_ section: ConfigSection) {
        let defaults = Configuration.Events()
        configuration.events.directory = section.string("directory", default: defaults.directory)
        if configuration.events.directory.isEmpty { section.add("directory", "must not be empty") }
        configuration.events.durability = section.word("durability", default: defaults.durability)
        configuration.events.segmentBytes = section.int(
            "segmentBytes", in: 65_536...Int(Int32.max), default: defaults.segmentBytes)
        configuration.events.keepDays = section.optionalInt("keepDays", in: 1...36_500)
        configuration.events.maxPending = section.int(
            "maxPending", in: 100...100_000_000, default: defaults.maxPending)
        let numbers = section.string("callerNumbers", default: "plain")
        switch numbers {
        case "plain": break
        case "pseudonym": section.add("callerNumbers", "pseudonyms are not supported by this version")
        default: section.add("callerNumbers", "must be plain or pseudonym, is \"\(numbers)\"")
        }
        configuration.events.notes = section.bool("notes", default: defaults.notes)
        section.finish()
    }

    private mutating func readControl(_ section: ConfigSection) {
        configuration.control.socket = section.string("socket", default: Configuration.Control.defaultSocket)
        // sockaddr_un holds 108 bytes, the last of them 0.
        let length = configuration.control.socket.utf8.count
        if length == 0 { section.add("socket", "must not be empty") }
        if length > 107 { section.add("socket", "is \(length) bytes long; a Unix socket's path has at most 107") }
        section.finish()
    }

    private mutating func readMetrics(_ section: ConfigSection) {
        configuration.metrics.textfile = section.optionalString("textfile")
        if let path = configuration.metrics.textfile, path.isEmpty || path.hasSuffix("/") {
            section.add("textfile", "must be the path of a file, is \"\(path)\"")
        }
        configuration.metrics.interval = section.seconds(
            "interval", in: 1...86_400, default: configuration.metrics.interval)
        section.finish()
    }

    // MARK: - what several parts need

    func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    @discardableResult
    func checkURI(_ text: String, at place: ConfigPlace) -> SIPAddress? {
        do {
            return try SIPAddress(parsing: text)
        } catch {
            root.mistakes.add(place, "\"\(text)\" \(error)")
            return nil
        }
    }

    /// `agent:NAME`, `group:NAME` or a SIP URI. Names are checked against what has been read.
    func destination(_ text: String, at place: ConfigPlace) -> Destination? {
        if let name = text.dropping(prefix: "agent:") {
            if !configuration.agents.contains(where: { $0.name == name }) {
                root.mistakes.add(place, "names the unknown agent \"\(name)\"")
            }
            return .agent(name)
        }
        if let name = text.dropping(prefix: "group:") {
            if !configuration.groups.contains(where: { $0.name == name }) {
                root.mistakes.add(place, "names the unknown group \"\(name)\"")
            }
            return .group(name)
        }
        guard SIPAddress.scheme(of: text) != nil else {
            root.mistakes.add(place, "must be agent:NAME, group:NAME or a SIP URI, is \"\(text)\"")
            return nil
        }
        return checkURI(text, at: place).map { _ in .uri(text) }
    }

    func optionalDestination(_ section: ConfigSection, _ key: String) -> Destination? {
        section.optionalString(key).flatMap { destination($0, at: section.place(of: key)) }
    }
}

extension String {
    /// What follows the prefix; null without it.
    func dropping(prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
