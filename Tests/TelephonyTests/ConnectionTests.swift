import CTelephony
import Foundation
import Testing

/// The client's end of a TCP connection.
private final class Connection {
    private let descriptor: Int32

    init(to port: UInt16, from address: String) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var own = sockaddr_in()
        own.sin_family = sa_family_t(AF_INET)
        own.sin_addr.s_addr = inet_addr(address)
        var other = own
        other.sin_addr.s_addr = inet_addr("127.0.0.1")
        other.sin_port = port.bigEndian
        let connected =
            Self.call(&own) { bind(descriptor, $0, $1) } == 0
            && Self.call(&other) { connect(descriptor, $0, $1) } == 0
        try #require(connected, "\(String(cString: strerror(errno)))")
    }

    deinit { close(descriptor) }

    private static func call(
        _ address: inout sockaddr_in, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }

    func send(_ text: String) { _ = Glibc.send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL)) }

    /// What comes next; empty: the other end has closed; nil: nothing within `seconds`.
    func receive(within seconds: Double) -> String? {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, Int32(seconds * 1000)) == 1 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }

    func sendOptions(_ number: Int) {
        let lines = [
            "OPTIONS sip:127.0.0.1 SIP/2.0", "Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKtcp\(number)",
            "Max-Forwards: 70", "From: <sip:a@127.0.0.1>;tag=1", "To: <sip:127.0.0.1>", "Call-ID: tcp\(number)",
            "CSeq: 1 OPTIONS", "Content-Length: 0", "", "",
        ]
        send(lines.joined(separator: "\r\n"))
    }
}

extension TelephonyTests {
    /// Connections that peers open.
    @Suite struct Connections {
        private var settings: Settings {
            var settings = Settings()
            settings.listen = ["tcp:127.0.0.1:0"]
            settings.trusted = ["127.0.0.1/32"]
            return settings
        }

        @Test func `a connection that brings no whole message is closed`() throws {
            try Shim.run(settings) { shim in
                let silent = try Connection(to: shim.port, from: "127.0.0.2")
                let halting = try Connection(to: shim.port, from: "127.0.0.2")
                let honest = try Connection(to: shim.port, from: "127.0.0.2")
                halting.send("OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0")
                honest.sendOptions(1)
                #expect(honest.receive(within: 2)?.hasPrefix("SIP/2.0 200") == true)
                #expect(silent.receive(within: 8) == "")
                #expect(halting.receive(within: 2) == "")
                #expect(honest.receive(within: 0.2) == nil)
                honest.sendOptions(2)
                #expect(honest.receive(within: 2)?.hasPrefix("SIP/2.0 200") == true)
            }
        }

        @Test func `strangers cannot take all connections`() throws {
            try Shim.run(settings) { shim in
                let first = try Connection(to: shim.port, from: "127.0.0.1")
                var strangers: [Connection] = []
                for round in 1...35 {
                    strangers += try (0..<52).map { _ in try Connection(to: shim.port, from: "127.0.0.2") }
                    // They are accepted as fast as they come. 1792 of them may stay.
                    first.sendOptions(round)
                    #expect(first.receive(within: 3)?.hasPrefix("SIP/2.0 200") == true)
                }
                #expect(strangers[1819].receive(within: 3) == "")
                #expect(strangers[1700].receive(within: 0) == nil)
                let second = try Connection(to: shim.port, from: "127.0.0.1")
                second.sendOptions(100)
                #expect(second.receive(within: 3)?.hasPrefix("SIP/2.0 200") == true)
            }
        }
    }
}
