import CallEvents

// A PBX puts somebody else behind a leg of ours, and says so by P-Asserted-Identity (RFC 3325) in a re-INVITE or UPDATE: its
// own transfer. The dialog stays; whoever is at its other end does not.
extension Call {
    mutating func identified(_ id: LegID, as identity: Identity, _ context: inout Context) {
        guard let index = index(id), legs[index].isAlive, legs[index].state == .answered, phase != .over,
            handOver == nil, let address = SIPAddress(identity.uri), let user = address.decodedUser
        else { return }
        let agent = context.directory.agent(named: user)
        let before = legs[index].asserted ?? SIPAddress(firstAddress(of: legs[index]))?.decodedUser
        let isFirstWord = legs[index].asserted == nil && !legs[index].isIncoming
        legs[index].asserted = user
        // A PBX may know its extensions by other numbers than those that are dialled: its first word tells of somebody else
        // only where it names another agent.
        guard user != before, !isFirstWord || agent != nil && agent != legs[index].agent else { return }
        let plain = address.plain
        if id == caller {
            if isAnswered { record(.partyChanged(PartyChanged(uri: plain)), &context) }
            callerChanged(to: identity, &context)
        } else if id == party?.leg {
            moveParty(at: index, to: agent, uri: plain, &context)
        } else if id == attempt?.leg, phase == .consulting || phase == .swapped {
            setAgent(at: index, agent, &context)
            attempt?.candidate.agent = agent
        }
    }

    /// Whoever is shown the caller is shown the new one.
    private mutating func callerChanged(to identity: Identity, _ context: inout Context) {
        guard direction == .inbound || direction == .internal else { return }
        invitation.assertedIdentity = identity.uri
        invitation.assertedDisplay = identity.display
        invitation.withheld = identity.withheld
        if phase == .talking { introduce(&context) }
    }

    /// Whom a leg was placed to, or came from.
    private func firstAddress(of leg: Leg) -> String {
        leg.id == caller && leg.isIncoming ? invitation.assertedIdentity ?? invitation.from : leg.uri
    }

    private mutating func moveParty(at index: Int, to agent: String?, uri: String, _ context: inout Context) {
        guard let old = party else { return }
        if old.agent == agent {
            record(.partyChanged(PartyChanged(uri: uri)), &context)
            return
        }
        if phase == .conference { targetLeavesConference(endedBy: .agent, cause: .cancelled, &context) }
        let consult = attempt
        if let consult {
            attempt = nil
            stopTimer(.attempt, &context)
            recordConsultEnded(consult, .cancelled, &context)
        }
        cancelTransfer(.cancelled, &context)
        stopDialling(&context)
        setAgent(at: index, agent, &context)
        var new = old
        new.agent = agent
        new.uri = uri
        new.role = .transfer
        join(new, &context)
        // In this order: a leg is with one party at a time.
        recordLeft(old, endedBy: old.endedBy, cause: .normal, end: nil, &context)
        recordJoined(new, &context)
        introduce(&context)
        release(consult?.leg, HangUp(), &context)
        release(consult?.agentLeg, HangUp(sipStatus: 487), &context)
    }

    /// The leg keeps another agent busy from now on, or none.
    private mutating func setAgent(at index: Int, _ agent: String?, _ context: inout Context) {
        let leg = legs[index]
        guard leg.agent != agent else { return }
        context.setOccupation(leg.agent, leg.id, nil)
        context.vacate(leg.agent)
        legs[index].agent = agent
        legs[index].occupation = nil
        context.occupy(agent)
    }
}
