import CTelephony
import Foundation
import Testing

extension TelephonyTests {
    /// Requests that have to be signed (RFC 7616, RFC 8760).
    @Suite struct Signing {
        private func run(
            trusted: [String] = [], accounts: [String: String] = ["7000": "geheim", "7001": "streng"],
            nonceLife: UInt32 = 0, _ body: (Shim, Peer) throws -> Void
        ) throws {
            var settings = Settings()
            settings.trusted = trusted
            settings.realm = "office"
            settings.nonceLife = nonceLife
            try Shim.run(settings) { shim in
                #expect(setAccounts(accounts) == TEL_OK)
                permit(["7000", "7001", "7002"])
                try body(shim, try Peer(shimPort: shim.port))
            }
        }

        private func challenge(_ peer: Peer, _ method: String = "REGISTER") throws -> Message {
            peer.request(method)
            let challenge = try peer.response(method)
            #expect(challenge.status == 401)
            return challenge
        }

        private func nonce(_ challenge: Message) -> String {
            Digest.parameter("nonce", of: challenge["www-authenticate"]) ?? ""
        }

        private var stats: tel_stats {
            var stats = tel_stats()
            tel_get_stats(&stats)
            return stats
        }

        @Test(arguments: Digest.Algorithm.allCases)
        func `a REGISTER signed with the password is taken`(algorithm: Digest.Algorithm) throws {
            try run { shim, peer in
                let challenge = try challenge(peer)
                let offers = challenge.all("www-authenticate")
                #expect(offers.map { Digest.parameter("algorithm", of: $0) } == ["SHA-256", "MD5"])
                #expect(offers.allSatisfy { Digest.parameter("realm", of: $0) == "office" })
                #expect(offers.allSatisfy { Digest.parameter("qop", of: $0) == "auth" && !$0.contains("stale") })
                let signer = Signer(algorithm: algorithm)
                peer.request(
                    "REGISTER", cseq: 2,
                    headers: [signer.header("REGISTER", nonce: nonce(challenge), count: 1, shim: shim)])
                #expect(try peer.response("REGISTER").status == 200)
                #expect(try shim.expect(TEL_EVENT_REGISTERED).user == "7000")
                #expect(stats.auth_challenged == 1 && stats.auth_accepted == 1 && stats.auth_failed == 0)
            }
        }

        @Test func `an INVITE says who has signed it`() throws {
            try run { shim, peer in
                let challenge = try challenge(peer, "INVITE")
                #expect(recorder.next(within: 0.1) { $0.kind == TEL_EVENT_INCOMING } == nil)
                let signature = Signer().header("INVITE", nonce: nonce(challenge), count: 1, shim: shim)
                peer.request("INVITE", cseq: 2, headers: [signature], content: Peer.sdp())
                let incoming = try shim.expect(TEL_EVENT_INCOMING)
                #expect(incoming.digestUser == "7000" && !incoming.trusted)
            }
        }

        @Test func `a wrong password and an unknown user look alike`() throws {
            try run { shim, peer in
                var cseq = 1
                for signer in [
                    Signer(password: "falsch"), Signer(user: "nobody"), Signer(user: "nobody", password: ""),
                ] {
                    peer.request("INVITE", cseq: cseq)
                    let challenge = try peer.response("INVITE")
                    let signature = signer.header("INVITE", nonce: nonce(challenge), count: 1, shim: shim)
                    peer.request("INVITE", cseq: cseq + 1, headers: [signature], content: Peer.sdp())
                    let refusal = try peer.response("INVITE")
                    #expect(refusal.status == 403 && refusal.all("www-authenticate").isEmpty)
                    #expect(try shim.expect(TEL_EVENT_REFUSED).status == 403)
                    peer.callID += "x"
                    cseq += 2
                }
                #expect(stats.auth_failed == 3 && stats.auth_accepted == 0)
                #expect(recorder.next(within: 0.1) { $0.kind == TEL_EVENT_INCOMING } == nil)
            }
        }

        @Test func `nobody registers in another's name`() throws {
            try run { shim, peer in
                let signature = Signer(user: "7001", password: "streng").header(
                    "REGISTER", nonce: nonce(try challenge(peer)), count: 1, shim: shim)
                peer.request("REGISTER", cseq: 2, headers: [signature])
                #expect(try peer.response("REGISTER").status == 403)
                #expect(recorder.next(within: 0.1) { $0.kind == TEL_EVENT_REGISTERED } == nil)
            }
        }

        @Test func `a nonce that is too old, or not ours, is stale`() throws {
            try run(nonceLife: 1) { shim, peer in
                let old = nonce(try challenge(peer))
                usleep(1_050_000)
                for (index, nonce) in [old, "0123456789abcdef", String(repeating: "0", count: old.count)].enumerated() {
                    let signature = Signer().header("REGISTER", nonce: nonce, count: 1, shim: shim)
                    peer.request("REGISTER", cseq: 2 + index, headers: [signature])
                    let again = try peer.response("REGISTER")
                    #expect(again.status == 401, "\(nonce)")
                    #expect(again.all("www-authenticate").allSatisfy { $0.hasSuffix("stale=true") })
                }
                // A wrong signature is no stale nonce, or guessing would go on for ever.
                let wrong = Signer(password: "falsch").header("REGISTER", nonce: old, count: 1, shim: shim)
                peer.request("REGISTER", cseq: 9, headers: [wrong])
                #expect(try peer.response("REGISTER").status == 403)
            }
        }

        @Test func `what has been seen is not taken again`() throws {
            try run { shim, peer in
                let nonce = nonce(try challenge(peer))
                for (cseq, count, status) in [
                    (2, 1, 200), (3, 1, 401), (4, 5, 200), (5, 3, 200), (6, 3, 401), (7, 200, 200), (8, 4, 401),
                ] {
                    let signature = Signer().header("REGISTER", nonce: nonce, count: count, shim: shim)
                    peer.request("REGISTER", cseq: cseq, headers: [signature])
                    #expect(try peer.response("REGISTER").status == status, "count \(count)")
                }
                #expect(stats.auth_replayed == 3)
            }
        }

        @Test func `the signature is for the URI that is asked for`() throws {
            try run { shim, peer in
                let nonce = nonce(try challenge(peer))
                let other = Signer(uri: "sip:0900@127.0.0.1").header("REGISTER", nonce: nonce, count: 1, shim: shim)
                peer.request("REGISTER", cseq: 2, headers: [other])
                #expect(try peer.response("REGISTER").status == 400)
                let unprotected = Signer(qop: false).header("REGISTER", nonce: nonce, count: 1, shim: shim)
                peer.request("REGISTER", cseq: 3, headers: [unprotected])
                #expect(try peer.response("REGISTER").status == 401)
                let elsewhere = Signer(realm: "elsewhere").header("REGISTER", nonce: nonce, count: 1, shim: shim)
                peer.request("REGISTER", cseq: 4, headers: [elsewhere])
                #expect(try peer.response("REGISTER").status == 401)
                #expect(stats.auth_failed == 0)
            }
        }

        @Test func `trusted peers need not sign, but to register one who has a password`() throws {
            try run(trusted: ["127.0.0.1"]) { shim, peer in
                peer.request("INVITE", content: Peer.sdp())
                let incoming = try shim.expect(TEL_EVENT_INCOMING)
                #expect(incoming.trusted && incoming.digestUser == nil)
                _ = try challenge(try Peer(shimPort: shim.port))
            }
            try run(trusted: ["127.0.0.1"], accounts: ["7001": "streng"]) { shim, peer in
                peer.request("REGISTER")
                let answer = try peer.response("REGISTER")
                #expect(answer.status == 200)
            }
        }

        @Test func `other requests have to be signed too, but not OPTIONS`() throws {
            try run { shim, peer in
                for method in ["REFER", "MESSAGE", "SUBSCRIBE", "NOTIFY", "WHATEVER"] {
                    peer.request(method)
                    #expect(try peer.response(method).status == 401, "\(method)")
                }
                let signature = Signer().header("MESSAGE", nonce: nonce(try challenge(peer)), count: 1, shim: shim)
                peer.request("MESSAGE", cseq: 9, headers: [signature])
                #expect(try peer.response("MESSAGE").status == 405)
                peer.request("OPTIONS")
                #expect(try peer.response("OPTIONS").status == 200)
            }
        }

        @Test(arguments: Digest.Algorithm.allCases)
        func `a hash instead of a password is asked for in its own algorithm`(algorithm: Digest.Algorithm) throws {
            let hash = Digest.hash("7000:office:geheim", algorithm)
            let prefix = algorithm == .md5 ? "md5:" : "sha256:"
            try run(accounts: ["7000": prefix + hash.uppercased(), "7001": "streng"]) { shim, peer in
                let challenge = try challenge(peer)
                #expect(challenge.all("www-authenticate").count == 1)
                #expect(Digest.parameter("algorithm", of: challenge["www-authenticate"]) == algorithm.rawValue)
                let signature = Signer(algorithm: algorithm).header(
                    "REGISTER", nonce: nonce(challenge), count: 1, shim: shim)
                peer.request("REGISTER", cseq: 2, headers: [signature])
                #expect(try peer.response("REGISTER").status == 200)
            }
        }

        @Test func `accounts that no challenge suits are refused`() throws {
            try Shim.run { _ in
                let md5 = "md5:" + String(repeating: "0", count: 32)
                let sha256 = "sha256:" + String(repeating: "0", count: 64)
                #expect(setAccounts(["a": md5, "b": sha256]) == TEL_ERR_INVALID)
                #expect(setAccounts(["a": "md5:0"]) == TEL_ERR_INVALID)
                #expect(setAccounts(["a": ""]) == TEL_ERR_INVALID)
                #expect(setAccounts([:]) == TEL_OK)
            }
        }

        @Test func `broken credentials are answered, not died of`() throws {
            try run { shim, peer in
                let odd = [
                    "Digest realm=\"office\"", "Digest realm=\"office\", qop=auth", "Digest", "Basic Zm9vOmJhcg==",
                    "Digest realm=\"OFFICE\", algorithm=SHA-256, nonce=\"1\", qop=auth",
                    "Digest username=\"7000\", realm=\"office\", nonce=\"\", uri=\"\", response=\"\", qop=auth, nc=, cnonce=\"\"",
                    "Digest username=\"7000\", realm=\"office\", nonce=\"x\", uri=\"<<\", response=\"\(String(repeating: "f", count: 64))\", algorithm=SHA-256, qop=auth, nc=zzzzzzzz, cnonce=\"\"",
                    "Digest username=\"\(String(repeating: "7", count: 2000))\", realm=\"office\", nonce=\"x\", uri=\"sip:x\", response=\"1\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"1\"",
                    "Digest username=\"7000\", realm=\"office\", algorithm=AKAv1-MD5, nonce=\"1\", qop=auth",
                ]
                for (index, credential) in odd.enumerated() {
                    peer.request("REGISTER", cseq: index + 1, headers: ["Authorization: \(credential)"])
                }
                peer.request("OPTIONS")
                let answer = try peer.response("OPTIONS")
                #expect(answer.status == 200 && stats.auth_accepted == 0)
            }
        }
    }
}
