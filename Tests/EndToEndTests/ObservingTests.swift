import Foundation
import Testing

/// What an engineer sees of a running controller.
@Suite struct ObservingTests {
    /// One message of a capture.
    private struct Captured {
        var from: UInt16
        var to: UInt16
        var text: String
    }

    /// Reads a capture of link type RAW with UDP over IPv4 in it.
    private static func read(_ file: URL) throws -> [Captured] {
        let bytes = [UInt8](try Data(contentsOf: file))
        let little = { (at: Int) in (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) } }
        let big = { (at: Int) in UInt16(bytes[at]) << 8 | UInt16(bytes[at + 1]) }
        #expect(little(0) == 0xA1B2_C3D4)
        #expect(little(20) == 101)
        var messages: [Captured] = []
        var at = 24
        while at + 16 <= bytes.count {
            let length = little(at + 8)
            let packet = at + 16
            #expect(bytes[packet] == 0x45)
            #expect(Int(big(packet + 2)) == length)
            // RFC 1071: the sum over a right header, its checksum included, is all ones.
            var sum = stride(from: packet, to: packet + 20, by: 2).reduce(0) { $0 + Int(big($1)) }
            while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
            #expect(sum == 0xFFFF)
            #expect(Int(big(packet + 24)) == length - 20)
            messages.append(
                Captured(
                    from: big(packet + 20), to: big(packet + 22),
                    text: String(decoding: bytes[(packet + 28)..<(packet + length)], as: UTF8.self)))
            at = packet + length
        }
        #expect(at == bytes.count)
        return messages
    }

    @Test func aCallCanBeFollowedInACaptureAndOnStderr() async throws {
        let capture = FileManager.default.temporaryDirectory.appending(path: "warmline-\(UUID().uuidString).pcap")
        defer { try? FileManager.default.removeItem(at: capture) }
        try await Scene.run(serve: [
            "--trace-sip", capture.path(percentEncoded: false), "--log-level", "debug",
        ]) { scene in
            let (caller, anna) = try await scene.conversation()
            anna.send("digits 83")
            caller.send("hangup")
            let call = try #require(try await scene.log.has("call.ended").call)
            try await wait(for: "the end of the call on stderr") {
                scene.warmline.lines.contains { $0.error && $0.text.contains("\(call) call.ended ended_by=caller") }
            }
            let said = scene.warmline.lines.filter(\.error).map(\.text)
            let ofCall = said.filter { $0.contains(" \(call) ") }
            #expect(ofCall.contains { $0.contains("< INVITE sip:7000@") })
            #expect(ofCall.contains { $0.contains("> INVITE sip:1001@") && $0.contains("leg 2") })
            #expect(ofCall.contains { $0.contains("leg 1 > 200") })
            #expect(ofCall.contains { $0.contains("leg 1 hears leg 2") })
            #expect(ofCall.contains { $0.contains("leg 1 ended by bye") })
            #expect(ofCall.contains { $0.contains("call.answered agent=anna") })
        }
        let permissions = try FileManager.default.attributesOfItem(atPath: capture.path(percentEncoded: false))
        #expect(permissions[.posixPermissions] as? Int == 0o600)
        let messages = try Self.read(capture)
        #expect(
            messages.contains {
                $0.from == UInt16(Scene.Port.caller) && $0.to == UInt16(Scene.Port.warmline)
                    && $0.text.hasPrefix("INVITE sip:7000@")
            })
        #expect(
            messages.contains {
                $0.from == UInt16(Scene.Port.warmline) && $0.to == UInt16(Scene.Port.anna)
                    && $0.text.hasPrefix("INVITE sip:1001@")
            })
        #expect(messages.contains { $0.text.hasPrefix("BYE ") && $0.from == UInt16(Scene.Port.caller) })
        #expect(messages.filter { $0.text.hasPrefix("SIP/2.0 200") }.count >= 4)
    }
}
