import CTelephony
import CallEvents
import TransferEngine

/// What the telephony side reports of a leg, copied out of the C callback.
struct TelephonyEvent: Sendable {
    enum Kind: Sendable {
        case incoming(Incoming)
        case refused(from: String, to: String, status: Int)
        case progress(status: Int, earlyMedia: Bool)
        case answered(codec: String?)
        case ended(LegEnd, LegMedia? = nil)
        case media(peerSends: Bool, peerReceives: Bool, codec: String?)
        case reoffered(token: UInt64, status: Int, codec: String?)
        case digit(Digit)
        case handedOver(token: UInt64, status: Int, isFinal: Bool)
        case routed(token: UInt64)
        case toneEnded(token: UInt64)
        case rtpTimeout
        case identity(Identity)
        case registered(user: String, contact: String?)
        /// `replaces`: the telephony side's name of a leg, as everywhere here; 0: none.
        case refer(Referral, replaces: UInt64)
    }

    /// A new INVITE.
    struct Incoming: Sendable {
        var sipCallID = ""
        var requestURI = ""
        var to = ""
        var calledParty: String?
        var from = ""
        var fromDisplay: String?
        var assertedIdentity: String?
        var assertedDisplay: String?
        var withheld = false
        var trusted = false
        var maxForwards: Int?
        var source = ""
        var replaces: UInt64 = 0
        var digestUser: String?
        var headers: [String] = []
    }

    /// The telephony side's name of the leg; 0 where the event concerns none.
    var leg: UInt64
    var time: EventTime
    var kind: Kind
}

extension TelephonyEvent {
    /// Copies; null for events that only test phones ask for.
    init?(_ event: tel_event) {
        leg = event.leg
        time = EventTime(wall: event.wall_us, mono: event.mono_us)
        switch event.kind {
        case TEL_EVENT_INCOMING:
            kind = .incoming(
                Incoming(
                    sipCallID: text(event.call_id) ?? "",
                    requestURI: text(event.request_uri) ?? "",
                    to: text(event.to_uri) ?? "",
                    calledParty: text(event.called_party_uri),
                    from: text(event.from_uri) ?? "",
                    fromDisplay: text(event.from_display),
                    assertedIdentity: text(event.asserted_uri),
                    assertedDisplay: text(event.asserted_display),
                    withheld: event.privacy_id,
                    trusted: event.trusted,
                    maxForwards: event.max_forwards < 0 ? nil : Int(event.max_forwards),
                    source: text(event.source) ?? "",
                    replaces: event.replaces, digestUser: text(event.digest_user),
                    headers: lines(event.headers)))
        case TEL_EVENT_REFUSED:
            kind = .refused(
                from: text(event.from_uri) ?? "", to: text(event.request_uri) ?? text(event.to_uri) ?? "",
                status: Int(event.status))
        case TEL_EVENT_PROGRESS: kind = .progress(status: Int(event.status), earlyMedia: event.early_media)
        case TEL_EVENT_ANSWERED: kind = .answered(codec: text(event.codec))
        case TEL_EVENT_ENDED: kind = .ended(LegEnd(event), event.stats.map { LegMedia($0.pointee) })
        case TEL_EVENT_MEDIA_CHANGED:
            kind = .media(peerSends: event.peer_sends, peerReceives: event.peer_receives, codec: text(event.codec))
        case TEL_EVENT_REOFFERED:
            kind = .reoffered(token: event.token, status: Int(event.status), codec: text(event.codec))
        case TEL_EVENT_DIGIT:
            guard let digit = Digit(Character(Unicode.Scalar(UInt8(bitPattern: event.digit)))) else { return nil }
            kind = .digit(digit)
        case TEL_EVENT_HANDED_OVER:
            kind = .handedOver(token: event.token, status: Int(event.status), isFinal: event.final)
        case TEL_EVENT_ROUTED: kind = .routed(token: event.token)
        case TEL_EVENT_TONE_ENDED: kind = .toneEnded(token: event.token)
        case TEL_EVENT_RTP_TIMEOUT: kind = .rtpTimeout
        case TEL_EVENT_IDENTITY:
            guard event.trusted, let uri = text(event.asserted_uri) else { return nil }
            kind = .identity(
                Identity(uri: uri, display: text(event.asserted_display), withheld: event.privacy_id))
        case TEL_EVENT_REGISTERED:
            let contact = event.expires_s == 0 ? nil : lines(event.contacts).first
            kind = .registered(user: text(event.user) ?? "", contact: contact)
        case TEL_EVENT_REFER:
            let referral = Referral(
                id: ReferID(event.token), referTo: text(event.refer_to) ?? "",
                replacesHeader: text(event.replaces_header), requiresReplaces: event.requires_replaces,
                referredBy: text(event.referred_by))
            kind = .refer(referral, replaces: event.replaces)
        default: return nil
        }
    }

    /// What is no leg's, in words; null for all else.
    static func news(of event: tel_event) -> String? {
        guard event.kind == TEL_EVENT_MEDIA_NODE else { return nil }
        let node = "rtpengine \(text(event.source) ?? "")"
        if let reason = text(event.reason) { return "\(node): \(reason)" }
        let lost = event.legs == 0 ? "" : "; legs that have lost their media with it: \(event.legs)"
        return "\(node) \(event.answered ? "answers" : "does not answer: new calls go elsewhere")\(lost)"
    }
}

extension LegEnd {
    fileprivate init(_ event: tel_event) {
        let how: How =
            switch event.end {
            case TEL_END_LOCAL: .local
            case TEL_END_BYE: .bye
            case TEL_END_CANCELLED: .cancelled
            case TEL_END_REJECTED: .rejected
            case TEL_END_NO_RESPONSE: .noResponse
            case TEL_END_TRANSPORT: .transport
            case TEL_END_VANISHED: .vanished
            case TEL_END_NO_CODEC: .noCodec
            default: .invalid
            }
        self.init(
            how: how, sipStatus: event.status == 0 ? nil : Int(event.status),
            q850: event.q850 == 0 ? nil : Int(event.q850), reason: text(event.reason), contacts: lines(event.contacts))
    }
}

/// A C string; bytes that are no UTF-8 are replaced. Null for NULL and for an empty one.
private func text(_ pointer: UnsafePointer<CChar>?) -> String? {
    guard let pointer, pointer.pointee != 0 else { return nil }
    return String(cString: pointer)
}

private func lines(_ pointer: UnsafePointer<CChar>?) -> [String] {
    text(pointer)?.split(separator: "\n").map(String.init) ?? []
}
