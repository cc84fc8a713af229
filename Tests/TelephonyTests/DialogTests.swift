import CTelephony
import Foundation
import Testing

extension TelephonyTests {
    /// What happens in an established dialog.
    @Suite struct Dialogs {
        @Test func `hold and un-hold by both sides`() throws {
            try Shim.run { shim in
                let (caller, called) = try shim.callItself()
                for (holder, held) in [(caller, called), (called, caller)] {
                    #expect(tel_hold(holder, true, 11) == TEL_OK)
                    let changed = try shim.expect(TEL_EVENT_MEDIA_CHANGED, leg: held)
                    #expect(changed.peerSends && !changed.peerReceives)
                    let done = try shim.expect(TEL_EVENT_REOFFERED, leg: holder)
                    #expect(done.status == 200 && done.token == 11 && done.codec == "PCMA")
                    #expect(tel_hold(holder, false, 12) == TEL_OK)
                    let back = try shim.expect(TEL_EVENT_MEDIA_CHANGED, leg: held)
                    #expect(back.peerSends && back.peerReceives)
                    #expect(try shim.expect(TEL_EVENT_REOFFERED, leg: holder).token == 12)
                }
            }
        }

        @Test func `re-INVITEs of ours wait for each other`() throws {
            try Shim.run { shim in
                let (caller, _) = try shim.callItself()
                for token in 1...6 { #expect(tel_hold(caller, token % 2 == 1, UInt64(token)) == TEL_OK) }
                let tokens = try (1...6).map { _ in try shim.expect(TEL_EVENT_REOFFERED, leg: caller).token }
                #expect(tokens == [1, 2, 3, 4, 5, 6])
            }
        }

        @Test(arguments: [true, false])
        func `the phone's hold is understood in the old style and as inactive`(oldStyle: Bool) throws {
            var settings = Settings()
            settings.faults.plain_hold = oldStyle
            settings.faults.inactive_hold = !oldStyle
            try Shim.run(settings) { shim in
                let (caller, called) = try shim.callItself()
                tel_hold(caller, true, 1)
                let changed = try shim.expect(TEL_EVENT_MEDIA_CHANGED, leg: called)
                #expect(!changed.peerSends && !changed.peerReceives)
                tel_hold(caller, false, 2)
                let back = try shim.expect(TEL_EVENT_MEDIA_CHANGED, leg: called)
                #expect(back.peerSends && back.peerReceives)
            }
        }

        @Test func `a re-INVITE is answered in the direction of our hold, without news if nothing is new`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, ok) = try peer.call(shim)
                tel_hold(leg, true, 1)
                let offer = try peer.expect("INVITE")
                peer.respond(200, offer, content: Peer.sdp(direction: "recvonly"))
                _ = try peer.expect("ACK")
                #expect(try shim.expect(TEL_EVENT_REOFFERED).status == 200)
                peer.request("INVITE", cseq: 2, to: ok, content: Peer.sdp())
                let answer = try peer.response("INVITE", status: 200)
                #expect(answer.sdp("a").contains("sendonly"))
                peer.request("ACK", cseq: 2, to: answer)
                #expect(recorder.next(within: 0.2) { $0.kind == TEL_EVENT_MEDIA_CHANGED } == nil)
            }
        }

        @Test func `a re-INVITE without an offer gets what is in use`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, ok) = try peer.call(shim)
                peer.request("INVITE", cseq: 2, to: ok)
                let offer = try peer.response("INVITE", status: 200)
                #expect(offer.sdp("m") == ok.sdp("m") && offer.sdp("o") == ok.sdp("o"))
                peer.request("ACK", cseq: 2, to: offer, content: Peer.sdp(direction: "sendonly"))
                peer.request("INVITE", cseq: 3, to: ok, content: Peer.sdp(direction: "sendonly"))
                peer.request("ACK", cseq: 3, to: try peer.response("INVITE", status: 200))
                #expect(try !shim.expect(TEL_EVENT_MEDIA_CHANGED, leg: leg).peerReceives)
            }
        }

        @Test func `a changed codec of the peer is followed`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, ok) = try peer.call(shim)
                peer.request("INVITE", cseq: 2, to: ok, content: Peer.sdp(formats: "0 101"))
                let answer = try peer.response("INVITE", status: 200)
                peer.request("ACK", cseq: 2, to: answer)
                #expect(answer.sdp("m")[0].hasSuffix("RTP/AVP 0 101"))
                #expect(try shim.expect(TEL_EVENT_MEDIA_CHANGED, leg: leg).codec == "PCMU")
                // While the codec in use is offered it stays, whatever the order.
                peer.request("INVITE", cseq: 3, to: ok, content: Peer.sdp(formats: "8 0 101"))
                #expect(try peer.response("INVITE", status: 200).sdp("m")[0].hasSuffix("RTP/AVP 0 101"))
            }
        }

        @Test func `a re-INVITE that cannot be carried leaves all as it was`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, ok) = try peer.call(shim)
                let t38 =
                    "v=0\r\no=a 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=image 39000 udptl t38\r\n"
                peer.request("INVITE", cseq: 2, to: ok, content: t38)
                let refusal = try peer.response("INVITE")
                #expect(refusal.status == 488)
                peer.request("ACK", cseq: 2, to: refusal)
                peer.request("BYE", cseq: 3, to: ok)
                #expect(try peer.response("BYE").status == 200)
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: leg).end == TEL_END_BYE)
            }
        }

        @Test func `a leg is moved to another leg's codec, or is there already`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, _) = try peer.call(shim)
                let other = try Peer(shimPort: shim.port)
                let (same, _) = try other.answer(shim)
                #expect(tel_match_codec(leg, same, 3) == TEL_OK)
                let already = try shim.expect(TEL_EVENT_REOFFERED, leg: leg, within: 0.5)
                #expect(already.status == 200 && already.token == 3)

                let third = try Peer(shimPort: shim.port)
                let (different, _) = try third.answer(shim, sdp: Peer.sdp(formats: "0 101"))
                #expect(tel_match_codec(leg, different, 4) == TEL_OK)
                let offer = try peer.expect("INVITE")
                #expect(offer.sdp("m")[0].hasSuffix("RTP/AVP 0 101"))
                peer.respond(200, offer, content: Peer.sdp(formats: "0 101"))
                let done = try shim.expect(TEL_EVENT_REOFFERED, leg: leg)
                #expect(done.status == 200 && done.codec == "PCMU" && done.token == 4)
            }
        }

        @Test func `a refused re-INVITE is reported with its status`() throws {
            var settings = Settings()
            settings.faults.refuse_reinvite = 488
            settings.faults.refuse_offer_count = 1
            try Shim.run(settings) { shim in
                let (caller, _) = try shim.callItself()
                tel_hold(caller, true, 1)
                #expect(try shim.expect(TEL_EVENT_REOFFERED, leg: caller).status == 488)
                tel_hold(caller, true, 2)
                #expect(try shim.expect(TEL_EVENT_REOFFERED, leg: caller).status == 200)
            }
        }

        @Test(arguments: [true, false])
        func `after a 491 the re-INVITE is sent again within the band of its side`(outgoing: Bool) throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let leg = try outgoing ? peer.answer(shim).leg : peer.call(shim).leg
                tel_hold(leg, true, 9)
                let first = try peer.expect("INVITE")
                peer.respond(491, first)
                _ = try peer.expect("ACK")
                let began = Date()
                let again = try #require(peer.receive(within: 4.5) { $0.method == "INVITE" })
                let waited = Date().timeIntervalSince(began)
                // RFC 3261 §14.1: 2.1 to 4 s for the owner of the Call-ID, up to 2 s for the other.
                #expect(outgoing ? (2.0...4.2).contains(waited) : waited < 2.2)
                peer.respond(200, again, content: Peer.sdp(direction: "recvonly"))
                #expect(try shim.expect(TEL_EVENT_REOFFERED, leg: leg).status == 200)
            }
        }

        @Test func `both sides offer at once and both get through`() throws {
            try Shim.run { shim in
                let (caller, called) = try shim.callItself()
                tel_hold(caller, true, 1)
                tel_hold(called, true, 2)
                #expect(try shim.expect(TEL_EVENT_REOFFERED, leg: caller, within: 9).status == 200)
                #expect(try shim.expect(TEL_EVENT_REOFFERED, leg: called, within: 9).status == 200)
            }
        }

        @Test func `an UPDATE with an offer is answered`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, ok) = try peer.call(shim)
                peer.request("UPDATE", cseq: 2, to: ok, content: Peer.sdp(direction: "sendonly"))
                let answer = try peer.response("UPDATE")
                #expect(answer.status == 200 && answer.sdp("a").contains("recvonly"))
                #expect(try !shim.expect(TEL_EVENT_MEDIA_CHANGED, leg: leg).peerReceives)
                peer.request("UPDATE", cseq: 3, to: ok)
                #expect(try peer.response("UPDATE").status == 200)
            }
        }

        @Test func `requests that we do not take leave the dialog as it was`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, ok) = try peer.call(shim)
                let expected = [
                    ("OPTIONS", 200), ("MESSAGE", 405), ("SUBSCRIBE", 489), ("PUBLISH", 405), ("NOTIFY", 481),
                    ("WHATEVER", 501),
                ]
                for (index, (method, status)) in expected.enumerated() {
                    peer.request(method, cseq: 2 + index, to: ok, headers: ["Refer-To: <sip:1@127.0.0.1>"])
                    let response = try peer.response(method)
                    #expect(response.status == status, "\(method)")
                    if [200, 405].contains(status) { #expect(response["allow"].contains("INFO")) }
                }
                peer.request("BYE", cseq: 20, to: ok, headers: ["Reason: Q.850;cause=16;text=\"normal, really\""])
                #expect(try peer.response("BYE").status == 200)
                let ended = try shim.expect(TEL_EVENT_ENDED, leg: leg)
                #expect(ended.end == TEL_END_BYE && ended.q850 == 16 && ended.reason == "normal, really")
            }
        }

        @Test(arguments: [481, 408])
        func `a held leg is probed, and gone when its peer knows nothing of it`(status: Int) throws {
            var settings = Settings()
            settings.keepAlive = 1
            try Shim.run(settings) { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, ok) = try peer.call(shim)
                peer.request("INVITE", cseq: 2, to: ok, content: Peer.sdp(direction: "sendonly"))
                peer.request("ACK", cseq: 2, to: try peer.response("INVITE", status: 200))
                peer.respond(200, try peer.expect("OPTIONS"))
                peer.respond(status, try peer.expect("OPTIONS"))
                let ended = try shim.expect(TEL_EVENT_ENDED, leg: leg)
                #expect(ended.end == TEL_END_VANISHED && ended.status == status)
                _ = try peer.expect("BYE")
            }
        }

        @Test func `a leg that is not held is not probed`() throws {
            var settings = Settings()
            settings.keepAlive = 1
            try Shim.run(settings) { shim in
                let peer = try Peer(shimPort: shim.port)
                _ = try peer.call(shim)
                #expect(peer.receive(within: 1.4) { $0.method == "OPTIONS" } == nil)
            }
        }

        @Test func `session timers are honoured, too short ones refused`() throws {
            var settings = Settings()
            settings.sessionExpires = 1800
            try Shim.run(settings) { shim in
                let short = try Peer(shimPort: shim.port)
                short.request(
                    "INVITE", headers: ["Supported: timer", "Session-Expires: 30"], content: Peer.sdp())
                let refusal = try short.response("INVITE")
                #expect(refusal.status == 422 && refusal["min-se"] == "90")
                #expect(try shim.expect(TEL_EVENT_REFUSED).status == 422)

                let peer = try Peer(shimPort: shim.port)
                peer.request(
                    "INVITE", headers: ["Supported: timer", "Session-Expires: 300;refresher=uac"], content: Peer.sdp())
                tel_answer(try shim.expect(TEL_EVENT_INCOMING).leg, 0)
                #expect(try peer.response("INVITE", status: 200)["session-expires"] == "300;refresher=uac")

                let target = try Peer(shimPort: shim.port)
                _ = shim.invite("sip:1002@127.0.0.1:\(target.port)")
                #expect(try target.expect("INVITE")["session-expires"].hasPrefix("1800"))
            }
        }

        @Test func `provisional responses are reliable where the peer requires it`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                peer.request("INVITE", headers: ["Require: 100rel"], content: Peer.sdp())
                let leg = try shim.expect(TEL_EVENT_INCOMING).leg
                tel_ring(leg, 183, leg)
                let progress = try peer.response("INVITE", status: 183)
                #expect(progress["require"].contains("100rel") && !progress.sdp("m").isEmpty)
                tel_answer(leg, 0)
                #expect(peer.receive(within: 0.2) { $0.status == 200 } == nil, "the 2xx waits for the PRACK")
                peer.request(
                    "PRACK", cseq: 2, to: progress, headers: ["RAck: \(progress["rseq"]) \(progress["cseq"])"])
                let responses = try [
                    #require(peer.receive { $0.status == 200 }), #require(peer.receive { $0.status == 200 }),
                ]
                #expect(Set(responses.map(\.cseqMethod)) == ["PRACK", "INVITE"])
                try shim.expect(TEL_EVENT_ANSWERED, leg: leg)
            }
        }

        @Test func `a lost ACK and a repeated 200 end in one answered call`() throws {
            var settings = Settings()
            settings.faultMethod = "ACK"
            settings.faults.drop_tx_nth = 1
            try Shim.run(settings) { shim in
                let (caller, called) = try shim.callItself()
                tel_hold(called, true, 1)
                #expect(try shim.expect(TEL_EVENT_REOFFERED, leg: called).status == 200)
                tel_hangup(caller, 0, 0, nil, 0)
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: called).end == TEL_END_BYE)
                #expect(!recorder.all.contains { $0.kind == TEL_EVENT_ANSWERED })
            }
        }

        @Test func `a repeated BYE is answered and reported once`() throws {
            var settings = Settings()
            settings.faultMethod = "BYE"
            settings.faults.duplicate_tx_nth = 1
            try Shim.run(settings) { shim in
                let (caller, called) = try shim.callItself()
                tel_hangup(caller, 0, 0, nil, 0)
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: called).end == TEL_END_BYE)
                #expect(recorder.next(within: 0.3) { $0.leg == called && $0.kind == TEL_EVENT_ENDED } == nil)
            }
        }
    }
}
