import CallEvents

// What the control socket asks of a call. A command that the state does not allow changes nothing and says why.
extension Call {
    mutating func perform(_ command: Command, _ context: inout Context) -> CommandResult {
        if case .hangup = command {
            shutDown(.normal, sipStatus: 480, &context)
            return .done
        }
        guard phase != .over else { return .refused("the caller has left") }
        guard handOver == nil else { return .refused("the caller's side is taking the call over") }
        guard party != nil else { return .refused("nobody is with the caller: \(words)") }
        guard agent != nil else { return .refused("the caller is with a party that is no configured agent") }
        switch command {
        case .hold:
            guard phase == .talking else { return refusal("agent and caller are not talking") }
            flushCodes(&context)
            hold(.command, &context)
        case .resume:
            guard phase == .held else {
                return phase == .talking && !hasVoice
                    ? refusal("the agent's own phone holds the caller") : refusal("the caller is not held")
            }
            resume(&context)
        case .consult(_, let targets, let note): return transfer(.attended, targets, note, &context)
        case .blind(_, let targets): return transfer(.blind, targets, nil, &context)
        case .complete:
            guard [.ringing, .consulting, .swapped, .conference].contains(phase) else {
                return refusal("no target is being consulted")
            }
            completeOrLeave(&context)
        case .cancel:
            if phase == .dialling {
                stopDialling(&context)
                enter(.talking, &context)
                reroute(.agentPhone, &context)
                break
            }
            guard [.ringing, .consulting, .swapped, .conference].contains(phase) else {
                return refusal("there is no transfer to cancel")
            }
            cancelOrDrop(&context)
        case .swap:
            guard phase == .consulting || phase == .swapped else { return refusal("there is no target to swap with") }
            guard attempt?.agentLeg == nil else {
                return refusal("the agent swaps on the phone: it is a call of its own")
            }
            swap(&context)
        case .merge:
            guard phase == .consulting || phase == .swapped else { return refusal("there is no target to merge with") }
            guard attempt?.agentLeg == nil else {
                return refusal("the agent merges on the phone: it is a call of its own")
            }
            merge(&context)
        case .hangup, .resolve: break
        }
        return .done
    }

    private func refusal(_ reason: String) -> CommandResult { .refused("\(reason): \(words)") }

    private mutating func transfer(
        _ kind: TransferKind, _ targets: [String], _ note: String?, _ context: inout Context
    ) -> CommandResult {
        guard phase == .talking || phase == .held || phase == .dialling, transfer == nil else {
            return refusal("a transfer is under way")
        }
        guard let name = targets.first else { return .refused("no target given") }
        let candidates = targets.flatMap { context.directory.candidates(named: $0) }
        // Refused as a whole: who asks by command is told at once, and the caller stays as they were.
        if let candidate = candidates.first(where: { $0.verdict != nil }) {
            return candidate.verdict == .notAllowed
                ? .refused("not allowed: \(candidate.name)") : .refused("no such target: \(candidate.name)")
        }
        flushCodes(&context)
        stopDialling(&context)
        startTransfer(kind, to: candidates, named: name, by: .command, note: note, &context)
        return .done
    }
}
