import CTelephony
import Foundation

/// The phone: its calls, and what it does about what happens to them. Everything runs on `queue`.
final class Phone: @unchecked Sendable {
    struct Call {
        var index: Int
        var leg: tel_leg_id
        var incoming: Bool
        /// The user part of the address called, and of the caller's.
        var called: String
        var calling: String
        /// The address of the other end.
        var uri: String
        var answered = false
        /// The peer receives what we send: false while it holds us.
        var peerReceives = true
    }

    let queue = DispatchQueue(label: "phone")
    let options: Options
    var address = ""
    var signalSources: [any DispatchSourceSignal] = []
    private var calls: [tel_leg_id: Call] = [:]
    /// Calls placed because of a REFER, and the REFER.
    private var following: [tel_leg_id: UInt64] = [:]
    private var lastIndex = 0
    private var voice = true
    private var busy = false
    private let melody: Set<Int>

    init(_ options: Options) {
        self.options = options
        voice = options.rtp
        var notes: Set<Int> = []
        var note = tel_melody()
        while note.pointee != 0 {
            notes.insert(Int(note.pointee))
            note += 1
        }
        melody = notes
    }

    func begin() {
        report("ready", [("address", .text(address)), ("user", .text(options.user)), ("tone", .number(options.tone))])
        if let server = options.server {
            check(tel_register(server, uri, 300), "register")
        }
        apply(.start, to: nil)
    }

    private var uri: String { "sip:\(options.user)@\(address)" }

    // MARK: - events

    func handle(_ event: TelephonyEvent) {
        switch event.kind {
        case TEL_EVENT_INCOMING: incoming(event)
        case TEL_EVENT_PROGRESS:
            guard let call = calls[event.leg] else { return }
            report(
                "ringing", event, call, [("status", .number(event.status)), ("early_media", .flag(event.earlyMedia))])
            if event.earlyMedia { startMedia(event.leg, index: call.index) }
            apply(.ringing, to: call)
        case TEL_EVENT_ANSWERED: answered(event)
        case TEL_EVENT_ENDED: ended(event)
        case TEL_EVENT_DIGIT: report("digit", event, calls[event.leg], [("digit", .text(String(event.digit)))])
        case TEL_EVENT_MEDIA_CHANGED: mediaChanged(event)
        case TEL_EVENT_REOFFERED: report("reoffered", event, calls[event.leg], [("status", .number(event.status))])
        case TEL_EVENT_RTP_TIMEOUT: report("rtp_timeout", event, calls[event.leg], [])
        case TEL_EVENT_HEARD:
            report(
                "heard", event, calls[event.leg],
                [("hz", .number(event.hz)), ("label", .text(label(event.hz))), ("level_db", .number(event.level))])
        case TEL_EVENT_STREAM:
            report(
                "stream", event, calls[event.leg],
                [("ssrc", .number(Int(event.ssrc))), ("payload_type", .number(event.payloadType))])
        case TEL_EVENT_IDENTITY:
            report(
                "identity", event, calls[event.leg],
                [
                    ("uri", event.asserted.map(OutputValue.text)),
                    ("name", event.assertedDisplay.map(OutputValue.text)), ("privacy", .flag(event.privacy)),
                    ("method", event.reason.map(OutputValue.text)),
                ])
        case TEL_EVENT_MESSAGE:
            report("message", event, calls[event.leg], [("text", event.text.map(OutputValue.text))])
        case TEL_EVENT_REFUSED:
            report(
                "refused", event, nil, [("from", event.from.map(OutputValue.text)), ("status", .number(event.status))])
        case TEL_EVENT_RESPONSE:
            report(
                "response", event, calls[event.leg],
                [("method", event.method.map(OutputValue.text)), ("status", .number(event.status))])
        case TEL_EVENT_NOTIFIED:
            report(
                "notify", event, calls[event.leg], [("status", .number(event.status)), ("final", .flag(event.isFinal))])
            if event.isFinal, options.byeAfterNotify, let call = calls[event.leg], (200...299).contains(event.status) {
                carryOut(.hangup, on: call)
            }
        case TEL_EVENT_REFER:
            report(
                "refer", event, calls[event.leg],
                [
                    ("refer_to", event.referTo.map(OutputValue.text)),
                    ("replaces", event.replacesHeader.map(OutputValue.text)),
                    ("referred_by", event.referredBy.map(OutputValue.text)),
                ])
            referred(event)
        case TEL_EVENT_REGISTRATION:
            report(
                event.status / 100 == 2 ? "registered" : "unregistered", event, nil, [("status", .number(event.status))]
            )
        default: break
        }
    }

    private func referred(_ event: TelephonyEvent) {
        if case .refuse(let status) = options.onRefer {
            return check(tel_refer_reject(event.token, Int32(status)), "refer")
        }
        check(tel_refer_accept(event.token), "refer")
        if case .bye = options.onRefer, let call = calls[event.leg] { carryOut(.hangup, on: call) }
        guard case .follow = options.onRefer, let target = event.referTo else { return }
        let headers = event.replacesHeader.map { ["Replaces: \($0)"] } ?? []
        let leg = place(target, from: options.from ?? uri, headers: headers)
        if leg == 0 {
            check(tel_refer_notify(event.token, 503, true), "notify")
        } else {
            following[leg] = event.token
        }
    }

    /// Tells who has sent us here what has become of it.
    private func tell(_ leg: tel_leg_id, _ status: Int) {
        guard let token = following.removeValue(forKey: leg) else { return }
        check(tel_refer_notify(token, Int32(status), true), "notify")
    }

    private func incoming(_ event: TelephonyEvent) {
        let call = add(
            event.leg, incoming: true, called: userPart(event.requestURI), calling: userPart(event.from),
            uri: event.from ?? "")
        report(
            "incoming", event, call,
            [
                ("from", event.from.map(OutputValue.text)), ("name", event.fromDisplay.map(OutputValue.text)),
                ("asserted", event.asserted.map(OutputValue.text)), ("headers", event.headers.map(OutputValue.text)),
                ("privacy", .flag(event.privacy)), ("uri", event.requestURI.map(OutputValue.text)),
                ("sip_call_id", event.callID.map(OutputValue.text)),
            ])
        if let replaced = calls[event.replaces] {
            // RFC 3891 §3: taken at once, and the call in whose place it comes is over.
            check(tel_answer(call.leg, 0), "answer", call)
            check(tel_hangup(replaced.leg, 0, 0, nil, 0), "hangup", replaced)
        } else if busy {
            check(tel_hangup(call.leg, 486, 0, nil, 0), "busy", call)
        } else if !apply(.incoming, to: call) {
            check(tel_ring(call.leg, 180, 0), "ring", call)
        }
    }

    private func answered(_ event: TelephonyEvent) {
        guard var call = calls[event.leg], !call.answered else { return }
        call.answered = true
        calls[event.leg] = call
        report("answered", event, call, [("codec", event.codec.map(OutputValue.text))])
        startMedia(event.leg, index: call.index)
        apply(.answered, to: call)
        tell(event.leg, 200)
    }

    private func startMedia(_ leg: tel_leg_id, index: Int) {
        if voice { route(leg, TEL_SOURCE_TONE) }
        if options.hears { tel_listen(leg, true) }
        if let file = options.record { tel_record(leg, file.replacing("%d", with: String(index))) }
    }

    private func mediaChanged(_ event: TelephonyEvent) {
        guard var call = calls[event.leg] else { return }
        let was = call.peerReceives
        call.peerReceives = event.peerReceives
        calls[event.leg] = call
        let name = was == call.peerReceives ? "media" : call.peerReceives ? "unheld" : "held"
        report(
            name, event, call,
            [
                ("peer_sends", .flag(event.peerSends)), ("peer_receives", .flag(event.peerReceives)),
                ("codec", event.codec.map(OutputValue.text)),
            ])
        if let happened = Rule.Event(rawValue: name) { apply(happened, to: call) }
    }

    private func ended(_ event: TelephonyEvent) {
        guard let call = calls.removeValue(forKey: event.leg) else { return }
        report(
            "ended", event, call,
            [
                ("how", .text(event.end.word)), ("status", event.status == 0 ? nil : .number(event.status)),
                ("q850", event.q850 == 0 ? nil : .number(event.q850)), ("reason", event.reason.map(OutputValue.text)),
                ("contacts", event.contacts.map(OutputValue.text)), ("answered", .flag(call.answered)),
            ])
        tell(event.leg, event.status >= 300 ? event.status : 503)
        apply(.ended, to: call)
        if options.once { quit(status: call.answered ? 0 : 1) }
    }

    private func add(_ leg: tel_leg_id, incoming: Bool, called: String, calling: String, uri: String) -> Call {
        lastIndex += 1
        let call = Call(
            index: lastIndex, leg: leg, incoming: incoming, called: called, calling: calling, uri: uri)
        calls[leg] = call
        return call
    }

    // MARK: - rules and commands

    /// Carries out what the rules say about this event; whether there was any.
    @discardableResult
    private func apply(_ happened: Rule.Event, to call: Call?) -> Bool {
        var any = false
        for rule in options.rules where rule.event == happened && concerns(rule, call) {
            any = true
            var command = rule.command
            command.call = command.call ?? call?.index
            command.delay += rule.delay
            perform(command)
        }
        return any
    }

    private func concerns(_ rule: Rule, _ call: Call?) -> Bool {
        guard let who = rule.who else { return true }
        guard let call else { return false }
        return who == (call.incoming ? "in" : "out") || (call.incoming && who == call.called)
    }

    func perform(line: String) {
        do {
            perform(try Command(line))
        } catch {
            report("error", [("message", .text("\(error)"))])
        }
    }

    private func perform(_ command: Command) {
        guard command.delay > 0 else { return carryOut(command) }
        queue.asyncAfter(deadline: .now() + .milliseconds(command.delay)) { self.carryOut(command) }
    }

    private func carryOut(_ command: Command) {
        switch command.action {
        case .call(let target):
            place(target, from: options.from ?? uri)
            return
        case .takeOver(let target, let index, let from, let earlyOnly):
            return takeOver(index, target, from: from, earlyOnly: earlyOnly)
        case .tone(let hz): return tel_set_tone(UInt32(hz))
        case .busy(let on): return busy = on
        case .quit: return quit(status: 0)
        default: break
        }
        let wanted =
            command.call.map { index in calls.values.first { $0.index == index } }
            ?? calls.values.max { $0.index < $1.index }
        guard let call = wanted else {
            // A rule's call may well have ended before its time has come.
            report("error", [("message", .text("no open call for \(command.action)"))])
            return
        }
        carryOut(command.action, on: call)
    }

    private func carryOut(_ action: Action, on call: Call) {
        let leg = call.leg
        switch action {
        case .ring(let status): check(tel_ring(leg, Int32(status), 0), "ring", call)
        case .early:
            check(tel_ring(leg, 183, leg), "early", call)
            startMedia(leg, index: call.index)
        case .answer: check(tel_answer(leg, 0), "answer", call)
        case .reject(let status, let q850, let reason):
            check(tel_hangup(leg, Int32(status), Int32(q850), reason, 0), "reject", call)
        case .redirect(let target): check(tel_redirect(leg, 302, target), "redirect", call)
        case .hangup:
            check(tel_hangup(leg, call.answered ? 0 : 603, 0, nil, 0), "hangup", call)
        case .digits(let digits): send(digits, call)
        case .hold(let hold): check(tel_hold(leg, hold, 0), "hold", call)
        case .mute(let muted): check(tel_mute_rtp(leg, muted), "mute", call)
        case .voice(let on): route(leg, on ? TEL_SOURCE_TONE : TEL_SOURCE_SILENCE)
        case .vanish: check(tel_vanish(leg), "vanish", call)
        case .record(let file): check(tel_record(leg, file), "record", call)
        case .request(let method, let type, let body):
            check(tel_send_request(leg, method, type, body), "request", call)
        case .refer(let target, let headers): refer(to: target, headers, call)
        case .referReplaces(let index, let target): referReplacing(index, target, call)
        case .identify(let identity): check(tel_identify(leg, identity, nil, false, true), "identify", call)
        case .call, .takeOver, .tone, .busy, .quit: break
        }
    }

    private func refer(to target: String, _ headers: [String], _ call: Call) {
        let headers = ["Refer-To: <\(target)>", "Referred-By: <\(uri)>"] + headers
        let result = withCStrings(headers) { tel_send_headers(call.leg, "REFER", $0, headers.count) }
        check(result, "refer", call)
    }

    private func referReplacing(_ index: Int, _ target: String?, _ call: Call) {
        guard let other = calls.values.first(where: { $0.index == index }), let value = replaces(other.leg) else {
            return report("error", nil, call, [("message", .text("no dialog of call \(index)"))])
        }
        // What a URI's header may hold unescaped is less than what a dialog's identifiers may (RFC 3261 §25.1).
        let escaped = value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        refer(to: "\(target ?? other.uri)?Replaces=\(escaped)", [], call)
    }

    /// The value of a Replaces header for the other end of a call.
    private func replaces(_ leg: tel_leg_id) -> String? {
        var buffer = [CChar](repeating: 0, count: 512)
        let length = tel_replaces(leg, &buffer, buffer.count)
        return length == 0 ? nil : String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Calls in the place of a call of ours.
    private func takeOver(_ index: Int, _ target: String, from: String?, earlyOnly: Bool) {
        guard let other = calls.values.first(where: { $0.index == index }), let value = replaces(other.leg) else {
            return report("error", [("message", .text("no dialog of call \(index)"))])
        }
        place(
            target, from: from ?? options.from ?? uri, headers: ["Replaces: \(value)\(earlyOnly ? ";early-only" : "")"])
    }

    private func send(_ digits: String, _ call: Call) {
        report("sending", nil, call, [("digits", .text(digits))])
        guard options.infoDigits else { return check(tel_send_digits(call.leg, digits), "digits", call) }
        // One INFO at a time, as a phone sends them: key by key.
        for (position, digit) in digits.enumerated() {
            queue.asyncAfter(deadline: .now() + .milliseconds(position * 100)) {
                let body = "Signal=\(digit)\r\nDuration=100\r\n"
                self.check(tel_send_request(call.leg, "INFO", "application/dtmf-relay", body), "digits", call)
            }
        }
    }

    @discardableResult
    private func place(_ target: String, from: String, headers: [String] = []) -> tel_leg_id {
        let begun = now()
        let headers = options.headers + headers
        let leg = withCStrings([target, from, options.name ?? ""] + headers) { strings in
            withZeroed(tel_invite_params.self) { parameters in
                parameters.pointee.uri = strings[0]
                parameters.pointee.from_uri = strings[1]
                parameters.pointee.from_display = options.name == nil ? nil : strings[2]
                parameters.pointee.max_forwards = Int32(options.maxForwards)
                parameters.pointee.no_offer = !options.offer
                parameters.pointee.headers = headers.isEmpty ? nil : strings + 3
                parameters.pointee.header_count = headers.count
                return tel_invite(parameters)
            }
        }
        guard leg != 0 else {
            report("error", [("message", .text("call \(target): \(String(cString: tel_last_error()))"))])
            return 0
        }
        let call = add(leg, incoming: false, called: userPart(target), calling: userPart(from), uri: target)
        say("calling", at: begun, [("call", .number(call.index)), ("uri", .text(target)), ("from", .text(from))])
        apply(.calling, to: call)
        return leg
    }

    private func route(_ leg: tel_leg_id, _ source: tel_source) {
        var change = tel_route_change()
        (change.leg, change.source) = (leg, source)
        check(tel_route(&change, 1, 0), "voice", calls[leg])
    }

    /// Ends the process: at once, without a word to the peers but what has been sent.
    func quit(status: Int32) {
        tel_stop()
        exit(status)
    }

    // MARK: - output

    private func check(_ result: tel_result, _ what: String, _ call: Call? = nil) {
        guard result != TEL_OK else { return }
        let reasons = [what, String(cString: tel_strerror(result)), String(cString: tel_last_error())]
        let text = reasons.filter { !$0.isEmpty }.joined(separator: ": ")
        report("error", nil, call, [("message", .text(text))])
    }

    private func report(_ name: String, _ fields: [(String, OutputValue?)]) { report(name, nil, nil, fields) }

    private func report(
        _ name: String, _ event: TelephonyEvent?, _ call: Call?, _ fields: [(String, OutputValue?)]
    ) {
        say(name, at: event.map { ($0.wall, $0.mono) }, [("call", call.map { .number($0.index) })] + fields)
    }

    private func label(_ hz: Int) -> String {
        switch hz {
        case 0: "silence"
        case ..<0: "unclear"
        default: melody.contains { abs($0 - hz) <= 6 } ? "music" : "tone"
        }
    }
}

/// `1001` of `sip:1001@host`, `"Anna" <sip:1001@host>;tag=1`
private func userPart(_ uri: String?) -> String {
    guard let uri, let at = uri.firstIndex(of: "@") else { return "" }
    let head = uri[..<at]
    return String(head[(head.lastIndex { $0 == ":" || $0 == "<" }.map { head.index(after: $0) } ?? head.startIndex)...])
}

private func withCStrings<Result>(_ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>>) -> Result) -> Result
{
    let copies = texts.map { UnsafePointer<CChar>(strdup($0)!) }
    defer { copies.forEach { free(UnsafeMutablePointer(mutating: $0)) } }
    return copies.withUnsafeBufferPointer { body($0.baseAddress!) }
}
