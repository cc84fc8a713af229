import CTelephony
import CallEvents
import Dispatch
import EventLog
import TransferEngine

/// PJSIP's threads call this. A global, so that it belongs to no actor.
private let telephonyCallback: tel_event_fn = { event, context in
    guard let context else { return }
    let receiver = Unmanaged<TelephonyReceiver>.fromOpaque(context).takeUnretainedValue()
    if let line = receiver.refusals.line(about: event.pointee) { receiver.say(line) }
    if let copy = TelephonyEvent(event.pointee) {
        if case .registered = copy.kind { receiver.bindings.note() }
        receiver.inbox.post(.telephony(copy))
    } else if let news = TelephonyEvent.news(of: event.pointee) {
        receiver.say(news)
    }
}

/// Who is told what happens in telephony.
private final class TelephonyReceiver: Sendable {
    let inbox: Inbox<RunMessage>
    let bindings: Bindings
    let refusals = RefusalNews()
    private let sayNow: @Sendable (String) -> Void
    /// So that a terminal that stands still holds up no thread of the telephony side.
    private let queue = DispatchQueue(label: "telephony news")

    init(inbox: Inbox<RunMessage>, bindings: Bindings, say: @escaping @Sendable (String) -> Void) {
        self.inbox = inbox
        self.bindings = bindings
        sayNow = say
    }

    func say(_ text: String) { queue.async { [sayNow] in sayNow(text) } }
}

/// Runs SIP while the engine thread has nothing else to do: what a message leads to is done without waking a thread.
struct TelephonyIdling: Idling {
    /// To be made by the thread that idles.
    init() { tel_run_here() }

    func idle(microseconds: Int64?) { tel_run(microseconds ?? -1) }

    func wake() { tel_wake() }
}

/// The running telephony side: one per process.
final class TelephonyService: @unchecked Sendable {
    /// PJSIP's version and the limits of it that bound this process.
    static let version = String(cString: tel_version())

    /// `sip.listen` with the ports that were bound.
    let addresses: [ListenAddress]
    let sounds = Sounds()
    private let context: Unmanaged<TelephonyReceiver>
    private let monitor = Monitor()
    /// Guarded by `monitor`: nothing is asked of what has been stopped.
    private var isStopped = false

    /// Begins to listen; what is reported goes to the inbox.
    /// - Parameters:
    ///   - traceFile: where every SIP message is recorded, as pcap.
    ///   - bindings: is told when a phone registers.
    ///   - say: diagnostics of what is no call's, a line each.
    init(
        _ configuration: Configuration, traceFile: String? = nil, bindings: Bindings, inbox: Inbox<RunMessage>,
        say: @escaping @Sendable (String) -> Void
    ) throws(ControllerError) {
        let strings = CStrings()
        let sip = configuration.sip
        let media = configuration.media
        let realm: String? = sip.realm ?? configuration.node
        var settings = tel_config(
            listen: strings.add(sip.listen.map(\.description)), listen_count: sip.listen.count,
            user_agent: strings.add("warmline/\(warmlineVersion)"),
            external_address: strings.add(sip.externalAddress),
            local_nets: strings.add(sip.localNets), local_net_count: sip.localNets.count,
            trusted_peers: strings.add(sip.trustedPeers), trusted_peer_count: sip.trustedPeers.count,
            outbound_proxy: strings.add(sip.outboundProxy),
            session_expires_s: UInt32(sip.sessionExpires), min_se_s: UInt32(sip.minSE),
            keep_alive_s: UInt32(sip.keepAlive),
            tls_certificate: strings.add(sip.tls.certificate), tls_private_key: strings.add(sip.tls.privateKey),
            tls_ca: strings.add(sip.tls.ca), tls_verify_peer: sip.tls.verifyPeer,
            srtp: media.srtp.shim,
            media_address: strings.add(media.address.text), media_other_address: strings.add(media.otherAddress?.text),
            media_external_address: strings.add(media.externalAddress),
            port_first: UInt16(media.ports.lowerBound), port_last: UInt16(media.ports.upperBound),
            codecs: strings.add(media.codecs), codec_count: media.codecs.count,
            rtpengines: strings.add(media.rtpengines.map(\.description)), rtpengine_count: media.rtpengines.count,
            rtpengine_digits: strings.add(media.rtpengineDigits?.description),
            music_file: strings.add(media.musicOnHold), rtp_timeout_ms: UInt32(media.rtpTimeout),
            realm: strings.add(realm),
            nonce_life_s: 0, max_legs: 0, trace_file: strings.add(traceFile),
            pass_headers: strings.add(configuration.passHeaders), pass_header_count: configuration.passHeaders.count,
            accept_messages: false, await_users: true, faults: tel_faults())
        let context = Unmanaged.passRetained(TelephonyReceiver(inbox: inbox, bindings: bindings, say: say))
        self.context = context
        var reason = [CChar](repeating: 0, count: 512)
        let result = withExtendedLifetime(strings) {
            tel_start(&settings, telephonyCallback, context.toOpaque(), &reason, reason.count)
        }
        guard result == TEL_OK else {
            context.release()
            let text = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            throw ControllerError(text.isEmpty ? String(cString: tel_strerror(result)) : text)
        }
        addresses = sip.listen.enumerated().map { index, entry in
            ListenAddress(transport: entry.transport, address: entry.address, port: Int(tel_listen_port(index)))
        }
        guard SIPTelephony(sounds: sounds).admit(configuration.admission) == TEL_OK else {
            let reason = String(cString: tel_last_error())
            stop()
            throw ControllerError(reason)
        }
        do {
            try sounds.load(configuration.groups)
        } catch {
            stop()
            throw error
        }
    }

    /// Ends what is left of legs; no event comes afterwards. Once.
    func stop() {
        monitor.lock()
        isStopped = true
        tel_stop()
        monitor.unlock()
        context.release()
    }

    /// Reads the sound files of changed groups.
    func load(_ groups: [GroupSettings]) throws(ControllerError) {
        monitor.lock()
        defer { monitor.unlock() }
        if !isStopped { try sounds.load(groups) }
    }

    /// How often the SIP thread has looked for work.
    var turns: UInt64 {
        var stats = tel_stats()
        monitor.lock()
        if !isStopped { tel_get_stats(&stats) }
        monitor.unlock()
        return stats.turns
    }

    /// What `status` says of SIP.
    var status: [JSONValue.Member] {
        var stats = tel_stats()
        monitor.lock()
        if !isStopped { tel_get_stats(&stats) }
        monitor.unlock()
        let failure = Self.text(&stats.tls_last_failure)
        let number = { (value: UInt64) in JSONValue.int(Int64(clamping: value)) }
        return [
            .init("registrations", .array(registrations)),
            .init(
                "sip",
                [
                    "pjsip": .string(Self.version),
                    "malformed": number(stats.malformed),
                    "refused_unreported": number(stats.refused_unreported),
                    "messages_received": number(stats.messages_received),
                    "messages_sent": number(stats.messages_sent),
                    "tls_failed": number(stats.tls_failed),
                    "tls_last_failure": failure.isEmpty ? .null : .string(failure),
                    "auth_challenged": number(stats.auth_challenged),
                    "auth_accepted": number(stats.auth_accepted),
                    "auth_failed": number(stats.auth_failed),
                    "auth_replayed": number(stats.auth_replayed),
                    "legs_open": number(UInt64(stats.legs_open)),
                    "legs_peak": number(UInt64(stats.legs_peak)),
                    "legs_max": number(UInt64(stats.legs_max)),
                    "trace_dropped": number(stats.trace_dropped),
                ]),
            .init("rtpengines", .array(nodes)),
            .init(
                "rtp",
                [
                    "received": number(stats.rtp_received), "sent": number(stats.rtp_sent),
                    "dropped": number(stats.rtp_dropped), "no_port": number(stats.no_rtp_port),
                    "digits_dropped": number(stats.digits_dropped),
                ]),
        ]
    }

    /// The servers that we are registered with, or try to be, in the order of the configuration.
    private var registrations: [JSONValue] {
        monitor.lock()
        defer { monitor.unlock() }
        var list: [JSONValue] = []
        var status = tel_registration_status()
        while !isStopped, tel_get_registration(list.count, &status) {
            let seconds = JSONValue.int(Int64(status.seconds))
            list.append([
                "server": .string(Self.text(&status.server)), "user": .string(Self.text(&status.user)),
                "state": .string(
                    status.state == TEL_REGISTRATION_REGISTERED
                        ? "registered" : status.state == TEL_REGISTRATION_FAILED ? "failed" : "trying"),
                "sip_status": status.sip_status == 0 ? .null : .int(Int64(status.sip_status)),
                "expires_s": status.state == TEL_REGISTRATION_REGISTERED ? seconds : .null,
                "retry_s": status.state == TEL_REGISTRATION_FAILED ? seconds : .null,
            ])
        }
        return list
    }

    /// The nodes that RTP is left to, in the order of the configuration.
    private var nodes: [JSONValue] {
        monitor.lock()
        defer { monitor.unlock() }
        var list: [JSONValue] = []
        var node = tel_media_node()
        while !isStopped, tel_get_media_node(list.count, &node) {
            list.append([
                "address": .string(Self.text(&node.address)), "up": .bool(node.up),
                "hears_digits": .bool(node.hears_digits), "legs": .int(Int64(node.legs)),
                "ready": .int(Int64(node.ready)),
            ])
        }
        return list
    }

    /// A C array of characters, up to its 0.
    static func text<Characters>(_ characters: inout Characters) -> String {
        withUnsafeBytes(of: &characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

extension Configuration.SRTP {
    fileprivate var shim: tel_srtp {
        switch self {
        case .off: TEL_SRTP_OFF
        case .optional: TEL_SRTP_OPTIONAL
        case .required: TEL_SRTP_REQUIRED
        }
    }
}
