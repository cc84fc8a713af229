import CallEvents

/// The parts of calls: hold segments, stays, transfers.
extension MetricsCore {
    mutating func holdEnded(_ fact: Fact, _ call: inout OpenCall, _ counts: Bool) {
        let opening = call.hold?.number == fact.number ? call.hold : nil
        let reason = fact.reason ?? opening?.reason ?? (call.callerHold == fact.number ? .callerPhone : .other)
        if reason == .callerPhone {
            call.callerHold = nil
            return
        }
        if opening != nil { call.hold = nil }
        guard counts else { return }
        var place = place(of: call, began: fact.began)
        place.agent = fact.agent.or(opening?.agent ?? .null).known
        place.group = fact.group.or(call.group)
        place.line = fact.line.or(call.line)
        let countsSeconds = options.countsSeconds
        count(place) {
            $0.hold.add(fact.length)
            if countsSeconds { $0.holdSeconds.add(fact.length) }
            switch fact.holdOutcome {
            case .resumed, .transferred, .merged: $0.holdConnected += 1
            case .abandoned: $0.holdAbandoned += 1
            case .released, .lost, .other: break
            }
        }
    }

    mutating func left(_ fact: Fact, _ call: OpenCall) {
        guard fact.agent.known != .null else { return }
        var place = place(of: call, began: fact.began)
        place.agent = fact.agent.known
        place.group = fact.group.or(call.group)
        place.line = fact.line.or(call.line)
        count(place) {
            $0.stays += 1
            $0.talkMs += fact.talkMs
            $0.stayHoldMs += fact.holdMs
        }
    }

    mutating func transfer(_ fact: Fact, _ call: inout OpenCall, _ counts: Bool) {
        let opening = call.transfer?.number == fact.number ? call.transfer : nil
        var transfer =
            opening
            ?? OpenCall.Transfer(
                number: fact.number, kind: fact.kind, agent: .null, target: .null, began: fact.wall)
        if fact.type == .transferFallback {
            transfer.fallbacks.append(fact.step)
            // Of a transfer whose beginning is missing, the step is all that there is.
            if opening == nil { countFallbacks(of: transfer, in: call, counts) } else { call.transfer = transfer }
            return
        }
        transfer.agent = fact.agent.or(transfer.agent)
        if fact.target.number > 0 { transfer.target = fact.target }
        call.transfer = nil
        countFallbacks(of: transfer, in: call, counts)
        guard counts else { return }
        count(place(of: transfer, in: call)) {
            switch fact.type {
            case .transferCompleted: $0.transfersCompleted[fact.kind] += 1
            case .transferFailed: $0.transfersFailed[fact.cause] += 1
            default: $0.transfersCancelled += 1
            }
        }
    }

    mutating func countFallbacks(of transfer: OpenCall.Transfer, in call: OpenCall, _ counts: Bool) {
        guard counts, !transfer.fallbacks.isEmpty else { return }
        count(place(of: transfer, in: call)) { for step in transfer.fallbacks { $0.fallbacks[step] += 1 } }
    }

    /// A transfer that has not ended, or whose end is missing.
    mutating func countOpen(_ transfer: OpenCall.Transfer, in call: OpenCall) {
        countFallbacks(of: transfer, in: call, true)
        count(place(of: transfer, in: call)) { $0.transfersOpen += 1 }
    }
}
