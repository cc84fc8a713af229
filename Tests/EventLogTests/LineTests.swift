import CallEvents
import Foundation
import Testing

@testable import EventLog

@Suite struct LineTests {
    @Test(arguments: EventType.allCases)
    func everyTypeComesBackAsItWasWritten(type: EventType) throws {
        for seed in 0..<200 {
            let logged = LoggedEvent.random(type, seed: UInt64(seed))
            #expect(try parse(LineEncoder.line(logged)) == logged)
        }
    }

    @Test(arguments: EventType.allCases)
    func linesAreJSONToOthersToo(type: EventType) throws {
        for seed in 0..<50 {
            let logged = LoggedEvent.random(type, seed: UInt64(seed))
            let line = LineEncoder.line(logged)
            let object = try #require(
                JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
            #expect(object["node"] as? String == logged.node)
            #expect((object["seq"] as? NSNumber)?.uint64Value == logged.seq)
        }
    }

    @Test func keysStandInTheOrderOfTheContract() {
        let event = CallEvent.holdEnded(
            HoldEnded(hold: 2, reason: .consult, agent: "anna", line: "7000", holdMs: 1500, outcome: .transferred))
        let logged = LoggedEvent(
            seq: 42, node: "ctl-1", time: EventTime(wall: 1_795_302_460_000_123, mono: 987_654_999), call: "ctl-1-9",
            event: event)
        #expect(
            LineEncoder.line(logged)
                == #"{"v":1,"seq":42,"time":"2026-11-21T23:07:40.000123Z","mono_ms":987654,"node":"ctl-1","#
                + #""type":"hold.ended","call":"ctl-1-9","hold":2,"reason":"consult","agent":"anna","group":null,"#
                + #""line":"7000","next_agent":null,"hold_ms":1500,"outcome":"transferred"}"#)
    }
}
