import CTelephony
import Foundation
import Testing

extension TelephonyTests {
    /// Who is there (RFC 3325), in INVITEs and in mid-call; what goes with an INVITE.
    @Suite struct Identities {
        private let all = "Allow: INVITE, ACK, BYE, CANCEL, INFO, UPDATE"

        /// A call of the shim that a peer with this Allow has answered.
        private func answered(_ shim: Shim, _ peer: Peer, allow: String) throws -> (leg: UInt64, invite: Message) {
            let leg = shim.invite("sip:1002@127.0.0.1:\(peer.port)")
            let invite = try peer.expect("INVITE")
            peer.callID = invite["call-id"]
            peer.respond(200, invite, headers: [allow], content: Peer.sdp(formats: "8 101"))
            _ = try peer.expect("ACK")
            try shim.expect(TEL_EVENT_ANSWERED, leg: leg)
            return (leg, invite)
        }

        @Test func `a peer that takes UPDATE is told by one without an offer`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, _) = try answered(shim, peer, allow: all)
                #expect(tel_identify(leg, "sip:3100@pbx.example", "Ann \"A\" Ä", false, false) == TEL_OK)
                let update = try peer.expect("UPDATE")
                #expect(update["p-asserted-identity"] == "\"Ann \\\"A\\\" Ä\" <sip:3100@pbx.example>")
                #expect(update["privacy"].isEmpty && update.body.isEmpty)
                // What comes next waits for the answer.
                tel_hold(leg, true, 3)
                #expect(peer.receive(within: 0.1) { $0.method == "INVITE" } == nil)
                peer.respond(200, update)
                #expect(try peer.expect("INVITE").sdp("a").contains("sendonly"))
            }
        }

        @Test(arguments: ["Allow: INVITE, ACK, BYE, CANCEL, INFO", "405"])
        func `one that takes none is told by a re-INVITE that changes nothing else`(allow: String) throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, invite) = try answered(shim, peer, allow: allow == "405" ? all : allow)
                tel_identify(leg, "sip:3100@pbx.example", nil, false, false)
                if allow == "405" { peer.respond(405, try peer.expect("UPDATE")) }
                let again = try peer.expect("INVITE")
                #expect(again["p-asserted-identity"] == "<sip:3100@pbx.example>")
                #expect(again.sdp("m") == ["audio \(invite.sdp("m")[0].split(separator: " ")[1]) RTP/AVP 8 101"])
                #expect(again.sdp("a").contains("sendrecv"))
                peer.respond(200, again, content: Peer.sdp(formats: "8 101"))
                _ = try peer.expect("ACK")
                #expect(recorder.next(within: 0.1) { $0.kind == TEL_EVENT_REOFFERED } == nil)
            }
        }

        @Test func `a peer that is not trusted is told only where it is entitled, and no withheld number`() throws {
            var settings = Settings()
            settings.trusted = []
            try Shim.run(settings) { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, _) = try answered(shim, peer, allow: all)
                #expect(tel_identify(leg, "sip:3100@pbx.example", nil, false, false) == TEL_OK)
                #expect(peer.receive(within: 0.2) { $0.method == "UPDATE" } == nil)
                tel_identify(leg, "sip:3100@pbx.example", "Ann", true, true)
                let update = try peer.expect("UPDATE")
                #expect(update["p-asserted-identity"] == "\"Anonymous\" <sip:anonymous@anonymous.invalid>")
                #expect(update["privacy"].isEmpty && !update.text.contains("3100"))
                peer.respond(200, update)
                tel_identify(leg, "sip:3100@pbx.example", "Ann", false, true)
                #expect(try peer.expect("UPDATE")["p-asserted-identity"] == "\"Ann\" <sip:3100@pbx.example>")
            }
        }

        @Test(arguments: [true, false])
        func `a withheld number goes to trusted peers alone, with Privacy: id`(trusted: Bool) throws {
            var settings = Settings()
            settings.trusted = trusted ? ["127.0.0.0/8"] : []
            try Shim.run(settings) { shim in
                let peer = try Peer(shimPort: shim.port)
                _ = shim.invite(
                    "sip:1002@127.0.0.1:\(peer.port)", from: "sip:anonymous@anonymous.invalid", asserted: "sip:3100@x",
                    withheld: true)
                let invite = try peer.expect("INVITE")
                #expect(invite["p-asserted-identity"] == (trusted ? "<sip:3100@x>" : ""))
                #expect(invite["privacy"] == (trusted ? "id" : ""))
            }
        }

        @Test func `who is there now by the peer's UPDATE and re-INVITE`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let (leg, ok) = try peer.call(shim)
                let headers = ["P-Asserted-Identity: \"Bo\\\"b\" <sip:3200@pbx.example>"]
                peer.request("UPDATE", cseq: 2, to: ok, headers: headers)
                let updated = try shim.expect(TEL_EVENT_IDENTITY, leg: leg)
                #expect(updated.asserted == "sip:3200@pbx.example" && updated.assertedDisplay == "Bo\"b")
                #expect(updated.trusted && updated.reason == "UPDATE")
                #expect(try peer.response("UPDATE").status == 200)
                peer.request(
                    "INVITE", cseq: 3, to: ok, headers: ["P-Asserted-Identity: <sip:3300@x>", "Privacy: id"],
                    content: Peer.sdp())
                let reinvited = try shim.expect(TEL_EVENT_IDENTITY, leg: leg)
                #expect(reinvited.asserted == "sip:3300@x" && reinvited.privacy && reinvited.reason == "INVITE")
                peer.request("ACK", cseq: 3, to: try peer.response("INVITE", status: 200))
                peer.request("INVITE", cseq: 4, to: ok, content: Peer.sdp())
                peer.request("ACK", cseq: 4, to: try peer.response("INVITE", status: 200))
                #expect(recorder.next(within: 0.1) { $0.kind == TEL_EVENT_IDENTITY } == nil)
            }
        }

        @Test func `the headers that are asked for are reported, and no others`() throws {
            var settings = Settings()
            settings.passHeaders = ["User-to-User", "X-Customer"]
            try Shim.run(settings) { shim in
                let peer = try Peer(shimPort: shim.port)
                peer.request(
                    "INVITE",
                    headers: [
                        "User-to-User: 56a3;encoding=hex", "x-customer: 1\u{8}2", "X-Customer: Zoë", "X-Other: no",
                        "X-Customer: \(String(repeating: "y", count: 3000))",
                    ], content: Peer.sdp())
                let incoming = try shim.expect(TEL_EVENT_INCOMING)
                let lines = incoming.headers?.split(separator: "\n").map(String.init)
                #expect(lines == ["User-to-User: 56a3;encoding=hex", "x-customer: 1 2", "X-Customer: Zoë"])
            }
        }

        @Test(arguments: [true, false])
        func `a note goes as MESSAGE to a peer that takes it, when it has answered`(takes: Bool) throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let note = "wants a refund – Zoë\n" + String(repeating: "ä", count: 600)
                let leg = shim.invite("sip:1002@127.0.0.1:\(peer.port)", note: note)
                let invite = try peer.expect("INVITE")
                peer.respond(180, invite, headers: [all + ", MESSAGE"])
                peer.respond(200, invite, headers: [all + (takes ? ", MESSAGE" : "")], content: Peer.sdp(formats: "8"))
                _ = try peer.expect("ACK")
                try shim.expect(TEL_EVENT_ANSWERED, leg: leg)
                let message = peer.receive(within: takes ? 3 : 0.2) { $0.method == "MESSAGE" }
                #expect((message != nil) == takes)
                guard let message else { return }
                #expect(message["content-type"].replacing(" ", with: "").lowercased() == "text/plain;charset=utf-8")
                #expect(note.hasPrefix(message.body) && (1021...1024).contains(message.body.utf8.count))
                #expect(message["call-id"] == invite["call-id"])
                // Whatever comes of it, the call goes on.
                peer.respond(488, message)
                tel_hold(leg, true, 1)
                _ = try peer.expect("INVITE")
            }
        }

        @Test(arguments: [true, false])
        func `MESSAGE is taken by those who are to, in a dialog and outside`(accepts: Bool) throws {
            var settings = Settings()
            settings.acceptsMessages = accepts
            try Shim.run(settings) { shim in
                let peer = try Peer(shimPort: shim.port)
                peer.request("MESSAGE", type: "text/plain", content: "hello")
                let outside = try peer.response("MESSAGE")
                #expect(outside.status == (accepts ? 200 : 405))
                if accepts { #expect(try shim.expect(TEL_EVENT_MESSAGE).text == "hello") }
                peer.callID = UUID().uuidString
                let (leg, ok) = try peer.call(shim)
                #expect(ok["allow"].contains("MESSAGE") == accepts)
                peer.request("MESSAGE", cseq: 2, to: ok, type: "text/plain", content: "grüße")
                let inside = try peer.response("MESSAGE")
                #expect(inside.status == (accepts ? 200 : 405))
                if accepts { #expect(try shim.expect(TEL_EVENT_MESSAGE, leg: leg).text == "grüße") }
            }
        }
    }
}
