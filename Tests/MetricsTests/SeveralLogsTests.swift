import CallEvents
import EventLog
import Foundation
import LogGenerator
import Testing

@testable import Metrics

/// Several nodes, clocks that are set, files given twice, logs that break off.
@Suite struct SeveralLogsTests {
    private static func log(_ node: String, seed: UInt64, count: Int = 900, agents: String? = nil) -> [LoggedEvent] {
        var settings = LogGenerator.Settings()
        settings.node = node
        settings.seed = seed
        settings.meanBetweenCalls = 8
        settings.agentsPerGroup = 4
        settings.agentPrefix = agents ?? node
        var generator = LogGenerator(settings: settings)
        return generator.wholeCalls(count)
    }

    private static func merged(_ logs: [LoggedEvent]...) -> [LoggedEvent] {
        logs.flatMap { $0 }.sorted { ($0.time.wall, $0.node, $0.seq) < ($1.time.wall, $1.node, $1.seq) }
    }

    /// The total without what reading met.
    private func total(_ report: MetricsReport) -> [String] { Figure.all.map { "\($0.key) \(report.total[$0])" } }

    /// What is read from the nodes' files is what the events merged by time say, by every key.
    @Test func nodesAreMergedByTime() throws {
        let (first, second) = (Self.log("ctl-1", seed: 1, agents: "x"), Self.log("ctl-2", seed: 2, agents: "x"))
        let log = try LogFixture()
        for (number, start) in stride(from: 0, to: first.count, by: 300).enumerated() {
            // In directories of their own, in an order that is not that of time.
            let part = first[start..<min(start + 300, first.count)]
            try log.write(Array(part), name: "\(9 - number)/\(SegmentName(first: part.first?.seq ?? 1))")
        }
        try log.write(second, name: "two/\(SegmentName(first: 1))")
        let paths = try FileManager.default.contentsOfDirectory(atPath: log.directory).map { "\(log.directory)/\($0)" }
        let events = Self.merged(first, second)
        for by in [[], [GroupKey.agent], [.node, .group], [.quarterHour]] {
            let read = try MetricsReport.read(paths: paths, options: MetricsOptions(by: by))
            let counted = try MetricsReport.count(events, options: MetricsOptions(by: by))
            #expect(read.csv() == counted.csv())
            #expect(read.input.nodes == ["ctl-1", "ctl-2"])
            #expect(read.input.missing == 0 && read.input.repeated == 0)
        }
        expect(try MetricsReport.count(events).total, ObviousFigures(events).row { _ in true }, "both")
    }

    /// Anna is logged in on two nodes: at each instant the busiest of her two states counts, once.
    @Test func anAgentOfTwoNodes() throws {
        func state(_ agent: String, _ old: AgentState, _ new: AgentState, _ length: Int) -> CallEvent {
            .agentStateChanged(AgentStateChanged(agent: agent, old: old, new: new, inStateMs: length))
        }
        var first = Story(node: "ctl-1", call: nil)
        first.add(state("anna", .offline, .available, 0))
        first.after(20_000, state("anna", .available, .talking, 20_000))
        first.after(30_000, state("anna", .talking, .available, 30_000))
        first.after(50_000, state("anna", .available, .offline, 50_000))
        var second = Story(node: "ctl-2", call: nil)
        second.boot = 900_000
        second.now = 10_000
        second.add(state("anna", .offline, .available, 0))
        second.after(30_000, state("anna", .available, .talking, 30_000))
        second.after(20_000, state("anna", .talking, .wrapUp, 20_000))
        second.after(10_000, state("anna", .wrapUp, .paused, 10_000))
        second.after(10_000, state("anna", .paused, .offline, 10_000))
        let events = Self.merged(first.events, second.events)
        let total = try MetricsReport.count(events).total
        // Logged in from 0 to 100 s; talking from 20 to 60 s, in wrap-up to 70 s; to pause on one node is no pause.
        #expect(total["agent_time.logged_in_ms"] == .whole(100_000))
        #expect(total["agent_time.talking_ms"] == .whole(40_000))
        #expect(total["agent_time.wrap_up_ms"] == .whole(10_000))
        #expect(total["agent_time.paused_ms"] == .whole(0))
        #expect(total["agent_utilization.percent"] == .real(50))
        #expect(total["agent_occupancy.percent"] == .real(50))
        let nodes = try MetricsReport.count(events, options: MetricsOptions(by: [.node])).rows
        #expect(nodes.map { $0["agent_time.logged_in_ms"] } == [.whole(100_000), .whole(70_000)])
        #expect(nodes.map { $0["agent_time.talking_ms"] } == [.whole(30_000), .whole(20_000)])
        // Cut in half by the period, and by its intervals.
        let cut = try MetricsReport.count(events, options: MetricsOptions(since: Story.beginning + 55_000_000)).total
        #expect(cut["agent_time.talking_ms"] == .whole(5000))
        #expect(cut["agent_time.logged_in_ms"] == .whole(45_000))
    }

    @Test(arguments: 1...4) func agentsOfTwoNodes(seed: UInt64) throws {
        let events = Self.merged(
            Self.log("ctl-1", seed: seed, agents: "x"), Self.log("ctl-2", seed: seed + 10, count: 500, agents: "x"))
        let obvious = ObviousFigures(events)
        expect(try MetricsReport.count(events).total, obvious.row { _ in true }, "seed \(seed)")
        for row in try MetricsReport.count(events, options: MetricsOptions(by: [.agent])).rows {
            let agent = row.key[0]
            let expected = obvious.row(agent: agent, period: agent == nil ? nil : .min..<(.max)) { $0.agent == agent }
            expect(row, expected, "agent \(agent ?? "-")")
        }
        for end in stride(from: 50, to: events.count, by: 900) {
            let part = Array(events[..<end])
            expect(try MetricsReport.count(part).total, ObviousFigures(part).row { _ in true }, "first \(end)")
        }
    }

    /// The wall clock is set in the middle of the log, there and back: within a boot time goes on by the monotonic clock.
    @Test(arguments: [3600, -3600, 86_400, -86_400, 1, -1] as [Int64]) func aClockThatIsSet(seconds: Int64) throws {
        let log = try LogFixture()
        var stepped = Self.log("ctl-1", seed: 3, agents: "x")
        let other = Self.log("ctl-2", seed: 4, agents: "x")
        try log.write(stepped, name: "a/\(SegmentName(first: 1))")
        try log.write(other, name: "b/\(SegmentName(first: 1))")
        let both = try MetricsReport.read(paths: ["\(log.directory)/a", "\(log.directory)/b"])
        let alone = try MetricsReport.count(stepped)
        for index in stepped.count / 3..<stepped.count * 2 / 3 { stepped[index].time.wall += seconds * 1_000_000 }
        try log.write(stepped, name: "c/\(SegmentName(first: 1))")
        #expect(total(try MetricsReport.count(stepped)) == total(alone))
        let read = try MetricsReport.read(paths: ["\(log.directory)/c", "\(log.directory)/b"])
        #expect(total(read) == total(both))
        // The parts add up whatever intervals they fall into.
        let hours = try MetricsReport.count(stepped, options: MetricsOptions(by: [.hour])).rows
        for key in ["received", "hold.total_ms", "wait.total_ms", "agent_time.logged_in_ms", "transfers.started"] {
            #expect(hours.reduce(0) { $0 + ($1[key].real ?? 0) } == alone.total[key].real, "\(key)")
        }
    }

    /// After a boot the monotonic clock begins anew; the next run is taken at its word.
    @Test func aBoot() throws {
        var first = Self.log("ctl-1", seed: 5, count: 400, agents: "x")
        let second = Self.log("ctl-1", seed: 6, count: 400, agents: "x")
        let before = try MetricsReport.count(first).total
        let after = try MetricsReport.count(second).total
        let last = first[first.count - 1]
        for var event in second {
            event.seq += last.seq
            // Two hours later, on a clock that has run for a minute.
            event.time.wall += last.time.wall - second[0].time.wall + 7_200_000_000
            event.time.mono += 60_000_000 - second[0].time.mono
            event.call = event.call.map { "second-\($0)" }
            first.append(event)
        }
        let whole = try MetricsReport.count(first).total
        for key in ["received", "wait.total_ms", "hold.total_ms", "talk_time.total_ms", "agent_time.logged_in_ms"] {
            #expect(whole[key].real == (before[key].real ?? 0) + (after[key].real ?? 0), "\(key)")
        }
    }

    /// Whatever is given twice counts once: whole segments, a part of one, a copy that breaks off in the middle of a line.
    @Test func filesGivenTwice() throws {
        let events = Self.log("ctl-1", seed: 7)
        let once = total(try MetricsReport.count(events))
        let log = try LogFixture()
        for start in stride(from: 0, to: events.count, by: 250) {
            let part = Array(events[start..<min(start + 250, events.count)])
            try log.write(part, name: "a/\(SegmentName(first: part[0].seq))")
            try log.write(part, name: "b/\(SegmentName(first: part[0].seq))")
        }
        let overlapping = Array(events[100..<600])
        let line = LogFixture.line(events[600])
        try log.write(overlapping, name: "c/\(SegmentName(first: overlapping[0].seq))", tail: String(line.prefix(99)))
        let paths = ["b", "c", "a"].map { "\(log.directory)/\($0)" }
        let report = try MetricsReport.read(paths: paths + [paths[0]])
        #expect(total(report) == once)
        #expect(report.input.events == events.count)
        #expect(report.input.repeated == 2 * events.count + overlapping.count)
        #expect(report.input.torn == 1)
        #expect(report.input.missing == 0)
        #expect(report.input.brokenCount == 0)
    }

    /// A log that breaks off at any byte: whole lines count, the rest is said to be torn.
    @Test func aLogThatBreaksOff() throws {
        let events = Array(Self.log("ctl-1", seed: 8, count: 300)[..<300])
        let lines = events.map(LogFixture.line)
        let log = try LogFixture()
        let whole = lines.dropLast(2).joined()
        let tail = Array((lines[298] + lines[299]).utf8)
        let first = lines[298].utf8.count
        for cut in stride(from: 0, through: tail.count, by: 7) {
            let path = try log.write(
                text: whole + String(decoding: tail[..<cut], as: UTF8.self), name: "\(SegmentName(first: 1))")
            let report = try MetricsReport.read(paths: [path])
            // A line that lacks nothing but its newline is whole.
            let count = 298 + (cut >= first - 1 ? 1 : 0) + (cut >= tail.count - 1 ? 1 : 0)
            #expect(report.input.events == count, "\(cut)")
            #expect(total(report) == total(try MetricsReport.count(Array(events[..<count]))))
            let isTorn = cut > 0 && cut < first - 1 || cut > first && cut < tail.count - 1
            #expect(report.input.torn == (isTorn ? 1 : 0), "\(cut)")
            #expect(report.notes.contains("note: 1 torn end of a file passed over") == isTorn)
            #expect(report.json().contains("\"torn\":\(isTorn ? 1 : 0)"))
        }
    }

    /// A part of the log is missing: what is there counts, what is not is said, and nothing adds up to more than it is.
    @Test(arguments: 1...6) func aLogWithAGap(seed: UInt64) throws {
        let events = Self.log("ctl-1", seed: seed)
        let whole = try MetricsReport.count(events).total
        let outcomes = ["answered", "abandoned", "overflowed", "callback", "controller_ended", "lost", "open"]
        let log = try LogFixture()
        for start in stride(from: 1, to: events.count - 200, by: 171) {
            let rest = Array(events[..<start] + events[(start + 150)...])
            let path = try log.write(rest, name: "\(SegmentName(first: 1))")
            let report = try MetricsReport.read(paths: [path])
            #expect(report.input.missing == 150)
            #expect(report.notes.contains("note: 150 events missing from the log"))
            let total = report.total
            #expect(total["received"].real == outcomes.reduce(0.0) { $0 + (total[$1].real ?? 0) })
            for key in ["received", "answered", "abandoned", "wait.total_ms", "talk_time.stays"] {
                #expect((total[key].real ?? 0) <= (whole[key].real ?? 0), "\(key)")
            }
            #expect((total["service_level.percent"].real ?? 0) <= 100)
            #expect((total["agent_utilization.percent"].real ?? 0) <= 100.0001)
        }
    }

    /// Types and fields of later versions are passed over, and the types said.
    @Test func laterVersions() throws {
        let events = Self.log("ctl-1", seed: 9, count: 500)
        var text = ""
        var seq = 0
        for (index, event) in events.enumerated() {
            var event = event
            seq += 1
            event.seq = UInt64(seq)
            let fields = [
                ",\"mood\":\"sunny \\u2600\"}\n", ",\"deep\":{\"a\":[1,{\"b\":null}]},\"z\":-1.5e3}\n", "}\n",
            ]
            text += LogFixture.line(event).dropLast(2) + fields[index % 3]
            guard index % 50 == 0 else { continue }
            seq += 1
            let call = event.call.map { ",\"call\":\"\($0)\"" } ?? ""
            text += "{\"v\":1,\"seq\":\(seq),\"time\":\"\(event.time.wallTime.timestamp)\",\"mono_ms\":"
            text += "\(event.time.monoMilliseconds),\"node\":\"ctl-1\",\"type\":\"call.sung\"\(call),\"key\":\"C\"}\n"
        }
        let log = try LogFixture()
        let report = try MetricsReport.read(paths: [try log.write(text: text, name: "\(SegmentName(first: 1))")])
        #expect(total(report) == total(try MetricsReport.count(events)))
        #expect(report.input.unknownTypes == ["call.sung": (events.count + 49) / 50])
        #expect(report.input.brokenCount == 0)
        #expect(report.notes.contains("note: \((events.count + 49) / 50) events of unknown type call.sung passed over"))
    }

    /// However many names of types a log has, no more than a hundred are kept.
    @Test func unknownTypesWithoutEnd() throws {
        var text = ""
        for seq in 1...350 {
            text += "{\"v\":1,\"seq\":\(seq),\"time\":\"2026-03-02T09:00:00.000000Z\",\"mono_ms\":\(seq),"
            text += "\"node\":\"ctl-1\",\"type\":\"call.sung\(seq <= 300 ? seq : 1)\"}\n"
        }
        let log = try LogFixture()
        let report = try MetricsReport.read(paths: [try log.write(text: text, name: "\(SegmentName(first: 1))")])
        let types = report.input.unknownTypes
        #expect(types.count == 101 && types["call.sung1"] == 51 && types["call.sung100"] == 1)
        #expect(types["other"] == 200)
        #expect(report.notes.contains("note: 200 events of unknown type other passed over"))
    }

    /// One file with two nodes' logs behind each other is counted, and it is said that their times were not merged;
    /// merged ones need no word.
    @Test func severalNodesInOneFile() throws {
        let (first, second) = (Self.log("ctl-1", seed: 11), Self.log("ctl-2", seed: 12))
        let log = try LogFixture()
        func text(_ events: [LoggedEvent]) -> String { events.map(LogFixture.line).joined() }
        let merged = try log.write(text: text(Self.merged(first, second)), name: "merged.jsonl")
        let behind = try log.write(text: text(first + second), name: "behind.jsonl")
        let (one, other) = (try MetricsReport.read(paths: [merged]), try MetricsReport.read(paths: [behind]))
        #expect(one.input.mixed == [] && one.input.events == first.count + second.count)
        #expect(other.input.mixed == [behind] && other.input.events == one.input.events)
        #expect(other.notes.contains { $0.hasPrefix("note: \(behind) holds the logs of several nodes") })
        #expect(other.total["received"] == one.total["received"])
    }
}
