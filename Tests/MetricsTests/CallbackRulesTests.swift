import CallEvents
import Metrics
import Testing

/// The log's rules for call-backs: a log that keeps them, and each rule broken once.
@Suite struct CallbackRulesTests {
    /// A caller waits 30 s and asks to be called back; a minute later the first try is not taken, a minute after that the
    /// second is.
    private static func story() -> [LoggedEvent] {
        var story = Story(call: "ctl-1-a")
        story.add(.serviceStarted(ServiceStarted(version: "1", bootID: "b")))
        let arrived = story.time.wallTime
        story.add(arrival("+1", .inbound))
        story.add(.callQueued(CallQueued(group: "support", position: 1, serviceLevelS: 20)))
        story.after(
            30_000,
            .callbackRequested(CallbackRequested(group: "support", line: "7000", caller: "+1", waitMs: 30_000)))
        story.add(.callDequeued(CallDequeued(group: "support", queueMs: 30_000, position: 1, outcome: .callback)))
        story.add(
            .callEnded(
                CallEnded(
                    endedBy: .caller, cause: .callback, arrived: arrived, line: "7000", group: "support", caller: "+1",
                    waitMs: 30_000)))
        for attempt in 1...2 {
            story.call = "ctl-1-a-c\(attempt)"
            story.now += 60_000
            let arrived = story.time.wallTime
            story.add(arrival("+1", .callback))
            story.add(
                .callbackStarted(
                    CallbackStarted(
                        group: "support", line: "7000", caller: "+1", agent: "anna", request: "ctl-1-a",
                        attempt: attempt, sinceMs: 61_000 * attempt - 1_000)))
            story.now += 1_000
            if attempt == 1 {
                story.add(
                    .callbackFailed(
                        CallbackFailed(
                            group: "support", line: "7000", caller: "+1", agent: "anna", request: "ctl-1-a", attempt: 1,
                            cause: .busy, sipStatus: 486)))
            } else {
                story.add(
                    .callbackCompleted(
                        CallbackCompleted(
                            group: "support", line: "7000", caller: "+1", agent: "anna", request: "ctl-1-a", attempt: 2,
                            sinceMs: 122_000)))
            }
            story.add(
                .callEnded(
                    CallEnded(
                        endedBy: .controller, cause: .busy, arrived: arrived, line: "7000", group: "support",
                        caller: "+1", waitMs: 1_000)))
        }
        return story.events
    }

    private static func arrival(_ caller: String, _ direction: Direction) -> CallEvent {
        .callArrived(
            CallArrived(
                from: "sip:1@h", to: "sip:7000@h", line: "7000", sipCallID: "x", caller: caller, direction: direction))
    }

    @Test func aLogThatKeepsThem() {
        #expect(Verifier.breaches(in: Self.story()).map(\.description) == [])
        // Of a log that begins later the request is not there.
        var later = Array(Self.story()[6...])
        for index in later.indices { later[index].seq += 100 }
        #expect(Verifier.breaches(in: later).map(\.description) == [])
    }

    /// Refused at once; given up when nobody took it; the process dies in the middle of a try, the next run goes on.
    @Test func otherEnds() {
        var given = Array(Self.story()[..<6])
        let failed = CallbackFailed(
            group: "support", caller: "+1", request: "ctl-1-a", attempt: 0, cause: .cancelled, isFinal: true)
        given.append(event(given, .callbackFailed(failed), call: "ctl-1-a"))
        #expect(Verifier.breaches(in: given).map(\.description) == [])

        var refused = Self.story()
        var notAllowed = failed
        notAllowed.cause = .notAllowed
        refused.insert(event(Array(refused[..<3]), .callbackFailed(notAllowed), call: "ctl-1-a"), at: 3)
        #expect(Verifier.breaches(in: Self.numbered(refused)).map(\.description) == [])

        var lost = Self.story()
        lost.remove(at: 8)
        Self.change(&lost[8]) { (fields: inout CallEnded) in fields.cause = .lost }
        #expect(Verifier.breaches(in: Self.numbered(lost)).map(\.description) == [])
    }

    enum Break: String, CaseIterable {
        case neverRequested, requestedTwice, startedTwice, skippedAttempt, otherAttemptEnds, endWithoutStart
        case noEnd, afterCompletion, givenUpAfterEnd, otherGroup, otherCaller, otherCallID, wrongSince, wrongWait
        case outsideTheQueue, stillQueued, leftLater, endedOtherwise, neverAsked, notFinal
    }

    @Test(arguments: Break.allCases) func eachRule(_ rule: Break) {
        var log = Self.story()
        let expected: Breach.Rule
        switch rule {
        case .neverRequested:
            log.remove(at: 3)
            expected = .opening
        case .requestedTwice:
            log.insert(log[3], at: 4)
            expected = .opening
        case .startedTwice:
            log.insert(log[7], at: 8)
            expected = .opening
        case .skippedAttempt:
            Self.change(&log[11]) { (fields: inout CallbackStarted) in fields.attempt = 3 }
            Self.change(&log[12]) { (fields: inout CallbackCompleted) in fields.attempt = 3 }
            expected = .numbering
        case .otherAttemptEnds:
            Self.change(&log[8]) { (fields: inout CallbackFailed) in fields.attempt = 2 }
            expected = .numbering
        case .endWithoutStart:
            log.remove(at: 11)
            expected = .closing
        case .noEnd:
            log.remove(at: 8)
            expected = .closing
        case .afterCompletion:
            log.insert(contentsOf: [log[11], log[12]], at: 13)
            expected = .afterEnd
        case .givenUpAfterEnd:
            let failed = CallbackFailed(
                group: "support", caller: "+1", request: "ctl-1-a", attempt: 2, cause: .cancelled, isFinal: true)
            log.append(event(log, .callbackFailed(failed), call: "ctl-1-a"))
            expected = .afterEnd
        case .notFinal:
            let failed = CallbackFailed(
                group: "support", caller: "+1", request: "ctl-1-a", attempt: 0, cause: .cancelled, isFinal: false)
            log = Array(log[..<6])
            log.append(event(log, .callbackFailed(failed), call: "ctl-1-a"))
            expected = .fields
        case .otherGroup:
            Self.change(&log[11]) { (fields: inout CallbackStarted) in fields.group = "sales" }
            expected = .fields
        case .otherCaller:
            Self.change(&log[12]) { (fields: inout CallbackCompleted) in fields.caller = "+2" }
            expected = .fields
        case .otherCallID:
            for index in 10...13 { log[index].call = "ctl-1-b-c2" }
            expected = .envelope
        case .wrongSince:
            Self.change(&log[12]) { (fields: inout CallbackCompleted) in fields.sinceMs += 1 }
            expected = .duration
        case .wrongWait:
            Self.change(&log[3]) { (fields: inout CallbackRequested) in fields.waitMs += 1 }
            expected = .duration
        case .outsideTheQueue:
            Self.change(&log[3]) { (fields: inout CallbackRequested) in fields.group = "sales" }
            expected = .opening
        case .stillQueued:
            log.remove(at: 4)
            expected = .closing
        case .leftLater:
            log[3].time = log[2].time
            Self.change(&log[3]) { (fields: inout CallbackRequested) in fields.waitMs = 0 }
            expected = .outcome
        case .endedOtherwise:
            Self.change(&log[5]) { (fields: inout CallEnded) in
                fields.cause = .normal
                fields.abandoned = true
            }
            expected = .outcome
        case .neverAsked:
            log = Array(log[..<6])
            log.remove(at: 3)
            Self.change(&log[3]) { (fields: inout CallDequeued) in fields.outcome = .abandoned }
            expected = .outcome
        }
        let breaches = Verifier.breaches(in: Self.numbered(log))
        #expect(breaches.contains { $0.rule == expected }, "\(rule): \(breaches)")
    }

    private func event(_ log: [LoggedEvent], _ event: CallEvent, call: String) -> LoggedEvent {
        var new = log[log.count - 1]
        new.seq += 1
        new.call = call
        new.event = event
        return new
    }

    private static func numbered(_ log: [LoggedEvent]) -> [LoggedEvent] {
        var log = log
        for index in log.indices { log[index].seq = UInt64(index + 1) }
        return log
    }

    private static func change<Fields: EventFields>(_ event: inout LoggedEvent, _ body: (inout Fields) -> Void) {
        func changed<Other>(_ fields: Other) -> Other {
            guard var own = fields as? Fields else { return fields }
            body(&own)
            return own as? Other ?? fields
        }
        switch event.event {
        case .callEnded(let fields): event.event = .callEnded(changed(fields))
        case .callDequeued(let fields): event.event = .callDequeued(changed(fields))
        case .callbackRequested(let fields): event.event = .callbackRequested(changed(fields))
        case .callbackStarted(let fields): event.event = .callbackStarted(changed(fields))
        case .callbackCompleted(let fields): event.event = .callbackCompleted(changed(fields))
        case .callbackFailed(let fields): event.event = .callbackFailed(changed(fields))
        default: break
        }
    }
}
