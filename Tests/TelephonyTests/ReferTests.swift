import CTelephony
import Foundation
import Testing

extension TelephonyTests {
    /// REFER received, its subscription, and INVITE with Replaces.
    @Suite struct Refers {
        /// Peer and shim in a call, and the peer's REFER.
        private func referred(
            _ shim: Shim, to target: String = "<sip:1002@127.0.0.1:5082>", headers: [String] = []
        ) throws -> (peer: Peer, leg: tel_leg_id, ok: Message, token: UInt64) {
            let peer = try Peer(shimPort: shim.port)
            let (leg, ok) = try peer.call(shim)
            peer.request("REFER", cseq: 2, to: ok, headers: ["Refer-To: \(target)"] + headers)
            let event = try shim.expect(TEL_EVENT_REFER, leg: leg)
            return (peer, leg, ok, event.token)
        }

        private func notify(_ peer: Peer, answer status: Int = 200) throws -> Message {
            let notify = try peer.expect("NOTIFY")
            peer.respond(status, notify)
            return notify
        }

        @Test func `202, NOTIFY 100 at once, then what the application says, then terminated`() throws {
            try Shim.run { shim in
                let (peer, leg, ok, token) = try referred(shim, headers: ["Referred-By: \"Anna\" <sip:anna@h>;x=1"])
                #expect(tel_refer_accept(token) == TEL_OK)
                #expect(try peer.response("REFER").status == 202)
                let first = try notify(peer)
                #expect(first["event"] == "refer")
                #expect(first["subscription-state"] == "active;expires=600")
                #expect(first["content-type"] == "message/sipfrag;version=2.0")
                #expect(first.body == "SIP/2.0 100 Trying\r\n")
                #expect(tel_refer_notify(token, 180, false) == TEL_OK)
                #expect(try notify(peer).body == "SIP/2.0 180 Ringing\r\n")
                #expect(tel_refer_notify(token, 200, true) == TEL_OK)
                let last = try notify(peer)
                #expect(last.body == "SIP/2.0 200 OK\r\n")
                #expect(last["subscription-state"] == "terminated;reason=noresource")
                #expect(last.cseq == first.cseq + 2)
                #expect(tel_refer_notify(token, 200, true) == TEL_ERR_NO_LEG)
                // The dialog goes on, its CSeq where it should be.
                tel_send_request(leg, "INFO", nil, nil)
                #expect(try peer.expect("INFO").cseq == last.cseq + 1)
                peer.request("BYE", cseq: 3, to: ok)
                #expect(try peer.response("BYE").status == 200)
            }
        }

        @Test func `what a REFER says is reported`() throws {
            try Shim.run { shim in
                let (other, _) = try Peer(shimPort: shim.port).call(shim)
                var buffer = [CChar](repeating: 0, count: 512)
                #expect(tel_replaces(other, &buffer, buffer.count) > 0)
                // For ourselves the tags are the other way round.
                let parts = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                    .components(separatedBy: ";").map { $0.components(separatedBy: "=").last ?? "" }
                let peer = try Peer(shimPort: shim.port)
                let (leg, ok) = try peer.call(shim)
                func refer(_ cseq: Int, _ headers: [String]) throws -> Event {
                    peer.request("REFER", cseq: cseq, to: ok, headers: headers)
                    let event = try shim.expect(TEL_EVENT_REFER, leg: leg)
                    #expect(tel_refer_reject(event.token, 603) == TEL_OK)
                    #expect(try peer.response("REFER").status == 603)
                    return event
                }
                let plain = try refer(2, ["r: sip:1002@h", "b: <sip:anna@h>", "Refer-Sub: false"])
                #expect(plain.referTo == "sip:1002@h" && plain.referredBy == "sip:anna@h" && plain.noSubscription)
                #expect(plain.replaces == 0 && plain.replacesHeader == nil && plain.trusted)
                let ours = try refer(
                    3, ["Refer-To: <sip:x@h;a=b?Replaces=\(parts[0])%3Bto-tag%3D\(parts[2])%3Bfrom-tag%3D\(parts[1])>"])
                #expect(ours.replaces == other && ours.replacesHeader == nil && !ours.noSubscription)
                #expect(ours.referTo == "sip:x@h;a=b")
                let elsewhere = try refer(
                    4,
                    ["Refer-To: <sip:x@h?Require=replaces&Replaces=a%40b%3Bfrom-tag%3D1%3Bto-tag%3D2%3Bearly-only&X=y>"]
                )
                #expect(elsewhere.replacesHeader == "a@b;to-tag=2;from-tag=1;early-only" && elsewhere.replaces == 0)
                #expect(elsewhere.requiresReplaces && elsewhere.earlyOnly)
                #expect(try refer(5, ["Refer-To: <tel:+37120000001>"]).referTo == "tel:+37120000001")
            }
        }

        @Test(arguments: [
            (400, ["Subject: no Refer-To"]), (400, ["Refer-To: <sip:a@h>", "Refer-To: <sip:b@h>"]),
            (400, ["Refer-To: <>"]), (400, ["Refer-To: nonsense"]), (416, ["Refer-To: <http://h/>"]),
            (400, ["Refer-To: <sip:a@h?Replaces=x>"]), (501, ["Refer-To: <sip:a@h;method=SUBSCRIBE>"]),
            (400, ["Refer-To: <sip:a@h?Replaces=x%0d%0aEvil:y%3Bto-tag%3D1%3Bfrom-tag%3D2>"]),
            (420, ["Refer-To: <sip:a@h>", "Require: magic"]),
        ])
        func `a malformed REFER is refused, and the call goes on`(status: Int, headers: [String]) throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, ok) = try peer.call(shim)
                peer.request("REFER", cseq: 2, to: ok, headers: headers)
                #expect(try peer.response("REFER").status == status)
                #expect(recorder.next(within: 0.1) { $0.kind == TEL_EVENT_REFER || $0.kind == TEL_EVENT_ENDED } == nil)
                #expect(tel_hangup(leg, 0, 0, nil, 0) == TEL_OK)
                _ = try peer.expect("BYE")
            }
        }

        @Test func `Refer-Sub false: the 202 says so, and nothing follows`() throws {
            try Shim.run { shim in
                let (peer, _, _, token) = try referred(shim, headers: ["Refer-Sub: false"])
                #expect(tel_refer_accept(token) == TEL_OK)
                let accepted = try peer.response("REFER")
                #expect(accepted.status == 202 && accepted["refer-sub"] == "false")
                #expect(tel_refer_notify(token, 200, true) == TEL_ERR_NO_LEG)
                #expect(peer.receive(within: 0.2) { $0.method == "NOTIFY" } == nil)
            }
        }

        @Test func `the peer's BYE after the 202 leaves the subscription as it is`() throws {
            try Shim.run { shim in
                let (peer, leg, ok, token) = try referred(shim)
                tel_refer_accept(token)
                _ = try notify(peer)
                peer.request("BYE", cseq: 3, to: ok)
                #expect(try peer.response("BYE").status == 200)
                try shim.expect(TEL_EVENT_ENDED, leg: leg)
                #expect(tel_refer_notify(token, 180, false) == TEL_OK)
                #expect(try notify(peer).body.contains("180"))
                #expect(tel_refer_notify(token, 486, true) == TEL_OK)
                #expect(try notify(peer)["subscription-state"].hasPrefix("terminated"))
            }
        }

        @Test func `SUBSCRIBE refreshes the subscription, and ends it; not one that is not there`() throws {
            try Shim.run { shim in
                let (peer, leg, ok, token) = try referred(shim)
                tel_refer_accept(token)
                _ = try notify(peer)
                tel_refer_notify(token, 180, false)
                _ = try notify(peer)
                func subscribe(_ cseq: Int, _ headers: String...) throws -> Message {
                    peer.request("SUBSCRIBE", cseq: cseq, to: ok, headers: headers)
                    return try peer.response("SUBSCRIBE")
                }
                let refreshed = try subscribe(3, "Event: refer", "Expires: 60")
                #expect(refreshed.status == 200 && refreshed["expires"] == "60" && !refreshed["contact"].isEmpty)
                let state = try notify(peer)
                #expect(state["subscription-state"].hasPrefix("active;expires=") && state.body.contains("180"))
                #expect(try subscribe(4, "Event: presence").status == 489)
                #expect(try subscribe(5, "Event: refer;id=9").status == 481)
                #expect(try subscribe(6, "Event: refer", "Expires: 0")["expires"] == "0")
                #expect(try notify(peer)["subscription-state"].hasPrefix("terminated"))
                #expect(try subscribe(7, "Event: refer").status == 481)
                #expect(tel_refer_notify(token, 200, true) == TEL_ERR_NO_LEG)
                // The call goes on.
                #expect(tel_hangup(leg, 0, 0, nil, 0) == TEL_OK)
                _ = try peer.expect("BYE")
            }
        }

        @Test(arguments: [481, 405, 500])
        func `a NOTIFY that is refused ends nothing but the subscription`(status: Int) throws {
            try Shim.run { shim in
                let (peer, leg, ok, token) = try referred(shim)
                tel_refer_accept(token)
                _ = try notify(peer, answer: status)
                #expect(recorder.next(within: 0.2) { $0.kind == TEL_EVENT_ENDED } == nil)
                #expect(tel_refer_notify(token, 200, true) == TEL_OK)
                if status == 481 {
                    #expect(peer.receive(within: 0.2) { $0.method == "NOTIFY" } == nil)
                } else {
                    _ = try notify(peer)
                }
                peer.request("BYE", cseq: 3, to: ok)
                #expect(try peer.response("BYE").status == 200)
                #expect(try shim.expect(TEL_EVENT_ENDED, leg: leg).end == TEL_END_BYE)
            }
        }

        @Test func `a REFER that waits is answered though the leg is over; the second one has an id`() throws {
            try Shim.run { shim in
                let (peer, leg, ok, token) = try referred(shim)
                #expect(tel_refer_reject(token, 603) == TEL_OK)
                _ = try peer.response("REFER")
                peer.request("REFER", cseq: 3, to: ok, headers: ["Refer-To: <sip:1003@h>"])
                let second = try shim.expect(TEL_EVENT_REFER, leg: leg).token
                peer.request("BYE", cseq: 4, to: ok)
                try shim.expect(TEL_EVENT_ENDED, leg: leg)
                #expect(tel_refer_accept(second) == TEL_OK)
                #expect(try peer.response("REFER").status == 202)
                #expect(try notify(peer)["event"] == "refer;id=3")
            }
        }

        @Test func `stopping ends what is open`() throws {
            var peers: [Peer] = []
            try Shim.run { shim in
                let waiting = try referred(shim)
                let accepted = try referred(shim)
                tel_refer_accept(accepted.token)
                _ = try notify(accepted.peer)
                peers = [waiting.peer, accepted.peer]
            }
            #expect(try peers[0].response("REFER").status == 503)
            #expect(try peers[1].expect("NOTIFY")["subscription-state"].hasPrefix("terminated"))
        }

        @Test func `outside of a dialog: 403, 481, or the leg that Target-Dialog names`() throws {
            try Shim.run { shim in
                let (peer, leg, ok, _) = try referred(shim)
                let other = try Peer(shimPort: shim.port)
                other.request("REFER", headers: ["Refer-To: <sip:1002@h>"])
                #expect(try other.response("REFER").status == 481)
                let tag = ok["to"].components(separatedBy: "tag=")[1]
                let dialog = "Target-Dialog: \(peer.callID);local-tag=t\(peer.port);remote-tag=\(tag)"
                other.callID = "another"
                other.request("REFER", headers: ["Refer-To: <sip:1002@h>", dialog])
                let event = try shim.expect(TEL_EVENT_REFER, leg: leg)
                #expect(tel_refer_accept(event.token) == TEL_OK)
                let accepted = try other.response("REFER")
                #expect(accepted.status == 202 && accepted["to"].contains("tag="))
                #expect(try notify(other)["call-id"] == "another")
                #expect(tel_refer_notify(event.token, 200, true) == TEL_OK)
                #expect(try notify(other)["subscription-state"].hasPrefix("terminated"))
            }
            var settings = Settings()
            settings.trusted = []
            try Shim.run(settings) { shim in
                let other = try Peer(shimPort: shim.port)
                other.request("REFER", headers: ["Refer-To: <sip:1002@h>"])
                #expect(try other.response("REFER").status == 403)
            }
        }

        // MARK: Replaces

        /// The value of Replaces by which the shim finds a dialog of the peer's, `ok` being the shim's 200.
        private func replaces(_ peer: Peer, _ ok: Message) -> String {
            "\(peer.callID);to-tag=\(ok["to"].components(separatedBy: "tag=")[1]);from-tag=t\(peer.port)"
        }

        @Test func `an INVITE with Replaces names the leg`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, ok) = try peer.call(shim)
                let other = try Peer(shimPort: shim.port)
                other.request(
                    "INVITE", headers: ["Require: replaces", "Replaces: \(replaces(peer, ok))"], content: Peer.sdp())
                let event = try shim.expect(TEL_EVENT_INCOMING)
                #expect(event.replaces == leg && !event.earlyOnly)
                #expect(ok["supported"].contains("replaces") && ok["allow"].contains("REFER"))
            }
        }

        @Test func `RFC 3891 section 3: 481, 486, 400`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, ok) = try peer.call(shim)
                let value = replaces(peer, ok)
                var cseq = 0
                func refused(_ headers: [String]) throws -> Int {
                    cseq += 1
                    let other = try Peer(shimPort: shim.port)
                    other.request("INVITE", headers: headers.map { "Replaces: \($0)" }, content: Peer.sdp())
                    return try other.response("INVITE").status
                }
                #expect(try refused(["nobody;to-tag=1;from-tag=2"]) == 481)
                #expect(try refused(["\(value);early-only"]) == 486)
                #expect(try refused([value, value]) == 400)
                #expect(try refused(["\(peer.callID)"]) == 400)
                #expect(recorder.next(within: 0.1) { $0.kind == TEL_EVENT_INCOMING } == nil)
                // An early dialog that we have not begun.
                let early = try Peer(shimPort: shim.port)
                early.request("INVITE", content: Peer.sdp())
                let ringing = try shim.expect(TEL_EVENT_INCOMING).leg
                tel_ring(ringing, 180, 0)
                let progress = try #require(early.receive { $0.status == 180 })
                #expect(try refused([replaces(early, progress)]) == 481)
                // One that is over.
                tel_hangup(leg, 0, 0, nil, 0)
                _ = try peer.expect("BYE")
                #expect(try refused([value]) == 603)
            }
        }

        @Test func `an early dialog of ours can be replaced, with early-only too`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let leg = shim.invite("sip:1002@127.0.0.1:\(peer.port)")
                let invite = try peer.expect("INVITE")
                peer.respond(180, invite, tag: "early")
                try shim.expect(TEL_EVENT_PROGRESS, leg: leg)
                let from = invite["from"].components(separatedBy: "tag=")[1]
                let other = try Peer(shimPort: shim.port)
                other.request(
                    "INVITE",
                    headers: ["Replaces: \(invite["call-id"]);from-tag=early;to-tag=\(from);early-only"],
                    content: Peer.sdp())
                let event = try shim.expect(TEL_EVENT_INCOMING)
                #expect(event.replaces == leg && event.earlyOnly)
            }
        }
    }
}
