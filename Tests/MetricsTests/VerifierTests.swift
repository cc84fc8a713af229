import CallEvents
import Metrics
import Testing

@Suite struct VerifierTests {
    @Test func aCorrectLogHasNoBreach() {
        #expect(Verifier.breaches(in: Story.attendedTransfer().events) == [])
    }

    @Test func aSecondCallOfTheSameNodeHasNoBreach() {
        var events = Story.attendedTransfer().events
        let more = Story.attendedTransfer(call: "ctl-1-b").events
        for var event in more {
            event.seq += UInt64(more.count)
            events.append(event)
        }
        #expect(Verifier.breaches(in: events) == [])
    }

    /// Leaving out any one event of the story is found, but for those that open and close nothing.
    @Test func aMissingEventIsFound() {
        let events = Story.attendedTransfer().events
        for (index, event) in events.enumerated() {
            switch event.event {
            case .callAlerting, .consultRinging, .transferFallback: continue
            default: break
            }
            var rest = events
            rest.remove(at: index)
            // Numbered anew, so that it is not the gap that is found.
            for position in rest.indices { rest[position].seq = UInt64(position + 1) }
            #expect(!Verifier.breaches(in: rest).isEmpty, "without \(event.event.type) at \(index)")
        }
    }

    /// An event given twice with a `seq` of its own is found.
    @Test func aDoubledEventIsFound() {
        let events = Story.attendedTransfer().events
        for (index, event) in events.enumerated() {
            switch event.event {
            case .callAlerting, .consultRinging, .transferFallback: continue
            default: break
            }
            var more = events
            more.insert(event, at: index)
            for position in more.indices { more[position].seq = UInt64(position + 1) }
            #expect(!Verifier.breaches(in: more).isEmpty, "\(event.event.type) twice at \(index)")
        }
    }

    /// Each length of the story, one millisecond off, is found.
    @Test func aWrongLengthIsFound() {
        let events = Story.attendedTransfer().events
        var changed = 0
        for index in events.indices {
            var counter = LengthChanger(position: 0)
            var event = events[index].event
            event.visit(&counter)
            for position in 0..<counter.seen {
                var changer = LengthChanger(position: position, by: 1)
                var log = events
                log[index].event.visit(&changer)
                // `ring_ms` is only bounded by the log, `position` is no length.
                if changer.key == "ring_ms" || changer.key == "hold_ms" && log[index].event.type == "transfer.completed"
                    || changer.key == "consult_ms" && log[index].event.type == "party.left"
                {
                    continue
                }
                changed += 1
                #expect(
                    !Verifier.breaches(in: log).isEmpty, "\(changer.key) of \(log[index].event.type) at \(index)")
            }
        }
        #expect(changed > 12)
    }

    @Test func gapsAndFalseRepeatsOfSeqAreFound() {
        let events = Story.attendedTransfer().events
        // An exact repeat of some lines is what a failed write leaves behind.
        let repeated = Array(events[0..<9]) + Array(events[4..<9]) + Array(events[9...])
        #expect(Verifier.breaches(in: repeated) == [])

        var falseRepeat = events
        falseRepeat.insert(events[3], at: 5)
        falseRepeat[5].call = "ctl-1-b"
        #expect(Verifier.breaches(in: falseRepeat).map(\.rule) == [.sequence])

        var gap = events
        for index in 7..<gap.count { gap[index].seq += 3 }
        let found = Verifier.breaches(in: gap)
        #expect(found.map(\.rule) == [.sequence])
        #expect(found.first?.description.contains("seq 11 follows 7") == true)
    }

    @Test func aStateThatDoesNotFollowTheOneBeforeIsFound() {
        var story = Story(call: nil)
        story.add(.agentStateChanged(AgentStateChanged(agent: "anna", old: .offline, new: .available)))
        story.after(
            500, .agentStateChanged(AgentStateChanged(agent: "anna", old: .available, new: .ringing, inStateMs: 500)))
        #expect(Verifier.breaches(in: story.events) == [])
        story.after(
            500, .agentStateChanged(AgentStateChanged(agent: "anna", old: .talking, new: .paused, inStateMs: 499)))
        #expect(Verifier.breaches(in: story.events).map(\.rule) == [.state, .duration])
    }

    @Test func nothingMayFollowTheEndButAVerdict() {
        var story = Story.attendedTransfer()
        let arrived = EventTime(wall: Story.beginning, mono: 0).wallTime
        story.after(
            5000,
            .callDisposition(
                CallDisposition(agent: "clara", line: "7000", arrived: arrived, resolved: true, by: .agent)))
        story.after(
            5000,
            .callDisposition(
                CallDisposition(agent: nil, arrived: arrived, resolved: false, previous: true, by: .caller)))
        #expect(Verifier.breaches(in: story.events) == [])
        story.after(1, .callAlerting(CallAlerting(agent: "anna", group: nil, attempt: 2, sipCallID: "E@x")))
        #expect(Verifier.breaches(in: story.events).map(\.rule) == [.afterEnd])
    }

    /// A log may begin at any `seq`: its first segment says what was open.
    @Test func aLogThatBeginsWithinACall() {
        let events = Story.attendedTransfer().events
        let cut = events.firstIndex { $0.event.type == "consult.started" } ?? 0
        var segment = Story(call: "ctl-1-a")
        segment.now = 15_000
        segment.seq = 100
        segment.add(.logSegment(LogSegment(boot: "b", openCalls: 1, agents: 0)))
        segment.add(
            .callOpen(
                CallOpen(
                    arrived: events[0].time.wallTime, line: "7000", group: "support", agent: "anna", hold: 1,
                    holdReason: .consult, consult: nil, transfer: 1, waitMs: 4000, talkMs: 10_000, holdMs: 1000)))
        var log = segment.events
        for var event in events[cut...] {
            event.seq = log[log.count - 1].seq + 1
            log.append(event)
        }
        #expect(Verifier.breaches(in: log).map(\.description) == [])
        log[1].event = .callOpen(CallOpen(arrived: events[0].time.wallTime, waitMs: 4000, talkMs: 10_000, holdMs: 999))
        #expect(!Verifier.breaches(in: log).isEmpty)
    }
}

/// Adds to the `position`th field whose name ends in `_ms`.
private struct LengthChanger: FieldVisitor {
    var position: Int
    var by = 0
    var seen = 0
    var key = ""

    mutating func field(_ key: StaticString, _ value: inout Int) {
        guard "\(key)".hasSuffix("_ms") else { return }
        if seen == position, by != 0 {
            value += by
            self.key = "\(key)"
        }
        seen += 1
    }
    mutating func field(_ key: StaticString, _ value: inout String) {}
    mutating func field(_ key: StaticString, _ value: inout String?) {}
    mutating func field(_ key: StaticString, _ value: inout Int?) {}
    mutating func field(_ key: StaticString, _ value: inout Bool) {}
    mutating func field(_ key: StaticString, _ value: inout Bool?) {}
    mutating func field(_ key: StaticString, _ value: inout [String]) {}
    mutating func field(_ key: StaticString, _ value: inout WallTime) {}
    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value) {}
    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value?) {}
}
