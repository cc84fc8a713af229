import CTelephony
import Foundation
import Testing

/// A copy of a `tel_event`.
struct Event: Sendable, CustomStringConvertible {
    let kind: tel_event_kind
    let leg: tel_leg_id
    let token: UInt64
    let status: Int
    let q850: Int
    let end: tel_end
    let answered: Bool
    let rang: Bool
    let earlyMedia: Bool
    let peerSends: Bool
    let peerReceives: Bool
    let trusted: Bool
    let privacy: Bool
    let hasOffer: Bool
    let digit: String
    let expires: Int
    let maxForwards: Int
    let hz: Int
    let ssrc: UInt32
    let payloadType: Int
    let monoUs: Int64
    let codec: String?
    let callID: String?
    let requestURI: String?
    let from: String?
    let display: String?
    let to: String?
    let asserted: String?
    let final: Bool
    let assertedDisplay: String?
    let headers: String?
    let text: String?
    let user: String?
    let digestUser: String?
    let contacts: String?
    let reason: String?
    let replaces: tel_leg_id
    let replacesHeader: String?
    let referTo: String?
    let referredBy: String?
    let earlyOnly: Bool
    let noSubscription: Bool
    let requiresReplaces: Bool
    let source: String?
    let legs: Int
    /// ENDED: that the leg has received.
    let packets: Int

    init(_ event: UnsafePointer<tel_event>) {
        func text(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }
        let event = event.pointee
        kind = event.kind
        leg = event.leg
        token = event.token
        status = Int(event.status)
        q850 = Int(event.q850)
        end = event.end
        answered = event.answered
        rang = event.rang
        earlyMedia = event.early_media
        peerSends = event.peer_sends
        peerReceives = event.peer_receives
        trusted = event.trusted
        privacy = event.privacy_id
        hasOffer = event.has_offer
        digit = event.digit == 0 ? "" : String(UnicodeScalar(UInt8(bitPattern: event.digit)))
        expires = Int(event.expires_s)
        maxForwards = Int(event.max_forwards)
        hz = Int(event.hz)
        ssrc = event.ssrc
        payloadType = Int(event.payload_type)
        monoUs = event.mono_us
        codec = text(event.codec)
        callID = text(event.call_id)
        requestURI = text(event.request_uri)
        from = text(event.from_uri)
        display = text(event.from_display)
        to = text(event.to_uri)
        asserted = text(event.asserted_uri)
        final = event.final
        assertedDisplay = text(event.asserted_display)
        headers = text(event.headers)
        self.text = text(event.text)
        user = text(event.user)
        digestUser = text(event.digest_user)
        contacts = text(event.contacts)
        reason = text(event.reason)
        replaces = event.replaces
        replacesHeader = text(event.replaces_header)
        referTo = text(event.refer_to)
        referredBy = text(event.referred_by)
        earlyOnly = event.early_only
        noSubscription = event.no_subscription
        requiresReplaces = event.requires_replaces
        source = text(event.source)
        legs = Int(event.legs)
        packets = Int(event.stats?.pointee.packets_received ?? 0)
    }

    var description: String {
        "\(kind) leg \(String(leg, radix: 16)) token \(token) status \(status) end \(end.rawValue) codec \(codec ?? "-")"
    }
}

extension tel_event_kind: @retroactive CustomStringConvertible {
    public var description: String {
        let names = [
            "-", "incoming", "refused", "progress", "answered", "ended", "media_changed", "reoffered", "digit",
            "routed", "tone_ended", "rtp_timeout", "registered", "heard", "stream", "refer", "response", "notified",
            "registration", "identity", "handed_over", "message", "media_node",
        ]
        return names[Int(rawValue)]
    }
}

/// What the shim has reported, in order.
final class Recorder: @unchecked Sendable {
    private let condition = NSCondition()
    private var events: [Event] = []

    func record(_ event: Event) {
        condition.withLock {
            events.append(event)
            condition.broadcast()
        }
    }

    func clear() {
        condition.withLock { events = [] }
    }

    var all: [Event] { condition.withLock { events } }

    /// The first event that fits and has not been waited for yet, which removes it; nil after `seconds`.
    func next(within seconds: Double, where fits: (Event) -> Bool) -> Event? {
        let deadline = Date(timeIntervalSinceNow: seconds)
        return condition.withLock {
            while true {
                if let index = events.firstIndex(where: fits) { return events.remove(at: index) }
                if !condition.wait(until: deadline) { return nil }
            }
        }
    }
}

let recorder = Recorder()
let recordEvent: tel_event_fn = { event, _ in recorder.record(Event(event)) }

/// The settings of `tel_config` that tests change.
struct Settings {
    var listen = ["udp:127.0.0.1:0"]
    var trusted = ["127.0.0.0/8"]
    /// Without opus, whose clips take a second to encode.
    var codecs = ["PCMA", "PCMU", "G722"]
    var mediaAddress = "127.0.0.1"
    var ports: ClosedRange<UInt16> = 20000...20999
    var sessionExpires: UInt32 = 0
    var minSE: UInt32 = 0
    var keepAlive: UInt32 = 0
    var maxLegs: UInt32 = 64
    var rtpTimeoutMs: UInt32 = 0
    var musicFile: String?
    var outboundProxy: String?
    var externalAddress: String?
    var mediaExternalAddress: String?
    var localNets: [String] = []
    var realm: String?
    var nonceLife: UInt32 = 0
    var srtp = TEL_SRTP_OFF
    var passHeaders: [String] = []
    var acceptsMessages = false
    var awaitsUsers = false
    var faults = tel_faults()
    var faultMethod: String?
    var rtpengines: [String] = []
    var rtpengineDigits: String?
}

/// A C structure of zeroes: pointers that must not be null keep Swift from making one.
private func zeroed<T>(_ type: T.Type) -> UnsafeMutablePointer<T> {
    let pointer = UnsafeMutablePointer<T>.allocate(capacity: 1)
    memset(pointer, 0, MemoryLayout<T>.size)
    return pointer
}

struct StartFailure: Error, CustomStringConvertible {
    let description: String
}

/// The running instance of the shim.
struct Shim {
    let port: UInt16

    /// Runs `body` with a fresh instance and stops it again.
    static func run(_ settings: Settings = Settings(), _ body: (Shim) throws -> Void) throws {
        let shim = try start(settings)
        defer { tel_stop() }
        try body(shim)
    }

    private static func start(_ settings: Settings) throws -> Shim {
        var owned: [UnsafeMutablePointer<CChar>] = []
        func keep(_ text: String) -> UnsafePointer<CChar> {
            let copy = strdup(text)!
            owned.append(copy)
            return UnsafePointer(copy)
        }
        defer { owned.forEach { free($0) } }
        let config = zeroed(tel_config.self)
        defer { config.deallocate() }
        config.pointee.user_agent = keep("warmline tests")
        config.pointee.media_address = keep(settings.mediaAddress)
        config.pointee.external_address = settings.externalAddress.map(keep)
        config.pointee.media_external_address = settings.mediaExternalAddress.map(keep)
        config.pointee.outbound_proxy = settings.outboundProxy.map(keep)
        config.pointee.realm = settings.realm.map(keep)
        config.pointee.srtp = settings.srtp
        config.pointee.nonce_life_s = settings.nonceLife
        config.pointee.port_first = settings.ports.lowerBound
        config.pointee.port_last = settings.ports.upperBound
        config.pointee.session_expires_s = settings.sessionExpires
        config.pointee.min_se_s = settings.minSE
        config.pointee.keep_alive_s = settings.keepAlive
        config.pointee.max_legs = settings.maxLegs
        config.pointee.music_file = settings.musicFile.map(keep)
        config.pointee.rtp_timeout_ms = settings.rtpTimeoutMs
        config.pointee.faults = settings.faults
        config.pointee.faults.method = settings.faultMethod.map(keep)
        config.pointee.accept_messages = settings.acceptsMessages
        config.pointee.await_users = settings.awaitsUsers
        let lists = [settings.listen, settings.trusted, settings.codecs, settings.localNets].map { $0.map(keep) }
        let passed = settings.passHeaders.map(keep)
        config.pointee.rtpengine_digits = settings.rtpengineDigits.map(keep)
        recorder.clear()
        var error = [CChar](repeating: 0, count: 256)
        let result = lists[0].withUnsafeBufferPointer { listen in
            lists[1].withUnsafeBufferPointer { trusted in
                lists[2].withUnsafeBufferPointer { codecs in
                    lists[3].withUnsafeBufferPointer { nets in
                        config.pointee.listen = listen.baseAddress!
                        config.pointee.listen_count = listen.count
                        config.pointee.trusted_peers = trusted.baseAddress
                        config.pointee.trusted_peer_count = trusted.count
                        config.pointee.codecs = codecs.baseAddress!
                        config.pointee.codec_count = codecs.count
                        config.pointee.local_nets = nets.baseAddress
                        config.pointee.local_net_count = nets.count
                        return passed.withUnsafeBufferPointer { passed in
                            config.pointee.pass_headers = passed.baseAddress
                            config.pointee.pass_header_count = passed.count
                            return settings.rtpengines.map(keep).withUnsafeBufferPointer { nodes in
                                config.pointee.rtpengines = nodes.baseAddress
                                config.pointee.rtpengine_count = nodes.count
                                return tel_start(config, recordEvent, nil, &error, error.count)
                            }
                        }
                    }
                }
            }
        }
        guard result == TEL_OK else {
            let text = error.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw StartFailure(description: String(decoding: text, as: UTF8.self))
        }
        return Shim(port: tel_listen_port(0))
    }

    /// Places a call.
    func invite(
        _ uri: String, from: String? = nil, display: String? = nil, asserted: String? = nil,
        withheld: Bool = false, note: String? = nil, codecsOf: tel_leg_id = 0, noResponseMs: UInt32 = 0,
        maxForwards: Int32 = 0, headers: [String] = [],
        token: UInt64 = 1, callID: String? = nil, noOffer: Bool = false
    ) -> tel_leg_id {
        var owned: [UnsafeMutablePointer<CChar>] = []
        func keep(_ text: String) -> UnsafePointer<CChar> {
            let copy = strdup(text)!
            owned.append(copy)
            return UnsafePointer(copy)
        }
        defer { owned.forEach { free($0) } }
        let lines = headers.map(keep)
        return lines.withUnsafeBufferPointer { lines in
            var none: UnsafePointer<CChar> = keep("")
            return withUnsafePointer(to: &none) { empty in
                let params = zeroed(tel_invite_params.self)
                defer { params.deallocate() }
                params.pointee.uri = keep(uri)
                params.pointee.from_uri = from.map(keep)
                params.pointee.from_display = display.map(keep)
                params.pointee.asserted_uri = asserted.map(keep)
                params.pointee.withheld = withheld
                params.pointee.note = note.map(keep)
                params.pointee.call_id = callID.map(keep)
                params.pointee.codecs_of = codecsOf
                params.pointee.no_response_ms = noResponseMs
                params.pointee.max_forwards = maxForwards
                params.pointee.headers = lines.baseAddress ?? empty
                params.pointee.header_count = lines.count
                params.pointee.token = token
                params.pointee.no_offer = noOffer
                return tel_invite(params)
            }
        }
    }

    /// The next event of a kind (of a leg), or a failed test after `seconds`.
    @discardableResult
    func expect(
        _ kind: tel_event_kind, leg: tel_leg_id? = nil, within seconds: Double = 3,
        sourceLocation: SourceLocation = #_sourceLocation, where fits: (Event) -> Bool = { _ in true }
    ) throws -> Event {
        let event = recorder.next(within: seconds) { $0.kind == kind && (leg == nil || $0.leg == leg) && fits($0) }
        return try #require(
            event, "no \(kind) within \(seconds) s; there were \(recorder.all)", sourceLocation: sourceLocation)
    }

    /// A call from the shim to itself: the leg that calls and the one that is called, both answered.
    func callItself() throws -> (caller: tel_leg_id, called: tel_leg_id) {
        let caller = invite("sip:7000@127.0.0.1:\(port)")
        let called = try expect(TEL_EVENT_INCOMING).leg
        #expect(tel_answer(called, 0) == TEL_OK)
        try expect(TEL_EVENT_ANSWERED, leg: called)
        try expect(TEL_EVENT_ANSWERED, leg: caller)
        return (caller, called)
    }
}
