import CallEvents

// The engine's part of the codec rule (design §3): (b) every new leg is offered what the caller's leg can do
// (`Invite.codecsOf`); (d) an answer in another codec makes caller and agent follow before anybody is joined; (e) where
// one does not, the relay transcodes.
extension Call {
    /// The attempt was answered: has anybody to change codec first? Returns whether everything fits already.
    mutating func matchAnswer(_ context: inout Context) -> Bool {
        guard let attempt, let target = leg(attempt.leg) else { return false }
        var followers = [caller]
        if phase == .ringing, transfer?.refer == nil, attempt.agentLeg == nil, let party { followers.append(party.leg) }
        for follower in followers {
            guard let index = index(follower), legs[index].isAlive, legs[index].state == .answered,
                let codec = legs[index].codec, let wanted = target.codec, codec != wanted
            else { continue }
            match(index, to: target.id, &context)
            self.attempt?.matching.append(follower)
        }
        return self.attempt?.matching.isEmpty ?? false
    }

    private mutating func match(_ index: Int, to other: LegID, _ context: inout Context) {
        let report = context.newReport(for: nil)
        legs[index].matching = report
        context.emit(.matchCodec(legs[index].id, to: other, report))
    }

    /// Our re-INVITE is done, for better or worse.
    mutating func reoffered(
        _ id: LegID, _ report: ReportID, sipStatus: Int, codec: String?, _ context: inout Context
    ) {
        guard let index = index(id), legs[index].isAlive else { return }
        if let codec { legs[index].codec = codec }
        guard legs[index].matching == report else { return }
        legs[index].matching = nil
        if !(200...299).contains(sipStatus) { legs[index].refusesCodec = true }
        stopMatching(id, &context)
    }

    /// A leg that had to change codec has done so, does not want to, or is gone: nobody waits for it.
    mutating func stopMatching(_ leg: LegID, _ context: inout Context) {
        guard let waiting = attempt?.matching, waiting.contains(leg) else { return }
        attempt?.matching.removeAll { $0 == leg }
        if attempt?.matching.isEmpty == true, attempt?.answered == true { attemptReady(&context) }
    }

    /// Two who talk must speak one codec: when a peer changed its own, or a consult failed half-way, the other follows.
    mutating func alignCodecs(_ context: inout Context) {
        guard attempt?.matching.isEmpty ?? true else { return }
        // In a conference each has a codec of its own anyway.
        if hasVoice, phase != .conference, let party { align(party.leg, to: caller, &context) }
        if phase == .consulting || phase == .over, let attempt, attempt.answered,
            let agentLeg = attempt.agentLeg ?? party?.leg
        {
            align(agentLeg, to: attempt.leg, &context)
        }
    }

    private mutating func align(_ follower: LegID, to other: LegID, _ context: inout Context) {
        guard let index = index(follower), let reference = leg(other), legs[index].isAlive, reference.isAlive,
            legs[index].state == .answered, reference.state == .answered, legs[index].matching == nil,
            reference.matching == nil, !legs[index].refusesCodec, let codec = legs[index].codec,
            let wanted = reference.codec, codec != wanted
        else { return }
        match(index, to: other, &context)
    }
}
