import CallEvents

// What every leg is sent follows from the phase alone; a change of it is one switch of the relay. Holds are read off the
// same switch: they begin and end where the caller loses or gets a party's voice.
extension Call {
    /// Whether a party's voice is to reach the caller.
    var callerHearsParty: Bool {
        if phase == .conference { return sourceInConference(for: caller) != .music }
        guard let party, let leg = leg(party.leg), leg.isAlive, !leg.peerHolds else { return false }
        switch phase {
        case .talking, .swapped: return true
        // By the agent's second call the phone itself says, by holding, with whom its user talks.
        case .ringing, .consulting: return attempt?.agentLeg != nil && transfer?.refer == nil
        case .conference, .arriving, .held, .dialling, .seeking, .apologising, .over: return false
        }
    }

    /// What a leg is to be sent.
    func source(for leg: Leg) -> MediaSource {
        if phase == .conference { return sourceInConference(for: leg.id) }
        if leg.id == caller { return sourceForCaller(leg) }
        if leg.id == party?.leg { return sourceForParty() }
        if leg.id == attempt?.leg { return sourceForAttempt() }
        if let attempt, leg.id == attempt.agentLeg, attempt.answered || self.leg(attempt.leg)?.early == true {
            return voice(of: attempt.leg)
        }
        return .silence
    }

    /// A peer that holds us and sends something of its own is heard; one that sends nothing leaves music.
    private func voice(of id: LegID) -> MediaSource {
        guard let leg = leg(id), leg.isAlive else { return .silence }
        return leg.peerHolds && !leg.peerSends ? .music : .leg(id)
    }

    /// What one party hears of another who may hold them by phone: our music, because most phones send none.
    private func held(by id: LegID) -> MediaSource {
        guard let leg = leg(id), leg.isAlive else { return .silence }
        return leg.peerHolds ? .music : .leg(id)
    }

    private func sourceForCaller(_ leg: Leg) -> MediaSource {
        let early: LegID? = attempt.flatMap { self.leg($0.leg) }.flatMap { $0.early && $0.isAlive ? $0.id : nil }
        switch phase {
        case .arriving:
            if leg.state == .answered { return callback == nil ? queueMusic : early.map(MediaSource.leg) ?? .ringback }
            return leg.early ? early.map(MediaSource.leg) ?? .ringback : .silence
        case .ringing where transfer?.refer != nil:
            guard let attempt else { return .music }
            return attempt.answered ? .ringback : early.map(MediaSource.leg) ?? .ringback
        case .talking, .swapped, .ringing, .consulting:
            guard callerHearsParty, let party else { return .music }
            return .leg(party.leg)
        case .seeking:
            guard queue == nil, let attempt, leg.state == .answered, search.ringsCaller || isConsult(attempt) else {
                return queueMusic
            }
            return attempt.answered ? .ringback : early.map(MediaSource.leg) ?? .ringback
        case .held, .dialling, .conference, .apologising: return .music
        case .over: return .silence
        }
    }

    /// What is heard while a group is waited for.
    private var queueMusic: MediaSource { queue?.music.map(MediaSource.file) ?? .music }

    private func sourceForParty() -> MediaSource {
        switch phase {
        case .talking, .swapped: return voice(of: caller)
        case .dialling: return dialling?.digits.isEmpty == true ? .dialTone : .silence
        case .ringing:
            if transfer?.refer != nil { return .silence }
            if attempt?.agentLeg != nil { return voice(of: caller) }
            guard let attempt, let leg = leg(attempt.leg), leg.early, !attempt.answered else { return .ringback }
            return .leg(leg.id)
        case .consulting:
            guard let attempt, attempt.agentLeg == nil else { return voice(of: caller) }
            return voice(of: attempt.leg)
        case .arriving, .held, .conference, .seeking, .apologising, .over: return .silence
        }
    }

    private func sourceForAttempt() -> MediaSource {
        switch phase {
        case .consulting, .over: return (attempt?.agentLeg ?? party?.leg).map { held(by: $0) } ?? .silence
        case .swapped: return .music
        case .arriving, .talking, .held, .dialling, .ringing, .conference, .seeking, .apologising: return .silence
        }
    }

    /// Brings what the legs are sent in line with the phase, all at one instant. `reason`: why a hold begins, if one does.
    /// `isMerge`: what ends the hold is the beginning of a conference.
    mutating func reroute(_ reason: HoldReason = .queue, isMerge: Bool = false, _ context: inout Context) {
        var changes: [Route] = []
        var callerSwitched = false
        for index in legs.indices {
            // Taken out first: an access to the array around the call would copy all of the call.
            let leg = legs[index]
            guard leg.isAlive else { continue }
            let source = source(for: leg)
            guard source != leg.hears else { continue }
            legs[index].hears = source
            changes.append(Route(leg.id, source))
            if leg.id == caller { callerSwitched = true }
        }
        let hadVoice = hasVoice
        hasVoice = phase != .over && callerHearsParty
        if !changes.isEmpty {
            let isAwaited = callerSwitched && (hadVoice || hasVoice)
            let report = isAwaited ? context.newReport(for: id) : .none
            context.emit(.route(changes, report))
            if isAwaited { stamp = .report(report, asked: context.now) }
        }
        if isAnswered, phase != .over, hadVoice != hasVoice { recordHold(reason, isMerge: isMerge, &context) }
        tellHolds(&context)
    }

    mutating func recordHold(_ reason: HoldReason, isMerge: Bool = false, _ context: inout Context) {
        if hasVoice {
            let isSame = party?.leg == heldBy
            record(
                .holdEnded(
                    HoldEnded(
                        hold: 0, group: group, line: line?.pattern, nextAgent: isMerge ? guest?.agent : agent,
                        outcome: isMerge ? .merged : isSame ? .resumed : .transferred)),
                &context)
        } else {
            heldBy = party?.leg
            record(.holdStarted(HoldStarted(hold: 0, reason: reason, agent: agent)), &context)
        }
    }

    /// A caller's own hold is a track beside the others: no waiting, and no switch of the relay.
    mutating func trackCallerHold(_ context: inout Context) {
        let holds = isAnswered && phase != .over && callerLeg?.peerHolds == true
        guard holds != callerHolds else { return }
        callerHolds = holds
        if holds {
            record(.holdStarted(HoldStarted(hold: 0, reason: .callerPhone, agent: agent)), &context)
        } else {
            endHold(.callerPhone, .resumed, &context)
        }
    }

    func holdEnd(_ reason: HoldReason, _ outcome: HoldOutcome) -> CallEvent {
        .holdEnded(HoldEnded(hold: 0, reason: reason, group: group, line: line?.pattern, outcome: outcome))
    }

    mutating func endHold(_ reason: HoldReason, _ outcome: HoldOutcome, _ context: inout Context) {
        record(holdEnd(reason, outcome), &context)
    }

    /// `holdSignalling: "reinvite"`: the peer is told as well, after the switch.
    private mutating func tellHolds(_ context: inout Context) {
        for index in legs.indices where legs[index].isAlive && legs[index].state == .answered {
            let leg = legs[index]
            let isHeld: Bool
            if leg.id == caller {
                isHeld = isAnswered && phase != .over && !hasVoice
            } else if leg.id == attempt?.leg {
                isHeld = phase == .swapped
            } else {
                isHeld = false
            }
            let told = isHeld && signalling(for: leg, context) == .reinvite
            guard told != leg.toldHeld else { continue }
            legs[index].toldHeld = told
            context.emit(.hold(leg.id, told, context.newReport(for: nil)))
        }
    }

    private func signalling(for leg: Leg, _ context: Context) -> HoldSignalling {
        let own =
            leg.id == caller ? line?.holdSignalling : leg.agent.flatMap { context.directory.agent($0)?.holdSignalling }
        return own ?? context.directory.transfer.holdSignalling
    }

    func isConsult(_ attempt: Attempt) -> Bool {
        if case .consult = attempt.purpose { true } else { false }
    }
}
