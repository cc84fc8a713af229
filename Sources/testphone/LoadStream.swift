import Glibc

/// What one leg sends by RTP: G.711 A-law whose first bytes say who speaks, and RFC 4733 events.
final class LoadStream {
    /// Who speaks in a packet of a load; what carries no mark is music or a tone of the server's.
    struct Mark: Equatable {
        var role: LoadLeg.Role
        var call: Int

        /// Reads the mark of a received packet.
        init?(_ packet: LoadText) {
            guard packet.count >= 20, packet[12] == 0xA5, packet[13] == 0x3C, packet[14] == 0x99 else { return nil }
            guard let role = LoadLeg.Role(rawValue: Int(packet[15])) else { return nil }
            self.role = role
            call = (16..<20).reduce(0) { $0 << 8 | Int(packet[$1]) }
        }
    }

    private static let header = 12
    private static let samples = 160
    /// Volume −10 dBm0 in an event packet.
    private static let volume: UInt8 = 10

    private let name = UnsafeMutablePointer<sockaddr_in>.allocate(capacity: 1)
    private let vector = UnsafeMutablePointer<iovec>.allocate(capacity: 1)
    private let voice = UnsafeMutablePointer<UInt8>.allocate(capacity: header + samples)
    /// An event packet and the two repetitions of its end.
    private let events = UnsafeMutablePointer<UInt8>.allocate(capacity: 3 * (header + 4))
    private let eventVectors = UnsafeMutablePointer<iovec>.allocate(capacity: 3)

    private var sequence: UInt16
    private var timestamp: UInt32
    private var first = true
    var eventPayload: UInt8 = 0

    private var digits: [UInt8] = []
    private var digitStart: UInt32 = 0
    /// Samples of the digit sent so far; null between digits.
    private var digitSent: UInt32?
    private var digitLength: UInt32 = 0
    private var digitPause: UInt32 = 0
    var digitsDone: Bool { digits.isEmpty && digitSent == nil }

    init(mark role: LoadLeg.Role, call: Int, ssrc: UInt32, to address: in_addr, port: UInt16) {
        sequence = UInt16(truncatingIfNeeded: ssrc &* 40503)
        timestamp = ssrc &* 2_654_435_761
        name.initialize(to: LoadSocket.name(address, port))
        voice.initialize(repeating: 0xD5, count: Self.header + Self.samples)
        events.initialize(repeating: 0, count: 3 * (Self.header + 4))
        voice[0] = 0x80
        voice[1] = 8
        for index in 0..<4 {
            let byte = UInt8(truncatingIfNeeded: ssrc >> (24 - 8 * UInt32(index)))
            voice[8 + index] = byte
            for copy in 0..<3 { events[copy * 16 + 8 + index] = byte }
            voice[16 + index] = UInt8(truncatingIfNeeded: call >> (24 - 8 * index))
        }
        (voice[12], voice[13], voice[14], voice[15]) = (0xA5, 0x3C, 0x99, UInt8(role.rawValue))
        vector.initialize(to: iovec(iov_base: voice, iov_len: Self.header + Self.samples))
        for copy in 0..<3 {
            (eventVectors + copy).initialize(to: iovec(iov_base: events + copy * 16, iov_len: 16))
        }
    }

    deinit {
        name.deallocate()
        vector.deallocate()
        voice.deallocate()
        events.deallocate()
        eventVectors.deallocate()
    }

    func aim(at address: in_addr, port: UInt16) { name.pointee = LoadSocket.name(address, port) }

    /// Has digits sent from the next packet on; lengths in milliseconds.
    func dial(_ text: String, length: Int, pause: Int) {
        digits = text.utf8.compactMap { byte in
            switch byte {
            case 48...57: byte - 48
            case 42: 10
            case 35: 11
            default: nil
            }
        }
        digitLength = UInt32(length * 8)
        digitPause = UInt32(pause * 8)
        digitStart = timestamp
    }

    /// Writes the packets of the next 20 ms behind `entries`, three at most; how many.
    func next(_ entries: UnsafeMutablePointer<LoadBatchEntry>) -> Int {
        defer { timestamp &+= UInt32(Self.samples) }
        if let sent = digitSent { return event(entries, sent: sent) }
        if let digit = digits.first, Int32(bitPattern: timestamp &- digitStart) >= 0 {
            digits.removeFirst()
            digitStart = timestamp
            for copy in 0..<3 { events[copy * 16 + 12] = digit }
            return event(entries, sent: 0)
        }
        stamp(voice, timestamp)
        voice[1] = first ? 0x88 : 8
        first = false
        entries[0] = entry(vector)
        return 1
    }

    /// RFC 4733 §2.5: the event's timestamp is its beginning, the duration grows, the end is sent three times.
    private func event(_ entries: UnsafeMutablePointer<LoadBatchEntry>, sent: UInt32) -> Int {
        let duration = min(sent + UInt32(Self.samples), digitLength)
        let last = duration >= digitLength
        let count = last ? 3 : 1
        for copy in 0..<count {
            let packet = events + copy * 16
            packet[0] = 0x80
            packet[1] = eventPayload | (sent == 0 && copy == 0 ? 0x80 : 0)
            stamp(packet, digitStart)
            packet[13] = Self.volume | (last ? 0x80 : 0)
            packet[14] = UInt8(truncatingIfNeeded: duration >> 8)
            packet[15] = UInt8(truncatingIfNeeded: duration)
            entries[copy] = entry(eventVectors + copy)
        }
        digitSent = last ? nil : duration
        if last { digitStart = digitStart &+ digitLength &+ digitPause }
        return count
    }

    private func stamp(_ packet: UnsafeMutablePointer<UInt8>, _ time: UInt32) {
        packet[2] = UInt8(truncatingIfNeeded: sequence >> 8)
        packet[3] = UInt8(truncatingIfNeeded: sequence)
        for index in 0..<4 { packet[4 + index] = UInt8(truncatingIfNeeded: time >> (24 - 8 * UInt32(index))) }
        sequence &+= 1
    }

    private func entry(_ vector: UnsafeMutablePointer<iovec>) -> LoadBatchEntry {
        var entry = LoadBatchEntry()
        entry.header.msg_name = UnsafeMutableRawPointer(name)
        entry.header.msg_namelen = socklen_t(MemoryLayout<sockaddr_in>.size)
        entry.header.msg_iov = vector
        entry.header.msg_iovlen = 1
        return entry
    }
}
