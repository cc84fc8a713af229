import CallEvents
import LogGenerator
import Metrics
import Testing

@Suite struct ExportTests {
    private func export(_ events: [LoggedEvent], _ format: String) throws -> [String] {
        let log = try LogFixture()
        try log.write(events)
        let command = try ExportCommand(paths: [log.directory], format: format)
        let result = output { command.run(out: $0, err: $1) }
        #expect(result.status == 0)
        return result.out
    }

    @Test func theMainStoryAsQueueLog() throws {
        #expect(
            try export(Story.attendedTransfer().events, "queue_log") == [
                "1772442000|ctl-1-a|support|NONE|ENTERQUEUE||+37120000001|1",
                "1772442004|ctl-1-a|support|anna|CONNECT|4|ctl-1-a|3",
                "1772442026|ctl-1-a|support|anna|ATTENDEDTRANSFER|APP|1003|4|22|1",
                "1772442046|ctl-1-a|support|clara|COMPLETECALLER|4|42|1",
            ])
    }

    /// Every caller who entered leaves by exactly one event of the queue.
    @Test func everyEntryHasItsEnd() throws {
        var settings = LogGenerator.Settings()
        settings.seed = 3
        settings.meanBetweenCalls = 6
        var generator = LogGenerator(settings: settings)
        let events = generator.wholeCalls(2500)
        var words: [String: Int] = [:]
        for line in try export(events, "queue_log") {
            words[String(line.split(separator: "|", omittingEmptySubsequences: false)[4]), default: 0] += 1
        }
        func count(_ names: String...) -> Int { names.reduce(0) { $0 + (words[$1] ?? 0) } }
        #expect(count("ENTERQUEUE") > 50)
        #expect(count("ENTERQUEUE") == count("CONNECT", "ABANDON", "EXITWITHTIMEOUT", "EXITWITHKEY"))
        #expect(count("ATTENDEDTRANSFER") > 0 && count("BLINDTRANSFER") > 0 && count("RINGNOANSWER") > 0)
    }

    @Test func oneRowForEachCall() throws {
        let rows = try export(Story.attendedTransfer().events, "csv")
        #expect(rows.count == 2)
        #expect(
            rows[1]
                == "ctl-1-a,ctl-1,inbound,2026-03-02T09:00:00.000Z,2026-03-02T09:00:46.000Z,+37120000001,7000,support,"
                + "anna,clara,answered,4000,30000,12000,0,1,12000,1,1,0,2,1,caller,normal")
        #expect(rows[0].split(separator: ",").count == rows[1].split(separator: ",").count)
    }

    @Test func anUnknownFormatIsRefused() {
        #expect(throws: UsageError.self) { try ExportCommand(paths: [], format: "xls") }
    }
}
