import CallEvents
import EventLog
import Foundation
import LogGenerator
import Testing

@testable import Metrics

/// Lines that do not stand where their writer put them, and numbers that are not what they should be.
@Suite struct OutOfOrderTests {
    private static func events(_ node: String = "ctl-1", seed: UInt64 = 3, count: Int = 2000) -> [LoggedEvent] {
        var settings = LogGenerator.Settings()
        settings.node = node
        settings.seed = seed
        settings.agentPrefix = node
        var generator = LogGenerator(settings: settings)
        return generator.wholeCalls(count)
    }

    private func figures(_ report: MetricsReport) -> [String] { Figure.all.map { "\($0.key) \(report.total[$0])" } }

    private func status(_ path: String) throws -> Int32 {
        let command = try MetricsCommand(paths: [path])
        return output { command.run(out: $0, err: $1) }.status
    }

    @Test(arguments: [2, 5, 1000]) func shuffledLinesArePutInOrder(block: Int) throws {
        let events = Self.events()
        var random = SeededRandom(seed: 4)
        var shuffled: [LoggedEvent] = []
        for start in stride(from: 0, to: events.count, by: block) {
            shuffled += events[start..<min(start + block, events.count)].shuffled(using: &random)
        }
        let (sorted, mixed) = (try LogFixture(), try LogFixture())
        let (good, path) = (try sorted.write(events, name: "log.jsonl"), try mixed.write(shuffled, name: "log.jsonl"))
        let report = try MetricsReport.read(paths: [path])
        #expect(figures(report) == figures(try MetricsReport.read(paths: [good])))
        #expect(report.input.events == events.count)
        #expect(report.input.repeated == 0 && report.input.missing == 0 && report.input.late == 0)
        #expect(try status(path) == 0)
        for format in ["csv", "queue_log"] {
            let rows = try [good, path].map { path in
                let export = try ExportCommand(paths: [path], format: format)
                return output { export.run(out: $0, err: $1) }.out
            }
            #expect(rows[0] == rows[1])
        }
        #expect(output { VerifyCommand(paths: [path]).run(out: $0, err: $1) }.status == 1)
    }

    /// Two nodes' lines in one file: each has its own numbers.
    @Test func severalNodesInOneFile() throws {
        let (first, second) = (Self.events(), Self.events("ctl-2", seed: 5))
        let log = try LogFixture()
        let both = try log.write(first + second, name: "both.jsonl")
        let apart = [try log.write(first, name: "1.jsonl"), try log.write(second, name: "2.jsonl")]
        let (one, two) = (try MetricsReport.read(paths: [both]), try MetricsReport.read(paths: apart))
        #expect(one.input.events == first.count + second.count)
        #expect(one.input.repeated == 0 && one.input.nodes == ["ctl-1", "ctl-2"])
        for key in ["received", "answered", "wait.mean_ms", "hold.count", "transfers.started"] {
            #expect(one.total[key] == two.total[key], "\(key)")
        }
        #expect(try status(both) == 0)
        let command = try ExportCommand(paths: [both])
        #expect(output { command.run(out: $0, err: $1) }.out.count { $0.hasPrefix("ctl-2") } > 100)
        #expect(output { VerifyCommand(paths: [both]).run(out: $0, err: $1) }.status == 0)
    }

    /// One number far ahead takes nothing with it, and is said.
    @Test func aWrongNumber() throws {
        var events = Self.events()
        let whole = try MetricsReport.count(events)
        let odd = events.count / 2
        events[odd].seq = 1 << 40
        let log = try LogFixture()
        let path = try log.write(events, name: "log.jsonl")
        let report = try MetricsReport.read(paths: [path])
        #expect(report.total["received"] == whole.total["received"])
        #expect(report.input.events == events.count)
        #expect(report.input.odd == 1 && report.input.missing == 1 && report.input.repeated == 0)
        #expect(try status(path) == 1)
        let command = try ExportCommand(paths: [path])
        #expect(output { command.run(out: $0, err: $1) }.status == 1)
        let verified = output { VerifyCommand(paths: [path]).run(out: $0, err: $1) }
        #expect(verified.out.filter { $0.contains(": sequence: ") || $0.contains("follows") }.count == 2)
    }

    /// What comes too late to be put in order still counts; what has a number that is taken does not. Both are said.
    @Test func whatCannotBePutInOrderIsSaid() throws {
        let events = Self.events(count: 8000)
        #expect(events.count > 3 * Sequencer<Int>.reach / 2)
        var late = events
        late.append(late.remove(at: 100))
        let log = try LogFixture()
        let path = try log.write(late, name: "late.jsonl")
        let report = try MetricsReport.read(paths: [path])
        #expect(report.input.events == events.count && report.input.late == 1 && report.input.repeated == 0)
        #expect(report.table().contains { $0.contains("out of order") })
        #expect(try status(path) == 1)
        var taken = events
        taken[100].seq = taken[99].seq
        let other = try log.write(taken, name: "taken.jsonl")
        let second = try MetricsReport.read(paths: [other])
        #expect(second.input.dropped == 1 && second.input.repeated == 0 && second.input.missing == 1)
        #expect(try status(other) == 1)
    }

    /// A node whose directory was emptied counts from 1 again.
    @Test func aLogThatBeginsAnew() throws {
        func log(_ seed: UInt64, _ boot: String) -> [LoggedEvent] {
            var story = Story(node: "ctl-1", call: "ctl-1-\(seed)")
            story.now = Int64(seed) * 1_000_000
            story.add(.serviceStarted(ServiceStarted(version: "1", bootID: boot)))
            return story.events
                + Self.events(seed: seed).map { event in
                    var event = event
                    event.seq += 1
                    return event
                }
        }
        let (first, second) = (log(3, "a"), log(6, "b"))
        let fixture = try LogFixture()
        let path = try fixture.write(first + second + second, name: "log.jsonl")
        let report = try MetricsReport.read(paths: [path])
        #expect(report.input.events == first.count + second.count)
        #expect(report.input.repeated == second.count)
    }

    /// Any order and any number of gaps: each number is said to be new once, as a set would.
    @Test func numbersAreSeenOnce() {
        var random = SeededRandom(seed: 9)
        for _ in 0..<20 {
            var seen = SeenNumbers()
            var set: Set<UInt64> = []
            for _ in 0..<3000 {
                let seq = 1 + random.next() % 2000
                let isNew = seen.verdict(seq, mark: 7, opens: false) == .new
                #expect(isNew == set.insert(seq).inserted)
                if isNew { seen.insert(seq, mark: 7, opens: false) }
            }
            let missing = (set.max()! - set.min()! + 1) - UInt64(set.count)
            #expect(seen.gaps.missing == missing)
        }
    }

    /// A log of which most lines are missing takes no more memory than one that is whole, and no longer.
    @Test func manyGaps() {
        var order = Sequencer<UInt64>()
        var taken: [UInt64] = []
        for seq in stride(from: UInt64(5), to: 300_000, by: 3) {
            if order.place(seq, mark: UInt32(seq), opens: false, seq) == .next { taken.append(seq) }
            while let item = order.pop() { taken.append(item) }
        }
        order.flush()
        while let item = order.pop() { taken.append(item) }
        #expect(taken == Array(stride(from: UInt64(5), to: 300_000, by: 3)))
        #expect(order.gaps.missing == UInt64(taken.count - 1) * 2)
    }
}
