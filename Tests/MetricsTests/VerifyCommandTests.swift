import CallEvents
import Metrics
import Testing

@Suite struct VerifyCommandTests {
    private func verify(_ paths: [String], json: Bool = false) -> (status: Int32, out: [String], err: [String]) {
        output { VerifyCommand(paths: paths, complete: true, json: json).run(out: $0, err: $1) }
    }

    @Test func aGoodLogInTwoSegments() throws {
        let log = try LogFixture()
        let events = Story.attendedTransfer().events
        try log.write(Array(events[..<8]))
        try log.write(Array(events[8...]))
        let result = verify([log.directory])
        #expect(result.out == ["\(events.count) events of 1 node: no breach"])
        #expect(result.status == 0)
        // The same segments given twice are exact repeats.
        #expect(verify([log.directory, log.directory]).status == 0)
    }

    @Test func breachesAreNamedWithFileLineCallAndRule() throws {
        let log = try LogFixture()
        var events = Story.attendedTransfer().events
        if case .holdEnded(var fields) = events[15].event {
            fields.holdMs += 5
            events[15].event = .holdEnded(fields)
        }
        let path = try log.write(events)
        let result = verify([path])
        #expect(result.status == 1)
        #expect(
            result.out.first
                == "\(path):16: ctl-1, seq 16, call ctl-1-a: duration: hold_ms is 12005, expected 12000")
        #expect(verify([path], json: true).out.first?.contains("\"rule\":\"duration\"") == true)
    }

    @Test func aLineThatIsNoEventIsNamedAndATornTailPassedOver() throws {
        let log = try LogFixture()
        let events = Story.attendedTransfer().events
        let lines = events.map(LogFixture.line)
        let torn = try log.write(text: lines.joined() + lines[3].prefix(40), name: "torn.jsonl")
        #expect(verify([torn]).out == ["\(events.count) events of 1 node: no breach; 1 torn end of a file passed over"])
        let broken = try log.write(text: lines[0] + "not json\n" + lines[1...].joined(), name: "broken.jsonl")
        let result = verify([broken])
        #expect(result.status == 1)
        #expect(result.out.first?.hasPrefix("\(broken):2: ctl-1: line: not an event") == true)
    }

    @Test func whatIsNoLogIsSaidInOneLine() throws {
        let log = try LogFixture()
        let path = try log.write(text: "a\nb\n", name: "notes.txt")
        for wrong in [path, log.directory, log.directory + "/nowhere"] {
            let result = verify([wrong])
            #expect(result.status == 2, "\(wrong)")
            #expect(result.out == [])
            #expect(result.err.count == 1)
        }
    }

    @Test func anEmptyLogHasNoBreach() throws {
        let log = try LogFixture()
        #expect(verify([log.directory]).status == 0)
    }
}
