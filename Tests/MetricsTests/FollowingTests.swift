import CallEvents
import EventLog
import Foundation
import LogGenerator
import Testing

@testable import Metrics

/// Figures of logs that are still being written: whatever has been asked in between, they are those of one reading.
@Suite struct FollowingTests {
    private static func log(_ node: String, seed: UInt64, count: Int = 900) -> [LoggedEvent] {
        var settings = LogGenerator.Settings()
        settings.node = node
        settings.seed = seed
        settings.meanBetweenCalls = 8
        var generator = LogGenerator(settings: settings)
        return generator.wholeCalls(count)
    }

    private func append(_ text: String, to path: String) throws {
        if !FileManager.default.fileExists(atPath: path) { try Data().write(to: URL(filePath: path)) }
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    private func fresh(
        _ paths: [String], _ format: MetricsCommand.Format, _ options: MetricsOptions = MetricsOptions()
    ) throws -> [String] {
        let feed = MetricsFeed(paths: paths, options: options, format: format)
        try feed.readOn(isGrowing: false)
        return feed.lines()
    }

    /// The log grows by pieces that end anywhere, over several segments.
    @Test(arguments: MetricsCommand.Format.allCases) func aGrowingLog(format: MetricsCommand.Format) throws {
        let log = try LogFixture()
        let options = MetricsOptions(by: format == .html ? [] : [.agent])
        let feed = MetricsFeed(paths: [log.directory], options: options, format: format)
        try feed.readOn()
        #expect(feed.lines() == (try fresh([log.directory], format, options)))
        let events = Self.log("ctl-1", seed: 3)
        for (number, start) in stride(from: 0, to: events.count, by: 217).enumerated() {
            let part = events[start..<min(start + 217, events.count)]
            let path = "\(log.directory)/\(SegmentName(first: part.first?.seq ?? 0))"
            let bytes = Array(part.map(LogFixture.line).joined().utf8)
            let half = (bytes.count * (number + 1)) / 9
            try append(String(decoding: bytes[..<half], as: UTF8.self), to: path)
            try feed.readOn()
            _ = feed.lines()
            try append(String(decoding: bytes[half...], as: UTF8.self), to: path)
            try feed.readOn()
            #expect(feed.lines() == (try fresh([log.directory], format, options)), "up to \(start)")
        }
        #expect(feed.brokenCount == 0)
    }

    /// A line is counted when its newline has come, not before; the tail of a file that another follows is torn.
    @Test func anUnfinishedLineIsLeftForLater() throws {
        let log = try LogFixture()
        let events = Story.attendedTransfer().events
        let path = try log.write(Array(events[..<3]), tail: "{\"v\":1,\"seq\":4")
        let feed = MetricsFeed(paths: [log.directory], options: MetricsOptions(), format: .json)
        try feed.readOn()
        #expect(feed.lines()[0].contains("\"events\":3"))
        #expect(feed.lines()[0].contains("\"torn\":0"))
        // The writer left the file and went on in another.
        try log.write(Array(events[3...]), name: SegmentName(first: 4).description)
        try feed.readOn()
        #expect(feed.lines()[0].contains("\"events\":\(events.count)"))
        #expect(feed.lines()[0].contains("\"torn\":1"))
        #expect(feed.lines()[0].contains("\"missing\":0"))
        // What is taken away has been read.
        try FileManager.default.removeItem(atPath: path)
        try feed.readOn()
        #expect(feed.lines()[0].contains("\"events\":\(events.count)"))
    }

    /// A file that was taken away may come again under its name.
    @Test func anotherFileOfTheSameName() throws {
        let log = try LogFixture()
        let events = Story.attendedTransfer().events
        let path = try log.write(Array(events[..<5]))
        let feed = MetricsFeed(paths: [log.directory], options: MetricsOptions(), format: .json)
        try feed.readOn()
        try FileManager.default.moveItem(atPath: path, toPath: log.directory + "/.gone")
        try log.write(events)
        try feed.readOn()
        #expect(feed.lines()[0].contains("\"events\":\(events.count)"))
        #expect(feed.lines()[0].contains("\"repeated\":5"))
    }

    @Test func aLineThatIsNoEventIsNamedOnce() throws {
        let log = try LogFixture()
        let events = Story.attendedTransfer().events
        let path = try log.write(Array(events[..<4]), tail: "what is this\n")
        let feed = MetricsFeed(paths: [log.directory], options: MetricsOptions(), format: .table)
        var named: [String] = []
        for _ in 1...3 { try feed.readOn { named.append($0) } }
        try append(events[4...].map(LogFixture.line).joined(), to: path)
        try feed.readOn { named.append($0) }
        #expect(named.count == 1)
        #expect(named.first?.hasPrefix("\(path):5: not an event") == true)
        #expect(feed.lines().contains { $0.hasPrefix("Calls received") && $0.hasSuffix(" 1") })
    }

    /// Two nodes' logs grow at different paces: events wait a while for older ones of the other node.
    @Test func severalNodes() throws {
        let log = try LogFixture()
        let (first, second) = (Self.log("ctl-1", seed: 1), Self.log("ctl-2", seed: 2))
        let (a, b) = ("\(log.directory)/a/\(SegmentName(first: 1))", "\(log.directory)/b/\(SegmentName(first: 1))")
        try log.write(Array(first[..<500]), name: "a/\(SegmentName(first: 1))")
        try log.write(Array(second[..<20]), name: "b/\(SegmentName(first: 1))")
        let paths = ["\(log.directory)/a", "\(log.directory)/b"]
        var run = MetricsRun(paths: paths, options: MetricsOptions())
        try run.readOn(now: first[499].time.wall)
        // Those that are older than a moment do not wait; the others may have older ones before them.
        let youngest = first[499].time.wall - 2_000_000
        let counted = first[..<500].filter { $0.time.wall <= youngest }.count + 20
        #expect(run.report().input.events == counted)
        #expect(counted < 520)
        try append(second[20...].map(LogFixture.line).joined(), to: b)
        try append(first[500...].map(LogFixture.line).joined(), to: a)
        try run.readOn(now: .max)
        #expect(run.report().input.events == first.count + second.count)
        #expect(run.report().input.nodes == ["ctl-1", "ctl-2"])
        // All but what several nodes tell of one agent or caller is the same whichever was read first.
        let (total, whole) = (run.report().total, try MetricsReport.read(paths: paths).total)
        for figure in Figure.all where !figure.key.hasPrefix("agent_") && !figure.key.hasPrefix("first_call_") {
            #expect(total[figure] == whole[figure], "\(figure.key)")
        }
    }

    /// The period's edges: what comes behind `--until` changes nothing but what began before.
    @Test func thePeriodEndsWhileFollowing() throws {
        let log = try LogFixture()
        let events = Self.log("ctl-1", seed: 5)
        let until = events[events.count / 2].time.wall
        let options = MetricsOptions(since: events[0].time.wall + 60_000_000, until: until)
        let feed = MetricsFeed(paths: [log.directory], options: options, format: .json)
        let path = "\(log.directory)/\(SegmentName(first: 1))"
        for start in stride(from: 0, to: events.count, by: 100) {
            try append(events[start..<min(start + 100, events.count)].map(LogFixture.line).joined(), to: path)
            try feed.readOn()
            #expect(feed.lines() == (try fresh([log.directory], .json, options)), "up to \(start)")
        }
    }
}
