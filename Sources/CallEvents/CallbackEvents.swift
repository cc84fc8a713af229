// Events of call-backs that waiting callers asked for, and of waits that grew too long.

/// `sla.breached`: A caller has waited longer than the service level says, and still waits.
public struct SLABreached: EventFields {
    public static let type: StaticString = "sla.breached"
    public var group: String
    public var line: String?
    public var position: Int
    public var priority: Int
    /// Since the arrival.
    public var waitMs: Int
    public var serviceLevelS: Int

    public init() { self.init(group: "") }

    public init(
        group: String,
        line: String? = nil,
        position: Int = 0,
        priority: Int = 0,
        waitMs: Int = 0,
        serviceLevelS: Int = 0
    ) {
        self.group = group
        self.line = line
        self.position = position
        self.priority = priority
        self.waitMs = waitMs
        self.serviceLevelS = serviceLevelS
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("group", &group)
        visitor.field("line", &line)
        visitor.field("position", &position)
        visitor.field("priority", &priority)
        visitor.field("wait_ms", &waitMs)
        visitor.field("service_level_s", &serviceLevelS)
    }
}

/// `callback.requested`: A waiting caller asked to be called back and keeps the place.
public struct CallbackRequested: EventFields {
    public static let type: StaticString = "callback.requested"
    public var group: String
    public var line: String?
    public var caller: String?
    public var position: Int
    public var priority: Int
    /// How long the caller had waited.
    public var waitMs: Int

    public init() { self.init(group: "") }

    public init(
        group: String,
        line: String? = nil,
        caller: String? = nil,
        position: Int = 0,
        priority: Int = 0,
        waitMs: Int = 0
    ) {
        self.group = group
        self.line = line
        self.caller = caller
        self.position = position
        self.priority = priority
        self.waitMs = waitMs
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("group", &group)
        visitor.field("line", &line)
        visitor.field("caller", &caller)
        visitor.field("position", &position)
        visitor.field("priority", &priority)
        visitor.field("wait_ms", &waitMs)
    }
}

/// `callback.started`: An agent has been reached; the caller is dialled.
public struct CallbackStarted: EventFields {
    public static let type: StaticString = "callback.started"
    public var group: String
    public var line: String?
    public var caller: String?
    public var agent: String?
    /// The call in which it was asked for.
    public var request: String
    public var attempt: Int
    /// Since it was asked for: no waiting of the caller.
    public var sinceMs: Int

    public init() { self.init(group: "") }

    public init(
        group: String,
        line: String? = nil,
        caller: String? = nil,
        agent: String? = nil,
        request: String = "",
        attempt: Int = 0,
        sinceMs: Int = 0
    ) {
        self.group = group
        self.line = line
        self.caller = caller
        self.agent = agent
        self.request = request
        self.attempt = attempt
        self.sinceMs = sinceMs
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("group", &group)
        visitor.field("line", &line)
        visitor.field("caller", &caller)
        visitor.field("agent", &agent)
        visitor.field("request", &request)
        visitor.field("attempt", &attempt)
        visitor.field("since_ms", &sinceMs)
    }
}

/// `callback.completed`: Caller and agent talk.
public struct CallbackCompleted: EventFields {
    public static let type: StaticString = "callback.completed"
    public var group: String
    public var line: String?
    public var caller: String?
    public var agent: String?
    /// The call in which it was asked for.
    public var request: String
    public var attempt: Int
    /// Since it was asked for: no waiting of the caller.
    public var sinceMs: Int

    public init() { self.init(group: "") }

    public init(
        group: String,
        line: String? = nil,
        caller: String? = nil,
        agent: String? = nil,
        request: String = "",
        attempt: Int = 0,
        sinceMs: Int = 0
    ) {
        self.group = group
        self.line = line
        self.caller = caller
        self.agent = agent
        self.request = request
        self.attempt = attempt
        self.sinceMs = sinceMs
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("group", &group)
        visitor.field("line", &line)
        visitor.field("caller", &caller)
        visitor.field("agent", &agent)
        visitor.field("request", &request)
        visitor.field("attempt", &attempt)
        visitor.field("since_ms", &sinceMs)
    }
}

/// `callback.failed`: The caller was not reached.
public struct CallbackFailed: EventFields {
    public static let type: StaticString = "callback.failed"
    public var group: String
    public var line: String?
    public var caller: String?
    public var agent: String?
    /// The call in which it was asked for.
    public var request: String
    public var attempt: Int
    public var cause: Cause
    public var sipStatus: Int?
    /// No further attempt is made.
    public var isFinal: Bool

    public init() { self.init(group: "") }

    public init(
        group: String,
        line: String? = nil,
        caller: String? = nil,
        agent: String? = nil,
        request: String = "",
        attempt: Int = 0,
        cause: Cause = .other,
        sipStatus: Int? = nil,
        isFinal: Bool = false
    ) {
        self.group = group
        self.line = line
        self.caller = caller
        self.agent = agent
        self.request = request
        self.attempt = attempt
        self.cause = cause
        self.sipStatus = sipStatus
        self.isFinal = isFinal
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("group", &group)
        visitor.field("line", &line)
        visitor.field("caller", &caller)
        visitor.field("agent", &agent)
        visitor.field("request", &request)
        visitor.field("attempt", &attempt)
        visitor.field("cause", &cause)
        visitor.field("sip_status", &sipStatus)
        visitor.field("final", &isFinal)
    }
}
