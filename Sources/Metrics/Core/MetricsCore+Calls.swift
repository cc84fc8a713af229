import CallEvents

/// Calls: received, answered, ended, judged.
extension MetricsCore {
    mutating func arrived(_ fact: Fact) {
        var call = OpenCall(node: fact.node, arrived: fact.wall, direction: fact.direction)
        call.line = fact.line.known
        call.caller = fact.caller
        let counts = call.direction == options.direction
        if !counts { verdicts.leaveOut(fact.call, now: fact.wall) }
        if counts, fact.caller != 0 {
            let before = callers.arrived(fact.caller, call: fact.call, at: fact.wall)
            call.isFirst = before.isFirst
            for end in before.ends { count(end) }
        }
        calls.remove(fact.call)
        _ = calls.insert(fact.call, call)
    }

    /// A call open when its log begins. (Of a call that is known, a segment says it again.)
    mutating func wasOpen(_ fact: Fact) {
        guard calls.find(fact.call) == nil else { return }
        var call = OpenCall(node: fact.node, arrived: nil, direction: .inbound)
        call.line = fact.line.known
        call.group = fact.group.known
        _ = calls.insert(fact.call, call)
    }

    /// An event of a call whose beginning is in no log: it is taken for an inbound one.
    mutating func unknown(_ fact: Fact) -> UnsafeMutablePointer<OpenCall> {
        calls.insert(fact.call, OpenCall(node: fact.node, arrived: nil, direction: .inbound))
    }

    mutating func ofCall(_ fact: Fact, _ call: inout OpenCall) {
        let counts = call.direction == options.direction
        switch fact.type {
        case .partyJoined: call.stays += 1
        case .partyLeft:
            call.stays -= 1
            if counts { left(fact, call) }
        case .callQueued: queued(fact, &call, counts)
        case .callDequeued:
            guard !call.answered else { break }
            call.lastQueue = fact.queueOutcome
            if fact.queueOutcome == .overflow { call.leftGroup = (fact.group.known, fact.began) }
        case .callAnswered: answered(fact, &call, counts)
        case .holdStarted:
            if fact.reason == .callerPhone {
                call.callerHold = fact.number
            } else {
                call.hold = (fact.number, fact.reason ?? .other, fact.agent.known, fact.wall)
            }
        case .holdEnded: holdEnded(fact, &call, counts)
        case .transferStarted:
            call.transfer = OpenCall.Transfer(
                number: fact.number, kind: fact.kind, agent: fact.agent.known, target: fact.target.known,
                began: fact.wall)
        case .transferCompleted, .transferFailed, .transferCancelled, .transferFallback:
            transfer(fact, &call, counts)
        case .callEnded: ended(fact, &call, counts)
        case .slaBreached:
            guard counts, let arrived = call.arrived else { break }
            var place = place(of: call, began: arrived)
            place.group = fact.group.or(call.group)
            count(place) { $0.breached += 1 }
        case .callbackRequested:
            guard counts else { break }
            var place = place(of: call, began: fact.wall)
            place.group = fact.group.or(call.group)
            callbacks[fact.call] = place
            count(place) { $0.callbacksRequested += 1 }
        default: break
        }
    }

    mutating func queued(_ fact: Fact, _ call: inout OpenCall, _ counts: Bool) {
        guard !call.answered else { return }
        if let left = call.leftGroup, left.group != fact.group, counts {
            // Only the group that was left counts it: the whole has one call, and it is somewhere else now.
            if options.by.contains(.group), call.arrived != nil {
                var place = place(of: call, began: left.began)
                place.group = left.group
                let target = call.serviceTarget
                countParts(place) {
                    $0.received += 1
                    $0.overflowed += 1
                    $0.leftForOther += 1
                    $0.target.note(target)
                }
            }
        }
        call.leftGroup = nil
        call.group = fact.group.known
        call.skills = fact.skills
        if fact.serviceLevel >= 0 { call.serviceLevel = fact.serviceLevel }
        call.serviceTarget = fact.serviceTarget
    }

    mutating func answered(_ fact: Fact, _ call: inout OpenCall, _ counts: Bool) {
        guard !call.answered else { return }
        call.answered = true
        call.agent = fact.agent.known
        call.line = fact.line.orElse(call.line)
        call.group = fact.group.orElse(call.group)
        guard counts, let arrived = call.arrived else { return }
        let threshold = fact.serviceLevel >= 0 ? fact.serviceLevel : call.serviceLevel
        let seconds = threshold >= 0 ? Int64(threshold) : Int64(options.serviceLevel)
        let place = place(of: call, began: arrived)
        let countsSeconds = options.countsSeconds
        let target = call.serviceTarget
        if threshold >= 0 { thresholds.insert(threshold) }
        count(place) {
            $0.received += 1
            $0.answered += 1
            $0.target.note(target)
            $0.wait.add(fact.length)
            $0.waitConnected += 1
            if fact.flag { $0.response.add(fact.length) }
            if countsSeconds {
                $0.waitSeconds.add(fact.length)
                if fact.flag { $0.responseSeconds.add(fact.length) }
            }
            if fact.length <= seconds * 1000 { $0.answeredWithin += 1 }
            if call.caller == 0 { $0.callersWithheld += 1 }
        }
        if call.caller != 0 {
            let counts = options.includes(arrived)
            let late = latePlace(place)
            let isLast = callers.answered(call.caller, call: fact.call, at: late, counts: counts)
            // They called again before they were answered.
            if !isLast, call.isFirst, counts { callers.calledAgain(since: arrived, at: late) }
        }
    }

    mutating func ended(_ fact: Fact, _ call: inout OpenCall, _ counts: Bool) {
        call.ended = true
        if let transfer = call.transfer, counts {
            // Its own closing is missing from the log.
            countOpen(transfer, in: call)
        }
        call.transfer = nil
        guard counts else { return }
        if !call.answered {
            call.line = fact.line.orElse(call.line)
            call.group = call.group.orElse(fact.group)
        }
        let received = placed ? place(of: call, began: call.arrived ?? fact.wall) : nil
        verdicts.ended(fact.call, caller: call.caller, received: received, now: fact.wall)
        if fact.number > 0, call.caller != 0 { callers.transferred(call.caller, call: fact.call) }
        if fact.isOurs, Self.isWant(fact.cause), let arrived = call.arrived {
            count(place(of: call, began: arrived)) { $0.givenUp += 1 }
        }
        guard !call.answered, let arrived = call.arrived else { return }
        let short = fact.length <= options.shortAbandonMs
        var ended = CallEnded()
        ended.abandoned = fact.flag
        ended.cause = fact.cause
        let outcome = CallOutcome(answered: false, ended: ended, lastQueue: call.lastQueue)
        let countsSeconds = options.countsSeconds
        let target = call.serviceTarget
        count(place(of: call, began: arrived)) {
            $0.received += 1
            $0.wait.add(fact.length)
            if countsSeconds { $0.waitSeconds.add(fact.length) }
            switch outcome {
            case .answered: $0.answered += 1
            case .abandoned:
                $0.abandoned += 1
                $0.target.note(target)
                if short { $0.shortAbandoned += 1 }
            case .overflowed: $0.overflowed += 1
            case .callback: $0.callback += 1
            case .controllerEnded: $0.controllerEnded += 1
            case .lost: $0.lost += 1
            }
        }
    }

    /// Why nobody could be had.
    private static func isWant(_ cause: Cause) -> Bool {
        switch cause {
        case .busy, .declined, .noAnswer, .unreachable, .noCodec, .notAllowed, .rejected: true
        default: false
        }
    }

    /// What comes of a call-back counts where it was asked for; where that is in no log, where it came.
    mutating func callback(_ fact: Fact) {
        let known = callbacks[fact.call]
        guard known != nil || options.direction == .inbound && verdicts.entry(fact.call) != nil else { return }
        let place =
            known
            ?? Attributes(began: fact.wall, node: fact.node, group: fact.group.known, line: fact.line.known)
        switch fact.type {
        case .callbackStarted: count(place) { $0.callbackAttempts += 1 }
        case .callbackCompleted:
            callbacks[fact.call] = nil
            count(place) {
                $0.callbacksCompleted += 1
                $0.callbackMs += fact.length
            }
        default:
            guard fact.flag else { return }
            callbacks[fact.call] = nil
            count(place) { $0.callbacksFailed += 1 }
        }
    }

    mutating func disposition(_ fact: Fact) {
        let open = calls.find(fact.call)?.pointee
        if let open, open.direction != options.direction { return }
        guard var known = verdicts.entry(fact.call) else { return }
        if known.caller == 0 { known.caller = open?.caller ?? 0 }
        if known.caller != 0 { callers.resolved(known.caller, call: fact.call, fact.flag) }
        guard options.includes(fact.arrived) else { return }
        // The last verdict is the one that counts: the earlier one is taken back where it was counted.
        let earlier = known.place != nil ? known.resolved : fact.previous
        // It counts where the call was received, so that no row has more verdicts than calls; by what it says itself only
        // where that is not known any more.
        var attributes = Attributes(
            began: fact.arrived, node: fact.node, agent: fact.agent.known, group: fact.group.known,
            line: fact.line.known)
        if let received = known.received {
            attributes = received
        } else if let open {
            attributes = place(of: open, began: fact.arrived)
        }
        attributes.began = fact.arrived
        attributes.code = fact.code.known
        let place = latePlace(attributes)
        if let earlier {
            count(at: known.place ?? place) {
                $0.disposed -= 1
                if earlier { $0.resolved -= 1 }
            }
        }
        count(at: place) {
            $0.disposed += 1
            if fact.flag { $0.resolved += 1 }
        }
        known.place = place
        known.resolved = fact.flag
        verdicts.set(fact.call, known, fact.wall)
    }
}
