import CallEvents

// A new INVITE: a caller's for a line, an agent's call of their own, an agent's second call for a target, or refused.
extension TransferEngine {
    mutating func arrive(_ invitation: Invitation) {
        if let status = obstacle(invitation) {
            turnAway(invitation, status)
            return
        }
        if let replaced = invitation.replaces {
            takeOver(replaced, invitation)
            return
        }
        let dialled = SIPAddress(invitation.requestURI)?.decodedUser ?? ""
        let line = context.directory.line(dialled)
        guard let agent = context.directory.agent(calling: invitation) else {
            guard let line else {
                turnAway(invitation, 404)
                return
            }
            open(invitation, to: line.to, line: line, direction: .inbound, agent: nil)
            return
        }
        if let wish = context.directory.wish(of: dialled) {
            takeCode(invitation, wish, agent: agent)
            return
        }
        if let held = heldCall(of: agent) {
            secondCall(invitation, of: agent, in: held, to: dialled)
            return
        }
        let candidates = context.directory.candidates(named: dialled)
        let canBeDialled = !candidates.isEmpty && candidates.allSatisfy { $0.verdict == nil }
        if let line, line.pattern == dialled || !canBeDialled {
            open(invitation, to: line.to, line: line, direction: .internal, agent: agent)
        } else if canBeDialled {
            // Of two agents the one called is the agent; a customer whom an agent calls is the caller (design §1).
            let isInternal = candidates.contains { $0.agent != nil || $0.group != nil }
            open(
                invitation, candidates: candidates, line: nil, direction: isInternal ? .internal : .outbound,
                agent: agent)
        } else {
            turnAway(invitation, 404)
        }
    }

    /// The status that refuses an INVITE before anybody looks where it leads; null when nothing is in its way.
    private func obstacle(_ invitation: Invitation) -> Int? {
        if service != .open || !isLogWritable { return 503 }
        if !invitation.trusted, invitation.digestUser == nil { return 403 }
        if let maxForwards = invitation.maxForwards, maxForwards <= 0 { return 483 }
        // An id that is in use: the peer's fault or ours, but no second call.
        return byID[invitation.call] == nil ? nil : 500
    }

    private mutating func turnAway(_ invitation: Invitation, _ sipStatus: Int) {
        let (effect, record) = refuse(invitation, sipStatus)
        context.emit(effect)
        if let record { context.emit(.log(record)) }
    }

    private mutating func open(
        _ invitation: Invitation, to destination: Destination? = nil, candidates: [Candidate] = [],
        line: LineSettings?, direction: Direction, agent: String?
    ) {
        let leg = adopt(invitation, agent: agent, call: invitation.call)
        let from = invitation.assertedIdentity ?? invitation.from
        var callerNumber =
            invitation.withheld ? nil : normalisedCaller(from, numbering: context.directory.configuration.numbering)
        if direction == .outbound {
            callerNumber = candidates.first?.uri.flatMap {
                normalisedCaller($0, numbering: context.directory.configuration.numbering)
            }
        }
        var call = Call(
            invitation: invitation, leg: leg, serial: context.newSerial(), direction: direction, line: line,
            callerNumber: callerNumber, at: context.now)
        if direction == .inbound, let callerNumber {
            call.isNewCaller = context.callers.visit(of: callerNumber) == nil
            context.callers.remember(callerNumber, agent: nil, at: context.now.wall)
        }
        call.record(
            .callArrived(
                CallArrived(
                    from: from, to: invitation.to, line: line?.pattern, sipCallID: invitation.sipCallID,
                    caller: callerNumber, direction: direction)),
            &context)
        if direction == .outbound { call.lastAgent = agent }
        if let destination { call.search.steps.append(.line(destination)) }
        call.search.candidates = candidates
        if let overflow = line?.overflow { call.search.steps.append(.overflow(overflow)) }
        byID[call.id] = call
        with(call: call.id) { $0.advance(&$1) }
    }

    private mutating func adopt(_ invitation: Invitation, agent: String?, call: String) -> Leg {
        let id = context.newLeg()
        context.emit(.adopt(id, handle: invitation.handle, call: call))
        context.legCalls[id] = call
        context.occupy(agent)
        return Leg(
            id: id, uri: invitation.from, sipCallID: invitation.sipCallID, agent: agent, isIncoming: true,
            state: .ringing, since: context.now)
    }

    /// An INVITE with Replaces (RFC 3891): its leg takes the place of another.
    private mutating func takeOver(_ replaced: LegID, _ invitation: Invitation) {
        guard let call = context.legCalls[replaced], byID[call]?.canBeReplaced(replaced) == true else {
            turnAway(invitation, 481)
            return
        }
        let leg = adopt(invitation, agent: context.directory.agent(calling: invitation), call: call)
        with(call: call) { $0.replace(replaced, by: leg, &$1) }
    }

    /// The call that an agent's second call belongs to: of those they hold, the one held last.
    private func heldCall(of agent: String) -> String? {
        let held = (context.present[agent] ?? []).compactMap { byID[$0] }.filter { $0.isHeldByAgent }
        return held.max { ($0.heldSince, $0.serial) < ($1.heldSince, $1.serial) }?.id
    }

    /// An agent who holds a caller calls somebody from the same phone: that is the consult.
    private mutating func secondCall(_ invitation: Invitation, of agent: String, in call: String, to dialled: String) {
        let candidates = context.directory.candidates(named: dialled)
        let leg = adopt(invitation, agent: agent, call: call)
        with(call: call) { call, context in
            call.legs.append(leg)
            call.startTransfer(.attended, to: candidates, named: dialled, by: .phone, agentLeg: leg.id, &context)
        }
    }
}

extension Call {
    /// The agent is with the caller and holds them, and no target is there yet.
    var isHeldByAgent: Bool {
        guard party?.agent != nil, attempt == nil, transfer == nil else { return false }
        return phase == .held || phase == .talking && !hasVoice
    }

    /// Since when, on the monotonic clock, as far as the books know: a switch just made counts as the newest.
    var heldSince: Int64 { ledger.books.hold?.began.mono ?? Int64.max }
}
