import CallEvents
import Testing

@testable import EventLog

@Suite struct WriterTests {
    let directory = try! TemporaryDirectory()

    func record(_ milliseconds: Int64, _ event: CallEvent, call: String? = nil) -> CallRecord {
        CallRecord(
            time: EventTime(wall: 1_795_302_460_000_000 + milliseconds * 1000, mono: milliseconds * 1000), call: call,
            event: event)
    }

    @Test(arguments: Durability.allCases)
    func whatIsAppendedIsReadBack(durability: Durability) throws {
        let configuration = LogConfiguration(
            directory: directory.log, node: "ctl-1", boot: "b1", durability: durability)
        let writer = try LogWriter(configuration)
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
}
