import CallEvents

// INVITE with Replaces received (RFC 3891): a PBX or a phone moves one of our legs. The new leg takes over everything that
// the old one was to the call, at one switch of the relay; the old one gets its BYE.
extension Call {
    /// Whether a leg has a place that another can take. A leg that waits for our answer has none (RFC 3891 §3).
    func canBeReplaced(_ id: LegID) -> Bool {
        guard let leg = leg(id), leg.isAlive, phase != .over, handOver == nil, farewell?.leg != id else { return false }
        guard leg.state == .answered else { return !leg.isIncoming && id == attempt?.leg }
        return [caller, party?.leg, attempt?.leg, attempt?.agentLeg].contains(id)
    }

    mutating func replace(_ old: LegID, by leg: Leg, _ context: inout Context) {
        guard let replaced = self.leg(old) else { return }
        let wasAnswered = replaced.state == .answered
        legs.append(leg)
        if wasAnswered { legs[legs.count - 1].state = .answered }
        context.emit(.answer(leg.id, codecOf: old == caller ? party?.leg ?? attempt?.leg : caller))
        if old == caller {
            caller = leg.id
            if isAnswered { record(.partyChanged(PartyChanged(uri: leg.uri)), &context) }
            reroute(.agentPhone, &context)
        } else if old == party?.leg {
            replaceParty(by: leg, &context)
        } else if old == attempt?.leg {
            // Whoever picks the call up has taken it: the others who rang with that phone are done.
            if !wasAnswered { dismissRivals(.answeredElsewhere, .cancelled, &context) }
            attempt?.leg = leg.id
            attempt?.sipCallID = leg.sipCallID
            attempt?.candidate.agent = leg.agent
            replaceGuest(by: leg, &context)
            reroute(.consult, &context)
        } else {
            attempt?.agentLeg = leg.id
            reroute(.consult, &context)
        }
        if heldBy == old { heldBy = leg.id }
        if phase == .talking { introduce(&context) }
        // RFC 3326: a phone that still rang need not show a missed call.
        release(old, HangUp(sipStatus: wasAnswered ? 0 : 200), &context)
        stopMatching(old, &context)
    }

    /// Somebody else takes part in the conference from now on, or the same target at another phone.
    private mutating func replaceGuest(by leg: Leg, _ context: inout Context) {
        guard let old = guest else { return }
        guest?.leg = leg.id
        if old.agent == leg.agent {
            record(.partyChanged(PartyChanged(uri: leg.uri)), &context)
            return
        }
        let new = Party(
            leg: leg.id, agent: leg.agent, group: old.group, uri: leg.uri, sipCallID: leg.sipCallID, role: .merge)
        guest = new
        recordJoined(new, &context)
        recordLeft(old, endedBy: old.endedBy, cause: .normal, end: nil, &context)
    }

    /// Somebody else is with the caller from now on, or the same agent at another phone.
    private mutating func replaceParty(by leg: Leg, _ context: inout Context) {
        guard let old = party else { return }
        if old.agent != nil, old.agent == leg.agent {
            party?.leg = leg.id
            record(.partyChanged(PartyChanged(uri: leg.uri)), &context)
            reroute(.agentPhone, &context)
            return
        }
        if phase == .conference { targetLeavesConference(endedBy: .agent, cause: .cancelled, &context) }
        let consult = attempt
        if let consult {
            attempt = nil
            stopTimer(.attempt, &context)
            dismissRivals(HangUp(), .cancelled, &context)
            recordConsultEnded(consult, .cancelled, &context)
        }
        cancelTransfer(.cancelled, &context)
        stopDialling(&context)
        let new = Party(
            leg: leg.id, agent: leg.agent, group: old.group, uri: leg.uri, sipCallID: leg.sipCallID, role: .transfer)
        join(new, &context)
        recordJoined(new, &context)
        recordLeft(old, endedBy: old.endedBy, cause: .normal, end: nil, &context)
        release(consult?.leg, HangUp(), &context)
        release(consult?.agentLeg, HangUp(sipStatus: 487), &context)
    }
}
