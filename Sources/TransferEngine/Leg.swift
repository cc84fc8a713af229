import CallEvents

/// One SIP dialog of a call, as far as the engine knows it.
struct Leg: Codable, Sendable {
    /// dialling → ringing → answered → ending; each may be skipped. An arrived leg begins at `ringing`.
    enum State: String, Codable, Sendable {
        /// Our INVITE is out, nothing over 100 came.
        case dialling
        /// A provisional response over 100 came; or the peer's own INVITE waits for our answer.
        case ringing
        case answered
        /// Told to end; `legEnded` will come, and nothing else of it counts.
        case ending
    }

    let id: LegID
    /// The address dialled, or the one the INVITE came from.
    let uri: String
    let sipCallID: String
    /// The configured agent at its other end.
    var agent: String?
    let isIncoming: Bool
    var state: State
    var since: EventTime
    var codec: String?
    /// The user part of what its peer last asserted of itself.
    var asserted: String?
    /// Whom its phone shows, as far as we have said.
    var shows: Identity?
    /// What it is sent at present.
    var hears = MediaSource.silence
    /// Media before the answer: 183 with SDP, sent or received.
    var early = false
    var peerSends = true
    var peerReceives = true
    /// When its phone last took back a hold.
    var unheld: EventTime?
    /// It was sent 180.
    var toldRinging = false
    /// We told the peer by re-INVITE that it is held.
    var toldHeld = false
    /// Our open re-INVITE to another codec.
    var matching: ReportID?
    /// The peer refused another codec: it is not asked again.
    var refusesCodec = false
    /// What it keeps its agent busy with.
    var occupation: Agent.Occupation.Kind?

    var isAlive: Bool { state != .ending }
    /// The peer's phone holds us: a peer that does not receive (RFC 3264 §8.4).
    var peerHolds: Bool { !peerReceives }
}

/// The party with the caller. Their stay is open in the log from `party.joined` to `party.left`.
struct Party: Codable, Sendable {
    var leg: LegID
    /// Null for a party who is no configured agent: then no code and no command but `hangup` works.
    var agent: String?
    var group: String?
    var uri: String
    var sipCallID: String
    var role: PartyRole
    /// Since when they are with the caller.
    var since = EventTime(wall: 0, mono: 0)

    var kind: CallEvents.Party { agent == nil ? .target : .agent }
    var endedBy: EndedBy { agent == nil ? .target : .agent }
}

/// A leg that we have placed for the caller and that is not with them yet.
struct Attempt: Codable, Sendable {
    enum Purpose: Codable, Sendable, Equatable {
        /// `call.alerting`: the caller waits for whoever answers. The number is the attempt.
        case alert(Int)
        /// `consult.*`, by its number.
        case consult(Int)
    }

    var purpose: Purpose
    var leg: LegID
    var candidate: Candidate
    var uri: String
    var sipCallID: String
    /// A provisional response over 100 came.
    var rang = false
    var answered = false
    /// The agent left while this target rang (row 7).
    var agentLeft = false
    var timer: TimerID?
    /// Legs whose re-INVITE to the target's codec is open (codec rule d).
    var matching: [LegID] = []
    /// Its consult is over: it is the target of a conference.
    var isMerged = false
    /// The agent's own second call, through which they speak with the target; null: the leg that is with the caller.
    var agentLeg: LegID?
}

/// The transfer that is open.
struct Transfer: Codable, Sendable {
    var number: Int
    var kind: TransferKind
    var agent: String?
    /// The target tried last.
    var target: String
    /// Who is left to be tried.
    var candidates: [Candidate]
    var attempts = 0
    var note: String?
    /// How the last target failed.
    var cause = Cause.unreachable
    var sipStatus: Int?
    /// The REFER by which the agent has left it to us: the caller goes to whoever answers.
    var refer: Refer?
    /// What that REFER says of its sender (RFC 3892).
    var referredBy: String?
    /// Addresses tried, so that redirects cannot lead in circles.
    var tried: [String] = []
    var redirects = 0
}

/// A REFER of the agent's whose subscription is open.
struct Refer: Codable, Sendable {
    let id: ReferID
    /// How the transfer is completed once somebody answers.
    let kind: TransferKind
    /// The status told last.
    var told = 100
}
