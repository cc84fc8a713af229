import CallEvents

/// The time of agents.
extension MetricsCore {
    mutating func agentState(_ fact: Fact) {
        let open = fact.call == 0 ? nil : calls.find(fact.call)
        let counts = open.map { $0.pointee.direction == options.direction }
        let change = agents.changed(fact, ofCountedCall: counts)
        if let time = change.time { close(time) }
        for time in change.shared { close(time) }
        if let wrapUp = change.wrapUp {
            let place = Attributes(
                began: fact.began, node: fact.node, agent: fact.agent.known, group: wrapUp.group, line: wrapUp.line)
            count(place) { $0.wrapUpMs += fact.length }
        }
    }

    /// Counts a stretch of an agent's time, cut at the period's edges and at those of intervals.
    mutating func close(_ time: AgentTime) {
        guard time.state != .offline else { return }
        let from = max(time.from, options.since.map { ceiling($0) } ?? .min)
        let to = min(time.to, options.until.map { ceiling($0) } ?? .max)
        guard from < to else { return }
        total.agentTime[time.state] += to - from
        guard placed, canPlaceAgentTime, to - from <= Self.longestPlaced else { return }
        var start = from
        while start < to {
            let seconds = CivilTime.floor(start, 1000)
            var end = to
            for key in options.by where key.isInterval {
                end = min(end, intervals.range(key, at: seconds).upperBound * 1000)
            }
            let place = Attributes(began: start * 1000, node: time.node, agent: time.agent)
            let length = end - start
            countParts(place) { $0.agentTime[time.state] += length }
            start = end
        }
    }

    /// Milliseconds: a state that goes on for longer than 400 days is no shift, and belongs to no interval.
    private static let longestPlaced: Int64 = 400 * 86_400_000

    /// Microseconds to milliseconds, upwards: the first millisecond that belongs to the period.
    func ceiling(_ wall: Int64) -> Int64 { -CivilTime.floor(-wall, 1000) }

    /// Time in a state belongs to an agent, not to a group, a line or a target.
    var canPlaceAgentTime: Bool {
        options.by.allSatisfy { $0 == .agent || $0 == .node || $0.isInterval }
    }
}
