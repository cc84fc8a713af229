/// The parts of a `sip:` or `sips:` URI that deciding needs (RFC 3261 §19.1.1). Nothing else is accepted.
struct SIPAddress: Hashable, Sendable {
    /// `sip` or `sips`.
    let scheme: String
    /// As written, escapes included; null where there is none.
    let user: String?
    /// Lower-case, with the brackets of an IPv6 address.
    let host: String
    let port: String?
    /// As written, without the first semicolon.
    let parameters: String?
    /// Whether `?name=value` follows.
    let hasHeaders: Bool

    /// A URI longer than this names nobody.
    static let longest = 512

    /// Null for anything that is no SIP URI: another scheme, no host, spaces, quotes, control characters.
    init?(_ text: String) {
        guard text.utf8.count <= Self.longest, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !text.contains(where: { "<>\"\\^`{}|".contains($0) }), let colon = text.firstIndex(of: ":")
        else { return nil }
        let scheme = text[..<colon].lowercased()
        guard scheme == "sip" || scheme == "sips" else { return nil }
        self.scheme = scheme

        var rest = text[text.index(after: colon)...]
        if let at = rest.firstIndex(of: "@") {
            user = String(rest[..<at])
            rest = rest[rest.index(after: at)...]
        } else {
            user = nil
        }
        if let mark = rest.firstIndex(of: "?") {
            hasHeaders = true
            rest = rest[..<mark]
        } else {
            hasHeaders = false
        }
        if let semicolon = rest.firstIndex(of: ";") {
            parameters = String(rest[rest.index(after: semicolon)...])
            rest = rest[..<semicolon]
        } else {
            parameters = nil
        }

        let hostEnd: Substring.Index
        if rest.first == "[" {
            guard let bracket = rest.firstIndex(of: "]") else { return nil }
            hostEnd = rest.index(after: bracket)
        } else {
            hostEnd = rest.firstIndex(of: ":") ?? rest.endIndex
        }
        let host = rest[..<hostEnd]
        let allowed = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:[]"
        guard !host.isEmpty, host != "[]", host.allSatisfy({ allowed.contains($0) }), user != "" else { return nil }
        self.host = host.lowercased()
        if hostEnd == rest.endIndex {
            port = nil
        } else {
            let digits = rest[rest.index(after: hostEnd)...]
            guard rest[hostEnd] == ":", !digits.isEmpty, digits.count <= 5, digits.allSatisfy({ $0.isASCIIDigit })
            else { return nil }
            port = String(digits)
        }
    }

    /// The user part with its escapes decoded; null when there is none, or when what they hide is no text.
    var decodedUser: String? {
        guard let user else { return nil }
        return Self.decode(user)
    }

    /// The form that `transfer.allow` is matched against: escapes decoded, host lower-case, no parameters. Null where
    /// that form could be read in two ways: headers, a hidden `@`, a hidden control character.
    var canonical: String? {
        guard !hasHeaders else { return nil }
        var text = scheme + ":"
        if user != nil {
            guard let decoded = decodedUser, !decoded.contains("@"),
                decoded.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
            else { return nil }
            text += decoded + "@"
        }
        text += host
        if let port { text += ":" + port }
        return text
    }

    /// What may be dialled of an address that a user or a redirect gave: `maddr`, `ttl`, `method` and the like could
    /// lead elsewhere than the canonical form says, so that only the transport is kept.
    var dialable: String {
        parameter("transport").map { plain + ";transport=" + $0 } ?? plain
    }

    /// Without parameters and headers: what a From shows.
    var plain: String {
        var text = scheme + ":"
        if let user { text += user + "@" }
        text += host
        if let port { text += ":" + port }
        return text
    }

    private func parameter(_ name: String) -> String? {
        guard let parameters else { return nil }
        for part in parameters.split(separator: ";") {
            guard let equals = part.firstIndex(of: "=") else { continue }
            if part[..<equals].lowercased() == name {
                let value = part[part.index(after: equals)...].lowercased()
                return ["udp", "tcp", "tls"].contains(value) ? value : nil
            }
        }
        return nil
    }

    /// Percent-decodes; null for a broken escape or bytes that are no UTF-8.
    static func decode(_ text: String) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        var bytes: [UInt8] = []
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(hexValue), let low = rest.next().flatMap(hexValue) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension Character {
    var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
