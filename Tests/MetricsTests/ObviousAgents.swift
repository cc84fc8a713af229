import CallEvents

/// Where agents' time went, obviously: the stretches of each node in a list, then each instant's busiest.
extension ObviousFigures {
    mutating func addAgents(_ events: [LoggedEvent], inbound: Set<String>) {
        for node in Set(events.map(\.node)).sorted() {
            addAgents(of: node, events.filter { $0.node == node }, inbound)
        }
        for agent in Set(nodeTimes.map(\.agent)).sorted() {
            var times = nodeTimes.filter { $0.agent == agent }
            if Set(times.map(\.node)).count > 1 {
                // Of what other nodes say later, the state goes on.
                let end = (events.map(\.time.wall).max() ?? 0) / 1000
                for index in times.indices where times[index].isOpen { times[index].to = end }
                times = Self.busiest(times)
            }
            agentTimes += times
        }
    }

    private mutating func addAgents(of node: String, _ events: [LoggedEvent], _ inbound: Set<String>) {
        var open: [String: (state: AgentState, mono: Int64)] = [:]
        var lastCall: [String: AgentStateChanged] = [:]
        for event in events {
            guard case .agentStateChanged(let fields) = event.event else { continue }
            let wall = event.time.wall / 1000
            if fields.old != .offline {
                nodeTimes.append(
                    AgentTime(
                        node: node, agent: fields.agent, state: fields.old, from: wall - Int64(fields.inStateMs),
                        to: wall))
            }
            let call = fields.call != nil ? fields : lastCall[fields.agent]
            if fields.old == .wrapUp, let call, inbound.contains(call.call ?? "") {
                let place = Place(
                    node: node, agent: fields.agent, group: fields.group ?? call.group, line: fields.line ?? call.line,
                    began: event.time.wall - Int64(fields.inStateMs) * 1000)
                wrapUps.append(Stay(place: place, talkMs: fields.inStateMs, holdMs: 0))
            }
            if fields.call != nil { lastCall[fields.agent] = fields }
            open[fields.agent] = (fields.new, event.time.monoMilliseconds)
        }
        guard let last = events.last?.time else { return }
        for (agent, state) in open where state.state != .offline {
            let to = last.wall / 1000
            nodeTimes.append(
                AgentTime(
                    node: node, agent: agent, state: state.state, from: to - (last.monoMilliseconds - state.mono),
                    to: to, isOpen: true))
        }
    }

    /// From one change to the next, the busiest of the states that go on then.
    private static func busiest(_ times: [AgentTime]) -> [AgentTime] {
        let order: [AgentState] = [.talking, .consulting, .ringing, .wrapUp, .available, .paused]
        let edges = Set(times.flatMap { [$0.from, $0.to] }).sorted()
        return zip(edges, edges.dropFirst()).compactMap { from, to in
            let now = times.filter { $0.from <= from && $0.to >= to }.map(\.state)
            guard let state = order.first(where: { now.contains($0) }) else { return nil }
            return AgentTime(node: "", agent: times[0].agent, state: state, from: from, to: to)
        }
    }

    /// Adds the figures of time in states.
    /// - Parameters:
    ///   - agent, node: whose time, where; null: everybody's, everywhere.
    ///   - period: milliseconds since 1970; null: time belongs to nothing that is asked for.
    func addAgentTime(
        to figures: inout [String: Double?], _ agent: String?, _ node: String?, _ period: Range<Int64>?
    ) {
        func time(_ states: AgentState...) -> Double {
            guard let period else { return 0 }
            var sum: Int64 = 0
            for time in node == nil ? agentTimes : nodeTimes.filter({ $0.node == node })
            where (agent == nil || time.agent == agent) && states.contains(time.state) {
                sum += max(0, min(time.to, period.upperBound) - max(time.from, period.lowerBound))
            }
            return Double(sum)
        }
        func percent(_ part: Double, _ whole: Double) -> Double? { whole > 0 ? 100 * part / whole : nil }
        let loggedIn = time(.available, .ringing, .talking, .consulting, .wrapUp, .paused)
        figures["agent_time.logged_in_ms"] = loggedIn
        for state in [AgentState.available, .ringing, .talking, .consulting, .wrapUp, .paused] {
            figures["agent_time.\(state.rawValue)_ms"] = time(state)
        }
        let work = time(.talking, .consulting, .wrapUp)
        figures["agent_utilization.percent"] = percent(work, loggedIn)
        figures["agent_utilization.calls_percent"] = percent(time(.talking, .consulting), loggedIn)
        figures["agent_occupancy.percent"] = percent(work, loggedIn - time(.paused))
    }
}
