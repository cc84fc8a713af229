/// Which callers have been here, and who had them last. Holds the newest of them.
struct CallerMemory: Codable, Sendable {
    struct Visit: Codable, Sendable {
        var agent: String?
        /// When the agent had them, or they were first seen: on the wall clock, in microseconds.
        var wall: Int64
    }

    /// About 20 MB.
    private static var most: Int { 200_000 }

    private var visits: [String: Visit] = [:]
    /// In the order in which they were first seen; those before `head` are forgotten.
    private var order: [String] = []
    private var head = 0

    func visit(of caller: String) -> Visit? { visits[caller] }

    /// A caller is here, or has come to talk with an agent.
    mutating func remember(_ caller: String, agent: String?, at wall: Int64) {
        if let index = visits.index(forKey: caller) {
            // What the log remembers may come after what has happened since.
            let isNews = visits.values[index].agent == nil || visits.values[index].wall <= wall
            if let agent, isNews { visits.values[index] = Visit(agent: agent, wall: wall) }
            return
        }
        visits[caller] = Visit(agent: agent, wall: wall)
        order.append(caller)
        if order.count - head > Self.most {
            visits[order[head]] = nil
            head += 1
            if head > Self.most {
                order.removeFirst(head)
                head = 0
            }
        }
    }
}
