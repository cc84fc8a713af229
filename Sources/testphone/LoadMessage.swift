import Glibc

/// A piece of a received datagram; it lives as long as the datagram is being handled.
typealias LoadText = UnsafeBufferPointer<UInt8>

extension UnsafeBufferPointer<UInt8> {
    func part(_ range: Range<Int>) -> LoadText { LoadText(rebasing: self[range]) }

    /// Where `text` begins, at or after `start`.
    func find(_ text: StaticString, from start: Int = 0) -> Int? {
        guard let base = baseAddress else { return nil }
        let last = count - text.utf8CodeUnitCount
        var index = start
        while index <= last, let hit = memchr(base + index, Int32(text.utf8Start[0]), last - index + 1) {
            index = UnsafeRawPointer(base).distance(to: UnsafeRawPointer(hit))
            if memcmp(base + index, text.utf8Start, text.utf8CodeUnitCount) == 0 { return index }
            index += 1
        }
        return nil
    }

    func starts(with text: StaticString) -> Bool {
        count >= text.utf8CodeUnitCount && memcmp(baseAddress!, text.utf8Start, text.utf8CodeUnitCount) == 0
    }

    func equals(_ text: StaticString) -> Bool { count == text.utf8CodeUnitCount && starts(with: text) }

    /// The decimal number at `start`; null where there is none.
    func number(at start: Int = 0) -> Int? {
        var index = start
        var value = 0
        while index < count, self[index] &- 48 < 10, value < 1 << 40 {
            value = value * 10 + Int(self[index] - 48)
            index += 1
        }
        return index > start ? value : nil
    }

    var string: String { String(decoding: self, as: UTF8.self) }
}

/// A SIP message as it came, taken apart as far as a load needs it.
struct LoadMessage {
    /// Null in a response.
    var method: LoadText?
    /// 0 in a request.
    var status = 0
    /// The first Via's value; of more than one, all values with the lines between them.
    var via: LoadText?
    var from: LoadText?
    var to: LoadText?
    var callID: LoadText?
    var cseq = 0
    var cseqMethod: LoadText?
    /// The Contact's URI.
    var contact: LoadText?
    var body = LoadText(start: nil, count: 0)
    let whole: LoadText

    /// Null for what is no SIP.
    init?(_ datagram: LoadText) {
        whole = datagram
        guard let headers = datagram.find("\r\n\r\n"), let firstEnd = datagram.find("\r\n") else { return nil }
        body = datagram.part(headers + 4..<datagram.count)
        let first = datagram.part(0..<firstEnd)
        if first.starts(with: "SIP/2.0 ") {
            guard let code = first.number(at: 8) else { return nil }
            status = code
        } else {
            guard let space = first.firstIndex(of: 32) else { return nil }
            method = first.part(0..<space)
        }
        var start = firstEnd + 2
        while start < headers {
            let end = datagram.find("\r\n", from: start) ?? headers
            take(datagram.part(start..<end))
            start = end + 2
        }
        guard callID != nil, from != nil, to != nil, via != nil, cseqMethod != nil else { return nil }
    }

    private mutating func take(_ line: LoadText) {
        guard let colon = line.firstIndex(of: 58) else { return }
        var begin = colon + 1
        while begin < line.count, line[begin] == 32 { begin += 1 }
        let name = line.part(0..<colon)
        let value = line.part(begin..<line.count)
        switch name.count {
        case 1:
            switch name[0] | 32 {
            case 0x76: takeVia(value)
            case 0x66: from = value
            case 0x74: to = value
            case 0x69: callID = value
            case 0x6d: takeContact(value)
            default: break
            }
        case 2 where name.equals("To"): to = value
        case 3 where name.equals("Via"): takeVia(value)
        case 4 where name.equals("From"): from = value
        case 4 where name.equals("CSeq"):
            cseq = value.number() ?? 0
            if let space = value.lastIndex(of: 32) { cseqMethod = value.part(space + 1..<value.count) }
        case 7 where name.equals("Call-ID"): callID = value
        case 7 where name.equals("Contact"): takeContact(value)
        default: break
        }
    }

    private mutating func takeVia(_ value: LoadText) {
        guard let first = via else {
            via = value
            return
        }
        let start = first.baseAddress!
        via = LoadText(start: start, count: value.baseAddress! + value.count - start)
    }

    private mutating func takeContact(_ value: LoadText) {
        if let open = value.firstIndex(of: 60), let close = value.firstIndex(of: 62), open < close {
            contact = value.part(open + 1..<close)
        } else {
            contact = value
        }
    }

    /// The number after `tag` in a tag of ours in a From or To value (`;tag=l12`).
    static func legNumber(_ value: LoadText?) -> Int? {
        guard let value, let at = value.find(";tag=l") else { return nil }
        return value.number(at: at + 6)
    }
}

/// The audio line of an SDP body.
struct LoadDescription {
    var port: UInt16 = 0
    var hasAlaw = false
    /// The payload number of telephone-event at 8 kHz; 0: none.
    var event: UInt8 = 0
    /// What the peer wants of us, as the attribute that answers it.
    var answer: StaticString = "sendrecv"
    var peerReceives = true

    init?(_ body: LoadText) {
        guard let media = body.find("m=audio "), let port = body.number(at: media + 8) else { return nil }
        self.port = UInt16(truncatingIfNeeded: port)
        let end = body.find("\r\n", from: media) ?? body.count
        hasAlaw = body.part(media..<end).find(" 8") != nil
        if let name = body.find(" telephone-event/8000") {
            var start = name
            while start > 0, body[start - 1] != 58 { start -= 1 }
            event = UInt8(truncatingIfNeeded: body.number(at: start) ?? 0)
        }
        if body.find("a=sendonly") != nil {
            answer = "recvonly"
            peerReceives = false
        } else if body.find("a=inactive") != nil {
            answer = "inactive"
            peerReceives = false
        } else if body.find("a=recvonly") != nil {
            answer = "sendonly"
        }
    }
}

/// Bytes of a message being written.
struct LoadWriter {
    private(set) var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(1400) }

    mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    mutating func add(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func add(_ text: LoadText) { bytes.append(contentsOf: text) }

    mutating func add(_ text: [UInt8]) { bytes.append(contentsOf: text) }

    mutating func add(_ number: Int) {
        guard number >= 10 else {
            bytes.append(UInt8(48 + number))
            return
        }
        add(number / 10)
        bytes.append(UInt8(48 + number % 10))
    }
}
