import CallEvents

// Joining the caller and somebody: first answer, transfer, call-back.
extension Call {
    func party(from attempt: Attempt, role: PartyRole) -> Party {
        Party(
            leg: attempt.leg, agent: attempt.candidate.agent, group: attempt.candidate.group ?? group, uri: attempt.uri,
            sipCallID: attempt.sipCallID, role: role)
    }

    /// Makes a party the one with the caller and switches the relay: `hold.ended` where the caller was held.
    mutating func join(_ newParty: Party, _ context: inout Context) {
        if let old = party { context.setPresent(old.agent, in: id, false) }
        party = newParty
        party?.since = context.now
        context.setPresent(newParty.agent, in: id, true)
        if newParty.group != nil { group = newParty.group }
        if newParty.agent != nil { lastAgent = newParty.agent }
        context.answered(newParty.agent, caller: callerNumber, call: id)
        search = Search()
        unasked = nil
        codes = CodeBuffer()
        stopTimer(.code, &context)
        enter(.talking, &context)
        reroute(.agentPhone, &context)
    }

    mutating func recordJoined(_ party: Party, _ context: inout Context) {
        record(
            .partyJoined(
                PartyJoined(
                    party: party.kind, agent: party.agent, group: party.group, line: line?.pattern, uri: party.uri,
                    sipCallID: party.sipCallID, role: party.role)),
            &context)
    }

    /// The first answer by a human: the wait is over.
    mutating func firstAnswer(_ context: inout Context) {
        guard let attempt else { return }
        self.attempt = nil
        var party = party(from: attempt, role: .first)
        if let index = index(caller), legs[index].state != .answered {
            legs[index].state = .answered
            legs[index].since = context.now
            context.emit(.answer(caller, codecOf: attempt.leg))
        }
        if direction == .outbound || direction == .callback, let agentLeg = callerLeg {
            // Whom the agent has called is the one to be looked after.
            party = Party(
                leg: agentLeg.id, agent: agentLeg.agent, group: callback == nil ? nil : group, uri: agentLeg.uri,
                sipCallID: agentLeg.sipCallID,
                role: .first)
            caller = attempt.leg
        }
        let serviceLevel = queue?.serviceLevel
        join(party, &context)
        leaveQueue(.answered, to: party.agent, &context)
        record(
            .callAnswered(
                CallAnswered(
                    agent: party.agent, group: party.group, line: line?.pattern, human: true,
                    serviceLevelS: serviceLevel)),
            &context)
        callbackCompleted(&context)
        isAnswered = true
        recordJoined(party, &context)
        introduce(isTold: true, &context)
        // A phone that held while it answered.
        if !hasVoice { recordHold(.agentPhone, &context) }
    }

    /// Somebody answered for a caller who was with nobody: a semi-attended or blind target, the agent called back, a
    /// group, an overflow.
    mutating func joinAttempt(_ context: inout Context) {
        guard let attempt else { return }
        self.attempt = nil
        var completed: Transfer?
        if case .consult(let number) = attempt.purpose, let transfer {
            recordConsultAnswered(attempt, number, &context)
            recordConsultEnded(attempt, attempt.agentLeft ? .agentHangup : .completed, &context)
            completed = transfer
        } else {
            failTransfer(&context)
        }
        let party = party(from: attempt, role: completed == nil ? search.role(isAnswered: isAnswered) : .transfer)
        join(party, &context)
        leaveQueue(.answered, to: party.agent, &context)
        recordJoined(party, &context)
        if let completed {
            let kind = completed.refer?.kind ?? (completed.kind == .blind ? .blind : .semiAttended)
            finishTransfer(completed, kind, attempt, &context)
        } else {
            introduce(&context)
        }
    }

    /// The caller goes to the target whom the agent has consulted (row 1).
    mutating func complete(
        endedBy: EndedBy, cause: Cause, end: LegEnd? = nil, kind: TransferKind = .attended, _ context: inout Context
    ) {
        guard let attempt, let transfer, let old = party else { return }
        self.attempt = nil
        recordConsultEnded(attempt, .completed, &context)
        let party = party(from: attempt, role: .transfer)
        join(party, &context)
        recordJoined(party, &context)
        recordLeft(old, endedBy: endedBy, cause: cause, end: end, &context)
        finishTransfer(transfer, kind, attempt, &context)
        release(old.leg, HangUp(), &context)
        release(attempt.agentLeg, HangUp(sipStatus: leg(attempt.agentLeg)?.state == .answered ? 0 : 487), &context)
    }

    /// Caller and target are joined: the transfer is complete, unless the two are to be left to themselves.
    mutating func finishTransfer(
        _ transfer: Transfer, _ kind: TransferKind, _ attempt: Attempt, _ context: inout Context
    ) {
        if handOver(transfer, kind, attempt, &context) { return }
        introduce(&context)
        self.transfer = nil
        tellOutcome(of: transfer, 200, &context)
        record(
            .transferCompleted(
                TransferCompleted(
                    transfer: transfer.number, kind: kind, agent: transfer.agent, target: attempt.uri,
                    targetAgent: attempt.candidate.agent, method: .bridge)),
            &context)
    }
}
