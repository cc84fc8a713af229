import CallEvents

// REFER received (RFC 3515, 5589): the transfer key of the agent's own phone. From the 202 on the transfer is ours: the
// caller hears ringback and goes to whoever answers. The agent's leg stays in the call until its phone hangs up or the
// outcome is known, so that agent and caller talk on where nobody can be had.
extension Call {
    mutating func refer(_ referral: Referral, on leg: LegID, _ context: inout Context) {
        if let sipStatus = obstacle(referral, on: leg) {
            answer(referral, .reject(sipStatus: sipStatus), &context)
        } else if transfer != nil {
            leaveConsult(referral, &context)
        } else {
            beginReferred(referral, &context)
        }
    }

    private func answer(_ referral: Referral, _ reply: ReferReply, _ context: inout Context) {
        context.emit(.refer(referral.id, call: id, reply))
    }

    /// Why a REFER cannot be done in this state; null when it can.
    private func obstacle(_ referral: Referral, on id: LegID) -> Int? {
        guard let leg = leg(id), leg.isAlive, phase != .over else { return 481 }
        // Only agents' legs drive transfers.
        guard leg.agent != nil, leg.state == .answered, agent != nil, id == party?.leg || id == attempt?.agentLeg else {
            return 403
        }
        // RFC 3261 §21.4.27: a request is pending within the same dialog, or in the one beside it.
        if transfer?.refer != nil || handOver != nil { return 491 }
        switch phase {
        case .talking, .held, .dialling: return referral.replaces == nil ? nil : 603
        case .ringing, .consulting, .swapped: return means(referral, on: id) ? nil : 603
        case .conference: return 603
        case .arriving, .seeking, .apologising, .over: return 403
        }
    }

    /// Whether a REFER means the consult that is open: its Replaces names the agent's other call, whichever of the two it
    /// came in.
    private func means(_ referral: Referral, on id: LegID) -> Bool {
        guard let attempt else { return false }
        if let replaced = referral.replaces {
            return [id, replaced] == [party?.leg, attempt.agentLeg]
                || [replaced, id] == [party?.leg, attempt.agentLeg]
        }
        return false
    }

    /// Blind, or with a Replaces for a dialog elsewhere: the target's with the agent, who has consulted without us.
    private mutating func beginReferred(_ referral: Referral, _ context: inout Context) {
        var candidates = context.directory.candidates(referredTo: referral.referTo)
        if let verdict = candidates.lazy.compactMap(\.verdict).first {
            answer(referral, .reject(sipStatus: verdict == .notAllowed ? 403 : 404), &context)
            return
        }
        let isBlind = referral.replacesHeader == nil
        if let replaces = referral.replacesHeader {
            candidates = Array(candidates.prefix(1))
            candidates[0].replaces = replaces
            candidates[0].requiresReplaces = referral.requiresReplaces
        }
        answer(referral, .accept, &context)
        flushCodes(&context)
        stopDialling(&context)
        startTransfer(
            isBlind ? .blind : .attended, to: candidates, named: referral.referTo, by: .refer,
            refer: Refer(id: referral.id, kind: isBlind ? .blind : .attended), referredBy: referral.referredBy, &context
        )
    }

    /// The agent leaves the open consult to us: with the target there the transfer is complete, while it rings the caller
    /// waits for it.
    private mutating func leaveConsult(_ referral: Referral, _ context: inout Context) {
        answer(referral, .accept, &context)
        let isAnswered = phase != .ringing
        transfer?.refer = Refer(id: referral.id, kind: isAnswered ? .attended : .semiAttended)
        if isAnswered {
            complete(endedBy: .agent, cause: .normal, &context)
        } else {
            reroute(.consult, &context)
            if attempt?.rang == true { tellProgress(180, &context) }
        }
    }

    /// The target of a REFER has answered.
    mutating func completeReferred(_ context: inout Context) {
        guard let attempt, case .consult(let number) = attempt.purpose, let refer = transfer?.refer else { return }
        recordConsultAnswered(attempt, number, &context)
        complete(endedBy: .agent, cause: .normal, kind: refer.kind, &context)
    }

    // MARK: what its sender is told

    /// NOTIFY of a provisional response, each status once.
    mutating func tellProgress(_ sipStatus: Int, _ context: inout Context) {
        guard let refer = transfer?.refer, refer.told < 200, refer.told != sipStatus else { return }
        transfer?.refer?.told = sipStatus
        context.emit(.refer(refer.id, call: id, .notify(sipStatus: sipStatus, final: false)))
    }

    /// The last NOTIFY of a transfer's, where it is still owed.
    mutating func tellOutcome(of transfer: Transfer, _ sipStatus: Int, _ context: inout Context) {
        guard let refer = transfer.refer, refer.told < 200 else { return }
        self.transfer?.refer?.told = sipStatus
        context.emit(.refer(refer.id, call: id, .notify(sipStatus: sipStatus, final: true)))
    }

    /// How a transfer's failure is told in SIP.
    func failure(of transfer: Transfer, _ cause: Cause? = nil, _ sipStatus: Int? = nil) -> Int {
        let sipStatus = cause == nil ? transfer.sipStatus : sipStatus
        if let sipStatus, (400...699).contains(sipStatus) { return sipStatus }
        return Causes.finalStatus(cause ?? transfer.cause, sipStatus: sipStatus)
    }
}

extension TransferEngine {
    /// Every REFER is answered, whatever has become of its leg.
    mutating func refer(_ referral: Referral, on leg: LegID) {
        guard let call = context.legCalls[leg] else {
            context.emit(.refer(referral.id, call: "", .reject(sipStatus: 481)))
            return
        }
        with(call: call) { $0.refer(referral, on: leg, &$1) }
    }
}
