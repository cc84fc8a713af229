import CTelephony
import Testing

extension TelephonyTests {
    @Suite struct Calls {
        @Test func `a call is placed, rings, is answered and hung up`() throws {
            try Shim.run { shim in
                let caller = shim.invite(
                    "sip:7000@127.0.0.1:\(shim.port)", from: "sip:anna@example.com", display: "Anna \"A\" Bell",
                    asserted: "sip:1001@example.com", maxForwards: 33, token: 42, callID: "call-1.2")
                let incoming = try shim.expect(TEL_EVENT_INCOMING)
                #expect(incoming.from == "sip:anna@example.com")
                #expect(incoming.display == "Anna \"A\" Bell")
                #expect(incoming.asserted == "sip:1001@example.com")
                #expect(incoming.requestURI == "sip:7000@127.0.0.1:\(shim.port)")
                #expect(incoming.maxForwards == 33)
                #expect(incoming.callID == "call-1.2")
                #expect(incoming.trusted && incoming.hasOffer && !incoming.privacy)

                #expect(tel_ring(incoming.leg, 180, 0) == TEL_OK)
                let progress = try shim.expect(TEL_EVENT_PROGRESS, leg: caller)
                #expect(progress.status == 180 && !progress.earlyMedia && progress.token == 42)
                #expect(tel_answer(incoming.leg, 0) == TEL_OK)
                #expect(try shim.expect(TEL_EVENT_ANSWERED, leg: caller).codec == "PCMA")
                #expect(try shim.expect(TEL_EVENT_ANSWERED, leg: incoming.leg).codec == "PCMA")

                #expect(tel_hangup(caller, 200, 16, "elsewhere", 0) == TEL_OK)
                let ours = try shim.expect(TEL_EVENT_ENDED, leg: caller)
                #expect(ours.end == TEL_END_LOCAL && ours.answered && ours.rang && ours.token == 42)
                let theirs = try shim.expect(TEL_EVENT_ENDED, leg: incoming.leg)
                #expect(theirs.end == TEL_END_BYE && theirs.status == 200 && theirs.q850 == 16)
                #expect(theirs.reason == "elsewhere")
                #expect(tel_hangup(caller, 0, 0, nil, 0) == TEL_ERR_NO_LEG)
                var stats = tel_stats()
                tel_get_stats(&stats)
                #expect(stats.legs_open == 0 && stats.legs_peak == 2)
            }
        }

        @Test func `a rejected call ends with its status and Q.850 cause`() throws {
            try Shim.run { shim in
                let caller = shim.invite("sip:7000@127.0.0.1:\(shim.port)")
                let called = try shim.expect(TEL_EVENT_INCOMING).leg
                tel_hangup(called, 486, 17, "busy here", 5)
                let ended = try shim.expect(TEL_EVENT_ENDED, leg: caller)
                #expect(ended.end == TEL_END_REJECTED && ended.status == 486 && ended.q850 == 17)
                #expect(ended.reason == "busy here" && !ended.answered)
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: called).end == TEL_END_LOCAL)
            }
        }

        @Test func `a cancelled call ends at both sides`() throws {
            try Shim.run { shim in
                let caller = shim.invite("sip:7000@127.0.0.1:\(shim.port)")
                let called = try shim.expect(TEL_EVENT_INCOMING).leg
                tel_ring(called, 180, 0)
                try shim.expect(TEL_EVENT_PROGRESS)
                tel_hangup(caller, 200, 0, "completed elsewhere", 0)
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: caller).end == TEL_END_LOCAL)
                let ended = try shim.expect(TEL_EVENT_ENDED, leg: called)
                #expect(ended.end == TEL_END_CANCELLED && ended.status == 200)
                #expect(ended.reason == "completed elsewhere")
            }
        }

        @Test func `a 200 that crosses our CANCEL is acknowledged and ended`() throws {
            var settings = Settings()
            settings.faults.answer_on_cancel = true
            try Shim.run(settings) { shim in
                let caller = shim.invite("sip:7000@127.0.0.1:\(shim.port)")
                let called = try shim.expect(TEL_EVENT_INCOMING).leg
                tel_ring(called, 180, 0)
                try shim.expect(TEL_EVENT_PROGRESS)
                tel_hangup(caller, 0, 0, nil, 0)
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: caller).end == TEL_END_LOCAL)
                try shim.expect(TEL_EVENT_ANSWERED, leg: called)
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: called).end == TEL_END_BYE)
                #expect(!recorder.all.contains { $0.leg == caller })
            }
        }

        @Test func `a call hung up before any response is cancelled once one comes`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let leg = shim.invite("sip:1002@127.0.0.1:\(peer.port)")
                let invite = try peer.expect("INVITE")
                tel_hangup(leg, 0, 0, nil, 0)
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: leg).end == TEL_END_LOCAL)
                peer.respond(180, invite)
                let cancel = try peer.expect("CANCEL")
                peer.respond(200, cancel)
                peer.respond(487, invite)
                _ = try peer.expect("ACK")
                #expect(!recorder.all.contains { $0.leg == leg })
            }
        }

        @Test func `no response over 100 in time ends the leg`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let leg = shim.invite("sip:1002@127.0.0.1:\(peer.port)", noResponseMs: 200)
                peer.respond(100, try peer.expect("INVITE"))
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: leg).end == TEL_END_NO_RESPONSE)
                _ = try peer.expect("CANCEL")
            }
        }

        @Test func `what cannot be called is refused, or ends at once`() throws {
            try Shim.run { shim in
                #expect(shim.invite("not a URI") == 0)
                #expect(!String(cString: tel_last_error()).isEmpty)
                #expect(shim.invite("sip:1@127.0.0.1;transport=tcp") == 0)
                #expect(shim.invite("sip:1@127.0.0.1", headers: ["X: a\r\nY: b"]) == 0)
                var stats = tel_stats()
                tel_get_stats(&stats)
                #expect(stats.legs_open == 0)
            }
        }

        @Test func `a redirection names its contacts, best first`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let leg = shim.invite("sip:1002@127.0.0.1:\(peer.port)")
                let contacts = ["Contact: <sip:a@127.0.0.1>;q=0.2, <sip:b@127.0.0.1>;q=0.9"]
                let invite = try peer.expect("INVITE")
                peer.send(
                    "SIP/2.0 302 Moved\r\nVia: \(invite["via"])\r\nFrom: \(invite["from"])\r\nTo: \(invite["to"]);tag=1\r\n"
                        + "Call-ID: \(invite["call-id"])\r\nCSeq: \(invite["cseq"])\r\n\(contacts[0])\r\n"
                        + "Content-Length: 0\r\n\r\n")
                let ended = try shim.expect(TEL_EVENT_ENDED, leg: leg)
                #expect(ended.end == TEL_END_REJECTED && ended.status == 302)
                #expect(ended.contacts == "sip:b@127.0.0.1\nsip:a@127.0.0.1")
            }
        }

        @Test func `tel_redirect answers 302 with a Contact`() throws {
            try Shim.run { shim in
                let caller = shim.invite("sip:7000@127.0.0.1:\(shim.port)")
                let called = try shim.expect(TEL_EVENT_INCOMING).leg
                #expect(tel_redirect(called, 302, "sip:1009@127.0.0.9") == TEL_OK)
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: called).end == TEL_END_LOCAL)
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: caller).contacts == "sip:1009@127.0.0.9")
            }
        }

        @Test func `a second branch's 200 gets its own ACK and BYE`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let leg = shim.invite("sip:1002@127.0.0.1:\(peer.port)")
                let invite = try peer.expect("INVITE")
                peer.respond(200, invite, tag: "first", content: Peer.sdp(formats: "8 101"))
                #expect(try peer.expect("ACK")["to"].contains("tag=first"))
                try shim.expect(TEL_EVENT_ANSWERED, leg: leg)
                peer.respond(200, invite, tag: "second", content: Peer.sdp(port: 39100, formats: "8 101"))
                let two = try [#require(peer.receive()), #require(peer.receive())]
                #expect(Set(two.map(\.method)) == ["ACK", "BYE"])
                #expect(two.allSatisfy { $0["to"].contains("tag=second") })
                #expect(!recorder.all.contains { $0.leg == leg })
            }
        }

        @Test func `an answer without audio that we can carry ends the leg`() throws {
            let answers = [Peer.sdp(port: 0), Peer.sdp(formats: "18", attributes: ["rtpmap:18 G729/8000"]), ""]
            for answer in answers {
                try Shim.run { shim in
                    let peer = try Peer(shimPort: shim.port)
                    let leg = shim.invite("sip:1002@127.0.0.1:\(peer.port)")
                    peer.respond(200, try peer.expect("INVITE"), content: answer)
                    let ended = try shim.expect(TEL_EVENT_ENDED, leg: leg)
                    #expect(ended.end == TEL_END_NO_CODEC && !ended.answered)
                    _ = try peer.expect("BYE")
                }
            }
        }

        @Test func `early media is agreed on before the answer`() throws {
            try Shim.run { shim in
                let caller = shim.invite("sip:7000@127.0.0.1:\(shim.port)")
                let called = try shim.expect(TEL_EVENT_INCOMING).leg
                #expect(tel_ring(called, 183, called) == TEL_OK)
                let progress = try shim.expect(TEL_EVENT_PROGRESS, leg: caller)
                #expect(progress.status == 183 && progress.earlyMedia && progress.codec == "PCMA")
                #expect(tel_ring(called, 180, 0) == TEL_OK)
                #expect(try shim.expect(TEL_EVENT_PROGRESS, leg: caller).earlyMedia)
                #expect(tel_answer(called, 0) == TEL_OK)
                try shim.expect(TEL_EVENT_ANSWERED, leg: caller)
                try shim.expect(TEL_EVENT_ANSWERED, leg: called)
            }
        }

        @Test func `an INVITE without an offer gets one in the 200`() throws {
            try Shim.run { shim in
                let caller = shim.invite("sip:7000@127.0.0.1:\(shim.port)", noOffer: true)
                let incoming = try shim.expect(TEL_EVENT_INCOMING)
                #expect(!incoming.hasOffer)
                tel_answer(incoming.leg, 0)
                #expect(try shim.expect(TEL_EVENT_ANSWERED, leg: caller).codec == "PCMA")
                #expect(try shim.expect(TEL_EVENT_ANSWERED, leg: incoming.leg).codec == "PCMA")
            }
        }

        @Test func `a reliable provisional response is acknowledged, and its answer counts`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let leg = shim.invite("sip:1002@127.0.0.1:\(peer.port)")
                let invite = try peer.expect("INVITE")
                #expect(invite["supported"].contains("100rel") && invite["user-agent"] == "warmline tests")
                peer.respond(183, invite, headers: ["Require: 100rel", "RSeq: 77"], content: Peer.sdp())
                let prack = try peer.expect("PRACK")
                #expect(prack["rack"] == "77 \(invite["cseq"])")
                peer.respond(200, prack)
                #expect(try shim.expect(TEL_EVENT_PROGRESS, leg: leg).earlyMedia)
                peer.respond(200, invite)
                _ = try peer.expect("ACK")
                #expect(try shim.expect(TEL_EVENT_ANSWERED, leg: leg).codec == "PCMA")
            }
        }

        @Test func `a name of the hosts file is called`() throws {
            try Shim.run { shim in
                let caller = shim.invite("sip:7000@localhost:\(shim.port)")
                tel_hangup(try shim.expect(TEL_EVENT_INCOMING).leg, 486, 0, nil, 0)
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: caller).status == 486)
            }
        }

        @Test func `a connection that is refused ends the leg`() throws {
            var settings = Settings()
            settings.listen = ["tcp:127.0.0.1:0"]
            try Shim.run(settings) { shim in
                let leg = shim.invite("sip:1@127.0.0.1:1;transport=tcp")
                let ended = try shim.expect(TEL_EVENT_ENDED, leg: leg)
                #expect(ended.end == TEL_END_TRANSPORT)
            }
        }

        @Test func `calls go by the outbound proxy`() throws {
            let socket = try Peer(shimPort: 0)
            var settings = Settings()
            settings.outboundProxy = "sip:127.0.0.1:\(socket.port)"
            try Shim.run(settings) { shim in
                _ = shim.invite("sip:1002@192.0.2.1")
                let invite = try socket.expect("INVITE")
                #expect(invite.startLine == "INVITE sip:1002@192.0.2.1 SIP/2.0")
                #expect(invite["route"] == "<sip:127.0.0.1:\(socket.port);lr>")
            }
        }

        @Test func `a vanished leg answers nothing any more`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                peer.request("INVITE", content: Peer.sdp())
                let leg = try shim.expect(TEL_EVENT_INCOMING).leg
                tel_answer(leg, 0)
                let ok = try peer.response("INVITE", status: 200)
                peer.request("ACK", to: ok)
                #expect(tel_vanish(leg) == TEL_OK)
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: leg).end == TEL_END_LOCAL)
                peer.request("BYE", cseq: 2, to: ok)
                #expect(peer.receive(within: 0.3) { $0.cseqMethod == "BYE" } == nil)
            }
        }
    }
}
