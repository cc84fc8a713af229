import CTelephony
import Foundation
import Testing

/// A phone that speaks SRTP as far as its descriptions go: the test sees and sends packets as they are on the wire.
private final class SecureParty {
    let peer: Peer
    let rtp: RTPSocket
    let leg: tel_leg_id
    let answer: Message

    /// Calls the shim, naming `key` as the one it sends with.
    init(_ shim: Shim, suite: String, key: String, profile: String = "RTP/SAVP") throws {
        peer = try Peer(shimPort: shim.port)
        rtp = try RTPSocket()
        peer.request("INVITE", content: offer(rtp.port, ["7 \(suite) inline:\(key)"], profile))
        leg = try shim.expect(TEL_EVENT_INCOMING).leg
        #expect(tel_answer(leg, 0) == TEL_OK)
        answer = try peer.response("INVITE", status: 200)
        peer.request("ACK", to: answer)
        try shim.expect(TEL_EVENT_ANSWERED, leg: leg)
    }

    /// The key that the shim sends with.
    var key: String { String(crypto(answer)[0].split(separator: ":")[1]) }
    var shimPort: UInt16 { UInt16(answer.sdp("m")[0].split(separator: " ")[1])! }

    var stats: tel_leg_stats {
        var stats = tel_leg_stats()
        tel_get_leg_stats(leg, &stats)
        return stats
    }
}

private func offer(_ port: UInt16, _ crypto: [String], _ profile: String = "RTP/SAVP") -> String {
    Peer.sdp(
        port: Int(port), formats: "8", transport: profile,
        attributes: ["rtpmap:8 PCMA/8000"] + crypto.map { "crypto:\($0)" })
}

/// What follows `a=crypto:` in a message.
private func crypto(_ message: Message) -> [String] {
    message.sdp("a").filter { $0.hasPrefix("crypto:") }.map { String($0.dropFirst(7)) }
}

private func describedProfile(_ message: Message) -> String { String(message.sdp("m")[0].split(separator: " ")[2]) }

private let key30 = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
private let key44 = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVzWVNfX19zZW1jdGwgKCk="
private let sha80 = "AES_CM_128_HMAC_SHA1_80"

extension TelephonyTests {
    /// SRTP with keys in the session description (RFC 4568).
    @Suite struct Encryption {
        private func run(_ mode: tel_srtp, _ body: (Shim) throws -> Void) throws {
            var settings = Settings()
            settings.srtp = mode
            try Shim.run(settings, body)
        }

        @Test(arguments: [
            ("AEAD_AES_256_GCM", key44), ("AEAD_AES_128_GCM", String(key44.prefix(37)) + "g=="), (sha80, key30),
            ("AES_CM_128_HMAC_SHA1_32", key30),
        ])
        func `packets are sealed and opened; what was changed or seen before is dropped`(suite: String, key: String)
            throws
        {
            try run(TEL_SRTP_OPTIONAL) { shim in
                // What the shim sends to one is, with its key, what another might send.
                let sender = try SecureParty(shim, suite: suite, key: key)
                #expect(crypto(sender.answer).count == 1 && crypto(sender.answer)[0].hasPrefix("7 \(suite) inline:"))
                #expect(describedProfile(sender.answer) == "RTP/SAVP")
                tel_set_tone(1000)
                try route(shim, [(sender.leg, TEL_SOURCE_TONE, 0)], token: 1)
                let packets = try (0..<8).map { _ in try #require(sender.rtp.receiveBytes(within: 1)) }
                let tag = suite.hasSuffix("32") ? 4 : suite.hasSuffix("80") ? 10 : 16
                #expect(packets.allSatisfy { $0.count == 172 + tag })

                let receiver = try SecureParty(shim, suite: suite, key: sender.key)
                let plain = try Party(shim, formats: "8")
                try route(shim, [(plain.leg, TEL_SOURCE_LEG, receiver.leg)], token: 2)
                receiver.rtp.send(packets[0], to: receiver.shimPort)
                let opened = try plain.rtp.receive(1)[0]
                #expect(opened.payload.count == 160 && opened.payload != Array(packets[0][12..<172]))

                for position in [1, 3, 20, packets[1].count - 1] {
                    var changed = packets[1]
                    changed[position] ^= 1
                    receiver.rtp.send(changed, to: receiver.shimPort)
                }
                receiver.rtp.send(packets[0], to: receiver.shimPort)
                receiver.rtp.send(Voice().plain, to: receiver.shimPort)
                #expect(becomes { receiver.stats.packets_dropped == 6 })
                #expect(plain.rtp.receive(within: 0.05) == nil && receiver.stats.packets_received == 1)
                for packet in packets[1...] { receiver.rtp.send(packet, to: receiver.shimPort) }
                _ = try plain.rtp.receive(7)
            }
        }

        @Test func `both ends of a call hear one another, and their reports are sealed too`() throws {
            for mode in [TEL_SRTP_OPTIONAL, TEL_SRTP_REQUIRED] {
                try run(mode) { shim in
                    tel_set_tone(1000)
                    let (caller, called) = try shim.callItself()
                    for leg in [caller, called] { tel_listen(leg, true) }
                    try route(shim, [(caller, TEL_SOURCE_TONE, 0), (called, TEL_SOURCE_TONE, 0)], token: 1)
                    for leg in [caller, called] {
                        let heard = recorder.next(within: 2) {
                            $0.kind == TEL_EVENT_HEARD && $0.leg == leg && abs($0.hz - 1000) < 10
                        }
                        #expect(heard != nil)
                    }
                    // Digits go the same way.
                    #expect(tel_send_digits(caller, "5") == TEL_OK)
                    #expect(try shim.expect(TEL_EVENT_DIGIT, leg: called).digit == "5")
                }
            }
        }

        @Test func `reports are sealed, and reports in clear keep no leg alive`() throws {
            var settings = Settings()
            settings.srtp = TEL_SRTP_REQUIRED
            settings.rtpTimeoutMs = 1500
            try Shim.run(settings) { shim in
                let (peer, rtp, rtcp) = (try Peer(shimPort: shim.port), try RTPSocket(), try RTPSocket())
                let sdp = Peer.sdp(
                    port: Int(rtp.port), formats: "8", transport: "RTP/SAVP",
                    attributes: [
                        "rtpmap:8 PCMA/8000", "rtcp:\(rtcp.port)", "crypto:1 \(sha80) inline:\(key30)",
                    ])
                let (leg, ok) = try peer.call(shim, sdp: sdp)
                try route(shim, [(leg, TEL_SOURCE_TONE, 0)], token: 1)
                let shimPort = UInt16(ok.sdp("m")[0].split(separator: " ")[1])!
                // RFC 3550 §6.4.2: an empty receiver report.
                let report: [UInt8] = [0x80, 201, 0, 1, 0, 0, 0, 7]
                let begun = Date()
                var timedOut = false
                while !timedOut, Date().timeIntervalSince(begun) < 4 {
                    rtcp.send(report, to: shimPort + 1)
                    timedOut = recorder.next(within: 0.1) { $0.kind == TEL_EVENT_RTP_TIMEOUT && $0.leg == leg } != nil
                }
                #expect(timedOut)
                let sealed = try #require(rtcp.receiveBytes(within: 5.5))
                #expect(sealed[0] >> 6 == 2 && sealed[1] == 200)
                // RFC 3711 §3.4: what follows is encrypted, which the E bit says, and ends in index and tag.
                let words = Int(sealed[2]) << 8 | Int(sealed[3])
                #expect(sealed.count == (words + 1) * 4 + 20 + 14)
                #expect(sealed[sealed.count - 14] & 0x80 != 0)
                #expect(!sealed[(words + 1) * 4..<sealed.count - 14].starts(with: [0x81, 202]))
            }
        }

        @Test func `what is offered and answered follows the mode`() throws {
            for (mode, profile, count) in [
                (TEL_SRTP_OFF, "RTP/AVP", 0), (TEL_SRTP_OPTIONAL, "RTP/AVP", 3), (TEL_SRTP_REQUIRED, "RTP/SAVP", 3),
            ] {
                try run(mode) { shim in
                    let peer = try Peer(shimPort: shim.port)
                    _ = shim.invite("sip:1002@127.0.0.1:\(peer.port)")
                    let invite = try peer.expect("INVITE")
                    #expect(describedProfile(invite) == profile)
                    let suites = crypto(invite).map { String($0.split(separator: " ")[1]) }
                    let all = ["AEAD_AES_256_GCM", sha80, "AES_CM_128_HMAC_SHA1_32"]
                    #expect(suites == (count == 0 ? [] : all))
                    let keys = crypto(invite).map { $0.split(separator: ":")[1] }
                    #expect(Set(keys).count == count)
                }
            }
        }

        /// What an offer is answered with: status, and the suite chosen.
        private func answer(_ shim: Shim, _ sdp: String) throws -> (status: Int, message: Message) {
            let peer = try Peer(shimPort: shim.port)
            peer.request("INVITE", content: sdp)
            if let incoming = recorder.next(within: 0.3, where: { $0.kind == TEL_EVENT_INCOMING }) {
                tel_answer(incoming.leg, 0)
            }
            let message = try peer.response("INVITE")
            if message.status == 200 { peer.request("ACK", to: message) }
            return (message.status, message)
        }

        @Test func `offers without a key that we can use`() throws {
            let cases: [(mode: tel_srtp, sdp: String, status: Int)] = [
                (TEL_SRTP_REQUIRED, Peer.sdp(), 488),
                (TEL_SRTP_OPTIONAL, Peer.sdp(), 200),
                (TEL_SRTP_OFF, offer(4000, ["1 \(sha80) inline:\(key30)"]), 488),
                (TEL_SRTP_OFF, offer(4000, ["1 \(sha80) inline:\(key30)"], "RTP/AVP"), 200),
                (TEL_SRTP_OPTIONAL, offer(4000, []), 488),
                (TEL_SRTP_OPTIONAL, offer(4000, ["1 F8_128_HMAC_SHA1_80 inline:\(key30)"]), 488),
                (TEL_SRTP_OPTIONAL, offer(4000, ["1 \(sha80) inline:\(key30)|2^20|1:4"]), 488),
                (TEL_SRTP_OPTIONAL, offer(4000, ["1 \(sha80) inline:\(key30)|2^20"]), 200),
                (TEL_SRTP_OPTIONAL, offer(4000, ["1 \(sha80) inline:\(key30) UNENCRYPTED_SRTP"]), 488),
                (TEL_SRTP_OPTIONAL, offer(4000, ["1 \(sha80) inline:\(key30) -NEW=1 WSH=64"]), 200),
                (TEL_SRTP_OPTIONAL, offer(4000, ["1 \(sha80) inline:AAAA"]), 488),
                (TEL_SRTP_OPTIONAL, offer(4000, ["1 \(sha80) inline:\(key30)"], "UDP/TLS/RTP/SAVP"), 488),
                (TEL_SRTP_OPTIONAL, offer(4000, ["\(sha80)", "1", "x \(sha80) inline:\(key30)", "1 \(sha80)"]), 488),
            ]
            for (mode, sdp, status) in cases {
                try run(mode) { shim in
                    let found = try answer(shim, sdp)
                    #expect(found.status == status, "\(sdp)")
                    let plain = mode == TEL_SRTP_OFF || !sdp.contains("crypto")
                    if status == 200 { #expect(crypto(found.message).isEmpty == plain, "\(sdp)") }
                }
            }
        }

        @Test func `the strongest suite is chosen, and the encrypted line before the plain one`() throws {
            try run(TEL_SRTP_OPTIONAL) { shim in
                let several = [
                    "1 AES_CM_128_HMAC_SHA1_32 inline:\(key30)", "2 \(sha80) inline:\(key30)",
                    "3 AEAD_AES_256_GCM inline:\(key44)",
                ]
                let best = try answer(shim, offer(4000, several)).message
                #expect(crypto(best)[0].hasPrefix("3 AEAD_AES_256_GCM inline:"))
                let both =
                    Peer.sdp(port: 4000, formats: "8", attributes: ["rtpmap:8 PCMA/8000"])
                    + "m=audio 4002 RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\na=crypto:1 \(sha80) inline:\(key30)\r\n"
                let chosen = try answer(shim, both).message
                #expect(chosen.sdp("m").map { $0.split(separator: " ")[1] == "0" } == [true, false])
                #expect(crypto(chosen).count == 1)
            }
        }

        @Test func `an answer without a key is plain where it may be, and no call where it may not`() throws {
            try run(TEL_SRTP_OPTIONAL) { shim in
                let (leg, _) = try Peer(shimPort: shim.port).answer(shim)
                #expect(recorder.next(within: 0.1) { $0.kind == TEL_EVENT_ENDED && $0.leg == leg } == nil)
            }
            try run(TEL_SRTP_REQUIRED) { shim in
                let peer = try Peer(shimPort: shim.port)
                let leg = shim.invite("sip:1002@127.0.0.1:\(peer.port)")
                let invite = try peer.expect("INVITE")
                peer.callID = invite["call-id"]
                peer.respond(200, invite, content: offer(4000, []))
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: leg).end == TEL_END_NO_CODEC)
                _ = try peer.expect("BYE")
            }
        }

        @Test func `a key that was not asked for is not used`() throws {
            try run(TEL_SRTP_REQUIRED) { shim in
                let peer = try Peer(shimPort: shim.port)
                let leg = shim.invite("sip:1002@127.0.0.1:\(peer.port)")
                let invite = try peer.expect("INVITE")
                peer.callID = invite["call-id"]
                peer.respond(200, invite, content: offer(4000, ["9 \(sha80) inline:\(key30)"]))
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: leg).end == TEL_END_NO_CODEC)
            }
        }

        @Test func `a re-INVITE keeps the keys, whoever sends it`() throws {
            try run(TEL_SRTP_OPTIONAL) { shim in
                let party = try SecureParty(shim, suite: sha80, key: key30)
                let before = crypto(party.answer)
                #expect(tel_hold(party.leg, true, 5) == TEL_OK)
                let ours = try party.peer.expect("INVITE")
                #expect(crypto(ours) == ["1 \(before[0].dropFirst(2))"] && describedProfile(ours) == "RTP/SAVP")
                let sdp = offer(party.rtp.port, ["1 \(sha80) inline:\(key30)"]).replacingOccurrences(
                    of: "sendrecv", with: "recvonly")
                party.peer.respond(200, ours, content: sdp)
                #expect(try shim.expect(TEL_EVENT_REOFFERED, leg: party.leg).status == 200)

                party.peer.request(
                    "INVITE", cseq: 2, to: party.answer, content: offer(party.rtp.port, ["4 \(sha80) inline:\(key30)"]))
                let again = try party.peer.response("INVITE", status: 200)
                #expect(crypto(again) == ["4 \(before[0].dropFirst(2))"])
                party.peer.request("ACK", cseq: 2, to: again)
                // The context has gone on: what comes in the old numbering is still one stream.
                tel_set_tone(1000)
                try route(shim, [(party.leg, TEL_SOURCE_TONE, 0)], token: 1)
                #expect(party.rtp.receiveBytes(within: 1) != nil)
            }
        }
    }
}

extension Voice {
    /// A packet in clear.
    fileprivate var plain: [UInt8] {
        var copy = self
        return copy.next().bytes
    }
}
