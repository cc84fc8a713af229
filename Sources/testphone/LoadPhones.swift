import Glibc

/// The phones' side of SIP: what is sent, and what is answered to what comes. The stories are `LoadRun`'s.
final class LoadPhones {
    let options: LoadOptions
    let address: in_addr
    let server: in_addr
    private let serverName: sockaddr_in
    /// SIP and RTP of caller, agent and target, by role; the RTCP ports are bound so that nothing sent there bounces.
    let sip: [LoadSocket]
    let rtp: [LoadSocket]
    private let rtcp: [LoadSocket]
    private var writer = LoadWriter()
    private let host: [UInt8]
    private let runTag: [UInt8]

    var timers = LoadTimers()
    private(set) var legs: [LoadLeg?] = []
    /// The leg that each RTP port of the server talks with, by role and port.
    var byMediaPort = [[Int32]](repeating: [Int32](repeating: -1, count: 65536), count: 3)

    static let firstInterval = 0.5
    static let tries = 7

    init(_ options: LoadOptions) throws {
        self.options = options
        guard let address = Self.address(options.address), let server = Self.address(options.server) else {
            throw LoadUsageError(message: "addresses are IPv4, in digits")
        }
        self.address = address
        self.server = server
        serverName = LoadSocket.name(server, options.serverPort)
        host = Array(options.address.utf8)
        runTag = Array(String(Int(loadWallClock() * 1000) % 1_000_000_000).utf8)
        sip = try (0..<3).map { try LoadSocket(address: address, port: options.port + UInt16($0)) }
        rtp = try (0..<3).map { try LoadSocket(address: address, port: options.port + 10 + 2 * UInt16($0)) }
        rtcp = try (0..<3).map { try LoadSocket(address: address, port: options.port + 11 + 2 * UInt16($0)) }
        rtp[0].stampArrivals()
    }

    private static func address(_ text: String) -> in_addr? {
        var address = in_addr()
        return inet_pton(AF_INET, text, &address) == 1 ? address : nil
    }

    func leg(_ number: Int?) -> LoadLeg? {
        guard let number, legs.indices.contains(number) else { return nil }
        return legs[number]
    }

    /// Forgets a leg; what still comes for it gets 481, a BYE 200.
    func forget(_ leg: LoadLeg) {
        leg.state = .ended
        leg.pending = nil
        legs[leg.number] = nil
        let port = Int(leg.mediaPort)
        if byMediaPort[leg.role.rawValue][port] == Int32(leg.number) { byMediaPort[leg.role.rawValue][port] = -1 }
    }

    // MARK: - Requests of ours

    func invite(_ call: LoadCall) {
        let number = legs.count
        let leg = LoadLeg(
            number: number, role: .caller, call: call, state: .calling,
            callID: Array("load-\(call.number)-".utf8) + runTag + Array("@".utf8) + host)
        legs.append(leg)
        call.caller = leg
        let line = options.line + call.number % options.lines
        leg.peer = Array("sip:\(line)@\(options.server):\(options.serverPort)".utf8)
        leg.local = Array("<sip:load-\(call.number)@\(options.address)>;tag=l\(number)".utf8)
        leg.remote = Array("<sip:\(line)@\(options.server)>".utf8)
        request(leg, "INVITE", description: description(leg, answer: "sendrecv", event: 101))
    }

    func bye(_ leg: LoadLeg) {
        guard leg.state == .talking || leg.state == .answering else { return }
        leg.state = .leaving
        request(leg, "BYE")
    }

    func info(_ leg: LoadLeg, digit: UInt8) {
        var body = LoadWriter()
        body.add("Signal=")
        body.add([digit])
        body.add("\r\nDuration=")
        body.add(options.digitLength)
        body.add("\r\n")
        request(leg, "INFO", type: "application/dtmf-relay", body: body.bytes)
    }

    private func request(_ leg: LoadLeg, _ method: StaticString, description: [UInt8] = []) {
        request(leg, method, type: "application/sdp", body: description)
    }

    private func request(_ leg: LoadLeg, _ method: StaticString, type: StaticString, body: [UInt8]) {
        leg.cseq += 1
        begin(leg, method, cseq: leg.cseq, branch: "q")
        writer.add("Contact: <sip:load@")
        writer.add(host)
        writer.add(":")
        writer.add(Int(sip[leg.role.rawValue].port))
        writer.add(">\r\nAllow: INVITE, ACK, CANCEL, BYE, INFO, OPTIONS, UPDATE\r\n")
        end(type: type, body: body)
        post(leg)
        leg.pending = LoadLeg.Pending(
            bytes: writer.bytes, cseq: leg.cseq, interval: Self.firstInterval, tries: Self.tries)
        timers.add(loadNow() + Self.firstInterval, .resend(leg, cseq: leg.cseq))
    }

    /// `branch` q: a transaction; a: the ACK of a 2xx, which is one of its own.
    private func begin(_ leg: LoadLeg, _ method: StaticString, cseq: Int, branch: StaticString) {
        writer.clear()
        writer.add(method)
        writer.add(" ")
        writer.add(leg.peer)
        writer.add(" SIP/2.0\r\nVia: SIP/2.0/UDP ")
        writer.add(host)
        writer.add(":")
        writer.add(Int(sip[leg.role.rawValue].port))
        writer.add(";rport;branch=z9hG4bK")
        writer.add(runTag)
        writer.add(branch)
        writer.add(leg.number)
        writer.add("c")
        writer.add(cseq)
        writer.add("\r\nMax-Forwards: 70\r\nFrom: ")
        writer.add(leg.local)
        writer.add("\r\nTo: ")
        writer.add(leg.remote)
        writer.add("\r\nCall-ID: ")
        writer.add(leg.callID)
        writer.add("\r\nCSeq: ")
        writer.add(cseq)
        writer.add(" ")
        writer.add(method)
        writer.add("\r\n")
    }

    private func end(type: StaticString, body: [UInt8]) {
        if !body.isEmpty {
            writer.add("Content-Type: ")
            writer.add(type)
            writer.add("\r\n")
        }
        writer.add("Content-Length: ")
        writer.add(body.count)
        writer.add("\r\n\r\n")
        writer.add(body)
    }

    func acknowledge(_ leg: LoadLeg, cseq: Int, success: Bool) {
        begin(leg, "ACK", cseq: cseq, branch: success ? "a" : "q")
        end(type: "application/sdp", body: [])
        post(leg)
    }

    func resend(_ leg: LoadLeg, cseq: Int) {
        guard var pending = leg.pending, pending.cseq == cseq, pending.tries > 0 else { return }
        sip[leg.role.rawValue].send(pending.bytes, to: serverName)
        pending.tries -= 1
        pending.interval = min(pending.interval * 2, 4)
        leg.pending = pending
        timers.add(loadNow() + pending.interval, .resend(leg, cseq: cseq))
    }

    private func post(_ leg: LoadLeg) { sip[leg.role.rawValue].send(writer.bytes, to: serverName) }

    // MARK: - Answers of ours

    /// A leg for an INVITE that begins a dialog.
    func accept(_ message: LoadMessage, role: LoadLeg.Role, call: LoadCall) -> LoadLeg {
        let leg = LoadLeg(
            number: legs.count, role: role, call: call, state: .answering, callID: Array(message.callID!))
        legs.append(leg)
        leg.peer = message.contact.map { Array($0) } ?? []
        leg.remote = Array(message.from!)
        leg.local = Array(message.to!) + Array(";tag=l\(leg.number)".utf8)
        return leg
    }

    /// 200 with SDP to an INVITE or UPDATE, sent again until the ACK where it is an INVITE.
    func agree(_ message: LoadMessage, _ leg: LoadLeg, answer: StaticString, event: UInt8) {
        reply(message, role: leg.role, status: "200 OK", leg: leg, body: description(leg, answer: answer, event: event))
        guard message.method!.equals("INVITE") else { return }
        leg.pending = LoadLeg.Pending(
            bytes: writer.bytes, cseq: -message.cseq, interval: Self.firstInterval, tries: Self.tries)
        timers.add(loadNow() + Self.firstInterval, .resend(leg, cseq: -message.cseq))
    }

    func reply(
        _ message: LoadMessage, role: LoadLeg.Role, status: StaticString, leg: LoadLeg? = nil, body: [UInt8] = []
    ) {
        writer.clear()
        writer.add("SIP/2.0 ")
        writer.add(status)
        writer.add("\r\nVia: ")
        writer.add(message.via!)
        writer.add("\r\nFrom: ")
        writer.add(message.from!)
        writer.add("\r\nTo: ")
        writer.add(message.to!)
        if let leg, message.to!.find(";tag=") == nil {
            writer.add(";tag=l")
            writer.add(leg.number)
        }
        writer.add("\r\nCall-ID: ")
        writer.add(message.callID!)
        writer.add("\r\nCSeq: ")
        writer.add(message.cseq)
        writer.add(" ")
        writer.add(message.method!)
        writer.add("\r\n")
        if !body.isEmpty {
            writer.add("Contact: <sip:load@")
            writer.add(host)
            writer.add(":")
            writer.add(Int(sip[role.rawValue].port))
            writer.add(">\r\nAllow: INVITE, ACK, CANCEL, BYE, INFO, OPTIONS, UPDATE\r\n")
        }
        end(type: "application/sdp", body: body)
        sip[role.rawValue].send(writer.bytes, to: serverName)
    }

    private func description(_ leg: LoadLeg, answer: StaticString, event: UInt8) -> [UInt8] {
        var text = LoadWriter()
        text.add("v=0\r\no=- ")
        text.add(leg.number + 1)
        text.add(" 1 IN IP4 ")
        text.add(host)
        text.add("\r\ns=-\r\nc=IN IP4 ")
        text.add(host)
        text.add("\r\nt=0 0\r\nm=audio ")
        text.add(Int(rtp[leg.role.rawValue].port))
        text.add(" RTP/AVP 8")
        if event != 0 {
            text.add(" ")
            text.add(Int(event))
        }
        text.add("\r\na=rtpmap:8 PCMA/8000\r\n")
        if event != 0 {
            text.add("a=rtpmap:")
            text.add(Int(event))
            text.add(" telephone-event/8000\r\na=fmtp:")
            text.add(Int(event))
            text.add(" 0-16\r\n")
        }
        text.add("a=ptime:20\r\na=")
        text.add(answer)
        text.add("\r\n")
        return text.bytes
    }
}
