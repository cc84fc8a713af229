import CallEvents
import Foundation
import Metrics
import Testing

@testable import EventLog

@Suite struct SegmentTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private let day: Int64 = 86_400_000
    /// A midnight: 2026-11-22T00:00:00Z
    private let midnight: Int64 = 1_795_305_600_000_000

    private func alive(_ wallMs: Int64, mono: Int64) -> CallRecord {
        CallRecord(
            time: EventTime(wall: midnight + wallMs * 1000, mono: mono * 1000), event: .serviceAlive(ServiceAlive()))
    }

    /// Writes the records and returns the number of events in each segment, openings not counted.
    private func write(_ records: [CallRecord], keepDays: Int? = nil) throws -> [Int] {
        let configuration = LogConfiguration(directory: directory.log, node: "n", boot: "b", keepDays: keepDays)
        let start = try #require(records.first).time
        let writer = try LogWriter(configuration, clock: { start })
        for record in records { writer.append(record) }
        writer.close()
        return try directory.names().map { name in
            try LogReader(path: "\(directory.log)/\(name)").events().count { $0.event == .serviceAlive(ServiceAlive()) }
        }
    }

    @Test func aSegmentEndsAtMidnight() throws {
        let counts = try write([
            alive(-2000, mono: 1000), alive(-1, mono: 2999), alive(0, mono: 3000), alive(5000, mono: 8000),
            // What happened just before midnight may be logged just after it.
            alive(-1, mono: 2999), alive(day - 1, mono: 99_000_000), alive(day, mono: 99_000_001),
        ])
        #expect(counts == [2, 4, 1])
        #expect(
            try directory.names() == [
                "00000000000000000001.jsonl", "00000000000000000004.jsonl", "00000000000000000009.jsonl",
            ])
    }

    @Test func aClockThatStepsChangesNoMonotonicTime() throws {
        // Two hours back, then on; far ahead by mistake, and back again.
        let counts = try write([
            alive(1000, mono: 1000), alive(1000 - 7_200_000, mono: 1010), alive(2000 - 7_200_000, mono: 1020),
            alive(900 * day, mono: 1030), alive(3000, mono: 1040), alive(4000, mono: 1050),
        ])
        #expect(counts == [1, 2, 1, 2])
        let events = try LogReader(path: directory.log).events().filter { $0.event == .serviceAlive(ServiceAlive()) }
        #expect(events.map(\.time.monoMilliseconds) == [1000, 1010, 1020, 1030, 1040, 1050])
    }

    @Test func aSegmentEndsAtItsSize() throws {
        let configuration = LogConfiguration(
            directory: directory.log, node: "ctl-1", boot: "boot-1", segmentBytes: 2500)
        let writer = try LogWriter(configuration, clock: { Story.time(4_999_000) })
        for record in Story.day().records { writer.append(record) }
        writer.close()
        let names = try directory.names()
        #expect(names.count > 4)
        var next: UInt64 = 1
        for name in names {
            let events = try LogReader(path: "\(directory.log)/\(name)").events()
            #expect(SegmentName(fileName: name) == SegmentName(first: next))
            #expect(events.first?.seq == next)
            guard case .logSegment(let opening) = try #require(events.first).event else {
                Issue.record("\(name) does not begin with log.segment")
                continue
            }
            #expect(opening.boot == "boot-1")
            next += UInt64(events.count)
            // Ends with the line that filled it.
            let size = try directory.text(name).utf8.count
            #expect(name == names.last || size >= 2500)
            #expect(size < 2500 + 600)
        }
        #expect(Verifier.breaches(in: try LogReader(path: directory.log).events()) == [])
        // Any later part of the log stands by itself.
        for name in names.dropLast() {
            try FileManager.default.removeItem(atPath: "\(directory.log)/\(name)")
            let breaches = try Verifier.breaches(in: LogReader(path: directory.log).events())
            #expect(breaches == [], "without \(name)")
        }
    }

    @Test func whatIsOlderThanKeepDaysIsDeleted() throws {
        let records = (0..<10).map { alive($0 * day, mono: $0 * 1000) }
        let counts = try write(records, keepDays: 3)
        // The last three days, to the moment, and the day begun.
        #expect(counts.count == 4)
        // At a start too, and never the newest.
        _ = try write([alive(30 * day, mono: 1)], keepDays: 3)
        let events = try LogReader(path: directory.log).events()
        #expect(try directory.names().count == 1)
        #expect(events.last?.time.wall == midnight + 30 * day * 1000)
    }

    @Test func nobodyElseMayReadTheLog() throws {
        _ = try write([alive(0, mono: 1)])
        func mode(_ path: String) throws -> Int? {
            (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
        }
        #expect(try mode(directory.log) == 0o700)
        for name in try directory.names() { #expect(try mode("\(directory.log)/\(name)") == 0o600) }
        #expect(try mode(directory.log + "/.lock") == 0o600)
    }

    @Test(
        arguments: [
            ("00000000000000000001.jsonl", SegmentName(first: 1)),
            ("18446744073709551615.jsonl", SegmentName(first: .max)),
            ("00000000000000000042.3.jsonl", SegmentName(first: 42, copy: 3)),
            ("00000000000000000042.0.jsonl", nil), ("00000000000000000042.03.jsonl", nil), ("42.jsonl", nil),
            ("00000000000000000001.jsonl.torn", nil), ("0000000000000000000a.jsonl", nil), (".lock", nil),
            ("99999999999999999999.jsonl", nil),
        ] as [(String, SegmentName?)])
    func segmentsAreKnownByTheirNames(fileName: String, name: SegmentName?) {
        #expect(SegmentName(fileName: fileName) == name)
        if let name { #expect(name.description == fileName) }
    }
}
