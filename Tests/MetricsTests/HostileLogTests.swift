import Foundation
import CallEvents
import EventLog
import LogGenerator
import Testing

@testable import Metrics

/// Logs that no controller writes: numbers that no call can have, values of another type, names that command a terminal.
@Suite struct HostileLogTests {
    private static let story = Story.attendedTransfer().events.map(LogFixture.line)

    /// What each command makes of a log: exit status and what it said of lines that are no events.
    private static func run(_ path: String) throws -> [(name: String, status: Int32, text: String)] {
        var results: [(name: String, status: Int32, text: String)] = []
        func add(_ name: String, _ result: (status: Int32, out: [String], err: [String])) {
            results.append((name, result.status, (result.out + result.err).joined(separator: "\n")))
        }
        for format in ["table", "html", "prometheus"] {
            let command = try MetricsCommand(paths: [path], format: format)
            add("metrics \(format)", output { command.run(out: $0, err: $1) })
        }
        let by = try MetricsCommand(paths: [path], by: "half-hour,agent", format: "json")
        add("metrics --by", output { by.run(out: $0, err: $1) })
        add("verify", output { VerifyCommand(paths: [path]).run(out: $0, err: $1) })
        for svg in [false, true] {
            let timeline = TimelineCommand(call: "ctl-1-a", paths: [path], svg: svg)
            add(svg ? "timeline svg" : "timeline", output { timeline.run(out: $0, err: $1) })
        }
        for format in ["csv", "queue_log"] {
            let export = try ExportCommand(paths: [path], format: format)
            add("export \(format)", output { export.run(out: $0, err: $1) })
        }
        let staffing = try StaffingCommand(paths: [path])
        add("staffing", output { staffing.run(out: $0, err: $1) })
        return results
    }

    /// The story with one field of one type's line saying something else.
    private static func log(_ type: String, _ key: String, _ value: String) throws -> String {
        var changed = false
        let lines = try story.map { line in
            guard !changed, line.contains("\"type\":\"\(type)\""), let start = line.range(of: "\"\(key)\":") else {
                return line
            }
            changed = true
            let end = try #require(line[start.upperBound...].firstIndex { $0 == "," || $0 == "}" })
            return line.replacingCharacters(in: start.upperBound..<end, with: value)
        }
        #expect(changed)
        return lines.joined()
    }

    @Test(arguments: [
        ("call.answered", "wait_ms", "9223372036854775807"), ("call.answered", "wait_ms", "-9223372036854775807"),
        ("call.arrived", "mono_ms", "4611686018427387904"), ("call.ended", "mono_ms", "9223372036854775807"),
        ("call.ended", "mono_ms", "-1"), ("hold.ended", "hold_ms", "315576000001"),
        ("party.left", "talk_ms", "9007199254740991"), ("call.ended", "transfers", "9223372036854775807"),
        ("call.queued", "service_level_s", "2147483648"), ("call.answered", "ring_ms", "1000000000000000000"),
        ("call.answered", "wait_ms", "\"12\""), ("call.answered", "wait_ms", "null"),
        ("call.answered", "wait_ms", "true"), ("call.answered", "wait_ms", "3.7"),
        ("call.answered", "wait_ms", "1e400"), ("call.answered", "wait_ms", "-1"),
        ("call.answered", "ring_ms", "\"12\""), ("call.answered", "human", "1"),
        ("call.arrived", "seq", "18446744073709551615"),
    ])
    func whatNoCallCanHaveIsNoEvent(type: String, key: String, value: String) throws {
        let log = try LogFixture()
        let path = try log.write(text: Self.log(type, key, value), name: "log.jsonl")
        for result in try Self.run(path) {
            #expect(result.status == 1, "\(result.name)")
            #expect(result.text.contains("\(path):"), "\(result.name): \(result.text)")
            #expect(result.text.contains("not an event: \(key): "), "\(result.name): \(result.text)")
        }
    }

    /// A line that is passed over takes no other with it.
    @Test func theRestIsCounted() throws {
        let log = try LogFixture()
        let path = try log.write(text: Self.log("hold.ended", "hold_ms", "null"), name: "log.jsonl")
        let report = try MetricsReport.read(paths: [path])
        #expect(report.total["answered"] == .whole(1))
        #expect(report.total["hold.count"] == .whole(0))
        #expect(report.input.brokenCount == 1)
    }

    /// Any number in any field: every command comes to its end.
    @Test func noNumberBreaksACommand() throws {
        var random = SeededRandom(seed: 21)
        var settings = LogGenerator.Settings()
        settings.node = "ctl-1"
        var generator = LogGenerator(settings: settings)
        let lines = generator.wholeCalls(12).map(LogFixture.line) + Self.story
        let extremes: [Int64] = [
            0, 1, -1, .max, .min, .max - 1, .min + 1, 1 << 62, 1 << 53, 1 << 32, -(1 << 31), 315_576_000_000,
            315_576_000_001, 3_155_760_000_000, 253_402_300_799_999_999,
        ]
        let log = try LogFixture()
        for round in 0..<12 {
            let text = lines.map { line -> String in
                random.chance(0.3) ? Self.withOtherNumbers(line, extremes, &random) : line
            }.joined()
            let path = try log.write(text: text, name: "\(round).jsonl")
            for result in try Self.run(path) { #expect(result.status <= 2, "\(result.name)") }
        }
    }

    private static func withOtherNumbers(_ line: String, _ extremes: [Int64], _ random: inout SeededRandom) -> String {
        var result = ""
        var rest = line[...]
        while let colon = rest.range(of: "\":") {
            result += rest[..<colon.upperBound]
            rest = rest[colon.upperBound...]
            let number = rest.prefix { $0.isNumber }
            guard !number.isEmpty, random.chance(0.3) else { continue }
            rest = rest.dropFirst(number.count)
            let any = Int64(bitPattern: random.next()) >> Int64(random.next() % 63)
            result += String(random.chance(0.5) ? extremes[Int(random.next() % UInt64(extremes.count))] : any)
        }
        return result + rest
    }

    private static let forTerminals = ["metrics table", "verify", "timeline", "export queue_log", "staffing"]

    /// The caller's phone chose these.
    @Test func namesDoNothingToATerminal() throws {
        var story = Story()
        let evil = "a\u{1B}[31m\nb\u{9B}2Jc\u{7F}\u{202E}"
        story.add(
            .callArrived(
                CallArrived(
                    from: "sip:\(evil)@host", to: "sip:7000@127.0.0.1", line: evil, sipCallID: "A@x", caller: nil,
                    direction: .inbound)))
        story.add(.callQueued(CallQueued(group: evil, position: 1)))
        story.after(10, .callAnswered(CallAnswered(agent: evil, group: evil, line: evil, waitMs: 10, human: true)))
        let joined = PartyJoined(
            party: .agent, agent: evil, group: evil, line: evil, uri: "sip:\(evil)@host", sipCallID: "B@x",
            role: .first)
        story.add(.partyJoined(joined))
        story.after(5, .partyLeft(Story.leaving(joined, stay: 5, talk: 5, hold: 0, consult: 0, by: .caller)))
        story.add(.agentStateChanged(AgentStateChanged(agent: evil, old: .talking, new: .paused, inStateMs: -0)))
        story.add(.other(type: evil))
        let log = try LogFixture()
        let path = try log.write(story.events)
        for result in try Self.run(path) where Self.forTerminals.contains(result.name) {
            let bad = result.text.unicodeScalars.filter {
                ($0.value < 0x20 && $0 != "\n") || (0x7F..<0xA0).contains($0.value) || $0.value == 0x202E
            }
            #expect(bad.isEmpty, "\(result.name): \(result.text.debugDescription)")
        }
        let groups = try MetricsReport.read(paths: [path], options: MetricsOptions(by: [.group])).table()
        #expect(groups.contains { $0.hasPrefix("a\\u001b[31m\\nb\\u009b2Jc\\u007f\\u202e") })
        #expect(groups.contains { $0.contains("unknown type a\\u001b[31m") })
    }

    /// What an editor of another system leaves is harmless.
    @Test func aByteOrderMarkAndBlankLines() throws {
        let log = try LogFixture()
        let text = "\u{FEFF}" + Self.story.joined(separator: "\n \r\n") + "\n\t \n"
        let path = try log.write(text: text, name: "log.jsonl")
        let report = try MetricsReport.read(paths: [path])
        #expect(report.input.events == Self.story.count)
        #expect(report.input.brokenCount == 0 && report.input.torn == 0)
        for result in try Self.run(path) { #expect(result.status == 0, "\(result.name): \(result.text)") }
    }

    @Test func anUnknownVersionIsSaid() throws {
        let log = try LogFixture()
        let path = try log.write(text: Self.story.joined() + "{\"v\":2}\n", name: "log.jsonl")
        let report = try MetricsReport.read(paths: [path])
        #expect(report.input.broken.first?.contains("version 2 of the layout is unknown") == true)
    }

    /// A display name may hold what a URI may not.
    @Test(arguments: [
        (#""Häberle, \" 8" <sip:anonymous@anonymous.invalid>"#, "anonymous"), ("sip:ann@host;user=phone", "ann"),
        (#""a<b" <sips:+371@host>"#, "+371"), ("<sip:host.example>", "host.example"), ("Ann <sip:ann@h>;tag=x", "ann"),
        ("sip:1001@127.0.0.1", "1001"), ("tel:+37120000001", "+37120000001"), ("a < b", "b"),
    ])
    func theNameOfAURI(uri: String, name: String) {
        #expect(Timeline.name(of: uri).trimmingPrefix(" ") == name)
    }

    /// Who names the directory above is told which ones hold logs.
    @Test func aDirectoryOfNodes() throws {
        let log = try LogFixture()
        for node in ["ctl-1", "ctl-2"] {
            try log.write(text: Self.story.joined(), name: "\(node)/\(SegmentName(first: 1))")
        }
        try log.write(text: "", name: "other/notes.txt")
        let command = try MetricsCommand(paths: [log.directory])
        let result = output { command.run(out: $0, err: $1) }
        #expect(result.status == 2)
        #expect(result.err.first?.hasSuffix("; logs are in \(log.directory)/ctl-1 \(log.directory)/ctl-2") == true)
    }
}
