import CallEvents

// Placing a leg for the caller, and what becomes of it until it is with them, with the agent, or given up.
extension Call {
    /// Dials a candidate. The caller of this has made sure that it can be dialled, and logs it.
    mutating func place(
        _ candidate: Candidate, uri: String, leg id: LegID, purpose: Attempt.Purpose, timeout: Int,
        isRival: Bool = false, _ context: inout Context
    ) {
        let sipCallID = self.sipCallID(of: id)
        legs.append(
            Leg(
                id: id, uri: uri, sipCallID: sipCallID, agent: candidate.agent, isIncoming: false, state: .dialling,
                since: context.now))
        context.legCalls[id] = self.id
        context.occupy(candidate.agent)
        let attempt = Attempt(purpose: purpose, leg: id, candidate: candidate, uri: uri, sipCallID: sipCallID)
        if isRival {
            rivals.append(attempt)
            startTimer(.rival(id), timeout, &context)
        } else {
            self.attempt = attempt
            startTimer(.attempt, timeout, &context)
        }

        var invite = Invite(uri: uri, sipCallID: sipCallID, call: self.id)
        legs[legs.count - 1].shows = identify(&invite, purpose, context)
        invite.codecsOf = caller
        invite.noResponseTimeout = context.directory.transfer.noResponseTimeout
        invite.maxForwards = invitation.maxForwards.map { max(0, $0 &- 1) }
        let past = past(for: purpose, context)
        if candidate.agent != nil, let history = past.header { invite.headers = [history] }
        invite.headers += headers(purpose, candidate, uri: uri, context)
        if let replaces = candidate.replaces {
            invite.headers.append("Replaces: \(replaces)")
            if candidate.requiresReplaces { invite.headers.append("Require: replaces") }
        }
        var note: [String] = []
        if case .consult = purpose, let word = transfer?.note { note.append(word) }
        if candidate.agent != nil, let history = past.text { note.append(history) }
        invite.note = note.isEmpty ? nil : note.joined(separator: "\n")
        context.emit(.invite(id, invite))
    }

    /// The Call-ID of a leg that we place.
    func sipCallID(of leg: LegID) -> String { "\(id)-\(leg.number)" }

    /// A provisional response over 100.
    mutating func progressed(sipStatus: Int, earlyMedia: Bool, _ context: inout Context) {
        guard let attempt, !attempt.answered, let index = index(attempt.leg), legs[index].isAlive, sipStatus > 100,
            sipStatus < 200
        else { return }
        if legs[index].state == .dialling {
            legs[index].state = .ringing
            legs[index].since = context.now
        }
        if earlyMedia { legs[index].early = true }
        if !attempt.rang {
            self.attempt?.rang = true
            if case .consult(let number) = attempt.purpose, let transfer {
                record(
                    .consultRinging(ConsultRinging(transfer: transfer.number, consult: number, target: attempt.uri)),
                    &context)
            }
        }
        tellProgress(sipStatus, &context)
        let waiting = phase == .arriving ? caller : attempt.agentLeg
        if let waiting { passRinging(to: waiting, early: earlyMedia ? attempt.leg : nil, &context) }
        reroute(.queue, &context)
    }

    /// A provisional response of one of those rung together.
    mutating func rivalProgressed(_ rival: Int, sipStatus: Int, _ context: inout Context) {
        guard let index = index(rivals[rival].leg), legs[index].isAlive, sipStatus > 100, sipStatus < 200 else {
            return
        }
        if !rivals[rival].rang, case .consult(let number) = rivals[rival].purpose, let transfer {
            record(
                .consultRinging(
                    ConsultRinging(transfer: transfer.number, consult: number, target: rivals[rival].uri)),
                &context)
            tellProgress(sipStatus, &context)
        }
        rivals[rival].rang = true
        if legs[index].state == .dialling {
            legs[index].state = .ringing
            legs[index].since = context.now
        }
        if let waiting = phase == .arriving ? caller : attempt?.agentLeg {
            passRinging(to: waiting, early: nil, &context)
        }
    }

    /// Tells a leg that waits for our answer what its INVITE has met. A later 180 does not take early media back.
    mutating func passRinging(to id: LegID, early: LegID?, _ context: inout Context) {
        guard let index = index(id), legs[index].isAlive, legs[index].isIncoming, legs[index].state != .answered else {
            return
        }
        if let early {
            guard !legs[index].early else { return }
            legs[index].early = true
            context.emit(.ring(id, sipStatus: 183, early: early))
        } else if !legs[index].toldRinging, !legs[index].early {
            legs[index].toldRinging = true
            context.emit(.ring(id, sipStatus: 180, early: nil))
        }
    }

    /// The attempt's 200. Codecs come first (rule d), then whoever waits for it.
    mutating func attemptAnswered(_ context: inout Context) {
        guard let attempt, !attempt.answered else { return }
        self.attempt?.answered = true
        dismissRivals(.answeredElsewhere, .cancelled, &context)
        if matchAnswer(&context) { attemptReady(&context) }
    }

    /// The attempt can be joined to whoever waits for it.
    mutating func attemptReady(_ context: inout Context) {
        stopTimer(.attempt, &context)
        switch phase {
        case .arriving: firstAnswer(&context)
        case .ringing: transfer?.refer == nil ? consultAnswered(&context) : completeReferred(&context)
        case .seeking: joinAttempt(&context)
        case .talking, .held, .dialling, .consulting, .swapped, .conference, .apologising, .over: break
        }
    }

    /// The attempt came to nothing before anybody was joined to it. `redirects`: where a 3xx sent us.
    mutating func attemptFailed(
        _ cause: Cause, sipStatus: Int?, reason: String? = nil, hangUp: HangUp = HangUp(), redirects: [String] = [],
        _ context: inout Context
    ) {
        guard let attempt else { return }
        self.attempt = nil
        stopTimer(.attempt, &context)
        release(attempt.leg, hangUp, &context)
        noteFailed(attempt.candidate, cause)
        switch attempt.purpose {
        case .alert:
            recordAlertFailed(attempt, cause, sipStatus: sipStatus, reason: reason, &context)
            context.refused(attempt.candidate, cause)
            if queue != nil, let agent = attempt.candidate.agent { queue?.tried.append(agent) }
            if !rivals.isEmpty {
                promote(0)
                return
            }
            search.cause = cause
            search.sipStatus = sipStatus
            search.candidates.insert(contentsOf: follow(redirects, &search.redirects, &search.tried, context), at: 0)
            advance(&context)
        case .consult:
            guard var transfer else { return }
            recordConsultFailed(attempt, cause, sipStatus: sipStatus, reason: reason, &context)
            context.refused(attempt.candidate, cause)
            if queue != nil, let agent = attempt.candidate.agent { queue?.tried.append(agent) }
            if !rivals.isEmpty {
                promote(0)
                self.attempt?.agentLeg = attempt.agentLeg
                reroute(.consult, &context)
                return
            }
            transfer.cause = cause
            transfer.sipStatus = sipStatus
            if queue == nil {
                transfer.candidates.insert(
                    contentsOf: follow(redirects, &transfer.redirects, &transfer.tried, context), at: 0)
            }
            self.transfer = transfer
            continueTransfer(agentLeg: attempt.agentLeg, &context)
        }
    }

    func recordAlert(_ number: Int, _ candidate: Candidate, _ leg: LegID) -> CallEvent {
        .callAlerting(
            CallAlerting(
                agent: candidate.agent, group: candidate.group, attempt: number, sipCallID: sipCallID(of: leg)))
    }

    mutating func recordAlertFailed(
        _ attempt: Attempt, _ cause: Cause, sipStatus: Int?, reason: String? = nil, _ context: inout Context
    ) {
        guard case .alert(let number) = attempt.purpose else { return }
        record(
            .callAlertFailed(
                CallAlertFailed(
                    agent: attempt.candidate.agent, group: attempt.candidate.group, attempt: number, cause: cause,
                    sipStatus: sipStatus, reason: reason)),
            &context)
    }

    mutating func recordConsultFailed(
        _ attempt: Attempt, _ cause: Cause, sipStatus: Int?, reason: String?, _ context: inout Context
    ) {
        guard case .consult(let number) = attempt.purpose, let transfer else { return }
        record(
            .consultFailed(
                ConsultFailed(
                    transfer: transfer.number, consult: number, target: attempt.uri, cause: cause,
                    sipStatus: sipStatus, reason: reason)),
            &context)
    }

    /// At most so many redirects are followed for one transfer, or one search.
    private static var mostRedirects: Int { 5 }

    /// The redirects that may be followed: allowed, not tried before, not too many (RFC 3261 §8.1.3.4).
    private func follow(
        _ contacts: [String], _ count: inout Int, _ tried: inout [String], _ context: Context
    ) -> [Candidate] {
        var followed: [Candidate] = []
        for contact in contacts where count < Self.mostRedirects {
            var candidate = context.directory.candidate(at: contact, trusted: false)
            guard candidate.verdict == nil, !tried.contains(candidate.key) else { continue }
            candidate.isRedirect = true
            tried.append(candidate.key)
            count += 1
            followed.append(candidate)
        }
        return followed
    }
}
