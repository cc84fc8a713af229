// Events of the parties with whom a caller talks.

/// `party.joined`: A voice path with the caller began: a stay opens.
public struct PartyJoined: EventFields {
    public static let type: StaticString = "party.joined"
    public var party: Party
    public var agent: String?
    public var group: String?
    public var line: String?
    public var uri: String
    public var sipCallID: String
    public var role: PartyRole

    public init() { self.init(party: .other) }

    public init(
        party: Party,
        agent: String? = nil,
        group: String? = nil,
        line: String? = nil,
        uri: String = "",
        sipCallID: String = "",
        role: PartyRole = .other
    ) {
        self.party = party
        self.agent = agent
        self.group = group
        self.line = line
        self.uri = uri
        self.sipCallID = sipCallID
        self.role = role
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("party", &party)
        visitor.field("agent", &agent)
        visitor.field("group", &group)
        visitor.field("line", &line)
        visitor.field("uri", &uri)
        visitor.field("sip_call_id", &sipCallID)
        visitor.field("role", &role)
    }
}

/// `party.left`: A stay is over for good.
public struct PartyLeft: EventFields {
    public static let type: StaticString = "party.left"
    public var party: Party
    public var agent: String?
    public var group: String?
    public var line: String?
    public var uri: String
    public var sipCallID: String
    public var role: PartyRole
    public var stayMs: Int
    public var talkMs: Int
    public var holdMs: Int
    public var consultMs: Int
    public var endedBy: EndedBy
    public var cause: Cause
    public var sipStatus: Int?
    public var q850: Int?
    /// Of the party's leg.
    public var media: MediaFigures

    public init() { self.init(party: .other) }

    public init(
        party: Party,
        agent: String? = nil,
        group: String? = nil,
        line: String? = nil,
        uri: String = "",
        sipCallID: String = "",
        role: PartyRole = .other,
        stayMs: Int = 0,
        talkMs: Int = 0,
        holdMs: Int = 0,
        consultMs: Int = 0,
        endedBy: EndedBy = .other,
        cause: Cause = .other,
        sipStatus: Int? = nil,
        q850: Int? = nil,
        media: MediaFigures = MediaFigures()
    ) {
        self.party = party
        self.agent = agent
        self.group = group
        self.line = line
        self.uri = uri
        self.sipCallID = sipCallID
        self.role = role
        self.stayMs = stayMs
        self.talkMs = talkMs
        self.holdMs = holdMs
        self.consultMs = consultMs
        self.endedBy = endedBy
        self.cause = cause
        self.sipStatus = sipStatus
        self.q850 = q850
        self.media = media
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("party", &party)
        visitor.field("agent", &agent)
        visitor.field("group", &group)
        visitor.field("line", &line)
        visitor.field("uri", &uri)
        visitor.field("sip_call_id", &sipCallID)
        visitor.field("role", &role)
        visitor.field("stay_ms", &stayMs)
        visitor.field("talk_ms", &talkMs)
        visitor.field("hold_ms", &holdMs)
        visitor.field("consult_ms", &consultMs)
        visitor.field("ended_by", &endedBy)
        visitor.field("cause", &cause)
        visitor.field("sip_status", &sipStatus)
        visitor.field("q850", &q850)
        visitor.field("packets", &media.packets)
        visitor.field("packets_lost", &media.packetsLost)
        visitor.field("peer_packets_lost", &media.peerPacketsLost)
        visitor.field("jitter_us", &media.jitterUs)
        visitor.field("round_trip_us", &media.roundTripUs)
    }
}

/// `party.changed`: The PBX put another party behind a leg.
public struct PartyChanged: EventFields {
    public static let type: StaticString = "party.changed"
    public var uri: String

    public init() { self.init(uri: "") }

    public init(
        uri: String
    ) {
        self.uri = uri
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("uri", &uri)
    }
}
