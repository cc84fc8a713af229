import CTelephony
import Foundation
import Testing

/// A SIP message as text, taken apart as far as tests need it.
struct Message: CustomStringConvertible {
    let text: String
    let startLine: String
    let headers: [(name: String, value: String)]
    let body: String

    init(_ text: String) {
        self.text = text
        let parts = text.components(separatedBy: "\r\n\r\n")
        let lines = parts[0].components(separatedBy: "\r\n")
        startLine = lines[0]
        headers = lines.dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (
                line[..<colon].trimmingCharacters(in: .whitespaces).lowercased(),
                line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            )
        }
        body = parts.dropFirst().joined(separator: "\r\n\r\n")
    }

    func all(_ name: String) -> [String] { headers.filter { $0.name == name.lowercased() }.map(\.value) }
    subscript(name: String) -> String { all(name).first ?? "" }

    var status: Int { startLine.hasPrefix("SIP/2.0 ") ? Int(startLine.split(separator: " ")[1]) ?? 0 : 0 }
    var method: String { String(startLine.split(separator: " ")[0]) }
    var cseqMethod: String { String(self["cseq"].split(separator: " ").last ?? "") }
    var cseq: Int { Int(self["cseq"].split(separator: " ").first ?? "") ?? 0 }
    var description: String { text }

    /// The lines of the SDP with that letter.
    func sdp(_ letter: Character) -> [String] {
        body.components(separatedBy: "\r\n").filter { $0.first == letter }.map { String($0.dropFirst(2)) }
    }
}

/// A UDP socket that speaks SIP by hand.
final class Peer {
    let port: UInt16
    let shimPort: UInt16
    private let descriptor: Int32
    private var branch = 0
    private var tag: String
    var callID: String

    init(shimPort: UInt16, address: String = "127.0.0.1") throws {
        self.shimPort = shimPort
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        self.descriptor = descriptor
        var own = sockaddr_in()
        own.sin_family = sa_family_t(AF_INET)
        own.sin_addr.s_addr = inet_addr(address)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &own) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
            }
        }
        try #require(bound)
        port = UInt16(bigEndian: own.sin_port)
        tag = "t\(port)"
        callID = UUID().uuidString
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) {
        var to = sockaddr_in()
        to.sin_family = sa_family_t(AF_INET)
        to.sin_port = shimPort.bigEndian
        to.sin_addr.s_addr = inet_addr("127.0.0.1")
        withUnsafePointer(to: &to) {
            _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// The next datagram that fits; others are dropped. Nil after `seconds`.
    func receive(within seconds: Double = 3, where fits: (Message) -> Bool = { _ in true }) -> Message? {
        let deadline = Date(timeIntervalSinceNow: seconds)
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let left = deadline.timeIntervalSinceNow
            var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&poller, 1, Int32(left * 1000) + 1) == 1 else { return nil }
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            let message = Message(String(decoding: buffer[0..<count], as: UTF8.self))
            if fits(message) { return message }
        }
    }

    /// The response with a final status, or the given one, to a method.
    func response(
        _ method: String, status: Int? = nil, within seconds: Double = 3,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Message {
        let found = receive(within: seconds) {
            $0.cseqMethod == method && (status == nil ? $0.status >= 200 : $0.status == status)
        }
        return try #require(
            found, "no \(status.map(String.init) ?? "final") response to \(method)", sourceLocation: sourceLocation)
    }

    /// The next request of a method.
    func expect(
        _ method: String, within seconds: Double = 3, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Message {
        let found = receive(within: seconds) { $0.method == method }
        return try #require(found, "no \(method)", sourceLocation: sourceLocation)
    }

    var contact: String { "<sip:peer@127.0.0.1:\(port)>" }

    static func sdp(
        port: Int = 39000, formats: String = "8 0 101", transport: String = "RTP/AVP", connection: String = "127.0.0.1",
        attributes: [String] = [
            "rtpmap:8 PCMA/8000", "rtpmap:0 PCMU/8000", "rtpmap:101 telephone-event/8000", "fmtp:101 0-15",
        ],
        direction: String = "sendrecv", more: [String] = []
    ) -> String {
        let lines =
            [
                "v=0", "o=peer 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 \(connection)", "t=0 0",
                "m=audio \(port) \(transport) \(formats)",
            ] + (attributes + [direction]).map { "a=\($0)" } + more
        return lines.joined(separator: "\r\n") + "\r\n"
    }

    private func body(_ type: String, _ content: String) -> String {
        content.isEmpty
            ? "Content-Length: 0\r\n\r\n"
            : "Content-Type: \(type)\r\nContent-Length: \(content.utf8.count)\r\n\r\n\(content)"
    }

    /// A request of ours; `dialog` is the response (or request) whose tags and Contact it goes to.
    @discardableResult
    func request(
        _ method: String, cseq: Int = 1, to dialog: Message? = nil, isUAC: Bool = true, headers: [String] = [],
        type: String = "application/sdp", content: String = "", branchOf: String? = nil, maxForwards: Int = 70
    ) -> String {
        branch += 1
        let via = branchOf ?? "z9hG4bK\(port)x\(branch)"
        let own = isUAC ? "<sip:peer@127.0.0.1>;tag=\(tag)" : dialog?["to"] ?? ""
        let other = isUAC ? dialog?["to"] ?? "<sip:7000@127.0.0.1>" : dialog?["from"] ?? ""
        let lines =
            [
                "\(method) sip:7000@127.0.0.1:\(shimPort) SIP/2.0",
                "Via: SIP/2.0/UDP 127.0.0.1:\(port);rport;branch=\(via)",
                "Max-Forwards: \(maxForwards)", "From: \(own)", "To: \(other)", "Call-ID: \(callID)",
                "CSeq: \(cseq) \(method)", "Contact: \(contact)",
            ] + headers
        send(lines.joined(separator: "\r\n") + "\r\n" + body(type, content))
        return via
    }

    /// Answers a request of the shim.
    func respond(
        _ status: Int, _ request: Message, tag: String = "peer", headers: [String] = [],
        type: String = "application/sdp",
        content: String = ""
    ) {
        let to = request["to"].contains(";tag=") || status == 100 ? request["to"] : "\(request["to"]);tag=\(tag)"
        let lines =
            ["SIP/2.0 \(status) Whatever"] + request.all("via").map { "Via: \($0)" }
            + [
                "From: \(request["from"])", "To: \(to)", "Call-ID: \(request["call-id"])", "CSeq: \(request["cseq"])",
                "Contact: \(contact)",
            ] + headers
        send(lines.joined(separator: "\r\n") + "\r\n" + body(type, content))
    }
}

extension Peer {
    /// An INVITE of ours, answered by the shim and acknowledged: its 200.
    func call(_ shim: Shim, sdp: String = Peer.sdp()) throws -> (leg: UInt64, ok: Message) {
        request("INVITE", headers: ["Allow: INVITE, ACK, BYE, CANCEL, INFO, UPDATE"], content: sdp)
        let leg = try shim.expect(TEL_EVENT_INCOMING).leg
        try #require(tel_answer(leg, 0) == TEL_OK)
        let ok = try response("INVITE", status: 200)
        request("ACK", to: ok)
        try shim.expect(TEL_EVENT_ANSWERED, leg: leg)
        return (leg, ok)
    }

    /// An INVITE of the shim, answered by us.
    func answer(_ shim: Shim, sdp: String = Peer.sdp(formats: "8 101")) throws -> (leg: UInt64, invite: Message) {
        let leg = shim.invite("sip:1002@127.0.0.1:\(port)")
        let invite = try expect("INVITE")
        callID = invite["call-id"]
        respond(200, invite, headers: ["Allow: INVITE, ACK, BYE, CANCEL, INFO, UPDATE"], content: sdp)
        _ = try expect("ACK")
        try shim.expect(TEL_EVENT_ANSWERED, leg: leg)
        return (leg, invite)
    }
}
