import CallEvents

/// A transfer whose parties have been joined, while the caller's side is asked to leave us out.
struct HandOver: Codable, Sendable {
    var report: ReportID
    var kind: TransferKind
    var target: String
    var targetAgent: String?
    /// The caller's side has taken the REFER: the target may be replaced under our hands from now on.
    var isAccepted = false
}

// `completion: "refer"`: caller and target talk through us at once, and a REFER with Replaces asks the caller's side to call
// the target itself (RFC 5589 §7.3). When that has come about we leave the path; whatever else becomes of it, the bridge
// stands. The transfer is open in the log until this is known, because its method is.
extension Call {
    /// The caller is with the target. Returns whether the transfer stays open.
    mutating func handOver(
        _ transfer: Transfer, _ kind: TransferKind, _ attempt: Attempt, _ context: inout Context
    ) -> Bool {
        guard context.directory.transfer.completion == .refer, let party, callerLeg?.isAlive == true else {
            return false
        }
        self.transfer = transfer
        tellOutcome(of: transfer, 200, &context)
        let report = context.newReport(for: nil)
        handOver = HandOver(
            report: report, kind: kind, target: attempt.uri, targetAgent: attempt.candidate.agent)
        let referredBy = transfer.referredBy ?? transfer.agent.map { identity(of: $0, context).uri }
        context.emit(.handOver(caller, to: party.leg, referredBy: referredBy, report))
        startTimer(.handOver, context.directory.transfer.completionTimeout, &context)
        return true
    }

    /// What has become of the REFER so far.
    mutating func handedOver(_ report: ReportID, sipStatus: Int, isFinal: Bool, _ context: inout Context) {
        guard handOver?.report == report else {
            // The caller's side has been told to end, and waits for nothing more.
            if isFinal, farewell?.report == report { farewellDone(&context) }
            return
        }
        if !isFinal {
            if sipStatus < 300 { handOver?.isAccepted = true }
        } else if (200...299).contains(sipStatus) {
            leavePath(lingering: nil, &context)
        } else {
            keepBridge(&context)
        }
    }

    /// Refused, failed, or not heard of in time: the two go on talking through us.
    mutating func keepBridge(_ context: inout Context) {
        guard settleHandOver(.bridge, &context) else { return }
        introduce(&context)
    }

    /// Closes the transfer in the log; false where none is being handed over.
    @discardableResult
    mutating func settleHandOver(_ method: CompletionMethod, _ context: inout Context) -> Bool {
        guard let handOver, let transfer else { return false }
        self.handOver = nil
        self.transfer = nil
        stopTimer(.handOver, &context)
        record(
            .transferCompleted(
                TransferCompleted(
                    transfer: transfer.number, kind: handOver.kind, agent: transfer.agent, target: handOver.target,
                    targetAgent: handOver.targetAgent, method: method)),
            &context)
        return true
    }

    /// Caller and target talk without us. `lingering`: a leg that is kept a little longer.
    private mutating func leavePath(lingering: LegID?, _ context: inout Context) {
        let report = handOver?.report
        settleHandOver(.refer, &context)
        finish(by: .controller, .normal, hangUp: HangUp(), &context) { call, context in
            call.linger(lingering, report, &context)
        }
    }

    /// The target has hung up while it is handed over. Where the caller's side has taken the REFER, this is how the
    /// target's old dialog ends (RFC 3891 §3); the caller's is left to hear of it. Returns whether that was it.
    mutating func targetReplaced(_ end: LegEnd, _ context: inout Context) -> Bool {
        guard let handOver else { return false }
        guard handOver.isAccepted, end.how == .bye else {
            settleHandOver(.bridge, &context)
            return false
        }
        leavePath(lingering: caller, &context)
        return true
    }

    /// The caller has hung up while they are handed over. Should their side have been about to call the target, the dialog
    /// to be replaced must be there (a BYE that comes too early has killed many a transfer).
    mutating func callerReplacing(_ end: LegEnd, _ context: inout Context) -> Bool {
        guard let handOver, handOver.isAccepted, end.how == .bye, let target = party?.leg else { return false }
        settleHandOver(.bridge, &context)
        finish(by: .caller, hasVoice ? .normal : .abandoned, end: end, hangUp: HangUp(passing: end), &context) {
            call, context in call.linger(target, handOver.report, &context)
        }
        return true
    }

    private mutating func linger(_ leg: LegID?, _ report: ReportID?, _ context: inout Context) {
        guard let leg, let report, self.leg(leg)?.isAlive == true else { return }
        farewell = Farewell(leg: leg, report: report)
        startTimer(.farewell, Self.longestLinger, &context)
    }

    /// How long a leg is kept for its peer to have its last word.
    private static var longestLinger: Int { 4_000 }
}
