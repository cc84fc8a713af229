import CTelephony
import Foundation
import Testing

extension TelephonyTests {
    /// Requests outside of dialogs, and what is no request at all.
    @Suite struct Server {
        @Test func `OPTIONS says whether calls are taken`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                peer.request("OPTIONS")
                let ok = try peer.response("OPTIONS")
                #expect(ok.status == 200 && ok["allow"].contains("INVITE") && ok["accept"].contains("application/sdp"))
                tel_set_accepting(false, 30)
                peer.request("OPTIONS", cseq: 2)
                let busy = try peer.response("OPTIONS")
                #expect(busy.status == 503 && busy["retry-after"] == "30")
                tel_set_accepting(true, 0)
                peer.request("OPTIONS", cseq: 3)
                #expect(try peer.response("OPTIONS").status == 200)
            }
        }

        @Test func `an INVITE without hops left is refused`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                peer.request("INVITE", content: Peer.sdp(), maxForwards: 0)
                #expect(try peer.response("INVITE").status == 483)
                #expect(try shim.expect(TEL_EVENT_REFUSED).status == 483)
            }
        }

        @Test func `without a free RTP port there is no leg, and the statistics say why`() throws {
            var settings = Settings()
            settings.ports = 21010...21011
            try Shim.run(settings) { shim in
                let first = try Peer(shimPort: shim.port)
                _ = try first.call(shim)
                let second = try Peer(shimPort: shim.port)
                second.request("INVITE", content: Peer.sdp())
                #expect(try second.response("INVITE").status == 503)
                #expect(shim.invite("sip:1002@127.0.0.1:\(second.port)") == 0)
                var stats = tel_stats()
                tel_get_stats(&stats)
                #expect(stats.no_rtp_port == 2)
            }
        }

        @Test func `an INVITE without a free leg gets 503`() throws {
            var settings = Settings()
            settings.maxLegs = 1
            try Shim.run(settings) { shim in
                let peer = try Peer(shimPort: shim.port)
                peer.request("INVITE", content: Peer.sdp())
                try shim.expect(TEL_EVENT_INCOMING)
                let second = try Peer(shimPort: shim.port)
                second.request("INVITE", content: Peer.sdp())
                #expect(try second.response("INVITE").status == 503)
                #expect(try shim.expect(TEL_EVENT_REFUSED).status == 503)
                #expect(shim.invite("sip:1@127.0.0.1:\(second.port)") == 0)
            }
        }

        @Test func `methods that we do not take outside of dialogs`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                for (method, status) in [("MESSAGE", 405), ("BYE", 481), ("CANCEL", 481), ("WHATEVER", 501)] {
                    peer.request(method)
                    #expect(try peer.response(method).status == status, "\(method)")
                }
            }
        }

        @Test func `the anonymous are marked`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                peer.request(
                    "INVITE",
                    headers: ["Privacy: id", "P-Asserted-Identity: \"A, B\" <sip:+4420@x.example>, <tel:+4420>"],
                    content: Peer.sdp())
                let incoming = try shim.expect(TEL_EVENT_INCOMING)
                #expect(incoming.trusted && incoming.privacy && incoming.asserted == "sip:+4420@x.example")
            }
        }

        @Test func `a flood of INVITEs of a stranger costs neither legs nor more than ten reports a second`() throws {
            var settings = Settings()
            settings.trusted = ["10.1.0.0/16", "::1/128"]
            settings.ports = 21020...21021
            let flood = 200
            try Shim.run(settings) { shim in
                let peer = try Peer(shimPort: shim.port)
                let begin = Date()
                for number in 1...flood {
                    peer.callID = "flood\(number)"
                    peer.request("INVITE", content: Peer.sdp())
                    #expect(try peer.response("INVITE").status == 403)
                }
                let seconds = Int(Date().timeIntervalSince(begin)) + 2
                let refused = recorder.all.filter { $0.kind == TEL_EVENT_REFUSED }
                var stats = tel_stats()
                tel_get_stats(&stats)
                #expect(refused.count >= 10 && refused.count <= 10 * seconds)
                #expect(refused.count + Int(stats.refused_unreported) == flood)
                #expect(stats.legs_peak == 0 && stats.no_rtp_port == 0)
                let first = try #require(refused.first)
                #expect(first.status == 403 && !first.trusted && first.source == "127.0.0.1:\(peer.port)")
                #expect(first.reason == nil && first.requestURI?.hasPrefix("sip:7000@") == true)
                #expect(!recorder.all.contains { $0.kind == TEL_EVENT_INCOMING })
            }
        }

        @Test func `refusals of trusted peers are all reported`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                for number in 1...15 {
                    peer.callID = "hopless\(number)"
                    peer.request("INVITE", content: Peer.sdp(), maxForwards: 0)
                    #expect(try peer.response("INVITE").status == 483)
                    try shim.expect(TEL_EVENT_REFUSED)
                }
            }
        }

        @Test func `an INVITE that comes by a second way too is one call`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                peer.request("INVITE", content: Peer.sdp())
                let leg = try shim.expect(TEL_EVENT_INCOMING).leg
                peer.request("INVITE", content: Peer.sdp())
                #expect(try peer.response("INVITE").status == 482)
                #expect(try shim.expect(TEL_EVENT_REFUSED).status == 482)
                peer.request("INVITE", cseq: 2, content: Peer.sdp(), branchOf: "z9hG4bKother")
                #expect(try shim.expect(TEL_EVENT_INCOMING).leg != leg, "another CSeq is another request")
            }
        }

        @Test func `what is no SIP is dropped and counted`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                peer.send("hello, is there anybody at home in this place?\r\n\r\n")
                peer.send((0..<200).map { UInt8(($0 * 37) & 0xff) })
                peer.send("INVITE sip:7000@127.0.0.1 SIP/2.0\r\nVia: nonsense\r\n\r\n")
                peer.send("OPTIONS sip:7000@127.0.0.1 SIP/2.0\r\nFrom: <sip:a@b>;tag=1\r\n\r\n")
                peer.send("\r\n\r\n")
                peer.request("OPTIONS")
                #expect(try peer.response("OPTIONS").status == 200)
                var stats = tel_stats()
                tel_get_stats(&stats)
                #expect(stats.malformed == 4)
            }
        }

        @Test func `oddities in headers are answered, not died of`() throws {
            let odd = [
                "Contact: *", "Contact: <tel:123>", "Authorization: Digest realm=\"X\", algorithm=SHA-256, nonce=\"1\"",
                "Authorization: nonsense", "Reason: ;;;cause=;text=\"", "Require: teleport",
                "Session-Expires: 99999999999999999999;refresher=me", "Record-Route: <tel:1>",
                "Supported: timer, 100rel",
                "X-Long: " + String(repeating: "x", count: 6000), "Max-Forwards: 70, 70", "Allow: ,,,",
                "P-Asserted-Identity: <<<>>>", "Privacy: ", "Content-Type: multipart/mixed;boundary=",
            ]
            try Shim.run { shim in
                for header in odd {
                    let peer = try Peer(shimPort: shim.port)
                    for method in ["INVITE", "REGISTER", "OPTIONS", "CANCEL", "INFO"] {
                        peer.request(method, headers: [header], content: method == "INVITE" ? Peer.sdp() : "")
                    }
                }
                let peer = try Peer(shimPort: shim.port)
                peer.request("OPTIONS")
                #expect(try peer.response("OPTIONS").status == 200)
            }
        }

        @Test func `configuration that cannot work says what is wrong`() throws {
            var settings = Settings()
            settings.codecs = ["PCMA", "speex"]
            #expect(throws: StartFailure.self) { try Shim.run(settings) { _ in } }
            settings = Settings()
            settings.listen = ["sctp:127.0.0.1:5060"]
            #expect(throws: StartFailure.self) { try Shim.run(settings) { _ in } }
            settings = Settings()
            settings.trusted = ["127.0.0.1/33"]
            let failure = #expect(throws: StartFailure.self) { try Shim.run(settings) { _ in } }
            #expect(failure?.description.contains("127.0.0.1/33") == true)
        }

        @Test func `TCP and IPv6 carry calls too`() throws {
            for listen in ["tcp:127.0.0.1:0", "udp:[::1]:0", "tcp:[::1]:0"] {
                var settings = Settings()
                settings.listen = [listen]
                settings.trusted = ["127.0.0.0/8", "::1"]
                try Shim.run(settings) { shim in
                    let host = listen.contains("[") ? "[::1]" : "127.0.0.1"
                    let transport = listen.hasPrefix("tcp") ? ";transport=tcp" : ""
                    let caller = shim.invite("sip:7000@\(host):\(shim.port)\(transport)")
                    let incoming = try shim.expect(TEL_EVENT_INCOMING)
                    #expect(incoming.trusted)
                    tel_answer(incoming.leg, 0)
                    try shim.expect(TEL_EVENT_ANSWERED, leg: caller)
                    tel_hangup(incoming.leg, 0, 0, nil, 0)
                    #expect(try shim.expect(TEL_EVENT_ENDED, leg: caller).end == TEL_END_BYE)
                }
            }
        }

        @Test func `a large INVITE stays on UDP`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let long = String(repeating: "x", count: 1500)
                _ = shim.invite("sip:1@127.0.0.1:\(peer.port)", headers: ["X-Long: \(long)"])
                #expect(try peer.expect("INVITE")["x-long"] == long)
            }
        }
    }
}
