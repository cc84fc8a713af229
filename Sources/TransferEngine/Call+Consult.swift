import CallEvents

// Transfers and the consults they are made of, up to the point where the caller is joined to a target.
extension Call {
    /// The agent asks for a transfer to the candidates in turn. The caller hears music from here on.
    mutating func startTransfer(
        _ kind: TransferKind, to candidates: [Candidate], named name: String, by: RequestedBy, note: String? = nil,
        agentLeg: LegID? = nil, refer: Refer? = nil, referredBy: String? = nil, _ context: inout Context
    ) {
        guard let agent else { return }
        // By REFER the agent's phone stays until it hears of the outcome, or hangs up.
        let leaves = kind == .blind && refer == nil
        transfers += 1
        let first = candidates.first.map { target($0, context) } ?? name
        transfer = Transfer(
            number: transfers, kind: kind, agent: agent, target: first, candidates: candidates, note: note,
            refer: refer, referredBy: referredBy)
        // Without an attempt a blind caller hears music still: should nobody be dialled, the agent has not left.
        if agentLeg == nil {
            enter(leaves ? .seeking : .ringing, &context)
            reroute(kind == .blind ? .blind : .consult, &context)
        }
        record(
            .transferStarted(TransferStarted(transfer: transfers, kind: kind, agent: agent, target: first, by: by)),
            &context)
        guard tryTargets(agentLeg: agentLeg, &context) else {
            giveTransferUp(agentLeg: agentLeg, &context)
            return
        }
        if leaves {
            agentLeaves(endedBy: .agent, cause: .normal, &context)
            // Into a group's queue.
            if attempt == nil { advance(&context) }
            return
        }
        enter(.ringing, &context)
        reroute(.consult, &context)
    }

    /// What the log calls a target: the address dialled, else its name.
    private func target(_ candidate: Candidate, _ context: Context) -> String {
        candidate.uri ?? candidate.agent.flatMap { context.address(of: $0) } ?? candidate.name
    }

    /// Dials the next target that can be dialled, or has the caller wait for the group that it is. Each one that cannot be
    /// dialled is a failed consult of its own.
    private mutating func tryTargets(agentLeg: LegID?, _ context: inout Context) -> Bool {
        while let candidate = nextTarget(&context) {
            if candidate.isGroup { return true }
            if consult(candidate, agentLeg: agentLeg, &context) {
                consultRivals(of: candidate, &context)
                return true
            }
            if let cause = transfer?.cause { tell(cause, agentLeg: agentLeg, &context) }
        }
        return false
    }

    private mutating func nextTarget(_ context: inout Context) -> Candidate? {
        while let transfer, let first = transfer.candidates.first {
            if transfer.attempts > 0, !first.isRedirect, !context.directory.transfer.fallback.contains(.next) {
                return nil
            }
            guard first.isGroup else {
                self.transfer?.candidates.removeFirst()
                recordNext(first, transfer, &context)
                return first
            }
            if let member = nextMember(of: first, &context) {
                recordNext(member, transfer, &context)
                return member
            }
        }
        return nil
    }

    private mutating func recordNext(_ candidate: Candidate, _ transfer: Transfer, _ context: inout Context) {
        guard transfer.attempts > 0, !candidate.isRedirect else { return }
        recordFallback(.next, to: target(candidate, context), &context)
    }

    /// The member of the group at the head of the list who is next, or a candidate that says why nobody is; null when
    /// members were tried and no other is left. Blindly, and after the agent has left, the group's queue is joined
    /// instead.
    private mutating func nextMember(of group: Candidate, _ context: inout Context) -> Candidate? {
        guard let transfer, let settings = context.directory.group(group.name) else {
            self.transfer?.candidates.removeFirst()
            return unavailable(group, .unreachable)
        }
        if transfer.kind == .blind && transfer.refer == nil || party == nil {
            self.transfer?.candidates.removeFirst()
            let staffed = context.groups[group.name]?.isStaffed == true
            let full = settings.maxQueue.map { (context.groups[group.name]?.waiting.count ?? 0) >= $0 } ?? false
            guard staffed, !full else { return unavailable(group, staffed ? .busy : .unreachable) }
            joinQueue(settings, skills: group.skills, isTarget: true, &context)
            return group
        }
        var need = Need(group: group.name, skills: group.skills)
        need.except = transfer.tried + [transfer.agent].compactMap(\.self)
        if let agent = context.choose(for: need) {
            context.offered(agent, of: group.name)
            return Candidate(agent: agent, group: group.name, name: agent)
        }
        self.transfer?.candidates.removeFirst()
        let members = settings.members
        if transfer.tried.contains(where: members.contains) { return nil }
        return unavailable(group, context.groups[group.name]?.isStaffed == true ? .busy : .unreachable)
    }

    private func unavailable(_ group: Candidate, _ cause: Cause) -> Candidate {
        Candidate(group: group.name, name: group.name, verdict: cause)
    }

    /// A member is offered the caller who waits for the group they were transferred to.
    mutating func consultMember(_ candidate: Candidate, _ context: inout Context) {
        _ = consult(candidate, agentLeg: nil, &context)
    }

    /// Dials one target; false when there is nothing to dial, which is logged.
    private mutating func consult(_ candidate: Candidate, agentLeg: LegID?, _ context: inout Context) -> Bool {
        guard var transfer else { return false }
        let uri = target(candidate, context)
        let failure = candidate.verdict ?? candidate.agent.flatMap { context.unavailability(of: $0) }
        let leg = failure == nil ? context.newLeg() : nil
        consults += 1
        transfer.attempts += 1
        transfer.target = uri
        transfer.tried.append(candidate.key)
        if let failure {
            noteFailed(candidate, failure)
            transfer.cause = failure
            transfer.sipStatus = nil
        }
        self.transfer = transfer
        let logNotes = context.directory.configuration.logNotes
        record(
            .consultStarted(
                ConsultStarted(
                    transfer: transfer.number, consult: consults, agent: transfer.agent, target: uri,
                    targetAgent: candidate.agent, targetGroup: candidate.group, attempt: transfer.attempts,
                    mode: transfer.kind == .blind ? .blind : phase == .seeking ? .semiAttended : .consult,
                    sipCallID: leg.map(sipCallID), note: logNotes ? transfer.note : nil)),
            &context)
        if let failure {
            record(
                .consultFailed(
                    ConsultFailed(transfer: transfer.number, consult: consults, target: uri, cause: failure)),
                &context)
        }
        guard let leg else { return false }
        let timeout = candidate.group.flatMap { context.directory.group($0)?.ringTimeout }
        place(
            candidate, uri: uri, leg: leg, purpose: .consult(consults),
            timeout: timeout ?? context.directory.transfer.consultTimeout, isRival: attempt != nil, &context)
        if let agentLeg { attempt?.agentLeg = agentLeg }
        return true
    }

    /// The agent hears why a target cannot be had.
    private mutating func tell(_ cause: Cause, agentLeg: LegID?, _ context: inout Context) {
        guard transfer?.refer == nil, let leg = leg(agentLeg ?? party?.leg), leg.isAlive, leg.state == .answered else {
            return
        }
        context.emit(.tone(leg.id, Causes.tone(cause), nil))
    }

    /// A target could not be had: the next one, else the agent, else whoever the chain names.
    mutating func continueTransfer(agentLeg: LegID?, _ context: inout Context) {
        guard let transfer else { return }
        if party != nil {
            // A redirect that is followed is no rejection yet.
            if transfer.candidates.first?.isRedirect != true { tell(transfer.cause, agentLeg: agentLeg, &context) }
            if tryTargets(agentLeg: agentLeg, &context) {
                reroute(.consult, &context)
            } else {
                giveTransferUp(agentLeg: agentLeg, &context)
            }
        } else if queue != nil {
            advance(&context)
        } else if tryTargets(agentLeg: nil, &context) {
            if attempt == nil { advance(&context) } else { reroute(.queue, &context) }
        } else {
            if let transfer = self.transfer { tellOutcome(of: transfer, failure(of: transfer), &context) }
            search.cause = self.transfer?.cause ?? .unreachable
            search.sipStatus = self.transfer?.sipStatus
            advance(&context)
        }
    }

    /// The chain is used up and the agent is there: agent and caller talk again. A second call of the agent's is told
    /// why.
    private mutating func giveTransferUp(agentLeg: LegID?, _ context: inout Context) {
        guard let transfer else { return }
        let refusal = HangUp(sipStatus: Causes.finalStatus(transfer.cause, sipStatus: transfer.sipStatus))
        recordFallback(.agent, to: transfer.agent ?? "", &context)
        failTransfer(&context)
        backUnasked(transfer.kind == .blind ? .blind : .consult, &context)
        reroute(.agentPhone, &context)
        release(agentLeg, refusal, &context)
    }

    mutating func failTransfer(cause: Cause? = nil, sipStatus: Int? = nil, _ context: inout Context) {
        guard let transfer else { return }
        self.transfer = nil
        tellOutcome(of: transfer, failure(of: transfer, cause, sipStatus), &context)
        record(
            .transferFailed(
                TransferFailed(
                    transfer: transfer.number, kind: transfer.kind, agent: transfer.agent, target: transfer.target,
                    cause: cause ?? transfer.cause, sipStatus: cause == nil ? transfer.sipStatus : sipStatus)),
            &context)
    }

    mutating func cancelTransfer(_ cause: Cause, _ context: inout Context) {
        guard let transfer else { return }
        self.transfer = nil
        tellOutcome(of: transfer, 487, &context)
        record(
            .transferCancelled(
                TransferCancelled(
                    transfer: transfer.number, kind: transfer.kind, agent: transfer.agent, target: transfer.target,
                    cause: cause)),
            &context)
    }

    /// Agent and target can talk.
    mutating func consultAnswered(_ context: inout Context) {
        guard let attempt, case .consult(let number) = attempt.purpose else { return }
        if let agentLeg = index(attempt.agentLeg), legs[agentLeg].isAlive, legs[agentLeg].state != .answered {
            legs[agentLeg].state = .answered
            legs[agentLeg].since = context.now
            context.emit(.answer(legs[agentLeg].id, codecOf: attempt.leg))
        }
        recordConsultAnswered(attempt, number, &context)
        enter(.consulting, &context)
        reroute(.consult, &context)
    }

    mutating func recordConsultAnswered(_ attempt: Attempt, _ number: Int, _ context: inout Context) {
        guard let transfer else { return }
        record(
            .consultAnswered(ConsultAnswered(transfer: transfer.number, consult: number, target: attempt.uri)), &context
        )
    }

    mutating func recordConsultEnded(_ attempt: Attempt, _ outcome: ConsultOutcome, _ context: inout Context) {
        guard case .consult(let number) = attempt.purpose, !attempt.isMerged else { return }
        record(
            .consultEnded(
                ConsultEnded(
                    transfer: transfer?.number ?? transfers, consult: number, target: attempt.uri, outcome: outcome)),
            &context)
    }

    /// The agent gives the target up, before or after the answer (row 6).
    mutating func cancelConsult(_ context: inout Context) {
        guard let attempt else { return }
        self.attempt = nil
        stopTimer(.attempt, &context)
        dismissRivals(HangUp(), .cancelled, &context)
        recordConsultEnded(attempt, .cancelled, &context)
        cancelTransfer(.cancelled, &context)
        enter(.talking, &context)
        reroute(.consult, &context)
        release(attempt.leg, HangUp(), &context)
        release(attempt.agentLeg, HangUp(sipStatus: 487), &context)
    }

    /// The target hung up during the consult, or is lost (row 9).
    mutating func targetGone(_ end: LegEnd, _ context: inout Context) {
        guard let attempt else { return }
        self.attempt = nil
        recordConsultEnded(attempt, .targetHangup, &context)
        failTransfer(
            cause: Causes.ending(end, isAgent: attempt.candidate.agent != nil), sipStatus: end.sipStatus, &context)
        backUnasked(.consult, &context)
        reroute(.consult, &context)
        release(attempt.leg, HangUp(), &context)
        release(attempt.agentLeg, HangUp(passing: end), &context)
    }

    /// The agent leaves while a target rings, or blindly: the caller stays, with the target that is being called.
    mutating func agentLeaves(endedBy: EndedBy, cause: Cause, end: LegEnd? = nil, _ context: inout Context) {
        guard let old = party, transfer != nil else { return }
        planSearch(agent: old.agent ?? lastAgent, recallFirst: false, context)
        if let queue { search.groups.append(queue.group) }
        if transfer?.kind != .blind {
            attempt?.agentLeft = true
            for index in rivals.indices { rivals[index].agentLeft = true }
        }
        // The member who rings is offered the caller from the group's queue from now on.
        if queue == nil, let group = transfer?.candidates.first, group.isGroup, attempt?.candidate.group == group.name,
            let settings = context.directory.group(group.name)
        {
            transfer?.candidates.removeFirst()
            joinQueue(settings, skills: group.skills, isTarget: true, &context)
            queue?.tried = transfer?.tried ?? []
        }
        let agentLeg = attempt?.agentLeg
        attempt?.agentLeg = nil
        enter(.seeking, &context)
        reroute(.consult, &context)
        leave(endedBy: endedBy, cause: cause, end: end, &context)
        release(old.leg, HangUp(), &context)
        release(agentLeg, HangUp(), &context)
        // The agent's own re-INVITE to the target's codec has lost its purpose.
        stopMatching(old.leg, &context)
    }
}
