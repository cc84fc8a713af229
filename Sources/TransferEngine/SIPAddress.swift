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

    private init(scheme: String, user: String?, host: String, port: String?, parameters: String?, hasHeaders: Bool) {
        self.scheme = scheme
        self.user = user
        self.host = host
        self.port = port
        self.parameters = parameters
        self.hasHeaders = hasHeaders
    }

    /// Null for anything that is no SIP URI: another scheme, no host, spaces, quotes, control characters.
    init?(_ text: String) {
        var text = text
        guard let address = text.withUTF8(Self.read) else { return nil }
        self = address
    }

    /// By bytes, since every arriving INVITE has several: walking Characters takes ten times as long.
    private static func read(_ text: UnsafeBufferPointer<UInt8>) -> SIPAddress? {
        guard text.count <= longest, text.allSatisfy(isAllowed), let colon = text.firstIndex(of: UInt8(ascii: ":"))
        else { return nil }
        let scheme = lowercased(text[..<colon])
        guard scheme == "sip" || scheme == "sips" else { return nil }

        var rest = text[(colon + 1)...]
        var user: String?
        if let at = rest.firstIndex(of: UInt8(ascii: "@")) {
            user = String(decoding: rest[..<at], as: UTF8.self)
            rest = rest[(at + 1)...]
        }
        var hasHeaders = false
        if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
            hasHeaders = true
            rest = rest[..<mark]
        }
        var parameters: String?
        if let semicolon = rest.firstIndex(of: UInt8(ascii: ";")) {
            parameters = String(decoding: rest[(semicolon + 1)...], as: UTF8.self)
            rest = rest[..<semicolon]
        }

        let hostEnd: Int
        if rest.first == UInt8(ascii: "[") {
            guard let bracket = rest.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            hostEnd = bracket + 1
        } else {
            hostEnd = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
        }
        let host = lowercased(rest[..<hostEnd])
        guard !host.isEmpty, host != "[]", rest[..<hostEnd].allSatisfy(isOfHost), user != "" else { return nil }
        var port: String?
        if hostEnd < rest.endIndex {
            let digits = rest[(hostEnd + 1)...]
            guard rest[hostEnd] == UInt8(ascii: ":"), !digits.isEmpty, digits.count <= 5, digits.allSatisfy(isDigit)
            else { return nil }
            port = String(decoding: digits, as: UTF8.self)
        }
        return SIPAddress(
            scheme: scheme, user: user, host: host, port: port, parameters: parameters, hasHeaders: hasHeaders)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "^"),
            UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "|"):
            false
        default: byte > 0x20 && byte < 0x7F
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    private static func isOfHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "["),
            UInt8(ascii: "]"):
            true
        default: isDigit(byte) || (byte | 0x20) &- UInt8(ascii: "a") < 26
        }
    }

    private static func lowercased(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> String {
        String(decoding: bytes.map { $0 &- UInt8(ascii: "A") < 26 ? $0 | 0x20 : $0 }, as: UTF8.self)
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
