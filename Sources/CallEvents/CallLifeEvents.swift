// Events of a call from its arrival to its end.

/// `call.open`: A call that was open when a segment began, with what counting needs of it.
public struct CallOpen: EventFields {
    public static let type: StaticString = "call.open"
    public var arrived: WallTime
    public var line: String?
    public var group: String?
    public var agent: String?
    public var hold: Int?
    public var holdReason: HoldReason?
    public var consult: Int?
    public var transfer: Int?
    public var waitMs: Int
    public var talkMs: Int
    public var holdMs: Int
    /// The hold of the caller's own phone, where it is open beside `hold`.
    public var callerHold: Int?

    public init() { self.init(arrived: WallTime(microseconds: 0)) }

    public init(
        arrived: WallTime,
        line: String? = nil,
        group: String? = nil,
        agent: String? = nil,
        hold: Int? = nil,
        holdReason: HoldReason? = nil,
        consult: Int? = nil,
        transfer: Int? = nil,
        waitMs: Int = 0,
        talkMs: Int = 0,
        holdMs: Int = 0,
        callerHold: Int? = nil
    ) {
        self.arrived = arrived
        self.line = line
        self.group = group
        self.agent = agent
        self.hold = hold
        self.holdReason = holdReason
        self.consult = consult
        self.transfer = transfer
        self.waitMs = waitMs
        self.talkMs = talkMs
        self.holdMs = holdMs
        self.callerHold = callerHold
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("arrived", &arrived)
        visitor.field("line", &line)
        visitor.field("group", &group)
        visitor.field("agent", &agent)
        visitor.field("hold", &hold)
        visitor.field("hold_reason", &holdReason)
        visitor.field("consult", &consult)
        visitor.field("transfer", &transfer)
        visitor.field("wait_ms", &waitMs)
        visitor.field("talk_ms", &talkMs)
        visitor.field("hold_ms", &holdMs)
        visitor.field("caller_hold", &callerHold)
    }
}

/// `call.refused`: An INVITE that became no call (404, 488, 503, …). Has no `call`.
public struct CallRefused: EventFields {
    public static let type: StaticString = "call.refused"
    public var from: String
    public var to: String
    public var sipStatus: Int
    public var cause: Cause

    public init() { self.init(from: "") }

    public init(
        from: String,
        to: String = "",
        sipStatus: Int = 0,
        cause: Cause = .other
    ) {
        self.from = from
        self.to = to
        self.sipStatus = sipStatus
        self.cause = cause
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("from", &from)
        visitor.field("to", &to)
        visitor.field("sip_status", &sipStatus)
        visitor.field("cause", &cause)
    }
}

/// `call.arrived`: A caller's INVITE was taken.
public struct CallArrived: EventFields {
    public static let type: StaticString = "call.arrived"
    /// As received; P-Asserted-Identity from trusted peers.
    public var from: String
    public var to: String
    public var line: String?
    public var sipCallID: String
    /// The number in one form, null when withheld.
    public var caller: String?
    public var direction: Direction

    public init() { self.init(from: "") }

    public init(
        from: String,
        to: String = "",
        line: String? = nil,
        sipCallID: String = "",
        caller: String? = nil,
        direction: Direction = .other
    ) {
        self.from = from
        self.to = to
        self.line = line
        self.sipCallID = sipCallID
        self.caller = caller
        self.direction = direction
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("from", &from)
        visitor.field("to", &to)
        visitor.field("line", &line)
        visitor.field("sip_call_id", &sipCallID)
        visitor.field("caller", &caller)
        visitor.field("direction", &direction)
    }
}

/// `call.alerting`: An agent's phone is being called for a caller.
public struct CallAlerting: EventFields {
    public static let type: StaticString = "call.alerting"
    public var agent: String?
    public var group: String?
    public var attempt: Int
    public var sipCallID: String

    public init() { self.init(agent: nil) }

    public init(
        agent: String?,
        group: String? = nil,
        attempt: Int = 0,
        sipCallID: String = ""
    ) {
        self.agent = agent
        self.group = group
        self.attempt = attempt
        self.sipCallID = sipCallID
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("agent", &agent)
        visitor.field("group", &group)
        visitor.field("attempt", &attempt)
        visitor.field("sip_call_id", &sipCallID)
    }
}

/// `call.alert_failed`: That agent did not take the call.
public struct CallAlertFailed: EventFields {
    public static let type: StaticString = "call.alert_failed"
    public var agent: String?
    public var group: String?
    public var attempt: Int
    public var cause: Cause
    public var sipStatus: Int?
    public var ringMs: Int
    /// Why, in words: the peer's Reason header or reason phrase, or what went wrong on our side.
    public var reason: String?

    public init() { self.init(agent: nil) }

    public init(
        agent: String?,
        group: String? = nil,
        attempt: Int = 0,
        cause: Cause = .other,
        sipStatus: Int? = nil,
        ringMs: Int = 0,
        reason: String? = nil
    ) {
        self.agent = agent
        self.group = group
        self.attempt = attempt
        self.cause = cause
        self.sipStatus = sipStatus
        self.ringMs = ringMs
        self.reason = reason
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("agent", &agent)
        visitor.field("group", &group)
        visitor.field("attempt", &attempt)
        visitor.field("cause", &cause)
        visitor.field("sip_status", &sipStatus)
        visitor.field("ring_ms", &ringMs)
        visitor.field("reason", &reason)
    }
}

/// `call.answered`: The first answer; once a call.
public struct CallAnswered: EventFields {
    public static let type: StaticString = "call.answered"
    public var agent: String?
    public var group: String?
    public var line: String?
    public var waitMs: Int
    public var ringMs: Int
    public var human: Bool
    public var serviceLevelS: Int?

    public init() { self.init(agent: nil) }

    public init(
        agent: String?,
        group: String? = nil,
        line: String? = nil,
        waitMs: Int = 0,
        ringMs: Int = 0,
        human: Bool = false,
        serviceLevelS: Int? = nil
    ) {
        self.agent = agent
        self.group = group
        self.line = line
        self.waitMs = waitMs
        self.ringMs = ringMs
        self.human = human
        self.serviceLevelS = serviceLevelS
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("agent", &agent)
        visitor.field("group", &group)
        visitor.field("line", &line)
        visitor.field("wait_ms", &waitMs)
        visitor.field("ring_ms", &ringMs)
        visitor.field("human", &human)
        visitor.field("service_level_s", &serviceLevelS)
    }
}

/// `call.disposition`: A verdict on whether the caller's matter is resolved.
public struct CallDisposition: EventFields {
    public static let type: StaticString = "call.disposition"
    public var agent: String?
    public var group: String?
    public var line: String?
    public var arrived: WallTime
    public var resolved: Bool
    /// The earlier verdict.
    public var previous: Bool?
    public var by: DispositionBy
    public var code: String?
    public var note: String?

    public init() { self.init(agent: nil) }

    public init(
        agent: String?,
        group: String? = nil,
        line: String? = nil,
        arrived: WallTime = WallTime(microseconds: 0),
        resolved: Bool = false,
        previous: Bool? = nil,
        by: DispositionBy = .other,
        code: String? = nil,
        note: String? = nil
    ) {
        self.agent = agent
        self.group = group
        self.line = line
        self.arrived = arrived
        self.resolved = resolved
        self.previous = previous
        self.by = by
        self.code = code
        self.note = note
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("agent", &agent)
        visitor.field("group", &group)
        visitor.field("line", &line)
        visitor.field("arrived", &arrived)
        visitor.field("resolved", &resolved)
        visitor.field("previous", &previous)
        visitor.field("by", &by)
        visitor.field("code", &code)
        visitor.field("note", &note)
    }
}

/// `call.ended`: The caller's stay is over; `wait + talk + hold` is the call's length.
public struct CallEnded: EventFields {
    public static let type: StaticString = "call.ended"
    public var endedBy: EndedBy
    public var cause: Cause
    public var arrived: WallTime
    public var line: String?
    public var group: String?
    public var agent: String?
    public var caller: String?
    public var waitMs: Int
    public var talkMs: Int
    public var holdMs: Int
    /// Time in which the caller's own phone held; part of the others.
    public var callerHoldMs: Int
    public var transfers: Int
    /// The caller left before the first answer.
    public var abandoned: Bool
    /// Of the caller's leg.
    public var media: MediaFigures

    public init() { self.init(endedBy: .other) }

    public init(
        endedBy: EndedBy,
        cause: Cause = .other,
        arrived: WallTime = WallTime(microseconds: 0),
        line: String? = nil,
        group: String? = nil,
        agent: String? = nil,
        caller: String? = nil,
        waitMs: Int = 0,
        talkMs: Int = 0,
        holdMs: Int = 0,
        callerHoldMs: Int = 0,
        transfers: Int = 0,
        abandoned: Bool = false,
        media: MediaFigures = MediaFigures()
    ) {
        self.endedBy = endedBy
        self.cause = cause
        self.arrived = arrived
        self.line = line
        self.group = group
        self.agent = agent
        self.caller = caller
        self.waitMs = waitMs
        self.talkMs = talkMs
        self.holdMs = holdMs
        self.callerHoldMs = callerHoldMs
        self.transfers = transfers
        self.abandoned = abandoned
        self.media = media
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("ended_by", &endedBy)
        visitor.field("cause", &cause)
        visitor.field("arrived", &arrived)
        visitor.field("line", &line)
        visitor.field("group", &group)
        visitor.field("agent", &agent)
        visitor.field("caller", &caller)
        visitor.field("wait_ms", &waitMs)
        visitor.field("talk_ms", &talkMs)
        visitor.field("hold_ms", &holdMs)
        visitor.field("caller_hold_ms", &callerHoldMs)
        visitor.field("transfers", &transfers)
        visitor.field("abandoned", &abandoned)
        visitor.field("caller_packets", &media.packets)
        visitor.field("caller_packets_lost", &media.packetsLost)
        visitor.field("caller_peer_packets_lost", &media.peerPacketsLost)
        visitor.field("caller_jitter_us", &media.jitterUs)
        visitor.field("caller_round_trip_us", &media.roundTripUs)
    }
}
