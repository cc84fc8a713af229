import CallEvents

/// What the engine wants done. Effects are carried out in order; none returns a value: its result is a later input.
public enum Effect: Codable, Hashable, Sendable {
    /// The incoming leg `handle` is from now on known by this number, as a leg of that call; null: of none, an agent has
    /// dialled a code.
    case adopt(LegID, handle: UInt64, call: String?)
    /// The incoming leg `handle` gets a final response and is forgotten; no `legEnded` follows.
    case refuse(handle: UInt64, sipStatus: Int, retryAfter: Int?)
    case invite(LegID, Invite)
    /// 180 or 183 on an incoming leg; with `early`, 183 with an answer in that leg's codec.
    case ring(LegID, sipStatus: Int, early: LegID?)
    /// 200 on an incoming leg, in the codec of the other leg where there is one.
    case answer(LegID, codecOf: LegID?)
    /// Final response, CANCEL or BYE, whichever the leg's state asks for. `legEnded` follows.
    case hangUp(LegID, HangUp)
    /// Tells the peer by re-INVITE that it is held, or no longer; `reoffered` follows.
    case hold(LegID, Bool, ReportID)
    /// Re-INVITE to the codec of another leg alone, unless it is that already; `reoffered` follows in any case.
    case matchCodec(LegID, to: LegID, ReportID)
    /// Changes what legs are sent, all at one instant; `routed` follows with that instant, unless the report is `none`.
    case route([Route], ReportID)
    /// A finite tone over whatever the leg is sent; `toneEnded` follows where a report is asked for.
    case tone(LegID, Tone, ReportID?)
    /// Words over whatever the leg is sent; `toneEnded` follows.
    case announce(LegID, Announcement, ReportID)
    /// Ends what `tone` or `announce` plays.
    case stopTone(LegID)
    case sendDigits(LegID, String)
    /// Answers a REFER, or tells its sender what has become of it. `call`: whose it is, for whoever looks.
    case refer(ReferID, call: String, ReferReply)
    /// Tells an answered leg's peer whom it is talking with (RFC 3325), where it may know: it is a trusted peer, or
    /// `isEntitled`.
    case identify(LegID, Identity, isEntitled: Bool)
    /// Asks a leg's peer by REFER to call the other leg's peer in our place; `handedOver` follows, the last of them final.
    case handOver(LegID, to: LegID, referredBy: String?, ReportID)
    case startTimer(TimerID, milliseconds: Int)
    case stopTimer(TimerID)
    case log(CallRecord)
    case reply(RequestID, CommandResult)
    /// Whether OPTIONS is answered with 200 or with 503 and Retry-After.
    case accepting(Bool, retryAfter: Int?)
    /// Every call has ended after `terminate`: the process may exit.
    case finished
}

/// A call to be placed.
public struct Invite: Codable, Hashable, Sendable {
    public var uri: String
    /// The Call-ID of the dialog: the call's id and the leg's number, so that the log can name it before anything is
    /// sent, and a trace of messages can be matched with the log by eye.
    public var sipCallID: String
    /// What the called phone shows: address and name.
    public var from: String?
    public var fromDisplay: String?
    /// P-Asserted-Identity; one that is withheld goes to trusted peers alone.
    public var asserted: Identity?
    /// The leg whose codecs come first in the offer (codec rule a, b).
    public var codecsOf: LegID?
    /// In milliseconds: no response over 100 by then ends the leg with `noResponse`.
    public var noResponseTimeout: Int
    public var maxForwards: Int?
    /// `Name: value`
    public var headers: [String]
    /// Sent as MESSAGE too when the call is answered by a phone that takes it (RFC 3428).
    public var note: String?
    /// The call it belongs to, for whoever looks.
    public var call: String

    public init(
        uri: String, sipCallID: String, from: String? = nil, fromDisplay: String? = nil,
        asserted: Identity? = nil, codecsOf: LegID? = nil, noResponseTimeout: Int = 0,
        maxForwards: Int? = nil, headers: [String] = [], note: String? = nil, call: String
    ) {
        self.uri = uri
        self.sipCallID = sipCallID
        self.from = from
        self.fromDisplay = fromDisplay
        self.asserted = asserted
        self.codecsOf = codecsOf
        self.noResponseTimeout = noResponseTimeout
        self.maxForwards = maxForwards
        self.headers = headers
        self.note = note
        self.call = call
    }
}

/// Who is at the other end, as a phone shows it.
public struct Identity: Codable, Hashable, Sendable {
    public var uri: String
    public var display: String?
    /// Privacy: id was asked for (RFC 3325 §9.3): for trusted peers alone, which are told so.
    public var withheld: Bool

    public init(uri: String, display: String? = nil, withheld: Bool = false) {
        self.uri = uri
        self.display = display
        self.withheld = withheld
    }
}

/// How a leg is ended.
public struct HangUp: Codable, Hashable, Sendable {
    /// For a leg that we have not answered; also the cause of `Reason: SIP` where we end a dialog for a SIP reason.
    public var sipStatus: Int
    public var q850: Int?
    public var reason: String?
    public var retryAfter: Int?

    public init(sipStatus: Int = 0, q850: Int? = nil, reason: String? = nil, retryAfter: Int? = nil) {
        self.sipStatus = sipStatus
        self.q850 = q850
        self.reason = reason
        self.retryAfter = retryAfter
    }
}

/// What a leg is sent.
public enum MediaSource: Codable, Hashable, Sendable {
    case silence
    case leg(LegID)
    /// The voices of several legs.
    case mix([LegID])
    case music
    /// Music out of this file.
    case file(String)
    case ringback
    case dialTone
}

/// One change of a route: `leg` is sent `source` from now on.
public struct Route: Codable, Hashable, Sendable {
    public var leg: LegID
    public var source: MediaSource

    public init(_ leg: LegID, _ source: MediaSource) {
        self.leg = leg
        self.source = source
    }
}

/// What the sender of a REFER is told (RFC 3515 §2.4): first one of accept and reject; after accept one `final`.
public enum ReferReply: Codable, Hashable, Sendable {
    /// 202; the NOTIFY of 100 is the telephony side's.
    case accept
    case reject(sipStatus: Int)
    case notify(sipStatus: Int, final: Bool)
}

/// Finite tones.
public enum Tone: String, Codable, Hashable, Sendable, CaseIterable {
    case error, rejected
    case noAnswer = "no_answer"
    case unreachable
    case callerGone = "caller_gone"
    case comfort, apology
}

/// What a waiting caller is told; what is null is left out.
public struct Announcement: Codable, Hashable, Sendable {
    /// The directory of the sound files.
    public var sounds: String
    /// The place in the queue, from 1.
    public var position: Int?
    /// How long it may still take, rounded up; 0: less than a minute.
    public var waitMinutes: Int?
    /// The key that asks for a call-back.
    public var callbackDigit: String?

    public init(sounds: String, position: Int? = nil, waitMinutes: Int? = nil, callbackDigit: String? = nil) {
        self.sounds = sounds
        self.position = position
        self.waitMinutes = waitMinutes
        self.callbackDigit = callbackDigit
    }
}

/// The answer to a command.
public enum CommandResult: Codable, Hashable, Sendable {
    case done
    /// No call has this id.
    case unknownCall(String)
    /// The call's state does not allow it, or the target cannot be tried; the reason in words.
    case refused(String)
}
