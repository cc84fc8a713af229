import Glibc

/// A UDP socket that sends SIP as written, right or wrong, and reads what comes back.
final class RawSIP {
    let address: String
    let port: Int
    private let descriptor: Int32
    private var sequence = 0

    init(address: String, port: Int) throws {
        self.address = address
        self.port = port
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var name = RawSIP.name(address, port)
        let bound = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0 else { throw Failure("cannot bind \(address):\(port): \(String(cString: strerror(errno)))") }
    }

    deinit { close(descriptor) }

    func send(_ text: String, to address: String, port: Int) {
        var name = RawSIP.name(address, port)
        let bytes = Array(text.utf8)
        _ = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// The next datagram if there is one.
    func receive() -> String? {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    /// Sends a request and returns its final response, header and body; a final response over 299 is acknowledged.
    func ask(
        _ method: String, _ uri: String, at address: String, port: Int = Scene.Port.warmline, maxForwards: Int = 70,
        contentType: String = "application/sdp", body: String = "", headers: [String] = []
    ) async throws -> String {
        sequence += 1
        func request(_ method: String, _ to: String, _ body: String) -> String {
            var lines = [
                "\(method) \(uri) SIP/2.0",
                "Via: SIP/2.0/UDP \(self.address):\(self.port);branch=z9hG4bK-raw-\(self.port)-\(sequence)",
                "Max-Forwards: \(maxForwards)", "From: <sip:raw@\(self.address)>;tag=raw\(sequence)", to,
                "Call-ID: raw-\(sequence)@\(self.address)", "CSeq: \(sequence) \(method)",
                "Contact: <sip:raw@\(self.address):\(self.port)>",
            ]
            lines += headers
            if !body.isEmpty { lines.append("Content-Type: \(contentType)") }
            lines.append("Content-Length: \(body.utf8.count)")
            return lines.joined(separator: "\r\n") + "\r\n\r\n" + body
        }
        send(request(method, "To: <\(uri)>", body), to: address, port: port)
        let own = "Call-ID: raw-\(sequence)@"
        let final = try await wait(for: "a final response to \(method) \(uri)") {
            while let text = receive() {
                if text.hasPrefix("SIP/2.0 "), !text.hasPrefix("SIP/2.0 1"), text.contains(own) { return text }
            }
            return nil
        }
        if method == "INVITE" {
            let to = final.split(separator: "\r\n").first { $0.lowercased().hasPrefix("to:") } ?? ""
            send(request("ACK", String(to), ""), to: address, port: port)
        }
        return final
    }

    /// An audio offer with these payload types.
    func offer(_ payloadTypes: String = "8", _ attributes: String...) -> String {
        let lines =
            [
                "v=0", "o=raw 1 1 IN IP4 \(address)", "s=-", "c=IN IP4 \(address)", "t=0 0",
                "m=audio 40000 RTP/AVP \(payloadTypes)",
            ] + attributes
        return lines.map { $0 + "\r\n" }.joined()
    }

    private static func name(_ address: String, _ port: Int) -> sockaddr_in {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = in_port_t(port).bigEndian
        inet_pton(AF_INET, address, &name.sin_addr)
        return name
    }
}

/// The status code of a response.
func status(of response: String) -> Int {
    let words = response.split(separator: " ", maxSplits: 2)
    return words.count > 1 ? Int(words[1]) ?? 0 : 0
}
