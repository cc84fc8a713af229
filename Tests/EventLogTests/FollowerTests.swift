import CallEvents
import Foundation
import Testing

@testable import EventLog

@Suite struct FollowerTests {
    let directory: TemporaryDirectory

    let ears = WriterEars()

    init() throws { directory = try TemporaryDirectory() }

    private func writer(segmentBytes: Int = 1 << 26) throws -> LogWriter {
        try LogWriter(
            LogConfiguration(
                directory: directory.log, node: "ctl-1", boot: "boot-1", durability: .always, segmentBytes: segmentBytes
            ),
            callbacks: ears.callbacks, clock: { Story.time(4_999_000) })
    }

    /// Reads on until the line with that number has come, or a bound has passed.
    private func collect(upTo seq: UInt64, from follower: LogFollower, into seqs: inout [UInt64]) throws {
        let bound = Date(timeIntervalSinceNow: 10)
        while seqs.last ?? 0 < seq, Date() < bound {
            try follower.poll { seqs.append($0.seq) }
            if seqs.last ?? 0 < seq { _ = follower.wait(milliseconds: 100) }
        }
        #expect(seqs.last == seq)
    }

    @Test func linesComeOnceAndInOrderAcrossSegments() throws {
        let writer = try writer(segmentBytes: 2000)
        let follower = try LogFollower(path: directory.log)
        var seqs: [UInt64] = []
        for record in Story.day().records {
            writer.append(record)
            try follower.poll { seqs.append($0.seq) }
        }
        writer.close()
        try collect(upTo: writer.status.syncedSeq, from: follower, into: &seqs)
        #expect(seqs == Array(1...UInt64(seqs.count)))
        #expect(try directory.names().count > 5)
    }

    @Test func aFollowerFromTheEndSeesOnlyWhatComes() throws {
        let writer = try writer(segmentBytes: 3000)
        let records = Story.day().records
        let all = try LogFollower(path: directory.log)
        var ticket: LogWriter.Ticket = 0
        for record in records.prefix(30) { ticket = writer.append(record) }
        #expect(ears.waitForDurable(ticket))
        var before: [UInt64] = []
        try all.poll { before.append($0.seq) }
        #expect(before == Array(1...writer.status.syncedSeq))
        let follower = try LogFollower(path: directory.log, from: .end)
        var seqs: [UInt64] = []
        try follower.poll { seqs.append($0.seq) }
        #expect(seqs.isEmpty)
        for record in records.dropFirst(30) { writer.append(record) }
        writer.close()
        try collect(upTo: writer.status.syncedSeq, from: follower, into: &seqs)
        try collect(upTo: writer.status.syncedSeq, from: all, into: &before)
        #expect(seqs.count >= records.count - 30)
        #expect(before == Array(1...writer.status.syncedSeq))
        #expect(Array(before.suffix(seqs.count)) == seqs)
    }

    @Test func aFollowerBeginsBehindANumber() throws {
        let writer = try writer(segmentBytes: 2000)
        for record in Story.day().records { writer.append(record) }
        writer.close()
        let whole = try LogReader(path: directory.log).events().map(\.seq)
        for seq in [0, 1, 7, 20, 33] as [UInt64] {
            let follower = try LogFollower(path: directory.log, from: .after(seq: seq))
            var seqs: [UInt64] = []
            try follower.poll { seqs.append($0.seq) }
            #expect(seqs == whole.filter { $0 > seq })
        }
    }

    @Test func halfALineIsNotTaken() throws {
        let path = directory.path + "/one.jsonl"
        let line = LineEncoder.line(
            LoggedEvent(seq: 1, node: "n", time: Story.time(1), call: nil, event: .serviceAlive(ServiceAlive())))
        let half = line.utf8.count / 2
        try Data(line.utf8.prefix(half)).write(to: URL(fileURLWithPath: path))
        let follower = try LogFollower(path: path)
        var seqs: [UInt64] = []
        try follower.poll { seqs.append($0.seq) }
        #expect(seqs.isEmpty)
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(line.utf8.dropFirst(half)))
        try follower.poll { seqs.append($0.seq) }
        #expect(seqs.isEmpty)
        try handle.write(contentsOf: Data("\n".utf8))
        try handle.close()
        try follower.poll { seqs.append($0.seq) }
        #expect(seqs == [1])
    }

    @Test func aLineThatIsNoEventIsNamedByFileAndNumber() throws {
        let path = directory.path + "/one.jsonl"
        let line = LineEncoder.line(
            LoggedEvent(seq: 1, node: "n", time: Story.time(1), call: nil, event: .serviceAlive(ServiceAlive())))
        try Data("\(line)\nnonsense\n".utf8).write(to: URL(fileURLWithPath: path))
        let follower = try LogFollower(path: path)
        #expect {
            try follower.poll { _ in }
        } throws: { error in
            "\(error)" == "\(path):2: expected a JSON object (at byte 0)"
        }
    }

    @Test func stopEndsARun() throws {
        let writer = try writer()
        defer { writer.close() }
        let follower = try LogFollower(path: directory.log)
        let seen = DispatchSemaphore(value: 0)
        let ended = DispatchSemaphore(value: 0)
        let thread = Thread {
            try? follower.run { _ in seen.signal() }
            ended.signal()
        }
        thread.start()
        writer.append(CallRecord(time: Story.time(5_000_000), event: .serviceAlive(ServiceAlive())))
        #expect(seen.wait(timeout: .now() + 10) == .success)
        #expect(seen.wait(timeout: .now() + 10) == .success)
        follower.stop()
        #expect(ended.wait(timeout: .now() + 10) == .success)
    }
}
