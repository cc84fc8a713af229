import CTelephony
import Foundation
import Testing

/// What is lost, never comes or comes twice, and what stays behind.
extension TelephonyTests {
    @Suite struct Losses {
        @Test func `a challenge that cannot be met leaves the dialog usable`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, ok) = try peer.call(shim)
                tel_hold(leg, true, 1)
                let challenged = try peer.expect("INVITE")
                peer.respond(401, challenged, headers: ["WWW-Authenticate: Digest realm=\"pbx\", nonce=\"1\""])
                #expect(try shim.expect(TEL_EVENT_REOFFERED, leg: leg).status == 401)

                peer.request("INVITE", cseq: 2, to: ok, content: Peer.sdp())
                let answer = try peer.response("INVITE")
                #expect(answer.status == 200)
                peer.request("ACK", cseq: 2, to: answer)

                tel_hold(leg, true, 2)
                let again = try peer.expect("INVITE")
                peer.respond(200, again, content: Peer.sdp(direction: "recvonly"))
                #expect(try shim.expect(TEL_EVENT_REOFFERED, leg: leg).status == 200)
            }
        }

        @Test func `a leg whose requests cannot be delivered has ended`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                // The route set: no socket may send to the broadcast address unless it has asked to.
                peer.request(
                    "INVITE", headers: ["Record-Route: <sip:255.255.255.255:9;lr>"], content: Peer.sdp())
                let leg = try shim.expect(TEL_EVENT_INCOMING).leg
                tel_answer(leg, 0)
                peer.request("ACK", to: try peer.response("INVITE", status: 200))
                try shim.expect(TEL_EVENT_ANSWERED, leg: leg)
                tel_hold(leg, true, 1)
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: leg).end == TEL_END_TRANSPORT)
                #expect(recorder.next(within: 0.2) { $0.leg == leg && $0.kind == TEL_EVENT_ENDED } == nil)
            }
        }

        @Test(arguments: [408, 481])
        func `a re-INVITE of which the peer knows no dialog ends it`(status: Int) throws {
            try Shim.run { shim in
                for outgoing in [true, false] {
                    let peer = try Peer(shimPort: shim.port)
                    let leg = outgoing ? try peer.answer(shim).leg : try peer.call(shim).leg
                    tel_hold(leg, true, 1)
                    peer.respond(status, try peer.expect("INVITE"))
                    let ended = try shim.expect(TEL_EVENT_ENDED, leg: leg)
                    #expect(ended.end == TEL_END_VANISHED && ended.status == status)
                    _ = try peer.expect("BYE")
                }
            }
        }

        @Test func `silence counts from the answer on, early media or not`() throws {
            var settings = Settings()
            settings.rtpTimeoutMs = 300
            try Shim.run(settings) { shim in
                let peer = try Peer(shimPort: shim.port)
                peer.request("INVITE", content: Peer.sdp())
                let leg = try shim.expect(TEL_EVENT_INCOMING).leg
                tel_ring(leg, 183, leg)
                _ = try peer.response("INVITE", status: 183)
                #expect(recorder.next(within: 1) { $0.kind == TEL_EVENT_RTP_TIMEOUT } == nil)
                tel_answer(leg, 0)
                peer.request("ACK", to: try peer.response("INVITE", status: 200))
                try shim.expect(TEL_EVENT_RTP_TIMEOUT, leg: leg)

                let target = try Peer(shimPort: shim.port)
                let (placed, _) = try target.answer(shim)
                try shim.expect(TEL_EVENT_RTP_TIMEOUT, leg: placed)
            }
        }

        @Test func `a second branch that cannot be reached does no harm`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, invite) = try peer.answer(shim)
                let second = [
                    "SIP/2.0 200 OK", "Via: \(invite["via"])", "From: \(invite["from"])",
                    "To: \(invite["to"]);tag=second", "Call-ID: \(invite["call-id"])", "CSeq: \(invite["cseq"])",
                    "Contact: <tel:+123>", "Content-Length: 0", "", "",
                ]
                peer.send(second.joined(separator: "\r\n"))
                tel_hold(leg, true, 1)
                let offer = try peer.expect("INVITE")
                #expect(offer["to"].contains("tag=peer"))
                peer.respond(200, offer, content: Peer.sdp(direction: "recvonly"))
                #expect(try shim.expect(TEL_EVENT_REOFFERED, leg: leg).status == 200)
            }
        }

        @Test func `nothing stays open of calls that are over`() throws {
            try Shim.run { shim in
                // The shim's media sockets, among this process's own descriptors: /proc/net/udp loses lines while other
                // processes close sockets, because it is read in pieces.
                let ports = Settings().ports
                func mediaSockets() throws -> Int {
                    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count { name in
                        guard let descriptor = Int32(name) else { return false }
                        var address = sockaddr_in()
                        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
                        let found = withUnsafeMutablePointer(to: &address) {
                            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                                getsockname(descriptor, $0, &length)
                            }
                        }
                        return found == 0 && address.sin_family == sa_family_t(AF_INET)
                            && address.sin_addr.s_addr == inet_addr("127.0.0.1")
                            && ports.contains(UInt16(bigEndian: address.sin_port))
                    }
                }
                let before = try mediaSockets()
                for round in 0..<60 {
                    let caller = shim.invite("sip:7000@127.0.0.1:\(shim.port)")
                    let called = try shim.expect(TEL_EVENT_INCOMING).leg
                    // Rejected, cancelled while ringing, answered.
                    switch round % 3 {
                    case 0: tel_hangup(called, 486, 0, nil, 0)
                    case 1:
                        tel_ring(called, 180, 0)
                        try shim.expect(TEL_EVENT_PROGRESS, leg: caller)
                        tel_hangup(caller, 0, 0, nil, 0)
                    default:
                        tel_answer(called, 0)
                        try shim.expect(TEL_EVENT_ANSWERED, leg: caller)
                        #expect(try mediaSockets() > before)
                        tel_hangup(round % 2 == 0 ? caller : called, 0, 0, nil, 0)
                    }
                    try shim.expect(TEL_EVENT_ENDED, leg: caller)
                    try shim.expect(TEL_EVENT_ENDED, leg: called)
                }
                var stats = tel_stats()
                tel_get_stats(&stats)
                #expect(stats.legs_open == 0)
                // The media thread closes the last leg's sockets in its own time.
                let deadline = Date(timeIntervalSinceNow: 2)
                while try mediaSockets() > before, Date() < deadline { usleep(10_000) }
                #expect(try mediaSockets() == before)
                #expect(!recorder.all.contains { $0.kind == TEL_EVENT_ENDED })
            }
        }
    }
}
