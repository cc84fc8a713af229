import CallEvents

// After each input: agents' states follow from what happened, and whoever has become free is offered whoever waits.
extension TransferEngine {
    mutating func serve() {
        while true {
            context.refreshAgents()
            if !context.deserted.isEmpty {
                desert(context.deserted.removeFirst())
            } else if !context.callbackResults.isEmpty {
                take(context.callbackResults.removeFirst())
            } else if !context.freed.isEmpty {
                serve(context.freed.removeFirst())
            } else {
                return
            }
        }
    }

    /// Offers a free agent the one who comes first among those who wait for any of their groups, and whom they suit.
    private mutating func serve(_ agent: String) {
        guard service != .ending, service != .finished, context.agents[agent]?.isFree == true else { return }
        var best: Waiter?
        for membership in context.directory.memberships(of: agent) {
            for waiter in context.groups[membership.group]?.waiting ?? [] {
                if let best, best.rank < waiter.rank { break }
                guard isWanted(agent, by: waiter) else { continue }
                best = waiter
                break
            }
        }
        guard let best else { return }
        // The call in which a call-back was asked for may still be ending.
        if context.callbacks[best.call] != nil {
            start(best.call, agent)
            return
        }
        with(call: best.call) { call, context in
            call.offer(agent, &context)
            call.reroute(.queue, &context)
        }
    }

    private mutating func isWanted(_ agent: String, by waiter: Waiter) -> Bool {
        if let callback = context.callbacks[waiter.call] { return wants(callback, agent) }
        guard let index = byID.index(forKey: waiter.call) else { return false }
        // As in `with`: to read the call out of the dictionary would be to copy it, for each of those who wait.
        return Self.wants(&byID.values[index], agent, context)
    }

    private static func wants(_ call: inout Call, _ agent: String, _ context: Context) -> Bool {
        call.wants(agent, context)
    }

    /// Sends on those who wait for a group of which nobody is logged in any more.
    private mutating func desert(_ group: String) {
        guard context.groups[group]?.isStaffed != true || context.directory.group(group) == nil else { return }
        for waiter in context.groups[group]?.waiting ?? [] {
            if let callback = context.callbacks[waiter.call] {
                // An active one is dropped when its call is over.
                if context.directory.group(group) == nil, !callback.isBusy || callback.timer != nil {
                    drop(callback, .cancelled)
                }
            } else {
                with(call: waiter.call) { $0.groupDeserted(&$1) }
            }
        }
        if context.directory.group(group) == nil, context.groups[group]?.waiting.isEmpty == true {
            context.groups[group] = nil
        }
    }
}
