import CTelephony
import Foundation
import Testing

extension TelephonyTests {
    @Suite struct MediaRelay {
        @Test func `what a party receives is one stream, whoever is heard`() throws {
            try Shim.run { shim in
                let (caller, agent, target) = (try Party(shim), try Party(shim), try Party(shim))
                var received: [Packet] = []
                var voices = [Voice(), Voice(ssrc: 77, sequence: 10, timestamp: 4000)]
                try route(shim, [(caller.leg, TEL_SOURCE_LEG, agent.leg)], token: 1)
                for _ in 0..<5 {
                    agent.send(voices[0].next())
                    received += try caller.rtp.receive(1)
                }
                try route(shim, [(caller.leg, TEL_SOURCE_MUSIC, 0)], token: 2)
                received += try caller.rtp.receive(5)
                try route(shim, [(caller.leg, TEL_SOURCE_LEG, target.leg)], token: 3)
                received += sequence(state: ()) { _ in caller.rtp.receive(within: 0) }
                let beforeTarget = received.count
                for _ in 0..<5 {
                    target.send(voices[1].next())
                    received += try caller.rtp.receive(1)
                }

                #expect(Set(received.map(\.ssrc)).count == 1)
                #expect(!voices.map(\.ssrc).contains(received[0].ssrc))
                #expect(received.allSatisfy { $0.payloadType == 8 })
                for (before, after) in zip(received, received.dropFirst()) {
                    #expect(after.sequence == before.sequence &+ 1, "\(before), then \(after)")
                    let step = after.timestamp &- before.timestamp
                    #expect(step >= 160 && step < 8000, "\(before), then \(after)")
                }
                let marked = received.indices.filter { received[$0].marker }
                #expect(marked == [0, 5, beforeTarget], "a marker where another source begins, nowhere else")
            }
        }

        @Test func `losses and reordering stay visible, packets taken out do not`() throws {
            try Shim.run { shim in
                let (a, b) = (try Party(shim), try Party(shim))
                try route(shim, [(b.leg, TEL_SOURCE_LEG, a.leg)], token: 1)
                var voice = Voice()
                let packets = (0..<8).map { _ in voice.next() }
                a.send(packets[0])
                a.send(packets[3])  // 1 is lost, 2 late
                a.send(packets[2])
                var digit = packets[4]
                digit.payloadType = 101
                digit.payload = [5, 10, 0, 160]
                a.send(digit)
                var unknown = packets[5]
                unknown.payloadType = 33
                a.send(unknown)
                a.send(packets[6])
                a.send(packets[7])
                let received = try b.rtp.receive(5)
                let start = received[0].sequence
                #expect(received.map { $0.sequence &- start } == [0, 3, 2, 4, 5])
                #expect(received.map { $0.timestamp &- received[0].timestamp } == [0, 480, 320, 960, 1120])
                #expect(becomes { a.stats.packets_dropped == 1 && a.stats.packets_received == 6 })
                #expect(try shim.expect(TEL_EVENT_DIGIT, leg: a.leg).digit == "5")
            }
        }

        @Test(arguments: [TEL_SOURCE_SILENCE, TEL_SOURCE_LEG])
        func `what is said while it is not to be heard is no loss`(meanwhile: tel_source) throws {
            try Shim.run { shim in
                let (a, b, other) = (try Party(shim), try Party(shim), try Party(shim))
                var voice = Voice()
                try route(shim, [(b.leg, TEL_SOURCE_LEG, a.leg)], token: 1)
                a.send(voice.next())
                let before = try b.rtp.receive(1)[0]
                try route(shim, [(b.leg, meanwhile, meanwhile == TEL_SOURCE_LEG ? other.leg : 0)], token: 2)
                for _ in 0..<10 { a.send(voice.next()) }
                #expect(b.rtp.receive(within: 0.2) == nil)
                try route(shim, [(b.leg, TEL_SOURCE_LEG, a.leg)], token: 3)
                a.send(voice.next())
                _ = voice.next()  // lost on its way to us
                a.send(voice.next())
                let after = try b.rtp.receive(2)
                #expect(after[0].sequence == before.sequence &+ 1 && after[0].marker && after[0].ssrc == before.ssrc)
                let pause = after[0].timestamp &- before.timestamp
                #expect(pause >= 1600 && pause < 16000, "200 ms at least, and not much more: \(pause)")
                #expect(after[1].sequence == after[0].sequence &+ 2 && !after[1].marker)
                #expect(after[1].timestamp &- after[0].timestamp == 320)
            }
        }

        @Test func `payload numbers are each party's own`() throws {
            try Shim.run { shim in
                let a = try Party(shim)
                let b = try Party(shim, formats: "97", attributes: ["rtpmap:97 PCMA/8000"])
                try route(shim, [(b.leg, TEL_SOURCE_LEG, a.leg), (a.leg, TEL_SOURCE_LEG, b.leg)], token: 1)
                var voices = [Voice(), Voice(payloadType: 97)]
                a.send(voices[0].next())
                #expect(try b.rtp.receive(1)[0].payloadType == 97)
                b.send(voices[1].next())
                #expect(try a.rtp.receive(1)[0].payloadType == 8)
            }
        }

        @Test func `packets from another address are dropped, from another port taken`() throws {
            try Shim.run { shim in
                let (a, b) = (try Party(shim), try Party(shim))
                try route(shim, [(b.leg, TEL_SOURCE_LEG, a.leg)], token: 1)
                var voice = Voice()
                try RTPSocket(address: "127.0.0.2").send(voice.next().bytes, to: a.shimPort)
                #expect(becomes { a.stats.packets_dropped == 1 })
                try RTPSocket().send(voice.next().bytes, to: a.shimPort)
                #expect(b.rtp.receive() != nil)
                a.rtp.send([0x80, 8, 1], to: a.shimPort)
                #expect(becomes { a.stats.packets_dropped == 2 })
            }
        }

        @Test func `another clock rate is another SSRC`() throws {
            var settings = Settings()
            settings.codecs = ["PCMA", "opus"]
            try Shim.run(settings) { shim in
                let a = try Party(shim)
                try route(shim, [(a.leg, TEL_SOURCE_MUSIC, 0)], token: 1)
                let narrow = try a.rtp.receive(1)[0]
                try a.offer(formats: "96", attributes: ["rtpmap:96 opus/48000/2"])
                let changed = becomes(within: 3) { a.rtp.receive()?.payloadType == 96 }
                #expect(changed)
                let wide = try a.rtp.receive(2)
                #expect(wide[0].ssrc != narrow.ssrc && wide[1].ssrc == wide[0].ssrc)
                #expect(wide[1].timestamp &- wide[0].timestamp == 960)
            }
        }

        @Test func `routes change on legs that are gone, too`() throws {
            try Shim.run { shim in
                let a = try Party(shim)
                tel_hangup(a.leg, 200, 0, nil, 0)
                try shim.expect(TEL_EVENT_ENDED, leg: a.leg)
                try route(shim, [(a.leg, TEL_SOURCE_MUSIC, 0)], token: 9)
                var wrong = tel_route_change()
                (wrong.leg, wrong.source) = (a.leg, tel_source(rawValue: 99))
                #expect(tel_route([wrong], 1, 10) == TEL_ERR_INVALID)
            }
        }

        @Test func `a silent source is silence`() throws {
            try Shim.run { shim in
                let (a, b) = (try Party(shim), try Party(shim))
                try route(shim, [(b.leg, TEL_SOURCE_LEG, a.leg)], token: 1)
                #expect(b.rtp.receive(within: 0.1) == nil)
                tel_hangup(a.leg, 200, 0, nil, 0)
                try shim.expect(TEL_EVENT_ENDED, leg: a.leg)
                #expect(b.rtp.receive(within: 0.1) == nil)
            }
        }

        @Test func `calls beyond the media ports are refused, and the ports come back`() throws {
            var settings = Settings()
            settings.ports = 21000...21003
            try Shim.run(settings) { shim in
                let (a, b) = (try Party(shim), try Party(shim))
                #expect(Set([a.shimPort, b.shimPort]) == [21000, 21002])
                #expect(shim.invite("sip:1@127.0.0.1:\(a.peer.port)") == 0)
                tel_hangup(a.leg, 200, 0, nil, 0)
                try shim.expect(TEL_EVENT_ENDED, leg: a.leg)
                var third: tel_leg_id = 0
                let placed = becomes {
                    third = shim.invite("sip:1@127.0.0.1:\(a.peer.port)")
                    return third != 0
                }
                #expect(placed)
            }
        }

        @Test func `silence beyond the RTP timeout is reported once, until packets come again`() throws {
            var settings = Settings()
            settings.rtpTimeoutMs = 300
            try Shim.run(settings) { shim in
                let a = try Party(shim)
                var voice = Voice()
                for _ in 0..<2 {
                    a.send(voice.next())
                    #expect(try shim.expect(TEL_EVENT_RTP_TIMEOUT, leg: a.leg, within: 2).monoUs > 0)
                    #expect(recorder.next(within: 0.9) { $0.kind == TEL_EVENT_RTP_TIMEOUT } == nil)
                }
            }
        }

        @Test func `sender reports say what was sent and received`() throws {
            try Shim.run { shim in
                let rtcp = try RTPSocket()
                let attributes = ["rtpmap:8 PCMA/8000", "rtcp:\(rtcp.port)"]
                let (a, b) = (try Party(shim, formats: "8", attributes: attributes), try Party(shim))
                try route(shim, [(a.leg, TEL_SOURCE_LEG, b.leg)], token: 1)
                var (heard, said) = (Voice(), Voice(ssrc: 0x0102_0304, sequence: 100))
                for index in 0..<4 {
                    b.send(heard.next())
                    let packet = said.next()
                    if index != 1 { a.send(packet) }
                }
                let relayed = try a.rtp.receive(4)
                let report = try #require(rtcp.receiveBytes(within: 6), "no report within 6 s")
                func word(_ index: Int) -> UInt32 {
                    report.dropFirst(4 * index).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
                }
                #expect(report.count == 4 * 18 && word(0) == 0x81c8_000c && word(13) == 0x81ca_0004)
                #expect(word(1) == relayed[0].ssrc && word(14) == relayed[0].ssrc)
                #expect(word(5) == 4 && word(6) == 4 * 160, "packets and octets sent")
                #expect(word(4) &- relayed[3].timestamp < 8000 * 7, "the clock goes on with time")
                #expect(word(7) == 0x0102_0304 && word(8) == 0x4000_0001, "one packet of four is lost")
                #expect(word(9) & 0xffff == 103)
            }
        }

        @Test func `RTCP is a sign of life`() throws {
            var settings = Settings()
            settings.rtpTimeoutMs = 300
            try Shim.run(settings) { shim in
                let a = try Party(shim)
                let report: [UInt8] = [0x80, 201, 0, 1, 1, 2, 3, 4]
                for _ in 0..<12 {
                    a.rtp.send(report, to: a.shimPort + 1)
                    #expect(recorder.next(within: 0.1) { $0.kind == TEL_EVENT_RTP_TIMEOUT } == nil)
                }
                #expect(recorder.next(within: 2) { $0.kind == TEL_EVENT_RTP_TIMEOUT } != nil)
            }
        }
    }
}
