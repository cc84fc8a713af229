import CallEvents

/// How the caller has come back to the agent without the agent's doing: nobody could be had, or the target is gone.
struct Unasked: Codable, Sendable {
    var since: EventTime
    /// Why the caller was held until then.
    var hold: HoldReason
    /// Nobody was being called yet.
    var wasDialling: Bool
}

// The agent's hold by code or command, swaps, and what becomes of a caller whose party is suddenly gone.
extension Call {
    mutating func hold(_ reason: HoldReason, _ context: inout Context) {
        guard phase == .talking, party != nil else { return }
        enter(.held, &context)
        reroute(reason, &context)
    }

    mutating func resume(_ context: inout Context) {
        guard phase == .held else { return }
        enter(.talking, &context)
        reroute(.agentPhone, &context)
    }

    /// The agent goes to and fro between caller and target (row 12).
    mutating func swap(_ context: inout Context) {
        switch phase {
        case .consulting: enter(.swapped, &context)
        case .swapped: enter(.consulting, &context)
        default: return
        }
        reroute(.swap, &context)
    }

    /// The party with the caller hung up, or is lost. Their leg is gone from `legs`, or is ending.
    mutating func partyGone(_ leg: Leg, _ end: LegEnd, _ context: inout Context) {
        guard let party else { return }
        let cause = Causes.ending(end, isAgent: party.agent != nil)
        switch phase {
        case .talking:
            if targetReplaced(end, &context) { return }
            if leg.hasJustUnheld(context.now) {
                abandonedByParty(end, cause, hold: .agentPhone, &context)
            } else if !Causes.isLoss(end), let unasked, meansWhatWas(unasked, context.now) {
                abandonedByParty(end, cause, hold: unasked.hold, recallFirst: unasked.wasDialling, &context)
            } else if Causes.isLoss(end) || leg.peerHolds {
                abandonedByParty(end, cause, &context)
            } else {
                finish(by: party.endedBy, cause, end: end, hangUp: HangUp(passing: end), &context)
            }
        case .held, .dialling: abandonedByParty(end, cause, &context)
        case .ringing: agentLeaves(endedBy: party.endedBy, cause: cause, end: end, &context)
        case .consulting, .swapped: complete(endedBy: party.endedBy, cause: cause, end: end, &context)
        case .conference: agentLeavesConference(endedBy: party.endedBy, cause: cause, end: end, &context)
        case .arriving, .seeking, .apologising, .over: break
        }
    }

    /// Caller and agent talk again, and the agent has not asked for it.
    mutating func backUnasked(_ hold: HoldReason, wasDialling: Bool = false, _ context: inout Context) {
        enter(.talking, &context)
        unasked = Unasked(since: context.now, hold: hold, wasDialling: wasDialling)
    }

    /// Whoever hangs up now has not grasped yet that the caller is back, and means what hanging up meant before: to leave
    /// the caller to a target, as in row 8. Many a phone, too, hangs up by itself when its REFER has failed.
    func meansWhatWas(_ unasked: Unasked, _ now: EventTime) -> Bool {
        now.mono &- unasked.since.mono < Self.timeToGrasp
    }

    /// In microseconds: the tone that tells of a failure, which takes one second at most, and as long again. A lost NOTIFY
    /// has been sent again by then.
    private static var timeToGrasp: Int64 { 2_000_000 }

    /// Nobody is with the caller any more and nobody is being called (rows 20, 21): the chain begins with the call-back,
    /// unless the agent has left the caller to a target (row 8). `hold`: why the caller is held from now on, if not
    /// already.
    private mutating func abandonedByParty(
        _ end: LegEnd, _ cause: Cause, hold: HoldReason = .agentLost, recallFirst: Bool = true,
        _ context: inout Context
    ) {
        guard let party else { return }
        stopDialling(&context)
        planSearch(agent: party.agent ?? lastAgent, recallFirst: recallFirst, context)
        search.cause = cause
        enter(.seeking, &context)
        reroute(hold, &context)
        leave(endedBy: party.endedBy, cause: cause, end: end, &context)
        advance(&context)
    }
}

extension Leg {
    /// A phone behind a PBX hangs up while it holds: Asterisk takes the hold back for it and says BYE right after, which no
    /// hand is fast enough for.
    func hasJustUnheld(_ now: EventTime) -> Bool {
        guard let unheld else { return false }
        return now.mono &- unheld.mono < Self.longestReflex
    }

    /// In microseconds.
    private static var longestReflex: Int64 { 500_000 }
}
