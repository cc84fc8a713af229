// Events of a caller's stay in a group's queue.

/// `call.queued`: The caller joined a group's queue.
public struct CallQueued: EventFields {
    public static let type: StaticString = "call.queued"
    public var group: String
    public var position: Int
    public var priority: Int
    public var skills: [String]
    public var serviceLevelS: Int?
    /// Percent of the group's callers who are to be answered within their service level.
    public var serviceTarget: Int?

    public init() { self.init(group: "") }

    public init(
        group: String,
        position: Int = 0,
        priority: Int = 0,
        skills: [String] = [],
        serviceLevelS: Int? = nil,
        serviceTarget: Int? = nil
    ) {
        self.group = group
        self.position = position
        self.priority = priority
        self.skills = skills
        self.serviceLevelS = serviceLevelS
        self.serviceTarget = serviceTarget
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("group", &group)
        visitor.field("position", &position)
        visitor.field("priority", &priority)
        visitor.field("skills", &skills)
        visitor.field("service_level_s", &serviceLevelS)
        visitor.field("service_target", &serviceTarget)
    }
}

/// `call.dequeued`: The caller left the queue.
public struct CallDequeued: EventFields {
    public static let type: StaticString = "call.dequeued"
    public var group: String
    public var queueMs: Int
    public var position: Int
    public var outcome: QueueOutcome
    public var to: String?

    public init() { self.init(group: "") }

    public init(
        group: String,
        queueMs: Int = 0,
        position: Int = 0,
        outcome: QueueOutcome = .other,
        to: String? = nil
    ) {
        self.group = group
        self.queueMs = queueMs
        self.position = position
        self.outcome = outcome
        self.to = to
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("group", &group)
        visitor.field("queue_ms", &queueMs)
        visitor.field("position", &position)
        visitor.field("outcome", &outcome)
        visitor.field("to", &to)
    }
}
