import CallEvents

// One input at a time, whatever the state: what does not fit is ignored.
extension Call {
    mutating func legProgress(_ id: LegID, sipStatus: Int, earlyMedia: Bool, _ context: inout Context) {
        if let rival = rival(id) {
            rivalProgressed(rival, sipStatus: sipStatus, &context)
            return
        }
        if id == caller, callback != nil, let index = index(id), legs[index].state == .dialling, sipStatus > 100 {
            legs[index].state = .ringing
            legs[index].since = context.now
            return
        }
        guard id == attempt?.leg else { return }
        progressed(sipStatus: sipStatus, earlyMedia: earlyMedia, &context)
    }

    mutating func legAnswered(_ id: LegID, codec: String?, _ context: inout Context) {
        guard let index = index(id), legs[index].isAlive else { return }
        if let codec { legs[index].codec = codec }
        if let rival = rival(id), attempt?.answered != true { promote(rival) }
        if id == caller, callback?.isStarted == false, legs[index].state != .answered {
            callbackAnswered(&context)
            return
        }
        guard id == attempt?.leg, legs[index].state != .answered else { return }
        legs[index].state = .answered
        legs[index].since = context.now
        attemptAnswered(&context)
    }

    mutating func legMedia(
        _ id: LegID, peerSends: Bool, peerReceives: Bool, codec: String?, _ context: inout Context
    ) {
        guard let index = index(id), legs[index].isAlive else { return }
        if legs[index].peerHolds, peerReceives { legs[index].unheld = context.now }
        legs[index].peerSends = peerSends
        legs[index].peerReceives = peerReceives
        if let codec, codec != legs[index].codec {
            legs[index].codec = codec
            legs[index].refusesCodec = false
        }
        reroute(.agentPhone, &context)
    }

    /// No packets from a peer that should send: it is lost, as if it had vanished, and gets its BYE.
    mutating func rtpTimeout(_ id: LegID, _ context: inout Context) {
        guard let leg = leg(id), leg.isAlive, leg.state == .answered else { return }
        release(id, HangUp(reason: "RTP timeout"), &context)
        gone(leg, LegEnd(how: .vanished), &context)
    }

    mutating func legEnded(_ id: LegID, _ end: LegEnd, _ context: inout Context) {
        guard let index = index(id) else { return }
        let leg = legs.remove(at: index)
        context.legCalls[id] = nil
        context.setOccupation(leg.agent, id, nil)
        if farewell?.leg == id {
            if phase == .over {
                farewell = nil
                stopTimer(.farewell, &context)
            }
        }
        guard leg.isAlive else {
            stopMatching(id, &context)
            return
        }
        context.vacate(leg.agent)
        gone(leg, end, &context)
        stopMatching(id, &context)
    }

    /// A leg is lost or has ended without being told to.
    private mutating func gone(_ leg: Leg, _ end: LegEnd, _ context: inout Context) {
        if leg.id == caller, phase == .arriving, callback?.isStarted == false {
            callbackRefused(Causes.failure(end, rang: leg.state == .ringing), sipStatus: end.sipStatus, &context)
        } else if leg.id == caller {
            callerGone(end, &context)
        } else if phase == .over {
            if leg.id == attempt?.leg || leg.id == attempt?.agentLeg { endTalkOn(HangUp(passing: end), &context) }
        } else if leg.id == party?.leg {
            partyGone(leg, end, &context)
        } else if leg.id == attempt?.leg {
            attemptGone(end, &context)
        } else if leg.id == attempt?.agentLeg, transfer?.refer != nil {
            // What it was for has been left to us.
            attempt?.agentLeg = nil
            reroute(.consult, &context)
        } else if let rival = rival(leg.id) {
            rivalFailed(
                rival, Causes.failure(end, rang: rivals[rival].rang), sipStatus: end.sipStatus, reason: end.reason,
                hangUp: HangUp(), &context)
        } else if leg.id == attempt?.agentLeg {
            // The second call is hung up: its user goes back to the caller, who waits on the first.
            cancelConsult(&context)
        }
    }

    private mutating func attemptGone(_ end: LegEnd, _ context: inout Context) {
        guard let attempt else { return }
        if phase == .consulting || phase == .swapped {
            targetGone(end, &context)
        } else if phase == .conference {
            targetLeavesConference(
                endedBy: .target, cause: Causes.ending(end, isAgent: attempt.candidate.agent != nil), end: end, &context
            )
        } else {
            let isRedirect = end.how == .rejected && (300...399).contains(end.sipStatus ?? 0)
            attemptFailed(
                Causes.failure(end, rang: attempt.rang), sipStatus: end.sipStatus,
                reason: end.reason, redirects: isRedirect ? end.contacts : [], &context)
        }
    }

    mutating func timer(_ id: TimerID, _ context: inout Context) {
        guard let index = timers.firstIndex(where: { $0.id == id }) else { return }
        switch timers.remove(at: index).purpose {
        case .attempt:
            if callback?.isStarted == false {
                callbackRefused(Causes.timeout(rang: callerLeg?.state == .ringing), sipStatus: nil, &context)
                return
            }
            guard let attempt else { return }
            guard !attempt.answered else {
                // Whoever was to change codec has said nothing: they are joined as they are.
                for leg in attempt.matching { stopMatching(leg, &context) }
                return
            }
            // RFC 3326 §2: the CANCEL of a request that took too long.
            attemptFailed(
                Causes.timeout(rang: attempt.rang), sipStatus: nil, hangUp: HangUp(sipStatus: 408), &context)
        case .rival(let leg):
            guard let rival = rival(leg) else { return }
            let cause = Causes.timeout(rang: rivals[rival].rang)
            rivalFailed(
                rival, cause, sipStatus: nil, reason: nil, hangUp: HangUp(sipStatus: 408), &context)
        case .round: nextRound(&context)
        case .relax: relax(&context)
        case .announcement: announce(&context)
        case .serviceLevel: breached(&context)
        case .maxWait: waitedTooLong(&context)
        case .digits: digitsTimedOut(&context)
        case .code: flushCodes(&context)
        case .terminator: terminated = nil
        case .farewell: farewellDone(&context)
        case .handOver: keepBridge(&context)
        case .reports: for record in ledger.flush() { context.emit(.log(record)) }
        }
    }

    mutating func toneEnded(_ report: ReportID, _ context: inout Context) {
        if farewell?.report == report { farewellDone(&context) }
        if announcing == report { announcing = nil }
    }

    mutating func routed(_ report: ReportID, _ context: inout Context) {
        for record in ledger.resolve(report, at: context.now) { context.emit(.log(record)) }
    }

    /// After each input: what follows from the legs rather than from the phase.
    mutating func settle(_ context: inout Context) {
        trackCallerHold(&context)
        alignCodecs(&context)
        occupyAgents(&context)
        stamp = nil
        if phase == .over, legs.isEmpty, !ledger.isEmpty, !timers.contains(where: { $0.purpose == .reports }) {
            startTimer(.reports, Self.longestReport, &context)
        }
    }

    /// How long the log waits for a report of the relay's once the legs are gone. It takes a millisecond.
    private static var longestReport: Int { 2_000 }
}
