import CallEvents

// The end of the caller's stay. Agent and target who talk may go on without the caller; nobody else outlives it.
extension Call {
    /// The caller has left, or is lost (rows 10, 22).
    mutating func callerGone(_ end: LegEnd, _ context: inout Context) {
        guard phase != .over, !callerReplacing(end, &context) else { return }
        let isLoss = Causes.isLoss(end)
        let cause: Cause = isLoss ? .lost : hasVoice ? .normal : .abandoned
        var by = EndedBy.caller
        // Before the answer the one who has called is the agent.
        if direction == .outbound || direction == .callback, !isAnswered { by = .agent }
        finish(by: by, cause, end: end, hangUp: HangUp(passing: end), &context)
    }

    /// Ends the caller's stay: closes everything that is open in the log, then takes care of the legs that are left.
    mutating func finish(
        by endedBy: EndedBy, _ cause: Cause, end: LegEnd? = nil, hangUp: HangUp, farewell tone: Tone? = nil,
        _ context: inout Context, keeping: (inout Call, inout Context) -> Void = { _, _ in }
    ) {
        guard phase != .over else { return }
        settleHandOver(.bridge, &context)
        let verdict = isAsked(endedBy, cause, context)
        let callerLeft = endedBy == .caller
        let survivors = callerLeft && [.consulting, .swapped, .conference].contains(phase) ? party?.leg : nil
        let isTold =
            callerLeft && survivors == nil && [.held, .dialling, .ringing].contains(phase) && attempt?.agentLeg == nil
            && transfer?.refer == nil
        let partyLeg = party?.leg
        stopTimers(&context)
        callbackFailed(&context)
        if phase == .conference { endConference(&context) }
        closeAttempt(keep: survivors != nil, endedBy, &context)
        leaveQueue(callerLeft ? .abandoned : .released, to: nil, &context)
        let outcome: HoldOutcome = callerLeft ? .abandoned : .released
        endHold(.other, outcome, &context)
        if callerHolds { endHold(.callerPhone, outcome, &context) }
        cancelTransfer(callerLeft ? cause == .normal ? .abandoned : cause : .cancelled, &context)
        leave(endedBy: endedBy, cause: cause, end: endedBy == .controller ? nil : end, &context)
        if let guest {
            self.guest = nil
            recordLeft(guest, endedBy: endedBy, cause: cause, end: endedBy == .controller ? nil : end, &context)
        }
        record(
            .callEnded(
                CallEnded(
                    endedBy: endedBy, cause: cause, line: line?.pattern, group: group, agent: lastAgent,
                    caller: callerNumber)),
            measured: caller, &context)

        enter(.over, &context)
        farewell = nil
        dialling = nil
        codes = CodeBuffer()
        if let survivors {
            if attempt?.agentLeg == nil { attempt?.agentLeg = survivors }
            reroute(.other, &context)
            if let agentLeg = attempt?.agentLeg {
                if agentLeg != survivors { release(survivors, HangUp(), &context) }
                context.emit(.tone(agentLeg, .callerGone, nil))
            }
        } else {
            reroute(.other, &context)
        }
        keeping(&self, &context)
        if let tone {
            bid(farewell: tone, to: caller, &context)
        } else if let verdict {
            ask(verdict, &context)
        } else if farewell?.leg != caller {
            release(caller, hangUp, &context)
        }
        if isTold, let partyLeg, leg(partyLeg)?.isAlive == true { bid(farewell: .callerGone, to: partyLeg, &context) }
        let spared = [farewell?.leg, attempt?.leg, attempt?.agentLeg]
        for leg in legs.map(\.id) where !spared.contains(leg) { release(leg, hangUp, &context) }
    }

    /// Closes the attempt in the log; its leg ends with the others.
    private mutating func closeAttempt(keep: Bool, _ endedBy: EndedBy, _ context: inout Context) {
        dismissRivals(
            HangUp(), endedBy == .caller ? .abandoned : .cancelled,
            outcome: endedBy == .caller ? .callerHangup : .cancelled, &context)
        guard let attempt, !keep else { return }
        self.attempt = nil
        recordAlertFailed(attempt, endedBy == .caller ? .abandoned : .cancelled, sipStatus: nil, &context)
        recordConsultEnded(attempt, endedBy == .caller ? .callerHangup : .cancelled, &context)
    }

    /// Agent and target have talked on without the caller, and one of them hung up, or both are to end.
    mutating func endTalkOn(_ hangUp: HangUp, _ context: inout Context) {
        guard let attempt else { return }
        self.attempt = nil
        recordConsultEnded(attempt, .callerHangup, &context)
        release(attempt.leg, hangUp, &context)
        release(attempt.agentLeg, hangUp, &context)
    }

    /// Ends everything at once: `warmline hangup`, the end of a drain.
    mutating func shutDown(_ cause: Cause, sipStatus: Int, _ context: inout Context) {
        if phase == .over {
            endTalkOn(HangUp(), &context)
            for leg in legs.map(\.id) { release(leg, HangUp(), &context) }
        } else {
            let isUnanswered = callerLeg?.state != .answered
            finish(by: .controller, cause, hangUp: HangUp(sipStatus: isUnanswered ? sipStatus : 0), &context)
        }
    }
}
