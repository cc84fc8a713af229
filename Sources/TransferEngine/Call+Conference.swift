import CallEvents

// Three-way (row 13): the agent merges caller and target, and each of the three hears the other two. It ends when one of
// them leaves; the two who are left talk on through the plain relay.
extension Call {
    /// The consult becomes a conversation of three.
    mutating func merge(_ context: inout Context) {
        guard let attempt, let transfer, attempt.agentLeg == nil, phase == .consulting || phase == .swapped else {
            return
        }
        recordConsultEnded(attempt, .merged, &context)
        self.attempt?.isMerged = true
        var guest = party(from: attempt, role: .merge)
        guest.since = context.now
        self.guest = guest
        enter(.conference, &context)
        reroute(.other, isMerge: true, &context)
        record(.conferenceStarted(ConferenceStarted(transfer: transfer.number)), &context)
        recordJoined(guest, &context)
    }

    /// The agent leaves, or is lost: caller and target go on, and the transfer is complete.
    mutating func agentLeavesConference(
        endedBy: EndedBy, cause: Cause, end: LegEnd? = nil, _ context: inout Context
    ) {
        guard let attempt, let guest, let transfer, let old = party else { return }
        self.attempt = nil
        self.guest = nil
        context.setPresent(old.agent, in: id, false)
        join(guest, &context)
        endConference(&context)
        recordLeft(old, endedBy: endedBy, cause: cause, end: end, &context)
        finishTransfer(transfer, .attended, attempt, &context)
        release(old.leg, HangUp(), &context)
    }

    /// The agent drops the target, or it leaves by itself, or is lost: agent and caller go on.
    mutating func targetLeavesConference(
        endedBy: EndedBy, cause: Cause, end: LegEnd? = nil, _ context: inout Context
    ) {
        guard let attempt, let guest else { return }
        self.attempt = nil
        self.guest = nil
        enter(.talking, &context)
        reroute(.agentPhone, &context)
        endConference(&context)
        recordLeft(guest, endedBy: endedBy, cause: cause, end: end, &context)
        cancelTransfer(cause, &context)
        release(attempt.leg, end.map { HangUp(passing: $0) } ?? HangUp(), &context)
    }

    mutating func endConference(_ context: inout Context) {
        guard let transfer else { return }
        record(.conferenceEnded(ConferenceEnded(transfer: transfer.number)), &context)
    }

    /// What one of the three hears: whoever else is there and does not hold by phone.
    func sourceInConference(for id: LegID) -> MediaSource {
        let voices = [caller, party?.leg, attempt?.leg].compactMap { $0 }.filter { other in
            guard other != id, let leg = leg(other) else { return false }
            return leg.isAlive && !leg.peerHolds
        }
        switch voices.count {
        case 0: return .music
        case 1: return .leg(voices[0])
        default: return .mix(voices)
        }
    }
}

extension MediaSource {
    /// Whether this leg is heard.
    func includes(_ leg: LegID) -> Bool {
        switch self {
        case .leg(let other): other == leg
        case .mix(let legs): legs.contains(leg)
        case .silence, .music, .file, .ringback, .dialTone: false
        }
    }
}
