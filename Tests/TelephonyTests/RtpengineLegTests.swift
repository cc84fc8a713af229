import CTelephony
import Foundation
import Testing

/// What becomes of legs at nodes that carry nothing: their figures, and where they go when a node is gone.
extension TelephonyTests.RtpengineNodes {
    @Test func `a leg's end is told with what its node has counted`() throws {
        try run { shim, nodes in
            let party = try Party(shim)
            let call = try call(of: party, nodes[0])
            _ = try nodes[0].expect("block DTMF") { $0.call == call }
            usleep(60_000)  // three ticks of the media thread, which only then knows the leg
            nodes[0].packets = 4711
            #expect(tel_hangup(party.leg, 200, 0, nil, 0) == TEL_OK)
            let ended = try shim.expect(TEL_EVENT_ENDED, leg: party.leg)
            #expect(ended.packets == 4711 && ended.end == TEL_END_LOCAL && ended.callID == party.peer.callID)
        }
    }

    @Test func `a leg's end does not wait for a node that is silent`() throws {
        try run { shim, nodes in
            let party = try Party(shim)
            let call = try call(of: party, nodes[0])
            _ = try nodes[0].expect("block DTMF") { $0.call == call }
            usleep(60_000)
            nodes[0].manner = .silent
            #expect(tel_hangup(party.leg, 200, 0, nil, 0) == TEL_OK)
            #expect(try shim.expect(TEL_EVENT_ENDED, within: 0.6).leg == party.leg)
        }
    }

    @Test func `legs of a node that is silent move to another, and their peers are told`() throws {
        try run(nodes: 2) { shim, nodes in
            let parties = [try Party(shim), try Party(shim)]
            let lost = try #require(parties.first { $0.shimPort / 1000 == 23 })
            nodes[1].manner = .silent
            let reinvite = try lost.peer.expect("INVITE", within: 6)
            let outer = try #require(Int(reinvite.sdp("m")[0].split(separator: " ")[1]))
            #expect(outer / 1000 == 22)
            #expect(reinvite.sdp("o")[0].split(separator: " ")[2] != "0")
            lost.peer.respond(200, reinvite, content: Peer.sdp(port: Int(lost.rtp.port), formats: "8 101"))
            _ = try lost.peer.expect("ACK")
            // What is known of the peer the other node has been told before it has answered.
            let told = try nodes[0].expect("answer") { $0.port == Int(lost.rtp.port) }
            #expect(nodes[0].port(of: told.call, outer: true) == outer)
            let news = try shim.expect(TEL_EVENT_MEDIA_NODE, within: 2) { $0.reason != nil }
            #expect(news.source == nodes[0].address && news.reason?.hasSuffix("lost their media: 1") == true)
            #expect(!parties.contains { $0.leg != lost.leg && $0.peer.receive(within: 0.2) != nil })
        }
    }

    @Test func `a node that has been started anew gets its legs again`() throws {
        try run { shim, nodes in
            let party = try Party(shim)
            let before = try call(of: party, nodes[0])
            nodes[0].forgets = true
            let reinvite = try party.peer.expect("INVITE", within: 6)
            party.peer.respond(200, reinvite, content: Peer.sdp(port: Int(party.rtp.port), formats: "8 101"))
            _ = try party.peer.expect("ACK")
            let told = try nodes[0].expect("answer") { $0.call != before && $0.port == Int(party.rtp.port) }
            #expect(nodes[0].port(of: told.call, outer: true) == Int(reinvite.sdp("m")[0].split(separator: " ")[1]))
        }
    }

    @Test func `a held peer stays held when its media moves`() throws {
        try run(nodes: 2) { shim, nodes in
            let parties = [try Party(shim), try Party(shim)]
            let lost = try #require(parties.first { $0.shimPort / 1000 == 23 })
            let answer = Peer.sdp(port: Int(lost.rtp.port), formats: "8 101", direction: "recvonly")
            tel_hold(lost.leg, true, 3)
            lost.peer.respond(200, try lost.peer.expect("INVITE"), content: answer)
            try shim.expect(TEL_EVENT_REOFFERED, leg: lost.leg)
            nodes[1].manner = .silent
            let reinvite = try lost.peer.expect("INVITE", within: 6)
            #expect(reinvite.sdp("a").contains("sendonly"))
        }
    }

    @Test func `reports of joined legs pass here: losses, jitter, the way there and back`() throws {
        try run { shim, nodes in
            let (a, b) = (try Party(shim), try Party(shim))
            let callA = try call(of: a, nodes[0]), callB = try call(of: b, nodes[0])
            try route(shim, [(a.leg, TEL_SOURCE_LEG, b.leg), (b.leg, TEL_SOURCE_LEG, a.leg)], token: 1)
            let innerA = try #require(nodes[0].port(of: callA, outer: false))
            let innerB = try #require(nodes[0].port(of: callB, outer: false))
            let joinedA = try nodes[0].expect("offer") { $0.call == callA && $0.port == innerB }
            let joinedB = try nodes[0].expect("offer") { $0.call == callB && $0.port == innerA }
            let (controlA, controlB) = (try #require(joinedA.controlPort), try #require(joinedB.controlPort))
            #expect(Settings().ports.contains(controlA) && Settings().ports.contains(controlB))
            // Where the node takes what goes to b.
            let toB = try RTPSocket(port: UInt16(innerB + 1)), fromA = try RTPSocket()
            let passes = becomes {
                fromA.send(report(ssrc: 77, sent: 0x1234_5678), to: controlA)
                return toB.receiveBytes(within: 0.1) != nil
            }
            #expect(passes)
            usleep(40_000)
            // b's phone has lost 3 of a's packets, 10 ms of jitter; it has kept the report for 20 ms.
            fromA.send(report(ssrc: 88, sent: nil, block: [77, 3, 1000, 80, 0x1234_5678, 65536 / 50]), to: controlB)
            #expect(becomes { b.stats.peer_lost == 3 })
            #expect(a.stats.packets_lost == 3 && abs(a.stats.jitter_ms - 10) < 0.1)
            #expect(b.stats.round_trip_ms > 10 && b.stats.round_trip_ms < 300, "\(b.stats.round_trip_ms)")
            fromA.send(report(ssrc: 88, sent: nil, block: [99, 500, 1000, 80, 0, 0]), to: controlB)
            fromA.send(report(ssrc: 88, sent: nil, block: [77, 5, 1000, 80, 0, 0]), to: controlB)
            #expect(becomes { b.stats.peer_lost == 5 } && a.stats.packets_lost == 5)
        }
    }

    @Test func `SRTP ends at the node: its keys are in our SDP, the peer's go to it, legs are joined there`() throws {
        let key30 = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
        try run(srtp: TEL_SRTP_OPTIONAL) { shim, nodes in
            let attributes = ["rtpmap:8 PCMA/8000", "crypto:5 AES_CM_128_HMAC_SHA1_80 inline:\(key30)"]
            let secure = try Party(shim, formats: "8", attributes: attributes), plain = try Party(shim, formats: "8")
            #expect(secure.answered.contains("crypto:5 AES_CM_128_HMAC_SHA1_80 inline:\(FakeNode.key(bytes: 30))"))
            #expect(!plain.answered.contains { $0.hasPrefix("crypto") })
            let told = try nodes[0].expect("answer") { $0.port == Int(secure.rtp.port) }
            let sdp = try #require(told.fields["sdp"]?.text)
            #expect(sdp.contains("RTP/SAVP") && sdp.contains("a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:\(key30)"))
            let offer = try nodes[0].expect("offer") { $0.call == told.call && $0.port != 9 }
            #expect(offer.fields["transport-protocol"] == .text("RTP/SAVP"))
            #expect(offer.fields["sdp"]?.text?.contains("RTP/AVP") == true, "between us there is none")
            let other = try nodes[0].expect("answer") { $0.port == Int(plain.rtp.port) }
            #expect(other.fields["sdp"]?.text?.contains("crypto") == false)
            let both = [(secure.leg, TEL_SOURCE_LEG, plain.leg), (plain.leg, TEL_SOURCE_LEG, secure.leg)]
            try route(shim, both, token: 1)
            let inner = nodes[0].port(of: other.call, outer: false)
            _ = try nodes[0].expect("offer") { $0.call == told.call && $0.port == inner }
        }
    }

    /// A report of a sender, or of a receiver, with at most one block of six words.
    private func report(ssrc: UInt32, sent: UInt32?, block: [UInt32] = []) -> [UInt8] {
        var words = [ssrc]
        if let sent { words += [sent >> 16, sent << 16, 0, 0, 0] }
        words += block
        var bytes: [UInt8] = [block.isEmpty ? 0x80 : 0x81, sent == nil ? 201 : 200, 0, UInt8(words.count)]
        for word in words { bytes += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } }
        return bytes
    }
}
