import CallEvents

/// The rules of one call's events, in the order of its life.
extension CallBook {
    mutating func check(_ event: LoggedEvent, at mono: Int64, run: Int, _ findings: inout Findings) {
        lastRun = run
        if ended != nil, !mayFollowEnd(event.event) {
            findings.add(.afterEnd, "\(event.event.type) after call.ended")
        }
        switch event.event {
        case .callAnswered(let fields): checkAnswered(fields, at: mono, &findings)
        case .callQueued(let fields):
            if queues.updateValue(mono, forKey: fields.group) != nil {
                findings.add(.opening, "queued in \(fields.group) twice")
            }
        case .callDequeued(let fields):
            guard let queued = queues.removeValue(forKey: fields.group) else {
                if arrival != nil { findings.add(.closing, "left the queue of \(fields.group) without being in it") }
                break
            }
            Self.length("queue_ms", fields.queueMs, from: queued, to: mono, &findings)
            if fields.outcome == .callback, askedBack != mono, arrival != nil {
                findings.add(.outcome, "left the queue of \(fields.group) for a call-back that was not asked for then")
            } else if askedBack != nil, fields.outcome != .callback, fields.outcome != .lost {
                findings.add(.outcome, "asked to be called back, but the queue says \(fields.outcome.rawValue)")
            }
            if answered == nil || answered == mono { lastQueue = fields.outcome }
        case .partyJoined(let fields): checkJoined(fields, at: mono, &findings)
        case .partyLeft(let fields): checkLeft(fields, at: mono, &findings)
        case .partyChanged: partyChanged = true
        case .holdStarted(let fields): checkHoldStarted(fields, at: mono, &findings)
        case .holdEnded(let fields): checkHoldEnded(fields, at: mono, &findings)
        case .transferStarted, .transferCompleted, .transferFailed, .transferCancelled, .transferFallback,
            .consultStarted, .consultRinging, .consultAnswered, .consultFailed, .consultEnded:
            checkTransfer(event.event, at: mono, &findings)
        case .conferenceStarted(let fields):
            if conference != nil { findings.add(.opening, "a conference began while one was open") }
            conference = (fields.transfer, mono)
        case .conferenceEnded(let fields):
            if let open = conference {
                findings.equal(.fields, "transfer", found: fields.transfer, expected: open.transfer)
                Self.length("conference_ms", fields.conferenceMs, from: open.started, to: mono, &findings)
            } else if arrival != nil {
                findings.add(.closing, "a conference ended that never began")
            }
            conference = nil
        case .callDisposition(let fields):
            findings.equal(.fields, "arrived", found: fields.arrived.microseconds, expected: arrived.microseconds)
            if arrival != nil || verdict != nil {
                findings.equal(.fields, "previous", found: fields.previous, expected: verdict)
            }
            verdict = fields.resolved
        case .callEnded(let fields): checkEnded(fields, at: mono, &findings)
        case .callbackRequested(let fields): checkCallback(fields, at: mono, &findings)
        default: break
        }
    }

    /// A verdict, wrap-up, a call-back given up, and, when agent and target talk on without the caller, the ends of their consult and stays.
    private func mayFollowEnd(_ event: CallEvent) -> Bool {
        switch event {
        case .callDisposition, .consultEnded, .partyLeft, .callbackFailed, .other: true
        default: false
        }
    }

    /// Whoever asks to be called back leaves the queue with it.
    private mutating func checkCallback(_ fields: CallbackRequested, at mono: Int64, _ findings: inout Findings) {
        askedBack = mono
        guard let arrival else { return }
        if queues[fields.group] == nil {
            findings.add(.opening, "a call-back was asked for outside the queue of \(fields.group)")
        }
        findings.equal(.fields, "caller", found: fields.caller, expected: arrival.caller)
        if let waitMs {
            findings.equal(.duration, "wait_ms", found: Int64(fields.waitMs), expected: waitMs)
        } else {
            Self.length("wait_ms", fields.waitMs, from: start, to: mono, &findings)
        }
    }

    private mutating func checkAnswered(_ fields: CallAnswered, at mono: Int64, _ findings: inout Findings) {
        guard answered == nil else { return findings.add(.closing, "answered twice: call.answered is once a call") }
        answered = mono
        waitMs = Int64(fields.waitMs)
        Self.length("wait_ms", fields.waitMs, from: start, to: mono, &findings)
        if fields.ringMs < 0 || fields.ringMs > fields.waitMs {
            findings.add(.duration, "ring_ms is \(fields.ringMs), more than wait_ms \(fields.waitMs)")
        }
        if let arrival { findings.equal(.fields, "line", found: fields.line, expected: arrival.line) }
    }

    private mutating func checkJoined(_ fields: PartyJoined, at mono: Int64, _ findings: inout Findings) {
        if callerGone { findings.add(.outcome, "party.joined after the caller was gone") }
        let stay = Stay(opening: fields, joined: mono)
        if stays.updateValue(stay, forKey: Self.key(fields.sipCallID, fields.uri)) != nil {
            findings.add(.opening, "\(fields.uri) joined twice")
        }
    }

    private mutating func checkLeft(_ fields: PartyLeft, at mono: Int64, _ findings: inout Findings) {
        guard let stay = stays.removeValue(forKey: Self.key(fields.sipCallID, fields.uri)) else {
            if arrival != nil { findings.add(.closing, "\(fields.uri) left without having joined") }
            return
        }
        let opening = stay.opening
        findings.equal(.fields, "party", found: fields.party, expected: opening.party)
        findings.equal(.fields, "agent", found: fields.agent, expected: opening.agent)
        findings.equal(.fields, "group", found: fields.group, expected: opening.group)
        findings.equal(.fields, "line", found: fields.line, expected: opening.line)
        findings.equal(.fields, "role", found: fields.role, expected: opening.role)
        if !partyChanged { findings.equal(.fields, "uri", found: fields.uri, expected: opening.uri) }
        Self.length("stay_ms", fields.stayMs, from: stay.joined, to: mono, &findings)
        if fields.talkMs + fields.holdMs != fields.stayMs || fields.talkMs < 0 || fields.holdMs < 0 {
            findings.add(
                .total, "talk_ms \(fields.talkMs) + hold_ms \(fields.holdMs) is not stay_ms \(fields.stayMs)")
        }
    }

    private static func key(_ sipCallID: String, _ uri: String) -> String { sipCallID.isEmpty ? uri : sipCallID }

    private mutating func checkHoldStarted(_ fields: HoldStarted, at mono: Int64, _ findings: inout Findings) {
        Self.count("hold", fields.hold, after: &lastHold, &findings)
        let hold = Hold(number: fields.hold, reason: fields.reason, agent: fields.agent, started: mono)
        if callerGone { findings.add(.outcome, "hold.started after the caller was gone") }
        if fields.reason == .callerPhone {
            if let open = callerHold {
                findings.add(.opening, "hold \(fields.hold) of the caller's phone began while \(open.number) was open")
            }
            callerHold = hold
        } else {
            if let open = waiting {
                findings.add(.opening, "hold \(fields.hold) began while hold \(open.number) was open")
            }
            if arrival != nil, answered == nil { findings.add(.opening, "hold \(fields.hold) began before the answer") }
            waiting = hold
        }
    }

    private mutating func checkHoldEnded(_ fields: HoldEnded, at mono: Int64, _ findings: inout Findings) {
        let ofCaller = callerHold?.number == fields.hold
        guard let open = ofCaller ? callerHold : waiting, open.number == fields.hold else {
            findings.add(.closing, "hold \(fields.hold) ended while it was not open")
            return
        }
        findings.equal(.fields, "reason", found: fields.reason, expected: open.reason)
        if open.started != nil { findings.equal(.fields, "agent", found: fields.agent, expected: open.agent) }
        if let arrival { findings.equal(.fields, "line", found: fields.line, expected: arrival.line) }
        Self.length("hold_ms", fields.holdMs, from: open.started, to: mono, &findings)
        if ofCaller {
            callerHold = nil
            callerHoldMs += Int64(fields.holdMs)
        } else {
            waiting = nil
            holdMs += Int64(fields.holdMs)
            switch fields.outcome {
            case .abandoned, .released, .lost: callerGone = true
            default: break
            }
        }
    }

    private mutating func checkEnded(_ fields: CallEnded, at mono: Int64, _ findings: inout Findings) {
        guard ended == nil else { return findings.add(.closing, "the call ended twice") }
        checkParts(fields, at: mono, &findings)
        findings.equal(.fields, "arrived", found: fields.arrived.microseconds, expected: arrived.microseconds)
        if let arrival {
            findings.equal(.fields, "line", found: fields.line, expected: arrival.line)
            findings.equal(.fields, "caller", found: fields.caller, expected: arrival.caller)
            findings.equal(.fields, "transfers", found: fields.transfers, expected: lastTransfer ?? 0)
            checkOutcome(fields, &findings)
        }
        for hold in [waiting, callerHold].compactMap({ $0 }) {
            findings.add(.closing, "hold \(hold.number) was open when the call ended")
        }
        for number in transfers.keys.sorted() {
            findings.add(.closing, "transfer \(number) was open when the call ended")
        }
        for group in queues.keys.sorted() { findings.add(.closing, "in the queue of \(group) when the call ended") }
        if conference != nil { findings.add(.closing, "a conference was open when the call ended") }
        ended = fields
        outcome = CallOutcome(answered: answered != nil, ended: fields, lastQueue: lastQueue)
    }

    private func checkParts(_ fields: CallEnded, at mono: Int64, _ findings: inout Findings) {
        let parts = Int64(fields.waitMs) + Int64(fields.talkMs) + Int64(fields.holdMs)
        findings.equal(.total, "wait_ms + talk_ms + hold_ms", found: parts, expected: mono - start)
        if min(fields.waitMs, fields.talkMs, fields.holdMs) < 0 { findings.add(.total, "a part is negative") }
        guard arrival != nil else { return }
        findings.equal(.total, "wait_ms", found: Int64(fields.waitMs), expected: waitMs ?? (mono - start))
        findings.equal(.total, "hold_ms", found: Int64(fields.holdMs), expected: holdMs)
        findings.equal(.total, "caller_hold_ms", found: Int64(fields.callerHoldMs), expected: callerHoldMs)
    }

    private func checkOutcome(_ fields: CallEnded, _ findings: inout Findings) {
        if askedBack == nil, fields.cause == .callback {
            findings.add(.outcome, "ended for a call-back that nobody asked for")
        } else if askedBack != nil, fields.cause != .callback, fields.cause != .lost {
            findings.add(.outcome, "asked to be called back, but the call ended with \(fields.cause.rawValue)")
        }
        if fields.abandoned {
            if answered != nil { findings.add(.outcome, "abandoned, but it was answered") }
            if fields.endedBy != .caller {
                findings.add(.outcome, "abandoned, but ended by \(fields.endedBy.rawValue)")
            }
        } else if answered == nil, fields.endedBy == .caller, fields.cause != .callback {
            findings.add(.outcome, "the caller left before the answer, but abandoned is false")
        }
        if lastQueue == .answered, answered == nil { findings.add(.outcome, "its queue says answered, the call not") }
        if lastQueue == .abandoned, !fields.abandoned, answered == nil {
            findings.add(.outcome, "its queue says abandoned, the call not")
        }
    }
}
