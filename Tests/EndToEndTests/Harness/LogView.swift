import CallEvents
import EventLog
import Foundation

/// The event log of a scene, as a test looks at it.
struct LogView {
    /// One event with its own fields as text; what is null is left out.
    struct Record: CustomStringConvertible {
        var seq: UInt64
        var type: String
        var call: String?
        var mono: Int64
        var fields: [String: String]

        subscript(_ key: String) -> String? { fields[key] }

        var description: String {
            let texts = fields.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
            return "\(seq) \(type)\(texts.joined())"
        }

        /// `type key=value key=value…`: the type may end in `*`; a value of `-` stands for null.
        func matches(_ pattern: String) -> Bool {
            let words = pattern.split(separator: " ").map(String.init)
            guard let wanted = words.first else { return false }
            guard wanted.hasSuffix("*") ? type.hasPrefix(wanted.dropLast()) : type == wanted else { return false }
            return words.dropFirst().allSatisfy { word in
                let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
                return parts.count == 2 && fields[parts[0]] == (parts[1] == "-" ? nil : parts[1])
            }
        }
    }

    let directory: URL

    init(_ directory: URL) { self.directory = directory }

    /// Waits for an event that matches (`Record.matches`), which may be there already.
    @discardableResult
    func has(_ pattern: String, within seconds: Double = soon) async throws -> Record {
        try await wait(seconds, for: "the log has \(pattern)") { try records().first { $0.matches(pattern) } }
    }

    /// Waits until the events of the families that are named in the patterns (`hold`, `consult`, …), in the order of the
    /// log, are exactly those of the patterns, one a line.
    func tells(_ story: String, within seconds: Double = soon) async throws {
        let patterns = story.split(separator: "\n").map { String($0.drop { $0 == " " }) }.filter { !$0.isEmpty }
        let families = Set(patterns.map { String($0.prefix { $0 != "." }) })
        func told() throws -> [Record] {
            try records().filter { families.contains(String($0.type.prefix { $0 != "." })) }
        }
        func agree(_ events: [Record]) -> Bool {
            events.count == patterns.count && zip(events, patterns).allSatisfy { $0.matches($1) }
        }
        do {
            try await wait(seconds, for: "") { agree(try told()) }
        } catch is Failure {
            let events = try told()
            var text = "the log does not tell the expected story (left: expected, right: found)\n"
            for index in 0..<max(patterns.count, events.count) {
                let pattern = index < patterns.count ? patterns[index] : "nothing"
                let event = index < events.count ? events[index] : nil
                text +=
                    "\(event?.matches(pattern) == true ? "  " : "! ")\(pattern)  |  \(event?.description ?? "nothing")\n"
            }
            throw Failure(text)
        }
    }
}
