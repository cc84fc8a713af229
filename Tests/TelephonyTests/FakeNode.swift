import Foundation
import Testing

/// A datagram of bencode: what the ng protocol needs of it.
indirect enum Bencode: Equatable {
    case text(String)
    case number(Int)
    case list([Bencode])
    case dictionary([String: Bencode])

    subscript(_ key: String) -> Bencode? {
        guard case .dictionary(let members) = self else { return nil }
        return members[key]
    }

    var text: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }

    var encoded: String {
        switch self {
        case .text(let text): "\(text.utf8.count):\(text)"
        case .number(let number): "i\(number)e"
        case .list(let elements): "l\(elements.map(\.encoded).joined())e"
        case .dictionary(let members):
            "d\(members.sorted { $0.key < $1.key }.map { Bencode.text($0.key).encoded + $0.value.encoded }.joined())e"
        }
    }

    /// Takes one value from the beginning.
    init?(_ bytes: inout ArraySlice<UInt8>) {
        guard let first = bytes.first else { return nil }
        if first == UInt8(ascii: "i") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "e")),
                let number = Int(String(decoding: bytes[(bytes.startIndex + 1)..<end], as: UTF8.self))
            else { return nil }
            bytes = bytes[(end + 1)...]
            self = .number(number)
        } else if first == UInt8(ascii: "l") || first == UInt8(ascii: "d") {
            bytes = bytes.dropFirst()
            var values: [Bencode] = []
            while let next = bytes.first, next != UInt8(ascii: "e") {
                guard let value = Bencode(&bytes) else { return nil }
                values.append(value)
            }
            bytes = bytes.dropFirst()
            if first == UInt8(ascii: "l") {
                self = .list(values)
            } else {
                let pairs = stride(from: 0, to: values.count - 1, by: 2).map { (values[$0].text ?? "", values[$0 + 1]) }
                self = .dictionary(Dictionary(pairs) { first, _ in first })
            }
        } else {
            guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
                let length = Int(String(decoding: bytes[bytes.startIndex..<colon], as: UTF8.self)),
                length < bytes.endIndex - colon
            else { return nil }
            self = .text(String(decoding: bytes[(colon + 1)..<(colon + 1 + length)], as: UTF8.self))
            bytes = bytes[(colon + 1 + length)...]
        }
    }
}

/// An rtpengine node that carries nothing, but answers as one does, and remembers what it was asked.
final class FakeNode: @unchecked Sendable {
    struct Request {
        var command: String
        var call: String
        var fields: Bencode
        /// The port of its SDP.
        var port: Int? { fields["sdp"]?.text.flatMap(FakeNode.port) }
        /// That of a=rtcp.
        var controlPort: UInt16? {
            let lines = fields["sdp"]?.text?.components(separatedBy: "\r\n") ?? []
            return lines.first { $0.hasPrefix("a=rtcp:") }?.dropFirst(7).split(separator: " ").first.flatMap {
                UInt16($0)
            }
        }
    }

    enum Manner { case proper, silent, garbage }

    let address: String
    /// Digits are logged to this port; nil: nowhere.
    private let digitsPort: UInt16?
    private let socket: RTPSocket
    private let lock = NSLock()
    private var received: [Request] = []
    private var answers: [String: String] = [:]
    private var ports: [String: Int] = [:]
    private var lastPort: Int
    private var stopping = false
    private var ownManner = Manner.proper
    private var ownDrops = 0
    private var ownUnheard: [String] = []
    private var ownPackets = 0
    private var ownForgets = false

    init(firstPort: Int, digitsPort: UInt16? = nil) throws {
        socket = try RTPSocket()
        address = "udp:127.0.0.1:\(socket.port)"
        self.digitsPort = digitsPort
        lastPort = firstPort
        Thread.detachNewThread { [self] in serve() }
    }

    func stop() { lock.withLock { stopping = true } }

    var manner: Manner {
        get { lock.withLock { ownManner } }
        set { lock.withLock { ownManner = newValue } }
    }

    /// So many transmissions of each request go unheard.
    var drops: Int {
        get { lock.withLock { ownDrops } }
        set { lock.withLock { ownDrops = newValue } }
    }

    /// The commands of the transmissions that went unheard.
    var unheard: [String] { lock.withLock { ownUnheard } }

    /// Set once: it has been started anew, and knows none of its calls any more.
    var forgets: Bool {
        get { lock.withLock { ownForgets } }
        set {
            lock.withLock {
                ownForgets = newValue
                ports = [:]
            }
        }
    }

    /// The keys that it encrypts with, for the suites in the order of their tags.
    static func key(bytes: Int) -> String { Data(repeating: 7, count: bytes).base64EncodedString() }
    private static let suites = [
        ("AEAD_AES_256_GCM", 44), ("AEAD_AES_128_GCM", 28), ("AES_CM_128_HMAC_SHA1_80", 30),
        ("AES_CM_128_HMAC_SHA1_32", 30),
    ]

    /// What it says to have received from each peer.
    var packets: Int {
        get { lock.withLock { ownPackets } }
        set { lock.withLock { ownPackets = newValue } }
    }

    var requests: [Request] { lock.withLock { received } }

    /// Waits for a request that fits.
    func expect(
        _ command: String, sourceLocation: SourceLocation = #_sourceLocation,
        where fits: (Request) -> Bool = { _ in true }
    ) throws -> Request {
        var found: Request?
        _ = becomes {
            found = requests.first { $0.command == command && fits($0) }
            return found != nil
        }
        return try #require(found, "no \(command)", sourceLocation: sourceLocation)
    }

    func ask(_ count: Int, of command: String) -> Bool {
        becomes { requests.filter { $0.command == command }.count >= count }
    }

    /// The side of a call that faces the peer, or us.
    func port(of call: String, outer: Bool) -> Int? { lock.withLock { ports["\(call) \(outer)"] } }

    func log(digit: Int, of call: String, tag: String = "peer") {
        guard let digitsPort else { return }
        let line = #"{"callid":"\#(call)","source_tag":"\#(tag)","type":"DTMF","event":\#(digit),"duration":100}"#
        socket.send(Array(line.utf8), to: digitsPort)
    }

    private static func port(_ sdp: String) -> Int? {
        sdp.components(separatedBy: "\r\n").first { $0.hasPrefix("m=audio ") }
            .flatMap { Int($0.split(separator: " ")[1]) }
    }

    private func serve() {
        var tries: [String: Int] = [:]
        while !lock.withLock({ stopping }) {
            guard let (bytes, from) = socket.receiveFrom(within: 0.1),
                let space = bytes.firstIndex(of: UInt8(ascii: " "))
            else { continue }
            let cookie = String(decoding: bytes[..<space], as: UTF8.self)
            var rest = bytes[(space + 1)...]
            guard let fields = Bencode(&rest) else { continue }
            tries[cookie, default: 0] += 1
            guard tries[cookie]! > drops, manner != .silent else {
                lock.withLock { ownUnheard.append(fields["command"]?.text ?? "") }
                continue
            }
            let reply = manner == .garbage ? "d6:result99999:x" : lock.withLock { answers[cookie] } ?? answer(fields)
            lock.withLock { answers[cookie] = reply }
            socket.send(Array("\(cookie) \(reply)".utf8), to: from)
        }
    }

    private func answer(_ fields: Bencode) -> String {
        let command = fields["command"]?.text ?? "", call = fields["call-id"]?.text ?? ""
        let isMaking = lock.withLock {
            received.append(Request(command: command, call: call, fields: fields))
            return ports["\(call) false"] == nil
        }
        if command == "ping" { return Bencode.dictionary(["result": .text("pong")]).encoded }
        guard command == "offer" || command == "answer" else {
            if forgets && isMaking {
                return Bencode.dictionary(["result": .text("error"), "error-reason": .text("Unknown call-id")]).encoded
            }
            let stats = Bencode.dictionary(["stats": .dictionary(["packets": .number(packets)])])
            let media = Bencode.dictionary(["streams": .list([stats])])
            let tags = Bencode.dictionary(["peer": .dictionary(["medias": .list([media])])])
            return Bencode.dictionary(["result": .text("ok"), "tags": tags]).encoded
        }
        let port = lock.withLock {
            let key = "\(call) \(command == "offer")"
            if ports[key] == nil {
                lastPort += 2
                ports[key] = lastPort
            }
            return ports[key]!
        }
        // Its log is tried by a digit through one of the first calls; for the others that is nothing.
        if command == "answer", isMaking { log(digit: 5, of: call) }
        var sdp = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio \(port) RTP/AVP 8\r\n"
        if command == "offer", fields["transport-protocol"]?.text == "RTP/SAVP" {
            for (index, (suite, bytes)) in Self.suites.enumerated() {
                sdp += "a=crypto:\(index + 1) \(suite) inline:\(Self.key(bytes: bytes))\r\n"
            }
        }
        return Bencode.dictionary(["result": .text("ok"), "sdp": .text(sdp)]).encoded
    }
}
