// Events of transfers and conferences.

/// `transfer.started`: The agent asked for a transfer.
public struct TransferStarted: EventFields {
    public static let type: StaticString = "transfer.started"
    public var transfer: Int
    public var kind: TransferKind
    public var agent: String?
    /// The URI dialled, or the digits where they name no target.
    public var target: String
    public var by: RequestedBy

    public init() { self.init(transfer: 0) }

    public init(
        transfer: Int,
        kind: TransferKind = .other,
        agent: String? = nil,
        target: String = "",
        by: RequestedBy = .other
    ) {
        self.transfer = transfer
        self.kind = kind
        self.agent = agent
        self.target = target
        self.by = by
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("transfer", &transfer)
        visitor.field("kind", &kind)
        visitor.field("agent", &agent)
        visitor.field("target", &target)
        visitor.field("by", &by)
    }
}

/// `transfer.completed`: The caller is with the target.
public struct TransferCompleted: EventFields {
    public static let type: StaticString = "transfer.completed"
    public var transfer: Int
    public var kind: TransferKind
    public var agent: String?
    public var target: String
    public var targetAgent: String?
    public var method: CompletionMethod
    public var consultMs: Int
    public var holdMs: Int

    public init() { self.init(transfer: 0) }

    public init(
        transfer: Int,
        kind: TransferKind = .other,
        agent: String? = nil,
        target: String = "",
        targetAgent: String? = nil,
        method: CompletionMethod = .other,
        consultMs: Int = 0,
        holdMs: Int = 0
    ) {
        self.transfer = transfer
        self.kind = kind
        self.agent = agent
        self.target = target
        self.targetAgent = targetAgent
        self.method = method
        self.consultMs = consultMs
        self.holdMs = holdMs
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("transfer", &transfer)
        visitor.field("kind", &kind)
        visitor.field("agent", &agent)
        visitor.field("target", &target)
        visitor.field("target_agent", &targetAgent)
        visitor.field("method", &method)
        visitor.field("consult_ms", &consultMs)
        visitor.field("hold_ms", &holdMs)
    }
}

/// `transfer.failed`: No target could be had.
public struct TransferFailed: EventFields {
    public static let type: StaticString = "transfer.failed"
    public var transfer: Int
    public var kind: TransferKind
    public var agent: String?
    public var target: String
    public var cause: Cause
    public var sipStatus: Int?

    public init() { self.init(transfer: 0) }

    public init(
        transfer: Int,
        kind: TransferKind = .other,
        agent: String? = nil,
        target: String = "",
        cause: Cause = .other,
        sipStatus: Int? = nil
    ) {
        self.transfer = transfer
        self.kind = kind
        self.agent = agent
        self.target = target
        self.cause = cause
        self.sipStatus = sipStatus
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("transfer", &transfer)
        visitor.field("kind", &kind)
        visitor.field("agent", &agent)
        visitor.field("target", &target)
        visitor.field("cause", &cause)
        visitor.field("sip_status", &sipStatus)
    }
}

/// `transfer.cancelled`: The agent or the caller gave it up.
public struct TransferCancelled: EventFields {
    public static let type: StaticString = "transfer.cancelled"
    public var transfer: Int
    public var kind: TransferKind
    public var agent: String?
    public var target: String
    public var cause: Cause
    public var sipStatus: Int?

    public init() { self.init(transfer: 0) }

    public init(
        transfer: Int,
        kind: TransferKind = .other,
        agent: String? = nil,
        target: String = "",
        cause: Cause = .other,
        sipStatus: Int? = nil
    ) {
        self.transfer = transfer
        self.kind = kind
        self.agent = agent
        self.target = target
        self.cause = cause
        self.sipStatus = sipStatus
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("transfer", &transfer)
        visitor.field("kind", &kind)
        visitor.field("agent", &agent)
        visitor.field("target", &target)
        visitor.field("cause", &cause)
        visitor.field("sip_status", &sipStatus)
    }
}

/// `transfer.fallback`: A step of the fallback chain.
public struct TransferFallback: EventFields {
    public static let type: StaticString = "transfer.fallback"
    public var transfer: Int
    public var step: FallbackStep
    public var to: String
    public var cause: Cause

    public init() { self.init(transfer: 0) }

    public init(
        transfer: Int,
        step: FallbackStep = .other,
        to: String = "",
        cause: Cause = .other
    ) {
        self.transfer = transfer
        self.step = step
        self.to = to
        self.cause = cause
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("transfer", &transfer)
        visitor.field("step", &step)
        visitor.field("to", &to)
        visitor.field("cause", &cause)
    }
}

/// `conference.started`: Caller, agent and target hear one another.
public struct ConferenceStarted: EventFields {
    public static let type: StaticString = "conference.started"
    public var transfer: Int

    public init() { self.init(transfer: 0) }

    public init(
        transfer: Int
    ) {
        self.transfer = transfer
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("transfer", &transfer)
    }
}

/// `conference.ended`: The three-way conversation is over.
public struct ConferenceEnded: EventFields {
    public static let type: StaticString = "conference.ended"
    public var transfer: Int
    public var conferenceMs: Int

    public init() { self.init(transfer: 0) }

    public init(
        transfer: Int,
        conferenceMs: Int = 0
    ) {
        self.transfer = transfer
        self.conferenceMs = conferenceMs
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("transfer", &transfer)
        visitor.field("conference_ms", &conferenceMs)
    }
}
