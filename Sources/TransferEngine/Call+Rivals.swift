import CallEvents

// Ring-all: several members are called at once. One of them is the attempt, the others its rivals; who answers first
// becomes the attempt, and the others are told that somebody else has (RFC 3326 §3.1).
extension Call {
    func rival(_ leg: LegID) -> Int? { rivals.firstIndex { $0.leg == leg } }

    /// A rival is no longer one but the attempt, and the attempt, if there still is one, a rival.
    mutating func promote(_ index: Int) {
        let rival = rivals.remove(at: index)
        if let attempt {
            rivals.insert(attempt, at: 0)
            rename(.attempt, to: .rival(attempt.leg))
        }
        rename(.rival(rival.leg), to: .attempt)
        attempt = rival
    }

    private mutating func rename(_ old: CallTimer.Purpose, to new: CallTimer.Purpose) {
        guard let index = timers.firstIndex(where: { $0.purpose == old }) else { return }
        timers[index].purpose = new
    }

    /// Takes back what the rivals are being offered.
    mutating func dismissRivals(_ hangUp: HangUp, _ cause: Cause, _ context: inout Context) {
        let losers = rivals
        rivals = []
        for rival in losers {
            stopTimer(.rival(rival.leg), &context)
            release(rival.leg, hangUp, &context)
            recordAlertFailed(rival, cause, sipStatus: nil, &context)
        }
    }

    mutating func rivalFailed(_ index: Int, _ cause: Cause, sipStatus: Int?, hangUp: HangUp, _ context: inout Context) {
        let rival = rivals.remove(at: index)
        stopTimer(.rival(rival.leg), &context)
        release(rival.leg, hangUp, &context)
        if let agent = rival.candidate.agent { queue?.tried.append(agent) }
        context.refused(rival.candidate, cause)
        noteFailed(rival.candidate, cause)
        recordAlertFailed(rival, cause, sipStatus: sipStatus, &context)
    }
}

extension HangUp {
    /// For a phone that rings while another has been answered.
    static var answeredElsewhere: HangUp { HangUp(sipStatus: 200, reason: "Call completed elsewhere") }
}
