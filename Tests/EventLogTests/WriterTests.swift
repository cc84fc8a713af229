import CallEvents
import Foundation
import Testing

@testable import EventLog

@Suite struct WriterTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    func record(_ milliseconds: Int64, _ event: CallEvent, call: String? = nil) -> CallRecord {
        CallRecord(
            time: EventTime(wall: 1_795_302_460_000_000 + milliseconds * 1000, mono: milliseconds * 1000), call: call,
            event: event)
    }

    @Test(arguments: Durability.allCases)
    func whatIsAppendedIsReadBack(durability: Durability) throws {
        let configuration = LogConfiguration(
            directory: directory.log, node: "ctl-1", boot: "b1", durability: durability)
        let writer = try LogWriter(configuration, clock: { record(0, .serviceAlive(ServiceAlive())).time })
        writer.append(record(1, .serviceStarted(ServiceStarted(version: "1", bootID: "b1"))))
        writer.append(record(2, .callArrived(CallArrived(from: "sip:a@x", line: "7000")), call: "ctl-1-1"))
        writer.append(record(5, .serviceStopping(ServiceStopping(reason: "SIGTERM"))))
        writer.close()
        let events = try LogReader(path: directory.log).events()
        #expect(events.map(\.event.type) == ["log.segment", "service.started", "call.arrived", "service.stopping"])
        #expect(events.map(\.seq) == [1, 2, 3, 4])
        #expect(events[2].call == "ctl-1-1")
        #expect(try directory.names() == ["00000000000000000001.jsonl"])
    }

    @Test func aSecondWriterIsRefused() throws {
        let configuration = LogConfiguration(directory: directory.log, node: "ctl-1")
        let writer = try LogWriter(configuration)
        defer { writer.close() }
        #expect {
            try LogWriter(configuration)
        } throws: { error in
            "\(error)".hasSuffix("/.lock: another controller writes this log")
        }
    }

    @Test func recordsOfOneThreadKeepTheirOrderAndNoneIsLost() throws {
        let threads = 4
        let each = 500
        let ears = WriterEars()
        let writer = try LogWriter(
            LogConfiguration(directory: directory.log, node: "ctl-1", segmentBytes: 20_000), callbacks: ears.callbacks)
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            for number in 0..<each {
                writer.append(
                    record(Int64(number), .partyChanged(PartyChanged(uri: "\(number)")), call: "ctl-1-\(thread)"))
            }
        }
        let last = writer.append(record(Int64(each), .serviceAlive(ServiceAlive())))
        #expect(last == LogWriter.Ticket(threads * each + 1))
        #expect(ears.waitForDurable(last))
        #expect(writer.status.waiting == 0)
        writer.close()
        var read: [String: [String]] = [:]
        let events = try LogReader(path: directory.log).events()
        for event in events {
            if case .partyChanged(let fields) = event.event { read[event.call ?? "", default: []].append(fields.uri) }
        }
        #expect(events.map(\.seq) == Array(1...UInt64(events.count)))
        #expect(read.count == threads)
        for (call, numbers) in read { #expect(numbers == (0..<each).map(String.init), "\(call)") }
    }

    /// A line a millisecond: each is written by itself, or those of 10 ms together.
    @Test func linesThatFollowOneAnotherAreWrittenTogether() throws {
        let files = FaultyFileSystem()
        let writer = try LogWriter(LogConfiguration(directory: directory.log, node: "ctl-1"), files: files)
        writer.waitUntilBegun()
        let clock = ContinuousClock()
        let took = clock.measure {
            for number in 0..<300 {
                writer.append(record(Int64(number), .partyChanged(PartyChanged(uri: "\(number)")), call: "ctl-1-1"))
                usleep(1000)
            }
        }
        writer.close()
        // One before the first rest, one for the segment's opening, one at the close.
        #expect(Int64(files.writes) <= Int64(took / .milliseconds(10)) + 3)
        #expect(try LogReader(path: directory.log).events().filter { $0.event.type == "party.changed" }.count == 300)
    }

    @Test func theDirectoryIsMadeWithThoseAboveIt() throws {
        let path = directory.path + "/a/b/c"
        let writer = try LogWriter(LogConfiguration(directory: path, node: "ctl-1"))
        writer.close()
        #expect(try LogReader(path: path).events().map(\.event.type) == ["log.segment"])
    }

    @Test func aDirectoryThatCannotBeMadeIsNamed() {
        #expect {
            try LogWriter(LogConfiguration(directory: "/proc/none/events", node: "ctl-1"))
        } throws: { error in
            "\(error)" == "cannot create the directory /proc/none: No such file or directory"
        }
    }
}
