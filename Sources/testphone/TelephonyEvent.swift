import CTelephony

/// A copy of `tel_event`: what C says is valid during its callback only.
struct TelephonyEvent: Sendable {
    var kind: tel_event_kind
    var leg: tel_leg_id
    var wall: Int64
    var mono: Int64
    var status: Int
    var q850: Int
    var end: tel_end
    var earlyMedia: Bool
    var peerSends: Bool
    var peerReceives: Bool
    var digit: Character
    var hz: Int
    var level: Int
    var ssrc: UInt32
    var payloadType: Int
    var token: UInt64
    var codec: String?
    var callID: String?
    var requestURI: String?
    var from: String?
    var fromDisplay: String?
    var asserted: String?
    var assertedDisplay: String?
    var privacy: Bool
    var headers: String?
    var text: String?
    var contacts: String?
    var reason: String?
    var replaces: tel_leg_id
    var isFinal: Bool
    var method: String?
    var referTo: String?
    var replacesHeader: String?
    var referredBy: String?

    init(_ event: tel_event) {
        func text(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }
        kind = event.kind
        leg = event.leg
        wall = event.wall_us
        mono = event.mono_us
        status = Int(event.status)
        q850 = Int(event.q850)
        end = event.end
        earlyMedia = event.early_media
        peerSends = event.peer_sends
        peerReceives = event.peer_receives
        digit = Character(UnicodeScalar(UInt8(bitPattern: event.digit)))
        hz = Int(event.hz)
        level = Int(event.level_db)
        ssrc = event.ssrc
        payloadType = Int(event.payload_type)
        token = event.token
        codec = text(event.codec)
        callID = text(event.call_id)
        requestURI = text(event.request_uri)
        from = text(event.from_uri)
        fromDisplay = text(event.from_display)
        asserted = text(event.asserted_uri)
        assertedDisplay = text(event.asserted_display)
        privacy = event.privacy_id
        headers = text(event.headers)
        self.text = text(event.text)
        contacts = text(event.contacts)
        reason = text(event.reason)
        replaces = event.replaces
        isFinal = event.final
        method = text(event.method)
        referTo = text(event.refer_to)
        replacesHeader = text(event.replaces_header)
        referredBy = text(event.referred_by)
    }
}

extension tel_end {
    var word: String {
        switch self {
        case TEL_END_LOCAL: "local"
        case TEL_END_BYE: "bye"
        case TEL_END_CANCELLED: "cancelled"
        case TEL_END_REJECTED: "rejected"
        case TEL_END_NO_RESPONSE: "no_response"
        case TEL_END_TRANSPORT: "transport"
        case TEL_END_VANISHED: "vanished"
        case TEL_END_NO_CODEC: "no_codec"
        default: "invalid"
        }
    }
}

/// Where the shim's threads hand events over. A literal in a file other than main.swift: it must belong to no actor.
let telephonyCallback: tel_event_fn = { event, context in
    guard let context else { return }
    let phone = Unmanaged<Phone>.fromOpaque(context).takeUnretainedValue()
    let copy = TelephonyEvent(event.pointee)
    phone.queue.async { phone.handle(copy) }
}
