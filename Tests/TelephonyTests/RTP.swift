import CTelephony
import Foundation
import Testing

/// An RTP packet without CSRCs or an extension.
struct Packet: CustomStringConvertible {
    var payloadType: UInt8
    var marker = false
    var sequence: UInt16
    var timestamp: UInt32
    var ssrc: UInt32
    var payload: [UInt8]

    init(
        payloadType: UInt8, marker: Bool = false, sequence: UInt16, timestamp: UInt32, ssrc: UInt32, payload: [UInt8]
    ) {
        self.payloadType = payloadType
        self.marker = marker
        self.sequence = sequence
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.payload = payload
    }

    init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count >= 12, bytes[bytes.startIndex] == 0x80 else { return nil }
        func number(_ offset: Int, _ count: Int) -> UInt32 {
            bytes.dropFirst(offset).prefix(count).reduce(0) { $0 << 8 | UInt32($1) }
        }
        payloadType = UInt8(number(1, 1) & 0x7f)
        marker = number(1, 1) & 0x80 != 0
        sequence = UInt16(number(2, 2))
        timestamp = number(4, 4)
        ssrc = number(8, 4)
        payload = Array(bytes.dropFirst(12))
    }

    var bytes: [UInt8] {
        func octets(_ value: UInt32, _ count: Int) -> [UInt8] {
            (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
        }
        return [0x80, payloadType | (marker ? 0x80 : 0)] + octets(UInt32(sequence), 2) + octets(timestamp, 4)
            + octets(ssrc, 4) + payload
    }

    var description: String {
        "pt \(payloadType)\(marker ? " marker" : "") seq \(sequence) ts \(timestamp) \(payload.count) bytes"
    }
}

/// A UDP socket that speaks RTP by hand.
final class RTPSocket {
    let port: UInt16
    private let descriptor: Int32

    /// `port` 0: any.
    init(address: String = "127.0.0.1", port wanted: UInt16 = 0) throws {
        let opened = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        descriptor = opened
        var own = sockaddr_in()
        own.sin_family = sa_family_t(AF_INET)
        own.sin_addr.s_addr = inet_addr(address)
        own.sin_port = wanted.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &own) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(opened, pointer, length) == 0 && getsockname(opened, pointer, &length) == 0
            }
        }
        port = UInt16(bigEndian: own.sin_port)
        try #require(bound)
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8], to port: UInt16) {
        var to = sockaddr_in()
        to.sin_family = sa_family_t(AF_INET)
        to.sin_port = port.bigEndian
        to.sin_addr.s_addr = inet_addr("127.0.0.1")
        withUnsafePointer(to: &to) {
            _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// The next packet; nil after `seconds`.
    func receive(within seconds: Double = 1) -> Packet? {
        receiveBytes(within: seconds).flatMap { Packet($0[...]) }
    }

    /// The next datagram; nil after `seconds`.
    func receiveBytes(within seconds: Double) -> [UInt8]? { receiveFrom(within: seconds)?.0 }

    /// The next datagram and the port that it comes from; nil after `seconds`.
    func receiveFrom(within seconds: Double) -> ([UInt8], UInt16)? {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, Int32(seconds * 1000)) == 1 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 2048)
        var from = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &from) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(descriptor, &buffer, buffer.count, 0, $0, &length)
            }
        }
        return count > 0 ? (Array(buffer[0..<count]), UInt16(bigEndian: from.sin_port)) : nil
    }

    /// So many packets, or a failed test.
    func receive(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) throws -> [Packet] {
        try (0..<count).map { index in
            try #require(receive(), "packet \(index + 1) of \(count) did not come", sourceLocation: sourceLocation)
        }
    }

    /// Throws away what has come so far.
    func drain() {
        while receive(within: 0) != nil {}
    }
}

/// What a phone says: packets of 20 ms.
struct Voice {
    var payloadType: UInt8 = 8
    var ssrc: UInt32 = 0xabcd
    var sequence: UInt16 = 65533
    var timestamp: UInt32 = 0xffff_ff00
    var first = true

    mutating func next(payload: [UInt8] = [UInt8](repeating: 0x55, count: 160)) -> Packet {
        defer {
            sequence &+= 1
            timestamp &+= 160
            first = false
        }
        return Packet(
            payloadType: payloadType, marker: first, sequence: sequence, timestamp: timestamp, ssrc: ssrc,
            payload: payload)
    }
}

/// A phone whose RTP the test sends and receives packet by packet: it has called the shim and been answered.
final class Party {
    let peer: Peer
    let rtp: RTPSocket
    let leg: tel_leg_id
    private let answer: Message
    private var sequence = 1

    /// `connection`: the address that its SDP names.
    init(
        _ shim: Shim, formats: String = "8 101", attributes: [String]? = nil, connection: String = "127.0.0.1"
    ) throws {
        peer = try Peer(shimPort: shim.port)
        rtp = try RTPSocket()
        peer.request("INVITE", content: Party.sdp(rtp.port, formats, attributes, connection))
        leg = try shim.expect(TEL_EVENT_INCOMING).leg
        #expect(tel_answer(leg, 0) == TEL_OK)
        answer = try peer.response("INVITE", status: 200)
        peer.request("ACK", to: answer)
        try shim.expect(TEL_EVENT_ANSWERED, leg: leg)
    }

    private static func sdp(
        _ port: UInt16, _ formats: String, _ attributes: [String]?, _ connection: String = "127.0.0.1"
    ) -> String {
        let usual = ["rtpmap:8 PCMA/8000", "rtpmap:101 telephone-event/8000"]
        return Peer.sdp(port: Int(port), formats: formats, connection: connection, attributes: attributes ?? usual)
    }

    /// Offers other formats in a re-INVITE, or from now on another socket.
    func offer(formats: String = "8 101", attributes: [String]? = nil, at socket: RTPSocket? = nil) throws {
        sequence += 1
        let sdp = Party.sdp((socket ?? rtp).port, formats, attributes)
        peer.request("INVITE", cseq: sequence, to: answer, content: sdp)
        let ok = try peer.response("INVITE", status: 200)
        peer.request("ACK", cseq: sequence, to: ok)
    }

    /// What the shim's answer says in its SDP.
    var answered: [String] { answer.sdp("a") }

    /// Where the shim takes this party's RTP.
    var shimPort: UInt16 { UInt16(answer.sdp("m")[0].split(separator: " ")[1])! }

    func send(_ packet: Packet) { rtp.send(packet.bytes, to: shimPort) }

    /// The leg's media figures.
    var stats: tel_leg_stats {
        var stats = tel_leg_stats()
        tel_get_leg_stats(leg, &stats)
        return stats
    }
}

/// Changes routes and waits until the media thread has done so.
func route(_ shim: Shim, _ changes: [(leg: tel_leg_id, source: tel_source, from: tel_leg_id)], token: UInt64) throws {
    let list = changes.map { change in
        var result = tel_route_change()
        (result.leg, result.source, result.from) = change
        return result
    }
    #expect(tel_route(list, list.count, token) == TEL_OK)
    let routed = recorder.next(within: 1) { $0.kind == TEL_EVENT_ROUTED && $0.token == token }
    try #require(routed != nil, "no ROUTED with token \(token)")
}

/// Whether `condition` becomes true within a time.
func becomes(within seconds: Double = 1, _ condition: () -> Bool) -> Bool {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while !condition() {
        if Date() > deadline { return false }
        usleep(2000)
    }
    return true
}
