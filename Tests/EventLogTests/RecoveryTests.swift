import CallEvents
import Foundation
import Metrics
import Testing

@testable import EventLog

@Suite struct RecoveryTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory(inMemory: true) }

    private func configuration(segmentBytes: Int = 1 << 26) -> LogConfiguration {
        LogConfiguration(directory: directory.log, node: "ctl-1", boot: "boot-2", segmentBytes: segmentBytes)
    }

    /// Writes as the run of another boot and dies: nothing is closed.
    private func write(_ records: [CallRecord], segmentBytes: Int = 1 << 26) throws {
        var configuration = configuration(segmentBytes: segmentBytes)
        configuration.boot = "boot-1"
        let writer = try LogWriter(configuration, clock: { Story.time(4_999_000) })
        for record in records { writer.append(record) }
        writer.close()
    }

    /// What a restart makes of the log, in another boot whose clock began anew.
    private func restart() throws -> (LogRecovery, [LoggedEvent]) {
        let writer = try LogWriter(
            configuration(), clock: { EventTime(wall: Story.wall + 9_000_000_000, mono: 12_000_000) })
        writer.append(
            CallRecord(
                time: EventTime(wall: Story.wall + 9_100_000_000, mono: 13_000_000),
                event: .serviceStarted(ServiceStarted(version: "1", bootID: "boot-2"))))
        writer.close()
        return (writer.recovery, try LogReader(path: directory.log).events())
    }

    @Test func theStoryKeepsTheRules() throws {
        try write(Story.day().records)
        let events = try LogReader(path: directory.log).events()
        #expect(Verifier.breaches(in: events) == [])
    }

    @Test func everyPrefixIsClosedByTheRules() throws {
        let records = Story.day().records
        var state = LogState()
        var written = state.opening(at: Story.time(4_999_000), boot: "boot-1")
        for record in records {
            state.apply(record)
            written.append(record)
            let end = try #require(state.last)
            let closings = state.closings(at: end)
            let breaches = Verifier.breaches(in: written + closings, node: "ctl-1")
            #expect(breaches == [], "closed after \(record.event.type) of \(record.call ?? "-")")
            #expect(closings.allSatisfy { $0.time == end })
            var closed = state
            for closing in closings { closed.apply(closing) }
            #expect(!closed.hasOpen)
        }
        #expect(state.openCalls == 0)
    }

    @Test func everyPrefixOpensASegmentByTheRules() throws {
        let records = Story.day().records
        for cut in records.indices {
            var state = LogState()
            var written = state.opening(at: Story.time(4_999_000), boot: "boot-1")
            for record in records[...cut] {
                state.apply(record)
                written.append(record)
            }
            written += state.opening(at: records[cut].time, boot: "boot-1") + records[(cut + 1)...]
            #expect(Verifier.breaches(in: written, node: "ctl-1") == [], "opened after \(records[cut].event.type)")
        }
    }

    @Test func aTornTailAtEveryByteIsPutInOrder() throws {
        let records = Array(Story.day().records.prefix(8))
        try write(records)
        let name = try #require(try directory.names().first)
        let whole = Array(try directory.text(name).utf8)
        let path = "\(directory.log)/\(name)"
        for size in 0...whole.count {
            try Data(whole[..<size]).write(to: URL(fileURLWithPath: path))
            let recovery = try Recovery(directory: directory.log)
            let lines = whole[..<size].count { $0 == UInt8(ascii: "\n") }
            #expect(recovery.summary.lastSeq == UInt64(lines))
            let wholeBytes = (whole[..<size].lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
            #expect(recovery.summary.tornBytes == size - wholeBytes)
            let torn = try? Data(contentsOf: URL(fileURLWithPath: path + ".torn"))
            #expect(Array(torn ?? Data()) == Array(whole[wholeBytes..<size]))
            // A file without a whole line is gone, its name free.
            #expect(try directory.names().contains(name) == (lines > 0))
            if lines > 0 {
                #expect(try directory.text(name).utf8.elementsEqual(whole[..<wholeBytes]))
            }
            try? FileManager.default.removeItem(atPath: path + ".torn")
        }
    }

    @Test func afterEveryLineARestartGoesOnWithAWholeLog() throws {
        let records = Story.day().records
        try write(records)
        let name = try #require(try directory.names().first)
        let text = try directory.text(name)
        let lines = text.split(separator: "\n")
        for count in stride(from: 1, through: lines.count, by: 3) {
            let kept = lines[..<count].joined(separator: "\n") + "\n{\"v\":1,\"se"
            for name in try directory.names() { try FileManager.default.removeItem(atPath: "\(directory.log)/\(name)") }
            try kept.write(toFile: "\(directory.log)/\(name)", atomically: true, encoding: .utf8)
            let (recovery, events) = try restart()
            #expect(recovery.tornBytes == 10)
            #expect(recovery.wasInterrupted)
            #expect(Verifier.breaches(in: events) == [], "restarted after line \(count)")
            let recovered = events.compactMap { event in
                if case .serviceRecovered(let fields) = event.event { fields } else { nil }
            }
            #expect(recovered == [ServiceRecovered(tornBytes: 10, lostCalls: recovery.lostCalls)])
            #expect(events.last?.event.type == "service.started")
        }
    }

    @Test func openCallsAreClosedAsLostAtTheLastEventsTime() throws {
        // Up to the second consult's answer.
        let day = Story.day().records
        let answered = try #require(day.firstIndex { $0.event.type == "consult.answered" })
        try write(Array(day[...answered]))
        let (recovery, events) = try restart()
        #expect(recovery.lostCalls == 1)
        let closings = events.filter {
            $0.seq > recovery.lastSeq && $0.call == "ctl-1-a" && $0.event.type != "call.open"
        }
        #expect(
            closings.map(\.event.type)
                == ["consult.ended", "hold.ended", "party.left", "transfer.failed", "call.ended"])
        #expect(closings.allSatisfy { $0.time.wall == day[answered].time.wall })
        guard case .holdEnded(let hold) = try #require(closings.dropFirst().first).event,
            case .callEnded(let end) = try #require(closings.last).event
        else {
            Issue.record("no closing of the hold or of the call")
            return
        }
        #expect(hold.outcome == .lost)
        #expect(hold.holdMs == 250 + 700 + 900)
        #expect(end.endedBy == .controller)
        #expect(end.cause == .lost)
        #expect(end.waitMs == 2140)
        #expect(end.talkMs == 300)
        #expect(end.transfers == 1)
        #expect(end.caller == "+31612345678")
        // The new run's segment says that nothing is open.
        let opening = events.last { $0.event.type == "log.segment" }?.event
        #expect(opening == .logSegment(LogSegment(boot: "boot-2", openCalls: 0, agents: 0)))
    }

    @Test func callsAreClosedWholeWhenTheirBeginningIsSeveralSegmentsBack() throws {
        let day = Story.day().records
        let held = try #require(day.lastIndex { $0.event.type == "hold.started" && $0.call == "ctl-1-a" })
        try write(Array(day[...held]), segmentBytes: 1500)
        #expect(try directory.names().count > 3)
        let (recovery, events) = try restart()
        #expect(recovery.lostCalls == 1)
        #expect(Verifier.breaches(in: events) == [])
        let left = events.filter { $0.event.type == "party.left" && $0.seq > recovery.lastSeq }
        #expect(left.count == 1)
    }

    @Test func callsWhoseBeginningHasBeenDeletedAreClosedAsFarAsTheyAreKnown() throws {
        let day = Story.day().records
        let held = try #require(day.lastIndex { $0.event.type == "hold.started" && $0.call == "ctl-1-a" })
        try write(Array(day[...held]), segmentBytes: 1500)
        for name in try directory.names().dropLast() {
            try FileManager.default.removeItem(atPath: "\(directory.log)/\(name)")
        }
        let (recovery, events) = try restart()
        #expect(recovery.lostCalls == 1)
        #expect(events.contains { $0.event.type == "call.ended" && $0.call == "ctl-1-a" })
        #expect(Verifier.breaches(in: events) == [])
    }

    @Test func aRunThatStoppedLeavesNothingToRecover() throws {
        try write(Story.day().records)
        let (recovery, events) = try restart()
        #expect(!recovery.wasInterrupted)
        #expect(!events.contains { $0.event.type == "service.recovered" })
        #expect(Verifier.breaches(in: events) == [])
        // Agents that were left logged in are not any more.
        let states = events.filter { $0.seq > recovery.lastSeq }.compactMap { event in
            if case .agentStateChanged(let fields) = event.event, fields.new == .offline { fields.reason } else { nil }
        }
        #expect(states == ["stopped", "stopped"])
    }

    @Test func twoTornTailsOfOneFileStandOneBehindTheOther() throws {
        try write(Story.day().records)
        let name = try #require(try directory.names().first)
        let path = "\(directory.log)/\(name)"
        for torn in ["{\"first", "{\"second"] {
            let handle = try #require(FileHandle(forWritingAtPath: path))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data(torn.utf8))
            try handle.close()
            _ = try Recovery(directory: directory.log)
        }
        #expect(try directory.text(name + ".torn") == "{\"first{\"second")
    }

    @Test func aLineThatSkipsANumberBeginsTheTornTail() throws {
        try write(Story.day().records)
        let name = try #require(try directory.names().first)
        var lines = try directory.text(name).split(separator: "\n", omittingEmptySubsequences: false)
        lines.remove(at: 9)
        try lines.joined(separator: "\n").write(toFile: "\(directory.log)/\(name)", atomically: true, encoding: .utf8)
        let (recovery, events) = try restart()
        #expect(recovery.lastSeq == 9)
        #expect(Verifier.breaches(in: events) == [])
        #expect(try directory.text(name + ".torn").utf8.count == recovery.tornBytes)
    }

    /// Segments that do not say what was open, as of a log from elsewhere: a start reads back a day, not all of it.
    @Test func segmentsWithoutTheirOpening() throws {
        let records = Story.day().records
        let answered = try #require(records.firstIndex { $0.event.type == "call.answered" })
        // Were it read, it would fail.
        try FileManager.default.createDirectory(
            atPath: "\(directory.log)/\(SegmentName(first: 1))", withIntermediateDirectories: true)
        var seq: UInt64 = 2
        for hours in [-60, -30, -20, 0] as [Int64] {
            var text = ""
            let first = seq
            for record in hours == 0 ? Array(records[...answered]) : [] {
                text += LineEncoder.line(
                    LoggedEvent(seq: seq, node: "ctl-1", time: record.time, call: record.call, event: record.event))
                text += "\n"
                seq += 1
            }
            if hours != 0 {
                let time = EventTime(wall: Story.wall + hours * 3_600_000_000, mono: 1_000)
                text = LineEncoder.line(
                    LoggedEvent(seq: seq, node: "ctl-1", time: time, call: nil, event: .serviceAlive(ServiceAlive())))
                text += "\n"
                seq += 1
            }
            try text.write(
                toFile: "\(directory.log)/\(SegmentName(first: first))", atomically: true, encoding: .utf8)
        }
        let recovery = try Recovery(directory: directory.log)
        #expect(recovery.summary.lastSeq == seq - 1)
        #expect(recovery.summary.lostCalls == 1)
    }
}
