import CallEvents
import Foundation
import Glibc
import Metrics
import Testing

@testable import EventLog

@Suite struct FailureTests {
    let directory: TemporaryDirectory
    let files = FaultyFileSystem()
    let ears = WriterEars()

    init() throws { directory = try TemporaryDirectory() }

    private func writer(
        _ durability: Durability = .always, segmentBytes: Int = 1 << 26, maxPending: Int = 1_000_000
    ) throws -> LogWriter {
        var configuration = LogConfiguration(directory: directory.log, node: "ctl-1", boot: "boot-1")
        configuration.durability = durability
        configuration.segmentBytes = segmentBytes
        configuration.maxPending = maxPending
        configuration.retryDelay = 1...5
        return try LogWriter(configuration, callbacks: ears.callbacks, clock: { Story.time(4_999_000) }, files: files)
    }

    /// Every record of the day, in order, each once, by the log's rules; null is well.
    private func whatIsWrong(_ records: [CallRecord] = Story.day().records) throws -> String? {
        let events = try LogReader(path: directory.log).events()
        let breaches = Verifier.breaches(in: events, complete: false)
        if let first = breaches.first { return first.description }
        let said = events.filter { event in
            switch event.event {
            case .logSegment, .callOpen: false
            case .agentStateChanged(let fields): fields.old != fields.new
            default: true
            }
        }
        let expected = records.map { EventTime(wall: $0.time.wall, mono: $0.time.mono / 1000 * 1000) }
        if said.map(\.event) != records.map(\.event) || said.map(\.time) != expected { return "not what was appended" }
        return nil
    }

    @Test(arguments: Durability.allCases)
    func aFailedSyncWritesTheLinesAgainToANewFile(durability: Durability) throws {
        let writer = try writer(durability)
        var ticket: LogWriter.Ticket = 0
        for (index, record) in Story.day().records.enumerated() {
            if index == 10 {
                #expect(ears.waitForDurable(ticket))
                files.failNext(.sync, with: EIO)
            }
            ticket = writer.append(record)
        }
        #expect(ears.waitForDurable(ticket))
        writer.close()
        // 11 lines were safe: the segment's opening and 10 records.
        #expect(try directory.names() == ["00000000000000000001.jsonl", "00000000000000000012.jsonl"])
        #expect(try whatIsWrong() == nil)
        #expect(ears.toldHealth == [])
        #expect(writer.status.failures == 1)
        #expect(ears.leftOver == "")
        // The first line that was not safe stands in both files, with the same seq.
        let repeats = try LogReader(path: directory.log, keepsRepeats: true).events().map(\.seq)
        #expect(repeats.filter { $0 == 12 }.count == 2)
    }

    @Test func aFailureOfAFileWithNothingSafeTakesTheNextNameFree() throws {
        files.failNext(.sync, with: EIO)
        let writer = try writer()
        for record in Story.day().records { writer.append(record) }
        writer.close()
        #expect(try directory.names() == ["00000000000000000001.1.jsonl", "00000000000000000001.jsonl"])
        #expect(try whatIsWrong() == nil)
    }

    @Test(arguments: [1, 2, 7, 64, 100_000])
    func shortWritesAreCompleted(limit: Int) throws {
        files.limitWrites(to: limit)
        let writer = try writer(.batch)
        for record in Story.day().records { writer.append(record) }
        writer.close()
        #expect(try directory.names().count == 1)
        #expect(try whatIsWrong() == nil)
    }

    @Test(arguments: [0, 1, 50, 200, 201, 500, 900])
    func aFullDiskIsWaitedFor(space: Int) throws {
        let writer = try writer()
        let records = Story.day().records
        #expect(ears.waitForDurable(writer.append(records[0])))
        files.leaveSpace(space)
        for record in records[1..<20] { writer.append(record) }
        #expect(ears.waitForHealth([false]))
        let status = writer.status
        #expect(!status.writable)
        #expect(status.error?.hasSuffix(": No space left on device") ?? false)
        for record in records[20...] { writer.append(record) }
        files.leaveSpace(nil)
        #expect(ears.waitForHealth([false, true]))
        writer.close()
        #expect(writer.status.error == nil)
        #expect(try whatIsWrong() == nil)
        // However often it was tried: what was left, and what took its place.
        #expect(try directory.names().count <= 3)
        // Nobody reads half a line that was cut from what was left.
        for name in try directory.names() { #expect(try directory.text(name).hasSuffix("\n")) }
    }

    @Test(arguments: [FaultyFileSystem.Operation.create, .write, .sync])
    func whileTheLogIsDownLinesWaitAndAreCounted(operation: FaultyFileSystem.Operation) throws {
        let writer = try writer(segmentBytes: 2000, maxPending: 40)
        let records = Story.day().records
        var ticket: LogWriter.Ticket = 0
        for record in records[..<5] { ticket = writer.append(record) }
        #expect(ears.waitForDurable(ticket))
        files.fail(operation, with: EIO)
        // Creating is asked for when a segment ends or a file has failed.
        if operation == .create { files.failNext(.write, with: EIO) }
        writer.append(records[5])
        #expect(ears.waitForHealth([false]))
        for record in records[6...] { writer.append(record) }
        #expect(writer.status.dropped == records.count - 5 - 40)
        #expect(writer.status.waiting == 40)
        for _ in 0..<3 {
            writer.append(
                CallRecord(
                    time: Story.time(6_000_000),
                    event: .callRefused(CallRefused(from: "a", to: "b", sipStatus: 503, cause: .rejected))))
        }
        #expect(writer.status.refusedUnlogged == 3)
        files.fail(operation, with: nil)
        #expect(ears.waitForHealth([false, true]))
        writer.close()
        #expect(try whatIsWrong(Array(records[..<45])) == nil)
    }

    @Test func whatIsLeftAtTheEndIsSaid() throws {
        let writer = try writer()
        let records = Story.day().records
        var ticket: LogWriter.Ticket = 0
        for record in records[..<8] { ticket = writer.append(record) }
        #expect(ears.waitForDurable(ticket))
        files.fail(.write, with: ENOSPC)
        for record in records[8...] { writer.append(record) }
        writer.close()
        let left = ears.leftOver.split(separator: "\n")
        #expect(left.count == records.count - 8)
        #expect(try left.map { try parse(String($0)).seq } == Array(10...UInt64(records.count + 1)))
        #expect(try LogReader(path: directory.log).events().count == 9)
    }

    @Test func aFileThatHasLostItsNameIsLeft() throws {
        let writer = try writer()
        let records = Story.day().records
        var ticket: LogWriter.Ticket = 0
        for record in records[..<8] { ticket = writer.append(record) }
        #expect(ears.waitForDurable(ticket))
        let first = "\(directory.log)/00000000000000000001.jsonl"
        try FileManager.default.moveItem(atPath: first, toPath: first + ".moved")
        for record in records[8...] { ticket = writer.append(record) }
        #expect(ears.waitForDurable(ticket))
        writer.close()
        #expect(ears.toldHealth == [])
        try FileManager.default.moveItem(atPath: first + ".moved", toPath: first)
        #expect(try whatIsWrong() == nil)
    }

    @Test func aDirectoryThatIsGoneIsMadeAgain() throws {
        let writer = try writer()
        let records = Story.day().records
        #expect(ears.waitForDurable(writer.append(records[0])))
        try FileManager.default.removeItem(atPath: directory.log)
        #expect(ears.waitForDurable(writer.append(records[1])))
        // And is locked again.
        #expect(throws: LogError.self) { try POSIXFileSystem().lock(directory.log + "/.lock") }
        writer.close()
        #expect(try LogReader(path: directory.log).events().map(\.seq) == [3])
    }

    @Test func afterACrashInMidFailureNoNumberIsUsedTwice() throws {
        // The new segment is written whole, its sync fails, and so does the try to write it again, half-way; then the
        // process dies.
        let writer = try writer(.batch)
        for record in Story.day().records[..<12] { writer.append(record) }
        writer.close()
        let whole = try directory.text("00000000000000000001.jsonl")
        let half = String(whole.prefix(whole.utf8.count / 2))
        try half.write(toFile: "\(directory.log)/00000000000000000001.1.jsonl", atomically: true, encoding: .utf8)
        let recovery = try Recovery(directory: directory.log)
        #expect(recovery.summary.lastSeq == 13)
        let again = try LogWriter(LogConfiguration(directory: directory.log, node: "ctl-1", boot: "boot-2"))
        again.close()
        #expect(try whatIsWrong(Array(Story.day().records[..<12])) == "not what was appended")
        let events = try LogReader(path: directory.log).events()
        #expect(Verifier.breaches(in: events) == [])
        #expect(events.map(\.seq) == Array(1...UInt64(events.count)))
    }
}
