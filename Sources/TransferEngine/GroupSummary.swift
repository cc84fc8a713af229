import CallEvents

/// One line of `warmline agents`.
public struct AgentSummary: Codable, Hashable, Sendable {
    public var agent: String
    public var displayName: String?
    public var state: AgentState
    /// Null for an agent who has not been there since the start.
    public var since: WallTime?
    /// Why: of a pause what was given for it.
    public var reason: String?
    /// The call that the state is about.
    public var call: String?
    public var groups: [String]
    /// Callers answered since the start.
    public var handled: Int
}

/// How a group stands now.
public struct GroupSummary: Codable, Hashable, Sendable {
    public var group: String
    public var waiting: Int
    /// Callers who hung up to be called back.
    public var callbacks: Int
    /// How long the one has waited who has waited longest, in milliseconds since they joined the queue.
    public var longestWaitMs: Int?
    /// Members by state; states in which nobody is are left out.
    public var agents: [State]
    /// Callers of the first wait, since the start.
    public var answered: Int
    public var within: Int
    public var abandoned: Int
    public var serviceLevel: Int?
    /// Percent.
    public var serviceTarget: Int?

    public struct State: Codable, Hashable, Sendable {
        public var state: AgentState
        public var count: Int
    }
}

extension TransferEngine {
    /// The agents, in the order of the configuration.
    public func agents() -> [AgentSummary] {
        context.directory.configuration.agents.map { settings in
            let agent = context.agents[settings.name]
            return AgentSummary(
                agent: settings.name, displayName: settings.displayName, state: agent?.state ?? .offline,
                since: agent.flatMap { $0.hasState ? $0.since.wallTime : nil },
                reason: agent?.state == .paused || agent?.state == .offline ? agent?.reason : nil,
                call: agent?.occupation?.call ?? agent?.wrapUp?.call,
                groups: context.directory.memberships(of: settings.name).map(\.group), handled: agent?.handled ?? 0)
        }
    }

    /// The groups as they stand at that time, in the order of the configuration.
    public func groups(at time: EventTime) -> [GroupSummary] {
        context.directory.configuration.groups.map { settings in
            let group = context.groups[settings.name] ?? Group()
            let joined = group.waiting.compactMap { byID[$0.call]?.queue?.joined }
            let states = settings.members.map { context.agents[$0]?.state ?? .offline }
            let callbacks = group.waiting.count { context.callbacks[$0.call] != nil }
            return GroupSummary(
                group: settings.name, waiting: group.waiting.count - callbacks, callbacks: callbacks,
                longestWaitMs: joined.map { Books.ms($0, time) }.max(),
                agents: AgentState.allCases.compactMap { state in
                    let count = states.count { $0 == state }
                    return count == 0 ? nil : GroupSummary.State(state: state, count: count)
                },
                answered: group.answered, within: group.within, abandoned: group.abandoned,
                serviceLevel: settings.serviceLevel, serviceTarget: settings.serviceTarget)
        }
    }
}
