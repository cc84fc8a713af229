import CTelephony
import Testing

extension TelephonyTests {
    /// Digits by SIP INFO.
    @Suite struct InfoDigits {
        private let noEvents = Peer.sdp(formats: "8", attributes: ["rtpmap:8 PCMA/8000"])

        @Test func `both kinds of INFO are understood, others refused`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, ok) = try peer.call(shim)
                let sent = [
                    ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", 200, "5"),
                    ("application/dtmf-relay", "Signal= *\r\nDuration=160\r\n", 200, "*"),
                    ("application/dtmf-relay", "Signal=11\r\n", 200, "#"),
                    ("application/dtmf", "d", 200, "D"),
                    ("application/dtmf", "?", 400, ""),
                    ("application/media_control+xml", "<x/>", 415, ""),
                    ("", "", 200, ""),
                ]
                for (index, (type, body, status, digit)) in sent.enumerated() {
                    peer.request("INFO", cseq: 2 + index, to: ok, type: type, content: body)
                    #expect(try peer.response("INFO").status == status, "\(body)")
                    let event = recorder.next(within: digit.isEmpty ? 0.05 : 1) { $0.kind == TEL_EVENT_DIGIT }
                    #expect((event?.digit ?? "") == digit)
                    if let event { #expect(event.leg == leg) }
                }
            }
        }

        @Test func `digits go as INFO, in order, where telephone-event is missing`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, _) = try peer.call(shim, sdp: noEvents)
                #expect(tel_send_digits(leg, "*2#") == TEL_OK)
                for digit in ["*", "2", "#"] {
                    let info = try peer.expect("INFO")
                    #expect(info["content-type"] == "application/dtmf-relay")
                    #expect(info.body.hasPrefix("Signal=\(digit)\r\n"))
                    peer.respond(200, info)
                }
                #expect(tel_send_digits(leg, "12x") == TEL_ERR_INVALID)
            }
        }

        @Test func `digits are dropped and counted where the peer takes neither`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let leg = shim.invite("sip:1002@127.0.0.1:\(peer.port)")
                peer.respond(200, try peer.expect("INVITE"), headers: ["Allow: INVITE, ACK, BYE"], content: noEvents)
                try shim.expect(TEL_EVENT_ANSWERED)
                #expect(tel_send_digits(leg, "123") == TEL_OK)
                #expect(peer.receive(within: 0.2) { $0.method == "INFO" } == nil)
                var stats = tel_stats()
                tel_get_stats(&stats)
                #expect(stats.digits_dropped == 3)
                var ofLeg = tel_leg_stats()
                #expect(tel_get_leg_stats(leg, &ofLeg))
                #expect(ofLeg.digits_dropped == 3 && ofLeg.answered)
            }
        }
    }
}
