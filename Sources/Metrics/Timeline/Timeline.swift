import CallEvents

/// One call as a picture: a lane for the caller and for each party, with who waits, rings, talks, consults and is held,
/// and from when to when.
public struct Timeline: Sendable {
    /// What a lane shows in a span.
    public enum Kind: Hashable, Sendable {
        /// The caller waits for the first answer.
        case waiting
        /// The party's phone rings, or is being reached.
        case ringing
        /// Caller and party hear each other.
        case talk
        /// The caller has nobody to talk to: the segment's number.
        case hold(Int)
        /// The caller's own phone holds.
        case callerHold
        /// Agent and target talk while the caller is held: the consult's number.
        case consult(Int)
        /// Caller, agent and target hear one another.
        case conference
        /// The party is in the call, but the caller is held and nobody is with it.
        case idle
    }

    public struct Span: Hashable, Sendable {
        /// Index of the lane.
        public var lane: Int
        public var kind: Kind
        /// Milliseconds from the call's arrival.
        public var from: Int64
        public var to: Int64
        /// The other lanes heard.
        public var with: [Int]
    }

    /// Something that happened at an instant.
    public struct Mark: Hashable, Sendable {
        /// Milliseconds from the call's arrival.
        public var at: Int64
        /// Whom it comes from and whom it goes to, as lanes; one lane where it concerns nobody else.
        public var from: Int
        public var to: Int
        public var text: String
        /// Something was refused, failed, or broke off.
        public var isFailure: Bool
        /// What each lane shows from then on; null where it shows nothing.
        public var lanes: [Kind?] = []
    }

    public let call: String
    /// When the call arrived; of a log that begins within it, when it was first seen.
    public let arrived: EventTime
    /// Lane 0 is the caller.
    public internal(set) var lanes: [String]
    public internal(set) var spans: [Span] = []
    public internal(set) var marks: [Mark] = []
    /// The call's last event, in milliseconds from its arrival.
    public internal(set) var length: Int64 = 0
    public internal(set) var ended: CallEnded?
    public internal(set) var arrival: CallArrived?

    /// Null when the events hold nothing of the call.
    public init?(call: String, events: some Sequence<LoggedEvent>) {
        var builder: TimelineBuilder?
        for event in events where event.call == call {
            if builder == nil { builder = TimelineBuilder(call: call, at: event.time) }
            builder?.add(event)
        }
        guard let timeline = builder?.finish() else { return nil }
        self = timeline
    }

    init(call: String, arrived: EventTime) {
        self.call = call
        self.arrived = arrived
        lanes = ["caller"]
    }

    /// A SIP URI's user part, or its host where it has none; the URI may stand behind a name, `"Ann" <sip:ann@host>`.
    static func name(of uri: String) -> String {
        var rest = uri[...]
        if uri.last == ">" || !uri.hasPrefix("sip"), let open = uri.lastIndex(of: "<") {
            rest = uri[uri.index(after: open)...]
        }
        for scheme in ["sips:", "sip:", "tel:"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        let address = rest.prefix { $0 != ";" && $0 != "?" && $0 != ">" }
        guard let at = address.firstIndex(of: "@"), at > address.startIndex else { return String(address) }
        return String(address[..<at])
    }
}
