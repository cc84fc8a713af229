// Events of hold segments.

/// `hold.started`: No voice reaches the answered caller from here on.
public struct HoldStarted: EventFields {
    public static let type: StaticString = "hold.started"
    /// The segment's number, from 1 in a call.
    public var hold: Int
    public var reason: HoldReason
    /// Who was in charge; null once nobody is.
    public var agent: String?

    public init() { self.init(hold: 0) }

    public init(
        hold: Int,
        reason: HoldReason = .other,
        agent: String? = nil
    ) {
        self.hold = hold
        self.reason = reason
        self.agent = agent
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("hold", &hold)
        visitor.field("reason", &reason)
        visitor.field("agent", &agent)
    }
}

/// `hold.ended`: A voice reaches the caller again, or the caller is gone.
public struct HoldEnded: EventFields {
    public static let type: StaticString = "hold.ended"
    public var hold: Int
    public var reason: HoldReason
    public var agent: String?
    public var group: String?
    public var line: String?
    public var nextAgent: String?
    public var holdMs: Int
    public var outcome: HoldOutcome

    public init() { self.init(hold: 0) }

    public init(
        hold: Int,
        reason: HoldReason = .other,
        agent: String? = nil,
        group: String? = nil,
        line: String? = nil,
        nextAgent: String? = nil,
        holdMs: Int = 0,
        outcome: HoldOutcome = .other
    ) {
        self.hold = hold
        self.reason = reason
        self.agent = agent
        self.group = group
        self.line = line
        self.nextAgent = nextAgent
        self.holdMs = holdMs
        self.outcome = outcome
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("hold", &hold)
        visitor.field("reason", &reason)
        visitor.field("agent", &agent)
        visitor.field("group", &group)
        visitor.field("line", &line)
        visitor.field("next_agent", &nextAgent)
        visitor.field("hold_ms", &holdMs)
        visitor.field("outcome", &outcome)
    }
}
