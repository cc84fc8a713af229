import CTelephony
import Foundation
import Testing

extension TelephonyTests {
    /// REFER sent: a peer is asked to take our place.
    @Suite struct HandOvers {
        private let allow = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE, REFER, NOTIFY"

        /// A caller and a target, both by hand, both in a call with the shim.
        private func two(_ shim: Shim, allow: String) throws -> (
            caller: Peer, ok: Message, leg: UInt64, target: Peer, other: UInt64, invite: Message
        ) {
            let caller = try Peer(shimPort: shim.port)
            caller.request("INVITE", headers: [allow], content: Peer.sdp())
            let leg = try shim.expect(TEL_EVENT_INCOMING).leg
            try #require(tel_answer(leg, 0) == TEL_OK)
            let ok = try caller.response("INVITE", status: 200)
            caller.request("ACK", to: ok)
            try shim.expect(TEL_EVENT_ANSWERED, leg: leg)
            let target = try Peer(shimPort: shim.port)
            let other = shim.invite("sip:1002@127.0.0.1:\(target.port)", callID: "a+b@c/d%")
            let invite = try target.expect("INVITE")
            target.callID = invite["call-id"]
            target.respond(200, invite, tag: "t!%g", content: Peer.sdp(formats: "8 101"))
            _ = try target.expect("ACK")
            try shim.expect(TEL_EVENT_ANSWERED, leg: other)
            return (caller, ok, leg, target, other, invite)
        }

        private func notify(_ caller: Peer, _ ok: Message, _ cseq: Int, _ status: Int, _ state: String) throws -> Int {
            caller.request(
                "NOTIFY", cseq: cseq, to: ok, headers: ["Event: refer", "Subscription-State: \(state)"],
                type: "message/sipfrag", content: "SIP/2.0 \(status) X\r\n")
            return try caller.response("NOTIFY").status
        }

        @Test func `Refer-To is the target's Contact with Replaces escaped, and what comes of it is reported`() throws {
            try Shim.run { shim in
                let (caller, ok, leg, target, other, invite) = try two(shim, allow: allow)
                // Behind the re-INVITE that is open.
                tel_hold(leg, true, 5)
                let hold = try caller.expect("INVITE")
                #expect(tel_hand_over(leg, other, "sip:1001@x", 9) == TEL_OK)
                #expect(tel_hand_over(leg, other, "sip:1001@x", 10) == TEL_ERR_STATE)
                #expect(caller.receive(within: 0.1) { $0.method == "REFER" } == nil)
                caller.respond(200, hold, content: Peer.sdp(direction: "recvonly"))
                let refer = try caller.expect("REFER")
                let tag = invite["from"].components(separatedBy: "tag=").last ?? ""
                #expect(
                    refer["refer-to"]
                        == "<sip:peer@127.0.0.1:\(target.port)?Replaces=a%2Bb%40c%2Fd%25%3Bto-tag%3Dt!%25g%3Bfrom-tag%3D\(tag)>"
                )
                #expect(refer["referred-by"] == "<sip:1001@x>")
                caller.respond(202, refer)
                let taken = try shim.expect(TEL_EVENT_HANDED_OVER, leg: leg)
                #expect(taken.status == 202 && !taken.final && taken.token == 9)
                #expect(try notify(caller, ok, 2, 100, "active;expires=60") == 200)
                #expect(try shim.expect(TEL_EVENT_HANDED_OVER, leg: leg).status == 100)
                #expect(try notify(caller, ok, 3, 200, "terminated;reason=noresource") == 200)
                let done = try shim.expect(TEL_EVENT_HANDED_OVER, leg: leg)
                #expect(done.status == 200 && done.final && done.token == 9)
            }
        }

        @Test func `a challenge is answered`() throws {
            try Shim.run { shim in
                var credential = tel_credential(
                    host: nil, realm: nil, user: strdup("warmline"), password: strdup("secret"))
                #expect(tel_add_credential(&credential) == TEL_OK)
                let (caller, _, leg, _, other, _) = try two(shim, allow: allow)
                #expect(tel_hand_over(leg, other, nil, 9) == TEL_OK)
                let first = try caller.expect("REFER")
                caller.respond(
                    407, first,
                    headers: ["Proxy-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", algorithm=MD5, qop=\"auth\""])
                let second = try #require(
                    caller.receive { $0.method == "REFER" && !$0["proxy-authorization"].isEmpty })
                #expect(second["proxy-authorization"].contains("username=\"warmline\""))
                #expect(second["refer-to"] == first["refer-to"] && second.cseq == first.cseq + 1)
                caller.respond(202, second)
                let taken = try shim.expect(TEL_EVENT_HANDED_OVER, leg: leg)
                #expect(taken.status == 202 && !taken.final)
            }
        }

        @Test(arguments: [603, 407])
        func `a refusal, also of an unanswerable challenge, is final; the call goes on`(status: Int) throws {
            try Shim.run { shim in
                let (caller, _, leg, _, other, _) = try two(shim, allow: allow)
                #expect(tel_hand_over(leg, other, nil, 9) == TEL_OK)
                caller.respond(
                    status, try caller.expect("REFER"),
                    headers: status == 407 ? ["Proxy-Authenticate: Digest realm=\"pbx\", nonce=\"n1\""] : [])
                let refused = try shim.expect(TEL_EVENT_HANDED_OVER, leg: leg)
                #expect(refused.status == status && refused.final)
                tel_hold(leg, true, 1)
                _ = try caller.expect("INVITE")
            }
        }

        @Test func `a peer whose Allow has no REFER is not asked, nor about a leg that is not answered`() throws {
            try Shim.run { shim in
                let (caller, _, leg, _, other, _) = try two(shim, allow: "Allow: INVITE, ACK, BYE, CANCEL")
                #expect(tel_hand_over(leg, other, nil, 9) == TEL_ERR_STATE)
                #expect(tel_hand_over(leg, 12345, nil, 9) == TEL_ERR_STATE)
                #expect(caller.receive(within: 0.1) { $0.method == "REFER" } == nil)
            }
        }
    }
}
