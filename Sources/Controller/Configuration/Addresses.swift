import Glibc

/// An IPv4 or IPv6 address, written as the system writes it.
public struct IPAddress: Hashable, Sendable {
    public let text: String
    public let isV6: Bool

    /// Null for anything but a literal address.
    public init?(_ text: String) {
        var v4 = in_addr()
        var v6 = in6_addr()
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        if inet_pton(AF_INET, text, &v4) == 1 {
            isV6 = false
            inet_ntop(AF_INET, &v4, &buffer, socklen_t(buffer.count))
        } else if inet_pton(AF_INET6, text, &v6) == 1 {
            isV6 = true
            inet_ntop(AF_INET6, &v6, &buffer, socklen_t(buffer.count))
        } else {
            return nil
        }
        self.text = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// As a URI's host part.
    public var host: String { isV6 ? "[\(text)]" : text }
    /// 0.0.0.0 or ::
    public var isWildcard: Bool { text == "0.0.0.0" || text == "::" }

    /// Whether sockets bound to both could not have the same port.
    func overlaps(_ other: IPAddress) -> Bool {
        // A socket of :: takes IPv4 as well.
        self == other || text == "::" || other.text == "::" || isV6 == other.isV6 && (isWildcard || other.isWildcard)
    }

    /// `127.0.0.0/8`, or an address alone; null for anything else, and for bits beyond the prefix's length.
    static func network(_ text: String) -> String? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = IPAddress(String(parts[0])) else { return nil }
        let bits = address.isV6 ? 128 : 32
        guard parts.count == 2 else { return "\(address.text)/\(bits)" }
        guard let length = Int(parts[1]), (0...bits).contains(length), parts[1].allSatisfy(\.isNumber) else {
            return nil
        }
        return "\(address.text)/\(length)"
    }
}

/// An entry of `sip.listen`: `udp:127.0.0.1:5070`, `tcp:[::1]:5070`.
public struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    public enum Transport: String, Hashable, Sendable, CaseIterable { case udp, tcp, tls }

    public var transport: Transport
    public var address: IPAddress
    /// 0: the system picks one.
    public var port: Int

    public init(transport: Transport, address: IPAddress, port: Int) {
        self.transport = transport
        self.address = address
        self.port = port
    }

    public var description: String { "\(transport):\(address.host):\(port)" }

    enum SyntaxError: Error, CustomStringConvertible {
        case shape, transport(String), address(String), port(String)

        var description: String {
            switch self {
            case .shape: "must be TRANSPORT:ADDRESS:PORT, such as udp:127.0.0.1:5070 or tcp:[::1]:5070"
            case .transport(let text): "\"\(text)\" is no transport: udp, tcp or tls"
            case .address(let text): "\"\(text)\" is no IP address"
            case .port(let text): "\"\(text)\" is no port from 0 to 65535"
            }
        }
    }

    init(parsing text: String) throws(SyntaxError) {
        guard let colon = text.firstIndex(of: ":"), let last = text.lastIndex(of: ":"), colon < last else {
            throw .shape
        }
        guard let transport = Transport(rawValue: String(text[..<colon])) else {
            throw .transport(String(text[..<colon]))
        }
        var host = text[text.index(after: colon)..<last]
        let bracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if bracketed { host = host.dropFirst().dropLast() }
        guard let address = IPAddress(String(host)), address.isV6 == bracketed else { throw .address(String(host)) }
        let digits = text[text.index(after: last)...]
        guard let port = UInt16(digits), digits.allSatisfy(\.isNumber) else { throw .port(String(digits)) }
        self.init(transport: transport, address: address, port: Int(port))
    }
}

/// The few parts of a SIP URI that a configuration is checked for (RFC 3261 §19.1). PJSIP parses it again when it is
/// used; what passes here and not there would fail in mid-call.
struct SIPAddress: Hashable, Sendable {
    var scheme: String
    var user: String
    var host: String
    var port: Int?

    enum SyntaxError: Error, CustomStringConvertible {
        case scheme, user, host, port, headers, characters

        var description: String {
            switch self {
            case .scheme: "is no SIP URI: it must begin with sip: or sips:"
            case .user: "has an empty user part"
            case .host: "has no valid host"
            case .port: "has no valid port"
            case .headers: "must not carry headers (the part after ‘?’)"
            case .characters: "holds a character that a URI cannot have"
            }
        }
    }

    /// `sip` or `sips`; null for another.
    static func scheme(of text: String) -> String? {
        let lowercased = text.lowercased()
        return ["sip", "sips"].first { lowercased.hasPrefix($0 + ":") }
    }

    init(parsing text: String) throws(SyntaxError) {
        guard let scheme = Self.scheme(of: text) else { throw .scheme }
        self.scheme = scheme
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !#"<>"{}\^`|"#.utf8.contains($0) }) else {
            throw .characters
        }
        var rest = text.dropFirst(scheme.utf8.count + 1)
        user = ""
        if let at = rest.lastIndex(of: "@") {
            user = String(rest[..<at].prefix { $0 != ":" })
            guard !user.isEmpty else { throw .user }
            rest = rest[rest.index(after: at)...]
        }
        guard !rest.contains("?") else { throw .headers }
        let hostPort = rest.prefix { $0 != ";" }
        let portText: Substring?
        if hostPort.hasPrefix("[") {
            guard let end = hostPort.firstIndex(of: "]"),
                let address = IPAddress(String(hostPort[hostPort.index(after: hostPort.startIndex)..<end])),
                address.isV6
            else { throw .host }
            host = address.host
            let after = hostPort[hostPort.index(after: end)...]
            guard after.isEmpty || after.hasPrefix(":") else { throw .host }
            portText = after.isEmpty ? nil : after.dropFirst()
        } else {
            let parts = hostPort.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            host = parts[0].lowercased()
            let labels = host.split(separator: ".", omittingEmptySubsequences: false)
            let plain = labels.allSatisfy { label in
                !label.isEmpty
                    && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
            }
            guard plain else { throw .host }
            portText = parts.count == 2 ? parts[1] : nil
        }
        guard let portText else { return }
        guard let port = UInt16(portText), port > 0 else { throw .port }
        self.port = Int(port)
    }
}
