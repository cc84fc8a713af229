// Events of agents.

/// `agent.state`: An agent's state changed.
public struct AgentStateChanged: EventFields {
    public static let type: StaticString = "agent.state"
    public var agent: String
    public var old: AgentState
    public var new: AgentState
    public var inStateMs: Int
    /// The call that caused it.
    public var call: String?
    public var group: String?
    public var line: String?
    public var reason: String?

    public init() { self.init(agent: "") }

    public init(
        agent: String,
        old: AgentState = .other,
        new: AgentState = .other,
        inStateMs: Int = 0,
        call: String? = nil,
        group: String? = nil,
        line: String? = nil,
        reason: String? = nil
    ) {
        self.agent = agent
        self.old = old
        self.new = new
        self.inStateMs = inStateMs
        self.call = call
        self.group = group
        self.line = line
        self.reason = reason
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("agent", &agent)
        visitor.field("old", &old)
        visitor.field("new", &new)
        visitor.field("in_state_ms", &inStateMs)
        visitor.field("call", &call)
        visitor.field("group", &group)
        visitor.field("line", &line)
        visitor.field("reason", &reason)
    }
}
