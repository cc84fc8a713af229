import CallEvents

/// Everything that can happen, as the engine sees it. Inputs arrive one by one, each with its instant.
public enum Input: Codable, Hashable, Sendable {
    /// The controller takes calls from now on: the first input. Agents who need not log in are there.
    case started
    /// A new INVITE. The engine numbers the leg (`Effect.adopt`) or refuses it (`Effect.refuse`).
    case invite(Invitation)
    /// The telephony side refused an INVITE itself (483, 488, 503).
    case inviteRefused(from: String, to: String, sipStatus: Int)
    /// A provisional response over 100 to our INVITE.
    case legProgress(LegID, sipStatus: Int, earlyMedia: Bool)
    /// A 2xx came (our leg) or went out (the peer's leg); media is agreed on.
    case legAnswered(LegID, codec: String?)
    /// The leg is over. Exactly once for every leg adopted or invited, also when the command failed at once.
    case legEnded(LegID, LegEnd)
    /// The peer changed its direction by re-INVITE or UPDATE. A peer that does not receive holds us.
    case legMedia(LegID, peerSends: Bool, peerReceives: Bool, codec: String?)
    /// No packets from a peer that should be sending.
    case rtpTimeout(LegID)
    /// A digit of the peer: `0`–`9`, `*`, `#`, `A`–`D`.
    case digit(LegID, Digit)
    /// A trusted peer says in mid-call who is at its other end: P-Asserted-Identity in a re-INVITE or UPDATE.
    case identity(LegID, Identity)
    /// The relay has switched; `at` is its instant.
    case routed(ReportID)
    /// A tone was played to its end, or its leg is gone.
    case toneEnded(ReportID)
    /// Our re-INVITE is done; `codec` is what the leg sends from now on.
    case reoffered(LegID, ReportID, sipStatus: Int, codec: String?)
    /// The peer's REFER, in the leg's dialog or naming it: somebody else is to be called in its place.
    case refer(LegID, Referral)
    /// An agent's phone registered here (`contact`), or its registration ended (null).
    case registered(agent: String, contact: String?)
    /// What has become of `Effect.handOver`: the answer to the REFER, then what its NOTIFYs say (0: they ended without a
    /// word). A leg that ends meanwhile has no final one.
    case handedOver(LegID, ReportID, sipStatus: Int, isFinal: Bool)
    case timer(TimerID)
    /// A request of the control socket.
    case command(RequestID, Command)
    /// A request of the control socket that concerns an agent.
    case agent(RequestID, agent: String, AgentCommand)
    /// What the log knows from before the start: this caller was seen, and who had them last.
    case remembered(caller: String, agent: String?, WallTime)
    /// And which calls have ended lately.
    case rememberedCall(RememberedCall)
    /// And who is still to be called back.
    case rememberedCallback(RememberedCallback)
    /// SIGTERM: the first drains (and is logged as `service.stopping`), the second ends at once. `Effect.finished`
    /// follows when the last leg is gone.
    case terminate
    /// The log can, or cannot, be written: new calls get 503 while it cannot.
    case logHealth(writable: Bool)
    /// A changed configuration.
    case configuration(EngineConfiguration)
}

/// A new INVITE as it came.
public struct Invitation: Codable, Hashable, Sendable {
    /// The telephony side's name of the leg.
    public var handle: UInt64
    /// The id the call gets if it becomes one; begins with the node's name.
    public var call: String
    public var sipCallID: String
    /// The dialled address as `sip.lineFrom` says: its user part is the line.
    public var requestURI: String
    public var to: String
    public var from: String
    public var fromDisplay: String?
    /// P-Asserted-Identity, from trusted peers only.
    public var assertedIdentity: String?
    public var assertedDisplay: String?
    /// Privacy: id
    public var withheld: Bool
    public var trusted: Bool
    /// Null where the header was absent.
    public var maxForwards: Int?
    public var source: String
    /// Those that `transfer.passHeaders` names, `Name: value`.
    public var headers: [String]
    /// The leg whose place it is to take (RFC 3891); one that nobody knows where it has ended meanwhile.
    public var replaces: LegID?
    /// The agent's user name that the INVITE was signed with by digest; null where it was not signed.
    public var digestUser: String?

    public init(
        handle: UInt64, call: String, sipCallID: String, requestURI: String, to: String, from: String,
        fromDisplay: String? = nil, assertedIdentity: String? = nil, assertedDisplay: String? = nil,
        withheld: Bool = false, trusted: Bool = true, maxForwards: Int? = nil, source: String = "",
        headers: [String] = [], replaces: LegID? = nil, digestUser: String? = nil
    ) {
        self.handle = handle
        self.call = call
        self.sipCallID = sipCallID
        self.requestURI = requestURI
        self.to = to
        self.from = from
        self.fromDisplay = fromDisplay
        self.assertedIdentity = assertedIdentity
        self.assertedDisplay = assertedDisplay
        self.withheld = withheld
        self.trusted = trusted
        self.maxForwards = maxForwards
        self.source = source
        self.headers = headers
        self.replaces = replaces
        self.digestUser = digestUser
    }
}

/// A REFER as it came (RFC 3515, 3892).
public struct Referral: Codable, Hashable, Sendable {
    public var id: ReferID
    /// The URI without its headers; `tel:` too.
    public var referTo: String
    /// The leg that Refer-To's Replaces names; one that nobody knows where it has ended meanwhile.
    public var replaces: LegID?
    /// The value of that Replaces, where it names a dialog elsewhere.
    public var replacesHeader: String?
    /// Refer-To asks for `Require: replaces`.
    public var requiresReplaces: Bool
    public var referredBy: String?

    public init(
        id: ReferID, referTo: String, replaces: LegID? = nil, replacesHeader: String? = nil,
        requiresReplaces: Bool = false, referredBy: String? = nil
    ) {
        self.id = id
        self.referTo = referTo
        self.replaces = replaces
        self.replacesHeader = replacesHeader
        self.requiresReplaces = requiresReplaces
        self.referredBy = referredBy
    }
}

/// How a leg ended, as SIP tells it. `Causes.swift` makes a `Cause` of it.
public struct LegEnd: Codable, Hashable, Sendable {
    public enum How: String, Codable, Hashable, Sendable, CaseIterable {
        /// By our own command.
        case local
        case bye
        /// The peer took its INVITE back.
        case cancelled
        /// A final response over 299 to our INVITE.
        case rejected
        /// Nothing, or only 100, in time.
        case noResponse
        /// The request could not be sent, or the connection broke.
        case transport
        /// 408 or 481 in the dialog, session expiry, no ACK.
        case vanished
        /// The answer has no audio that can be carried.
        case noCodec
        /// The command could not be carried out at all.
        case invalid
    }

    public var how: How
    public var sipStatus: Int?
    public var q850: Int?
    /// The text of the Reason header, or the reason phrase.
    public var reason: String?
    /// Where a 3xx sends us, best first.
    public var contacts: [String]

    public init(how: How, sipStatus: Int? = nil, q850: Int? = nil, reason: String? = nil, contacts: [String] = []) {
        self.how = how
        self.sipStatus = sipStatus
        self.q850 = q850
        self.reason = reason
        self.contacts = contacts
    }
}

/// One DTMF digit.
public struct Digit: Codable, Hashable, Sendable {
    /// One of `0123456789*#ABCD`.
    public let character: Character

    /// Null for anything that is no DTMF digit.
    public init?(_ character: Character) {
        guard "0123456789*#ABCD".contains(character) else { return nil }
        self.character = character
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard text.count == 1, let first = text.first, let digit = Digit(first) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no DTMF digit: \(text)")
        }
        self = digit
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(String(character))
    }
}

/// What the control socket can ask of a call. Targets are names of `transfer.targets`, agents, groups, digits or URIs.
public enum Command: Codable, Hashable, Sendable {
    case hold(call: String)
    case resume(call: String)
    case consult(call: String, targets: [String], note: String?)
    case blind(call: String, targets: [String])
    case complete(call: String)
    case cancel(call: String)
    case swap(call: String)
    case merge(call: String)
    case hangup(call: String)
    /// A verdict on a call, until a day after its end.
    case resolve(call: String, resolved: Bool, code: String?, note: String?)

    /// The call that it concerns.
    public var call: String {
        switch self {
        case .hold(let call), .resume(let call), .consult(let call, _, _), .blind(let call, _), .complete(let call),
            .cancel(let call), .swap(let call), .merge(let call), .hangup(let call), .resolve(let call, _, _, _):
            call
        }
    }
}

/// What the control socket, or a code, asks of an agent.
public enum AgentCommand: Codable, Hashable, Sendable {
    case login
    case logout
    /// No longer paused; ends the wrap-up too.
    case ready
    case pause(reason: String?)
}
