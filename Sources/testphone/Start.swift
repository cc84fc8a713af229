import CTelephony
import Foundation

/// Runs the phone until `quit`, a signal, or the end of its task. Does not return.
func run(_ arguments: [String]) -> Never {
    if arguments.count > 1, arguments[1] == "load" { exit(runLoad(Array(arguments.dropFirst(2)))) }
    do {
        guard let options = try Options(arguments) else {
            print(Options.help)
            exit(0)
        }
        let phone = Phone(options)
        try startTelephony(options, phone)
        phone.queue.async { phone.begin() }
        readCommands(for: phone)
        endOnSignals(phone)
    } catch let usage as Usage {
        complain("\(usage)\nTry: testphone --help", status: 2)
    } catch {
        complain("\(error)", status: 1)
    }
    dispatchMain()
}

private func complain(_ text: String, status: Int32) -> Never {
    FileHandle.standardError.write(Data("testphone: \(text)\n".utf8))
    exit(status)
}

/// The shim refused to start; the text is its own.
private struct CannotStart: Error, CustomStringConvertible {
    var description: String
}

/// C strings that live as long as the process, as the configuration of the shim does.
private func lasting(_ text: String) -> UnsafePointer<CChar> { UnsafePointer(strdup(text)!) }

private func lasting(_ texts: [String]) -> UnsafePointer<UnsafePointer<CChar>> {
    let list = UnsafeMutablePointer<UnsafePointer<CChar>>.allocate(capacity: max(texts.count, 1))
    for (index, text) in texts.enumerated() { (list + index).initialize(to: lasting(text)) }
    return UnsafePointer(list)
}

private func startTelephony(_ options: Options, _ phone: Phone) throws {
    let first = try Endpoint(options.listen[0])
    let ports = options.rtpPorts ?? first.rtpPorts
    tel_set_tone(UInt32(options.tone))
    try withZeroed(tel_config.self) { config in
        config.pointee.listen = lasting(options.listen)
        config.pointee.listen_count = options.listen.count
        config.pointee.user_agent = lasting("testphone")
        config.pointee.trusted_peers = lasting(["0.0.0.0/0", "::/0"])
        config.pointee.trusted_peer_count = 2
        config.pointee.media_address = lasting(first.host)
        config.pointee.external_address = options.nat.map { lasting($0) }
        config.pointee.media_external_address = options.nat.map { lasting($0) }
        config.pointee.port_first = ports.first
        config.pointee.port_last = ports.last
        config.pointee.codecs = lasting(options.codecs)
        config.pointee.codec_count = options.codecs.count
        config.pointee.rtp_timeout_ms = UInt32(options.rtpTimeout)
        config.pointee.srtp = options.srtp
        config.pointee.tls_certificate = options.certificate.map { lasting($0) }
        config.pointee.tls_private_key = options.privateKey.map { lasting($0) }
        config.pointee.tls_ca = options.authorities.map { lasting($0) }
        config.pointee.tls_verify_peer = options.authorities != nil
        config.pointee.pass_headers = lasting(options.shownHeaders)
        config.pointee.pass_header_count = options.shownHeaders.count
        config.pointee.accept_messages = options.messages
        config.pointee.faults = options.faults.structure

        var message = [CChar](repeating: 0, count: 512)
        let context = Unmanaged.passRetained(phone).toOpaque()
        guard tel_start(config, telephonyCallback, context, &message, message.count) == TEL_OK else {
            let text = message.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
            throw CannotStart(description: text)
        }
    }
    phone.address = "\(first.hostInURI):\(tel_listen_port(0))"
    if let password = options.password {
        var credential = tel_credential(
            host: nil, realm: nil, user: lasting(options.user), password: lasting(password))
        tel_add_credential(&credential)
    }
}

extension Options.Faults {
    fileprivate var structure: tel_faults {
        var faults = tel_faults()
        faults.answer_on_cancel = answerOnCancel
        faults.refuse_reinvite = Int32(refuseReinvite)
        faults.refuse_offer_count = Int32(refuseCount)
        faults.method = method.map { lasting($0) }
        faults.drop_tx_nth = Int32(nth["drop-tx"] ?? 0)
        faults.duplicate_tx_nth = Int32(nth["duplicate-tx"] ?? 0)
        faults.delay_tx_nth = Int32(nth["delay-tx"] ?? 0)
        faults.drop_rx_nth = Int32(nth["drop-rx"] ?? 0)
        faults.delay_ms = UInt32(delay)
        faults.plain_hold = plainHold
        faults.inactive_hold = inactiveHold
        return faults
    }
}

/// `udp:127.0.0.1:5081`, `tcp:[::1]:5081`
private struct Endpoint {
    var host: String
    var hostInURI: String
    var port: UInt16

    init(_ text: String) throws {
        guard let colon = text.firstIndex(of: ":"), let last = text.lastIndex(of: ":"), colon < last,
            let port = UInt16(text[text.index(after: last)...])
        else { throw Usage("--listen \(text): udp:ADDRESS:PORT is needed") }
        hostInURI = String(text[text.index(after: colon)..<last])
        host = hostInURI.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        self.port = port
    }

    /// Phones on one machine get ranges of their own without being told.
    var rtpPorts: (first: UInt16, last: UInt16) {
        let first = 30_000 + (port % 500) * 40
        return (first, first + 39)
    }
}

private func readCommands(for phone: Phone) {
    let reader = Thread {
        while let line = readLine() {
            if line.allSatisfy(\.isWhitespace) { continue }
            phone.queue.async { phone.perform(line: line) }
        }
    }
    reader.start()
}

private func endOnSignals(_ phone: Phone) {
    for number in [SIGTERM, SIGINT] {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: phone.queue)
        source.setEventHandler { phone.quit(status: 0) }
        source.activate()
        phone.signalSources.append(source)
    }
}
