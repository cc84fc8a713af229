import CTelephony
import CallEvents
import TransferEngine

/// The commands of the telephony side, one to one. A protocol, so that the run loop can be tested without a network.
protocol Telephony: Sendable {
    /// The new leg; 0 where none could be had, `lastError` says why.
    func invite(_ invite: Invite, codecsOf: UInt64) -> UInt64
    func ring(_ leg: UInt64, status: Int, early: UInt64) -> tel_result
    func answer(_ leg: UInt64, codecOf: UInt64) -> tel_result
    func hangUp(_ leg: UInt64, _ how: HangUp) -> tel_result
    func hold(_ leg: UInt64, _ hold: Bool, token: UInt64) -> tel_result
    func matchCodec(_ leg: UInt64, to: UInt64, token: UInt64) -> tel_result
    func route(_ changes: [tel_route_change], token: UInt64) -> tel_result
    func play(_ tone: Tone, on leg: UInt64, token: UInt64) -> tel_result
    func announce(_ words: Announcement, on leg: UInt64, token: UInt64) -> tel_result
    func stopTone(_ leg: UInt64) -> tel_result
    /// The number of a music file; 0: the music of all, where that file could not be read.
    func music(_ path: String) -> UInt32
    func sendDigits(_ leg: UInt64, _ digits: String) -> tel_result
    func refer(_ id: ReferID, _ reply: ReferReply) -> tel_result
    func identify(_ leg: UInt64, _ identity: Identity, isEntitled: Bool) -> tel_result
    func handOver(_ leg: UInt64, to: UInt64, referredBy: String?, token: UInt64) -> tel_result
    func setAccepting(_ accepting: Bool, retryAfter: Int)
    func admit(_ admission: Admission) -> tel_result
    func lastError() -> String
    /// How the leg's media fares; null when the leg is gone.
    func media(of leg: UInt64) -> LegMedia?
}

/// What is known of a leg's media.
struct LegMedia: Sendable {
    var figures: MediaFigures
    /// What it is sent has been decoded and encoded for it.
    var transcoded: Bool

    init(_ stats: tel_leg_stats) {
        figures = MediaFigures(
            packets: Int(clamping: stats.packets_received), packetsLost: Int(clamping: stats.packets_lost),
            peerPacketsLost: Int(clamping: stats.peer_lost), jitterUs: Int(stats.jitter_ms * 1000),
            roundTripUs: stats.round_trip_ms > 0 ? Int(stats.round_trip_ms * 1000) : nil)
        transcoded = stats.packets_transcoded > 0
    }
}

/// PJSIP's.
struct SIPTelephony: Telephony {
    let sounds: Sounds

    func invite(_ invite: Invite, codecsOf: UInt64) -> UInt64 {
        let strings = CStrings()
        var parameters = tel_invite_params(
            uri: strings.add(invite.uri), call_id: strings.add(invite.sipCallID), from_uri: strings.add(invite.from),
            from_display: strings.add(invite.fromDisplay), asserted_uri: strings.add(invite.asserted?.uri),
            asserted_display: strings.add(invite.asserted?.display), withheld: invite.asserted?.withheld ?? false,
            note: strings.add(invite.note),
            codecs_of: codecsOf, no_response_ms: UInt32(clamping: invite.noResponseTimeout),
            max_forwards: Int32(clamping: invite.maxForwards ?? 0), headers: strings.add(invite.headers),
            header_count: invite.headers.count, no_offer: false, token: 0)
        return withExtendedLifetime(strings) { tel_invite(&parameters) }
    }

    func ring(_ leg: UInt64, status: Int, early: UInt64) -> tel_result {
        tel_ring(leg, Int32(clamping: status), early)
    }

    func answer(_ leg: UInt64, codecOf: UInt64) -> tel_result { tel_answer(leg, codecOf) }

    func hangUp(_ leg: UInt64, _ how: HangUp) -> tel_result {
        let strings = CStrings()
        let reason = strings.add(how.reason)
        return withExtendedLifetime(strings) {
            tel_hangup(
                leg, Int32(clamping: how.sipStatus), Int32(clamping: how.q850 ?? 0), reason,
                UInt32(clamping: how.retryAfter ?? 0))
        }
    }

    func hold(_ leg: UInt64, _ hold: Bool, token: UInt64) -> tel_result { tel_hold(leg, hold, token) }

    func matchCodec(_ leg: UInt64, to: UInt64, token: UInt64) -> tel_result { tel_match_codec(leg, to, token) }

    func route(_ changes: [tel_route_change], token: UInt64) -> tel_result { tel_route(changes, changes.count, token) }

    func play(_ tone: Tone, on leg: UInt64, token: UInt64) -> tel_result {
        let code =
            switch tone {
            case .error: TEL_TONE_ERROR
            case .rejected: TEL_TONE_REJECTED
            case .noAnswer: TEL_TONE_NO_ANSWER
            case .unreachable: TEL_TONE_UNREACHABLE
            case .callerGone: TEL_TONE_CALLER_GONE
            case .comfort: TEL_TONE_COMFORT
            case .apology: TEL_TONE_APOLOGY
            }
        return tel_play_tone(leg, code, token)
    }

    func announce(_ words: Announcement, on leg: UInt64, token: UInt64) -> tel_result {
        let strings = CStrings()
        let files = words.files { sounds.contains($0) }
        let paths = strings.add(files)
        return withExtendedLifetime(strings) {
            tel_play_files(leg, paths, files.count, token)
        }
    }

    func stopTone(_ leg: UInt64) -> tel_result { tel_stop_tone(leg) }

    func music(_ path: String) -> UInt32 { sounds.music(path) }

    func sendDigits(_ leg: UInt64, _ digits: String) -> tel_result { tel_send_digits(leg, digits) }

    func refer(_ id: ReferID, _ reply: ReferReply) -> tel_result {
        switch reply {
        case .accept: tel_refer_accept(id.number)
        case .reject(let status): tel_refer_reject(id.number, Int32(clamping: status))
        case .notify(let status, let final): tel_refer_notify(id.number, Int32(clamping: status), final)
        }
    }

    func handOver(_ leg: UInt64, to other: UInt64, referredBy: String?, token: UInt64) -> tel_result {
        tel_hand_over(leg, other, referredBy, token)
    }

    func identify(_ leg: UInt64, _ identity: Identity, isEntitled: Bool) -> tel_result {
        tel_identify(leg, identity.uri, identity.display, identity.withheld, isEntitled)
    }

    func setAccepting(_ accepting: Bool, retryAfter: Int) {
        tel_set_accepting(accepting, UInt32(clamping: retryAfter))
    }

    func lastError() -> String { String(cString: tel_last_error()) }

    func media(of leg: UInt64) -> LegMedia? {
        var stats = tel_leg_stats()
        return tel_get_leg_stats(leg, &stats) ? LegMedia(stats) : nil
    }
}

/// C copies of strings that live as long as this object.
final class CStrings {
    private var strings: [UnsafeMutablePointer<CChar>] = []
    private var arrays: [UnsafeMutablePointer<UnsafePointer<CChar>>] = []

    deinit {
        strings.forEach { $0.deallocate() }
        arrays.forEach { $0.deallocate() }
    }

    func add(_ text: String) -> UnsafePointer<CChar> {
        let bytes = text.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        bytes.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { copy.initialize(from: base, count: source.count) }
        }
        strings.append(copy)
        return UnsafePointer(copy)
    }

    func add(_ text: String?) -> UnsafePointer<CChar>? { text.map { add($0) } }

    func add(_ texts: [String]) -> UnsafePointer<UnsafePointer<CChar>> {
        let array = UnsafeMutablePointer<UnsafePointer<CChar>>.allocate(capacity: max(1, texts.count))
        for (index, text) in texts.enumerated() { (array + index).initialize(to: add(text)) }
        arrays.append(array)
        return UnsafePointer(array)
    }
}
