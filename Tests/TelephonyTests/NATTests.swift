import CTelephony
import Foundation
import Testing

extension TelephonyTests {
    /// Where a leg's packets come from and go to: symmetric RTP, re-INVITEs, RTCP.
    @Suite struct Addresses {
        private let unreachable = "10.255.255.1"

        private func music(_ shim: Shim, _ party: Party) throws {
            try route(shim, [(party.leg, TEL_SOURCE_MUSIC, 0)], token: party.leg)
        }

        /// Sends so many packets from a socket as the party's phone would.
        private func say(_ count: Int, _ voice: inout Voice, from socket: RTPSocket, to party: Party) {
            for _ in 0..<count { socket.send(voice.next().bytes, to: party.shimPort) }
        }

        @Test func `a phone whose SDP names an unreachable address is sent to where it sends from`() throws {
            try Shim.run { shim in
                let phone = try Party(shim, connection: unreachable)
                try music(shim, phone)
                var voice = Voice()
                say(4, &voice, from: phone.rtp, to: phone)
                #expect(phone.rtp.receive(within: 0.1) == nil)
                say(1, &voice, from: phone.rtp, to: phone)
                #expect(try phone.rtp.receive(1)[0].marker)
            }
        }

        @Test func `a stream that has settled is not stolen`() throws {
            try Shim.run { shim in
                let phone = try Party(shim)
                try music(shim, phone)
                var voice = Voice()
                say(3, &voice, from: phone.rtp, to: phone)
                #expect(becomes { phone.stats.packets_received == 3 })
                // From another host, and from another port of the phone's own.
                for attacker in [try RTPSocket(address: "127.0.0.2"), try RTPSocket()] {
                    var false_ = Voice(ssrc: 99)
                    let before = phone.stats.packets_dropped
                    say(30, &false_, from: attacker, to: phone)
                    #expect(becomes { phone.stats.packets_dropped == before + 30 })
                    #expect(attacker.receive(within: 0.05) == nil)
                    phone.rtp.drain()
                    #expect(phone.rtp.receive() != nil)
                }
            }
        }

        @Test func `who sprays packets before the phone speaks is passed over, or loses again`() throws {
            try Shim.run { shim in
                let attacker = try RTPSocket(address: "127.0.0.2")
                var false_ = Voice(ssrc: 99)
                // The SDP is believed where the signalling comes from the same host.
                let near = try Party(shim)
                try music(shim, near)
                say(30, &false_, from: attacker, to: near)
                #expect(becomes { near.stats.packets_dropped == 30 })
                #expect(attacker.receive(within: 0.05) == nil && near.rtp.receive() != nil)
                // Behind NAT anybody may be the phone, but whoever signals is more likely to be.
                let far = try Party(shim, connection: unreachable)
                try music(shim, far)
                say(30, &false_, from: attacker, to: far)
                var voice = Voice()
                for _ in 0..<6 {
                    say(1, &voice, from: far.rtp, to: far)
                    say(5, &false_, from: attacker, to: far)
                }
                #expect(far.rtp.receive() != nil)
                attacker.drain()
                #expect(attacker.receive(within: 0.1) == nil)
            }
        }

        @Test func `after a re-INVITE a phone may send from elsewhere`() throws {
            try Shim.run { shim in
                let phone = try Party(shim, connection: "127.0.0.1")
                try music(shim, phone)
                var voice = Voice()
                say(3, &voice, from: phone.rtp, to: phone)
                let moved = try RTPSocket()
                try phone.offer(at: moved)
                #expect(try moved.receive(1)[0].marker)
                // On the way when it moved.
                say(6, &voice, from: phone.rtp, to: phone)
                #expect(becomes { phone.stats.packets_received == 9 })
                // Behind a NAT of its own, which has given it a third port.
                let translated = try RTPSocket()
                var other = Voice(ssrc: 5)
                say(3, &other, from: translated, to: phone)
                #expect(translated.receive() != nil)
                moved.drain()
                #expect(moved.receive(within: 0.1) == nil)
            }
        }

        @Test func `a codec changed in mid-call, which the other leg has not got, is transcoded`() throws {
            try Shim.run { shim in
                let (a, b) = (try Party(shim), try Party(shim))
                try route(shim, [(b.leg, TEL_SOURCE_LEG, a.leg), (a.leg, TEL_SOURCE_LEG, b.leg)], token: 1)
                var voices = [Voice(), Voice(ssrc: 2)]
                a.send(voices[0].next())
                let before = try b.rtp.receive(1)[0]
                try a.offer(formats: "0", attributes: ["rtpmap:0 PCMU/8000"])
                var other = Voice(payloadType: 0, ssrc: 3)
                a.send(other.next())
                let after = try b.rtp.receive(1)[0]
                #expect(after.payloadType == 8 && after.ssrc == before.ssrc && after.marker)
                #expect(after.sequence == before.sequence &+ 1)
                b.send(voices[1].next())
                #expect(try a.rtp.receive(1)[0].payloadType == 0)
            }
        }

        @Test func `a codec that the phone changes counts from our 200 on, the former one until the new one comes`()
            throws
        {
            try Shim.run { shim in
                let (a, b) = (try Party(shim), try Party(shim))
                try route(shim, [(b.leg, TEL_SOURCE_LEG, a.leg)], token: 1)
                var voices = [Voice(), Voice(payloadType: 0, ssrc: 3)]
                // Again and again: at the first 200 the media thread may just have looked.
                for (formats, former, now) in [("0", 0, 1), ("8", 1, 0), ("0", 0, 1), ("8", 1, 0), ("0", 0, 1)] {
                    try a.offer(formats: formats, attributes: ["rtpmap:0 PCMU/8000", "rtpmap:8 PCMA/8000"])
                    a.send(voices[former].next())
                    a.send(voices[now].next())
                    a.send(voices[now].next())
                    #expect(try b.rtp.receive(3).map(\.payloadType) == [8, 8, 8], "offered \(formats)")
                }
                #expect(a.stats.packets_dropped == 0)
                a.send(voices[0].next())
                #expect(becomes { a.stats.packets_dropped == 1 }, "the change is over")
            }
        }

        @Test func `a codec that we offer is taken before the answer has come, the present one too`() throws {
            try Shim.run { shim in
                let both = ["rtpmap:8 PCMA/8000", "rtpmap:0 PCMU/8000"]
                let (a, b) = (try Party(shim, formats: "8 0", attributes: both), try Party(shim))
                let other = try Party(shim, formats: "0", attributes: ["rtpmap:0 PCMU/8000"])
                try route(shim, [(b.leg, TEL_SOURCE_LEG, a.leg)], token: 1)
                #expect(tel_match_codec(a.leg, other.leg, 7) == TEL_OK)
                let invite = try a.peer.expect("INVITE")
                #expect(invite.sdp("m")[0].contains("RTP/AVP 0"))
                var voices = [Voice(), Voice(payloadType: 0, ssrc: 3)]
                for voice in [0, 1, 0, 1] { a.send(voices[voice].next()) }
                #expect(try b.rtp.receive(4).map(\.payloadType) == [8, 8, 8, 8])
                a.peer.respond(200, invite, content: Peer.sdp(port: Int(a.rtp.port), formats: "0"))
                try shim.expect(TEL_EVENT_REOFFERED, leg: a.leg)
                a.send(voices[0].next())
                a.send(voices[1].next())
                #expect(try b.rtp.receive(2).count == 2)
                a.send(voices[0].next())
                #expect(becomes { a.stats.packets_dropped == 1 }, "the change is over")
            }
        }

        @Test func `RTCP goes with the RTP where that was offered, and tells of the way there and back`() throws {
            try Shim.run { shim in
                let a = try Party(shim, formats: "8", attributes: ["rtpmap:8 PCMA/8000", "rtcp-mux"])
                let b = try Party(shim)
                #expect(a.answered.contains("rtcp-mux") && !b.answered.contains("rtcp-mux"))
                try music(shim, a)
                var sent: [UInt8] = []
                while sent.count < 2 || sent[1] != 200 { sent = try #require(a.rtp.receiveBytes(within: 6)) }
                func word(_ index: Int) -> UInt32 {
                    var value: UInt32 = 0
                    for byte in sent.dropFirst(4 * index).prefix(4) { value = value << 8 | UInt32(byte) }
                    return value
                }
                usleep(60_000)
                // 3 packets lost, a jitter of 10 ms; 20 ms have passed at the phone, of 60 in all.
                let last: UInt32 = word(2) << 16 | word(3) >> 16
                let words: [UInt32] = [9, word(1), 3, 1000, 80, last, 65536 / 50]
                var answer: [UInt8] = [0x81, 201, 0, 7]
                for value in words {
                    for shift: UInt32 in [24, 16, 8, 0] { answer.append(UInt8(truncatingIfNeeded: value >> shift)) }
                }
                a.rtp.send(answer, to: a.shimPort)
                #expect(becomes { a.stats.round_trip_ms > 0 })
                #expect(a.stats.round_trip_ms > 35 && a.stats.round_trip_ms < 150, "\(a.stats.round_trip_ms)")
                #expect(a.stats.peer_lost == 3 && abs(a.stats.peer_jitter_ms - 10) < 0.1)
                #expect(a.stats.packets_received == 0 && a.stats.packets_dropped == 0)
            }
        }
    }
}
