import CTelephony
import Foundation
import Testing

/// Sets the users that may register.
func permit(_ users: [String]) {
    let names = users.map { UnsafePointer(strdup($0)!) }
    names.withUnsafeBufferPointer { buffer in
        var none = UnsafePointer<CChar>(strdup("")!)
        withUnsafePointer(to: &none) { _ = tel_set_registrable(buffer.baseAddress ?? $0, buffer.count) }
        free(UnsafeMutablePointer(mutating: none))
    }
    names.forEach { free(UnsafeMutablePointer(mutating: $0)) }
}

extension TelephonyTests {
    @Suite struct Registrar {
        private func register(_ peer: Peer, cseq: Int, _ headers: [String]) throws -> Message {
            // The address of record is the To of Peer's requests: 7000.
            peer.request("REGISTER", cseq: cseq, headers: headers)
            return try peer.response("REGISTER")
        }

        @Test func `a permitted user registers, moves and leaves`() throws {
            try Shim.run { shim in
                permit(["7000"])
                let peer = try Peer(shimPort: shim.port)
                let ok = try register(peer, cseq: 1, ["Expires: 600"])
                #expect(ok.status == 200 && ok["contact"].contains("expires=600"))
                let registered = try shim.expect(TEL_EVENT_REGISTERED)
                #expect(registered.user == "7000" && registered.contacts == "sip:peer@127.0.0.1:\(peer.port)")
                #expect(registered.expires == 600)

                let two = try register(peer, cseq: 2, ["Expires: 600", "Contact: <sip:b@127.0.0.1>;q=0.1"])
                #expect(two.all("contact").count == 2)
                #expect(
                    try shim.expect(TEL_EVENT_REGISTERED).contacts
                        == "sip:peer@127.0.0.1:\(peer.port)\nsip:b@127.0.0.1")

                peer.send(
                    "REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:\(peer.port);rport;branch=z9hG4bKs\r\n"
                        + "From: <sip:7000@127.0.0.1>;tag=x\r\nTo: <sip:7000@127.0.0.1>\r\nCall-ID: \(peer.callID)\r\n"
                        + "CSeq: 3 REGISTER\r\nContact: *\r\nExpires: 0\r\nContent-Length: 0\r\n\r\n")
                #expect(try peer.response("REGISTER").status == 200)
                let gone = try shim.expect(TEL_EVENT_REGISTERED)
                #expect(gone.contacts == nil && gone.expires == 0)
            }
        }

        @Test func `who asks before the users are known is answered when asking again`() throws {
            var settings = Settings()
            settings.awaitsUsers = true
            try Shim.run(settings) { shim in
                let peer = try Peer(shimPort: shim.port)
                let branch = peer.request("REGISTER", headers: ["Expires: 600"])
                #expect(peer.receive(within: 0.3) == nil)
                permit(["7000"])
                peer.request("REGISTER", headers: ["Expires: 600"], branchOf: branch)
                #expect(try peer.response("REGISTER").status == 200)
            }
        }

        @Test func `a registration that is not refreshed expires`() throws {
            try Shim.run { shim in
                permit(["7000"])
                let peer = try Peer(shimPort: shim.port)
                #expect(try register(peer, cseq: 1, ["Expires: 1"]).status == 200)
                try shim.expect(TEL_EVENT_REGISTERED)
                #expect(try shim.expect(TEL_EVENT_REGISTERED, within: 4).contacts == nil)
            }
        }

        @Test func `it expires however often others register`() throws {
            try Shim.run { shim in
                permit(["7000"])
                let peer = try Peer(shimPort: shim.port)
                let other = "Contact: <sip:b@127.0.0.1>;expires=600"
                #expect(try register(peer, cseq: 1, [other, "Expires: 1"]).status == 200)
                var cseq = 1
                let contact = "sip:b@127.0.0.1"
                var shrunk: Event?
                while shrunk == nil, cseq < 12 {
                    cseq += 1
                    // A query changes nothing.
                    peer.send(
                        "REGISTER sip:127.0.0.1 SIP/2.0\r\n"
                            + "Via: SIP/2.0/UDP 127.0.0.1:\(peer.port);rport;branch=z9hG4bKq\(cseq)\r\n"
                            + "From: <sip:7000@127.0.0.1>;tag=x\r\nTo: <sip:7000@127.0.0.1>\r\n"
                            + "Call-ID: query\r\nCSeq: \(cseq) REGISTER\r\nContent-Length: 0\r\n\r\n")
                    _ = try peer.response("REGISTER")
                    shrunk = recorder.next(within: 0.4) { $0.kind == TEL_EVENT_REGISTERED && $0.contacts == contact }
                }
                #expect(shrunk != nil)
            }
        }

        @Test func `strangers and users who are no agents are refused`() throws {
            try Shim.run { shim in
                permit(["1001"])
                let peer = try Peer(shimPort: shim.port)
                #expect(try register(peer, cseq: 1, []).status == 404)
            }
            var settings = Settings()
            settings.trusted = ["10.0.0.0/8"]
            try Shim.run(settings) { shim in
                permit(["7000"])
                let peer = try Peer(shimPort: shim.port)
                #expect(try register(peer, cseq: 1, []).status == 403)
                #expect(recorder.next(within: 0.2) { $0.kind == TEL_EVENT_REGISTERED } == nil)
            }
        }

        private var bindings: [(user: String, uri: String, seconds: UInt32, q: UInt32)] {
            var list: [(String, String, UInt32, UInt32)] = []
            var binding = tel_binding()
            func text<Characters>(_ characters: Characters) -> String {
                withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            }
            var position = 0
            while tel_next_binding(&position, &binding) {
                list.append((text(binding.user), text(binding.uri), binding.seconds, binding.q1000))
            }
            return list
        }

        @Test func `bindings are read, and put back by the next process`() throws {
            var kept: [(user: String, uri: String, seconds: UInt32, q: UInt32)] = []
            try Shim.run { shim in
                permit(["7000"])
                let peer = try Peer(shimPort: shim.port)
                #expect(try register(peer, cseq: 1, ["Expires: 600"]).status == 200)
                #expect(try register(peer, cseq: 2, ["Contact: <sip:b@127.0.0.1>;q=0.1;expires=60"]).status == 200)
                kept = bindings
                #expect(kept.map(\.uri) == ["sip:peer@127.0.0.1:\(peer.port)", "sip:b@127.0.0.1"])
                #expect(kept.map(\.q) == [1000, 100] && (3_590...3_600).contains(kept[0].seconds))
            }
            try Shim.run { shim in
                permit(["7000"])
                for binding in kept.reversed() {
                    #expect(tel_restore_binding(binding.user, binding.uri, binding.seconds, binding.q) == TEL_OK)
                }
                _ = try shim.expect(TEL_EVENT_REGISTERED)
                let both = try shim.expect(TEL_EVENT_REGISTERED)
                #expect(both.user == "7000" && both.contacts == kept.map(\.uri).joined(separator: "\n"))
                #expect(bindings.map(\.uri) == kept.map(\.uri))
                // A phone that was faster, one who is no agent, what is no address, no time.
                #expect(tel_restore_binding("7000", kept[0].uri, 60, 1000) == TEL_ERR_INVALID)
                #expect(tel_restore_binding("7001", "sip:c@127.0.0.1", 60, 1000) == TEL_ERR_INVALID)
                #expect(tel_restore_binding("7000", "mailto:c@d", 60, 1000) == TEL_ERR_INVALID)
                #expect(tel_restore_binding("7000", "sip:c@127.0.0.1", 0, 1000) == TEL_ERR_INVALID)
                #expect(tel_restore_binding("7000", "sip:c@127.0.0.1", 1, 1000) == TEL_OK)
                _ = try shim.expect(TEL_EVENT_REGISTERED)
                // It expires as any other.
                #expect(try shim.expect(TEL_EVENT_REGISTERED, within: 4).contacts == both.contacts)
            }
        }

        @Test func `a test phone registers`() throws {
            try Shim.run { shim in
                permit(["1001"])
                #expect(tel_register("sip:127.0.0.1:\(shim.port)", "sip:1001@127.0.0.1:\(shim.port)", 60) == TEL_OK)
                let registered = try shim.expect(TEL_EVENT_REGISTERED)
                #expect(registered.user == "1001" && registered.expires == 60)
                #expect(registered.contacts?.hasPrefix("sip:1001@127.0.0.1:\(shim.port)") == true)
                #expect(tel_register("nonsense", "sip:1001@127.0.0.1", 60) != TEL_OK)
            }
        }
    }
}
