import CTelephony
import Testing

extension TelephonyTests {
    /// What our session descriptions say.
    @Suite struct Offers {
        @Test func `an answer keeps the offer's numbers, in one codec with its telephone-event`() throws {
            var settings = Settings()
            settings.codecs = ["PCMA", "opus"]
            try Shim.run(settings) { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, ok) = try peer.call(
                    shim,
                    sdp: Peer.sdp(
                        formats: "111 8 110 96",
                        attributes: [
                            "rtpmap:111 opus/48000/2", "rtpmap:8 PCMA/8000", "rtpmap:110 telephone-event/48000",
                            "rtpmap:96 telephone-event/8000", "ptime:40", "maxptime:60",
                        ]))
                #expect(ok.sdp("m") == ["audio \(ok.sdp("m")[0].split(separator: " ")[1]) RTP/AVP 111 110"])
                #expect(ok.sdp("a").contains("rtpmap:111 opus/48000/2"))
                #expect(ok.sdp("a").contains("rtpmap:110 telephone-event/48000"))
                #expect(ok.sdp("a").contains("ptime:40") && ok.sdp("a").contains("maxptime:60"))

                // An offer of ours in the same dialog has the same numbers (RFC 3264 §8.3.2).
                tel_hold(leg, true, 5)
                let reinvite = try peer.expect("INVITE")
                #expect(reinvite.sdp("m")[0].hasSuffix("RTP/AVP 111 110"))
                #expect(reinvite.sdp("a").contains("sendonly"))
            }
        }

        @Test func `a leg is offered another leg's codecs, the current one first, then the others`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let target = try Peer(shimPort: shim.port)
                let (leg, _) = try peer.call(
                    shim,
                    sdp: Peer.sdp(
                        formats: "0 9", attributes: ["rtpmap:0 PCMU/8000", "rtpmap:9 G722/8000", "ptime:30"]))
                _ = shim.invite("sip:1003@127.0.0.1:\(target.port)", codecsOf: leg)
                let invite = try target.expect("INVITE")
                #expect(invite.sdp("m")[0].hasSuffix("RTP/AVP 0 9 8 101"))
                #expect(invite.sdp("a").contains("rtpmap:101 telephone-event/8000"))
                #expect(invite.sdp("a").contains("ptime:30"))
            }
        }

        @Test func `before the answer a leg is offered what the other one offered, in its order`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let target = try Peer(shimPort: shim.port)
                peer.request("INVITE", content: Peer.sdp(formats: "9 18 8", attributes: []))
                let leg = try shim.expect(TEL_EVENT_INCOMING).leg
                _ = shim.invite("sip:1003@127.0.0.1:\(target.port)", codecsOf: leg)
                #expect(try target.expect("INVITE").sdp("m")[0].hasSuffix("RTP/AVP 9 8 0 101"))
            }
        }

        @Test func `the caller is answered in the codec that the other leg has chosen`() throws {
            try Shim.run { shim in
                let target = try Peer(shimPort: shim.port)
                let (chosen, _) = try target.answer(shim, sdp: Peer.sdp(formats: "0"))
                let peer = try Peer(shimPort: shim.port)
                peer.request("INVITE", content: Peer.sdp(formats: "8 0 101"))
                let leg = try shim.expect(TEL_EVENT_INCOMING).leg
                tel_answer(leg, chosen)
                #expect(try peer.response("INVITE").sdp("m")[0].hasSuffix("RTP/AVP 0 101"))
                #expect(try shim.expect(TEL_EVENT_ANSWERED, leg: leg).codec == "PCMU")
            }
        }

        @Test(arguments: [200, 488]) func `a peer that answers with several codecs is offered the first alone`(
            status: Int
        ) throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, _) = try peer.answer(shim, sdp: Peer.sdp(formats: "0 8 101"))
                let again = try peer.expect("INVITE")
                #expect(again.sdp("m")[0].hasSuffix("RTP/AVP 0 101"))
                peer.respond(status, again, content: status == 200 ? Peer.sdp(formats: "0 101") : "")
                _ = try peer.expect("ACK")
                // Nobody has asked for it, so nobody is told; the leg is as it was, and takes the next re-INVITE.
                tel_hold(leg, true, 9)
                let held = try peer.expect("INVITE")
                #expect(held.sdp("m")[0].hasSuffix("RTP/AVP 0 101"))
                peer.respond(200, held, content: Peer.sdp(formats: "0 101", direction: "recvonly"))
                #expect(try shim.expect(TEL_EVENT_REOFFERED, leg: leg).token == 9)
            }
        }

        @Test func `other media is refused in its place`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let video = ["m=video 39010 RTP/AVP 96", "a=rtpmap:96 H264/90000"]
                let (_, ok) = try peer.call(shim, sdp: Peer.sdp(more: video))
                #expect(ok.sdp("m").count == 2)
                #expect(ok.sdp("m")[1].hasPrefix("video 0 "))
            }
        }

        @Test func `the version in o= changes with the description only`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, ok) = try peer.call(shim)
                peer.request("INVITE", cseq: 2, to: ok, content: Peer.sdp())
                let same = try peer.response("INVITE", status: 200)
                peer.request("ACK", cseq: 2, to: same)
                #expect(same.sdp("o") == ok.sdp("o"))
                tel_hold(leg, true, 1)
                let held = try peer.expect("INVITE")
                #expect(held.sdp("o") != ok.sdp("o"))
                #expect(held.sdp("o")[0].split(separator: " ")[1] == ok.sdp("o")[0].split(separator: " ")[1])
            }
        }

        @Test func `what cannot be carried is refused with 488`() throws {
            let bad = [
                Peer.sdp(formats: "18", attributes: ["rtpmap:18 G729/8000"]),
                Peer.sdp(transport: "RTP/SAVP"),
                Peer.sdp(port: 0),
                "v=0\r\no=a 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=image 39000 udptl t38\r\n",
                "this is no SDP",
            ]
            try Shim.run { shim in
                for body in bad {
                    let peer = try Peer(shimPort: shim.port)
                    peer.request("INVITE", content: body)
                    #expect(try peer.response("INVITE").status == 488, "\(body)")
                    let refused = try shim.expect(TEL_EVENT_REFUSED)
                    #expect(refused.status == 488 && refused.from == "sip:peer@127.0.0.1")
                    #expect(refused.to == "sip:7000@127.0.0.1")
                }
                let peer = try Peer(shimPort: shim.port)
                peer.request("INVITE", type: "text/plain", content: "hello")
                #expect(try peer.response("INVITE").status == 488)
                #expect(!recorder.all.contains { $0.kind == TEL_EVENT_INCOMING })
            }
        }

        @Test func `the external addresses are named to peers outside the local networks`() throws {
            var settings = Settings()
            settings.externalAddress = "192.0.2.7"
            settings.mediaExternalAddress = "192.0.2.8"
            settings.localNets = ["10.0.0.0/8"]
            try Shim.run(settings) { shim in
                let peer = try Peer(shimPort: shim.port)
                let (_, ok) = try peer.call(shim)
                #expect(ok["contact"].contains("192.0.2.7:\(shim.port)"))
                #expect(ok.sdp("c") == ["IN IP4 192.0.2.8"])
                let target = try Peer(shimPort: shim.port)
                _ = shim.invite("sip:1003@127.0.0.1:\(target.port)")
                let invite = try target.expect("INVITE")
                #expect(invite["contact"].contains("192.0.2.7:\(shim.port)"))
                #expect(invite["via"].contains("192.0.2.7:\(shim.port)"))
                #expect(invite.sdp("c") == ["IN IP4 192.0.2.8"])
            }
        }
    }
}
