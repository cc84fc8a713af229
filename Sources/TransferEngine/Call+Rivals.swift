import CallEvents

// Ring-all: several members are called at once. One of them is the attempt, the others its rivals; who answers first
// becomes the attempt, and the others are told that somebody else has (RFC 3326 §3.1).
extension Call {
    func rival(_ leg: LegID) -> Int? { rivals.firstIndex { $0.leg == leg } }

    /// A rival is no longer one but the attempt, and the attempt, if there still is one, a rival.
    mutating func promote(_ index: Int) {
        let rival = rivals.remove(at: index)
        let agentLeg = attempt?.agentLeg
        if let attempt {
            rivals.insert(attempt, at: 0)
            rivals[0].agentLeg = nil
            rename(.attempt, to: .rival(attempt.leg))
        }
        rename(.rival(rival.leg), to: .attempt)
        attempt = rival
        attempt?.agentLeg = agentLeg
        if isConsult(rival) { transfer?.target = rival.uri }
    }

    /// The other members of a group whose members are called together, each a consult of its own.
    mutating func consultRivals(of candidate: Candidate, _ context: inout Context) {
        guard let group = candidate.group, attempt != nil, context.directory.group(group)?.strategy == .ringAll else {
            return
        }
        let skills = transfer?.candidates.first { $0.isGroup && $0.name == group }?.skills ?? []
        var need = Need(group: group, skills: skills)
        need.except = (transfer?.tried ?? []) + [transfer?.agent].compactMap(\.self)
        for agent in context.all(for: need) {
            context.offered(agent, of: group)
            consultMember(Candidate(agent: agent, group: group, name: agent), &context)
        }
        // A transfer that fails is said to have failed at the one who was called first.
        if let attempt { transfer?.target = attempt.uri }
    }

    private mutating func rename(_ old: CallTimer.Purpose, to new: CallTimer.Purpose) {
        guard let index = timers.firstIndex(where: { $0.purpose == old }) else { return }
        timers[index].purpose = new
    }

    /// Takes back what the rivals are being offered.
    mutating func dismissRivals(
        _ hangUp: HangUp, _ cause: Cause, outcome: ConsultOutcome = .cancelled, _ context: inout Context
    ) {
        let losers = rivals
        rivals = []
        for rival in losers {
            stopTimer(.rival(rival.leg), &context)
            release(rival.leg, hangUp, &context)
            recordAlertFailed(rival, cause, sipStatus: nil, &context)
            recordConsultEnded(rival, outcome, &context)
        }
    }

    mutating func rivalFailed(
        _ index: Int, _ cause: Cause, sipStatus: Int?, reason: String?, hangUp: HangUp, _ context: inout Context
    ) {
        let rival = rivals.remove(at: index)
        stopTimer(.rival(rival.leg), &context)
        release(rival.leg, hangUp, &context)
        if let agent = rival.candidate.agent { queue?.tried.append(agent) }
        context.refused(rival.candidate, cause)
        noteFailed(rival.candidate, cause)
        recordAlertFailed(rival, cause, sipStatus: sipStatus, reason: reason, &context)
        recordConsultFailed(rival, cause, sipStatus: sipStatus, reason: reason, &context)
    }
}

extension HangUp {
    /// For a phone that rings while another has been answered.
    static var answeredElsewhere: HangUp { HangUp(sipStatus: 200, reason: "Call completed elsewhere") }
}
