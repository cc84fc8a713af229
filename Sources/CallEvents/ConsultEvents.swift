// Events of consults.

/// `consult.started`: A target is dialled.
public struct ConsultStarted: EventFields {
    public static let type: StaticString = "consult.started"
    public var transfer: Int
    public var consult: Int
    public var agent: String?
    public var target: String
    public var targetAgent: String?
    public var targetGroup: String?
    public var attempt: Int
    public var mode: ConsultMode
    /// Null when nothing was dialled.
    public var sipCallID: String?
    public var note: String?

    public init() { self.init(transfer: 0) }

    public init(
        transfer: Int,
        consult: Int = 0,
        agent: String? = nil,
        target: String = "",
        targetAgent: String? = nil,
        targetGroup: String? = nil,
        attempt: Int = 0,
        mode: ConsultMode = .other,
        sipCallID: String? = nil,
        note: String? = nil
    ) {
        self.transfer = transfer
        self.consult = consult
        self.agent = agent
        self.target = target
        self.targetAgent = targetAgent
        self.targetGroup = targetGroup
        self.attempt = attempt
        self.mode = mode
        self.sipCallID = sipCallID
        self.note = note
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("transfer", &transfer)
        visitor.field("consult", &consult)
        visitor.field("agent", &agent)
        visitor.field("target", &target)
        visitor.field("target_agent", &targetAgent)
        visitor.field("target_group", &targetGroup)
        visitor.field("attempt", &attempt)
        visitor.field("mode", &mode)
        visitor.field("sip_call_id", &sipCallID)
        visitor.field("note", &note)
    }
}

/// `consult.ringing`: The target's phone rings.
public struct ConsultRinging: EventFields {
    public static let type: StaticString = "consult.ringing"
    public var transfer: Int
    public var consult: Int
    public var target: String

    public init() { self.init(transfer: 0) }

    public init(
        transfer: Int,
        consult: Int = 0,
        target: String = ""
    ) {
        self.transfer = transfer
        self.consult = consult
        self.target = target
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("transfer", &transfer)
        visitor.field("consult", &consult)
        visitor.field("target", &target)
    }
}

/// `consult.answered`: The target answered.
public struct ConsultAnswered: EventFields {
    public static let type: StaticString = "consult.answered"
    public var transfer: Int
    public var consult: Int
    public var target: String
    public var ringMs: Int

    public init() { self.init(transfer: 0) }

    public init(
        transfer: Int,
        consult: Int = 0,
        target: String = "",
        ringMs: Int = 0
    ) {
        self.transfer = transfer
        self.consult = consult
        self.target = target
        self.ringMs = ringMs
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("transfer", &transfer)
        visitor.field("consult", &consult)
        visitor.field("target", &target)
        visitor.field("ring_ms", &ringMs)
    }
}

/// `consult.failed`: The target or the network ended it before the answer.
public struct ConsultFailed: EventFields {
    public static let type: StaticString = "consult.failed"
    public var transfer: Int
    public var consult: Int
    public var target: String
    public var cause: Cause
    public var sipStatus: Int?
    public var ringMs: Int
    /// Why, in words: the peer's Reason header or reason phrase, or what went wrong on our side.
    public var reason: String?

    public init() { self.init(transfer: 0) }

    public init(
        transfer: Int,
        consult: Int = 0,
        target: String = "",
        cause: Cause = .other,
        sipStatus: Int? = nil,
        ringMs: Int = 0,
        reason: String? = nil
    ) {
        self.transfer = transfer
        self.consult = consult
        self.target = target
        self.cause = cause
        self.sipStatus = sipStatus
        self.ringMs = ringMs
        self.reason = reason
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("transfer", &transfer)
        visitor.field("consult", &consult)
        visitor.field("target", &target)
        visitor.field("cause", &cause)
        visitor.field("sip_status", &sipStatus)
        visitor.field("ring_ms", &ringMs)
        visitor.field("reason", &reason)
    }
}

/// `consult.ended`: A consult ended in any other way.
public struct ConsultEnded: EventFields {
    public static let type: StaticString = "consult.ended"
    public var transfer: Int
    public var consult: Int
    public var target: String
    /// From the answer; 0 when there was none.
    public var consultMs: Int
    public var outcome: ConsultOutcome

    public init() { self.init(transfer: 0) }

    public init(
        transfer: Int,
        consult: Int = 0,
        target: String = "",
        consultMs: Int = 0,
        outcome: ConsultOutcome = .other
    ) {
        self.transfer = transfer
        self.consult = consult
        self.target = target
        self.consultMs = consultMs
        self.outcome = outcome
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("transfer", &transfer)
        visitor.field("consult", &consult)
        visitor.field("target", &target)
        visitor.field("consult_ms", &consultMs)
        visitor.field("outcome", &outcome)
    }
}
