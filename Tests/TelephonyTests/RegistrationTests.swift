import CTelephony
import Foundation
import Testing

private func register(
    _ servers: [String], user: String = "warmline", password: String? = "geheim", realm: String? = nil,
    expires: UInt32 = 60
) -> tel_result {
    var owned: [UnsafeMutablePointer<CChar>] = []
    func keep(_ text: String) -> UnsafePointer<CChar> {
        let copy = strdup(text)!
        owned.append(copy)
        return UnsafePointer(copy)
    }
    defer { owned.forEach { free($0) } }
    return servers.map(keep).withUnsafeBufferPointer { list in
        var settings = tel_registration(
            servers: list.baseAddress!, server_count: list.count, user: keep(user), password: password.map(keep),
            realm: realm.map(keep), expires_s: expires)
        return tel_set_registrations(&settings, 1)
    }
}

/// Several at one server, by user and password.
private func register(_ server: String, _ users: [(name: String, password: String)]) -> tel_result {
    var owned: [UnsafeMutablePointer<CChar>] = []
    func keep(_ text: String) -> UnsafePointer<CChar> {
        let copy = strdup(text)!
        owned.append(copy)
        return UnsafePointer(copy)
    }
    defer { owned.forEach { free($0) } }
    var servers = keep(server)
    return withUnsafePointer(to: &servers) { list in
        let settings = users.map {
            tel_registration(
                servers: list, server_count: 1, user: keep($0.name), password: keep($0.password), realm: nil,
                expires_s: 60)
        }
        return tel_set_registrations(settings, settings.count)
    }
}

private func status(_ index: Int = 0) -> tel_registration_status {
    var status = tel_registration_status()
    #expect(tel_get_registration(index, &status))
    return status
}

private func wait(_ seconds: Double = 3, for state: tel_registration_state) -> Bool {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while status().state != state {
        if Date() > deadline { return false }
        usleep(2000)
    }
    return true
}

extension TelephonyTests {
    /// Being registered with a server, and signing what servers want signed.
    @Suite struct Registering {
        private func challenge(_ algorithms: [Digest.Algorithm], realm: String = "pbx", nonce: String = "n1")
            -> [String]
        {
            algorithms.map {
                "WWW-Authenticate: Digest realm=\"\(realm)\", nonce=\"\(nonce)\", algorithm=\($0.rawValue), qop=\"auth\""
            }
        }

        /// Takes the next REGISTER as a registrar does that wants it signed, and answers it.
        @discardableResult
        private func take(_ peer: Peer, expires: Int = 60, signed: Bool = true) throws -> Message {
            var request = try peer.expect("REGISTER")
            if signed {
                peer.respond(401, request, headers: challenge([.sha256, .md5]))
                request = try peer.expect("REGISTER")
                #expect(Digest.isSigned(request["authorization"], "REGISTER", password: "geheim"))
            }
            peer.respond(200, request, headers: ["Contact: \(request["contact"]);expires=\(expires)"])
            return request
        }

        @Test(arguments: [[Digest.Algorithm.md5], [.sha256], [.sha256, .md5]])
        func `it registers, signed with the best that is asked for`(algorithms: [Digest.Algorithm]) throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                #expect(register(["sip:127.0.0.1:\(peer.port)"]) == TEL_OK)
                let first = try peer.expect("REGISTER")
                #expect(first["to"] == "<sip:warmline@127.0.0.1>" && first["authorization"].isEmpty)
                #expect(first["contact"].hasPrefix("<sip:warmline@127.0.0.1:\(shim.port)>"))
                peer.respond(401, first, headers: challenge(algorithms))
                let second = try peer.expect("REGISTER")
                let credential = second["authorization"]
                #expect(Digest.parameter("algorithm", of: credential) == algorithms[0].rawValue)
                #expect(Digest.isSigned(credential, "REGISTER", password: "geheim"))
                #expect(!second.text.contains("geheim"))
                peer.respond(200, second, headers: ["Contact: \(second["contact"]);expires=60"])
                #expect(wait(for: TEL_REGISTRATION_REGISTERED))
                #expect((58...60).contains(status().seconds) && status().sip_status == 200)
            }
        }

        @Test func `a registration that is too brief is asked for again`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                #expect(register(["sip:127.0.0.1:\(peer.port)"], expires: 30) == TEL_OK)
                let first = try peer.expect("REGISTER")
                #expect(first["expires"] == "30")
                peer.respond(423, first, headers: ["Min-Expires: 120"])
                let second = try peer.expect("REGISTER")
                #expect(second["expires"] == "120")
                peer.respond(200, second, headers: ["Contact: \(second["contact"]);expires=120"])
                #expect(wait(for: TEL_REGISTRATION_REGISTERED) && status().seconds > 110)
            }
        }

        @Test func `it is refreshed before it expires`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                #expect(register(["sip:127.0.0.1:\(peer.port)"]) == TEL_OK)
                let first = try take(peer, expires: 3)
                let refresh = try take(peer, signed: false)
                #expect(refresh["call-id"] == first["call-id"] && refresh.cseq > first.cseq)
            }
        }

        @Test func `the next server is tried when one fails, and the first again after a pause`() throws {
            try Shim.run { shim in
                let (first, second) = (try Peer(shimPort: shim.port), try Peer(shimPort: shim.port))
                let servers = [first, second].map { "sip:127.0.0.1:\($0.port)" }
                #expect(register(servers) == TEL_OK)
                first.respond(503, try first.expect("REGISTER"))
                second.respond(500, try second.expect("REGISTER"))
                #expect(wait(for: TEL_REGISTRATION_FAILED))
                first.respond(503, try first.expect("REGISTER"))
                let request = try second.expect("REGISTER")
                second.respond(200, request, headers: ["Contact: \(request["contact"]);expires=60"])
                #expect(wait(for: TEL_REGISTRATION_REGISTERED))
                let server = withUnsafeBytes(of: status().server) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                #expect(server == servers[1])
            }
        }

        @Test func `a wrong password is not tried over and over`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                #expect(register(["sip:127.0.0.1:\(peer.port)"]) == TEL_OK)
                peer.respond(401, try peer.expect("REGISTER"), headers: challenge([.md5]))
                peer.respond(403, try peer.expect("REGISTER"))
                #expect(wait(for: TEL_REGISTRATION_FAILED))
                #expect(status().sip_status == 403 && (28...30).contains(status().seconds))
                #expect(peer.receive(within: 0.3) { $0.method == "REGISTER" } == nil)
            }
        }

        @Test func `it says goodbye at the end`() throws {
            var peer: Peer?
            let gone = DispatchSemaphore(value: 0)
            try Shim.run { shim in
                let server = try Peer(shimPort: shim.port)
                peer = server
                #expect(register(["sip:127.0.0.1:\(server.port)"]) == TEL_OK)
                try take(server)
                #expect(wait(for: TEL_REGISTRATION_REGISTERED))
                nonisolated(unsafe) let registrar = server
                Thread.detachNewThread {
                    if let goodbye = registrar.receive(where: { $0.method == "REGISTER" }),
                        goodbye["expires"] == "0" || goodbye["contact"].contains("expires=0")
                    {
                        registrar.respond(200, goodbye)
                        gone.signal()
                    }
                }
            }
            #expect(gone.wait(timeout: .now() + 2) == .success)
            _ = peer
        }

        @Test func `a server that is silent at the end is not waited for long`() throws {
            let begun = Date()
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                #expect(register(["sip:127.0.0.1:\(peer.port)"]) == TEL_OK)
                try take(peer)
                #expect(wait(for: TEL_REGISTRATION_REGISTERED))
            }
            #expect(Date().timeIntervalSince(begun) < 3)
        }

        @Test func `calls to the server are signed, calls to others are not`() throws {
            try Shim.run { shim in
                let (peer, stranger) = (
                    try Peer(shimPort: shim.port), try Peer(shimPort: shim.port, address: "127.0.0.2")
                )
                #expect(register(["sip:127.0.0.1:\(peer.port)"]) == TEL_OK)
                try take(peer)
                let leg = shim.invite("sip:1002@127.0.0.1:\(peer.port)")
                let first = try peer.expect("INVITE")
                let wants = "Digest realm=\"calls\", nonce=\"n2\", algorithm=MD5, qop=\"auth\""
                peer.respond(407, first, headers: ["Proxy-Authenticate: \(wants)"])
                let second = try peer.expect("INVITE")
                #expect(Digest.isSigned(second["proxy-authorization"], "INVITE", password: "geheim"))
                #expect(second.cseq == first.cseq + 1 && second.body == first.body)
                peer.callID = second["call-id"]
                peer.respond(200, second, content: Peer.sdp(formats: "8 101"))
                try shim.expect(TEL_EVENT_ANSWERED, leg: leg)

                let other = shim.invite("sip:1002@127.0.0.2:\(stranger.port)")
                let asked = try stranger.expect("INVITE")
                stranger.respond(401, asked, headers: challenge([.md5], realm: "elsewhere"))
                let ended = try shim.expect(TEL_EVENT_ENDED, leg: other)
                #expect(ended.end == TEL_END_REJECTED && ended.status == 401)
            }
        }

        @Test func `requests in the dialog are signed too`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                #expect(register(["sip:127.0.0.1:\(peer.port)"]) == TEL_OK)
                try take(peer)
                let (leg, _) = try peer.answer(shim)
                for method in ["INFO", "UPDATE", "INVITE"] {
                    #expect(tel_send_request(leg, method, nil, nil) == TEL_OK)
                    let first = try peer.expect(method)
                    peer.respond(401, first, headers: challenge([.sha256], nonce: "in-\(method)"))
                    let second = try peer.expect(method)
                    #expect(Digest.isSigned(second["authorization"], method, password: "geheim"), "\(method)")
                    peer.respond(200, second, content: method == "INFO" ? "" : Peer.sdp(formats: "8 101"))
                    if method == "INVITE" { _ = try peer.expect("ACK") }
                }
                tel_hangup(leg, 0, 0, nil, 0)
                peer.respond(401, try peer.expect("BYE"), headers: challenge([.sha256], nonce: "bye"))
                let bye = try peer.expect("BYE")
                #expect(Digest.isSigned(bye["authorization"], "BYE", password: "geheim"))
            }
        }

        @Test func `a call from the server, by its realm, can be answered for`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                #expect(register(["sip:127.0.0.1:\(peer.port)"]) == TEL_OK)
                try take(peer)
                let (leg, _) = try peer.call(shim)
                #expect(tel_send_request(leg, "INFO", nil, nil) == TEL_OK)
                let first = try peer.expect("INFO")
                peer.respond(401, first, headers: challenge([.md5], nonce: "n3"))
                let second = try peer.expect("INFO")
                #expect(Digest.isSigned(second["authorization"], "INFO", password: "geheim"))
            }
        }

        private func left(_ request: Message) -> Bool {
            request["expires"] == "0" || request["contact"].contains("expires=0")
        }

        /// Takes so many REGISTERs of several users, all of them signed: who, and "-" before one who leaves.
        private func serve(_ peer: Peer, _ count: Int) throws -> [String] {
            var users: [String] = []
            for _ in 1...4 * count where users.count < count {
                let request = try peer.expect("REGISTER")
                let user = request["to"].dropFirst("<sip:".count).prefix { $0 != "@" }
                guard !request["authorization"].isEmpty else {
                    peer.respond(401, request, headers: challenge([.md5], nonce: "n\(request.cseq)\(user)"))
                    continue
                }
                #expect(Digest.isSigned(request["authorization"], "REGISTER", password: "geheim-\(user)"))
                users.append(left(request) ? "-\(user)" : "\(user)")
                let contact = left(request) ? [] : ["Contact: \(request["contact"]);expires=60"]
                peer.respond(200, request, headers: contact)
            }
            return users
        }

        @Test func `of a changed list what is the same is left alone, the rest leaves, signed as before`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let server = "sip:127.0.0.1:\(peer.port)"
                #expect(register(server, [("a", "geheim-a"), ("b", "geheim-b")]) == TEL_OK)
                #expect(try serve(peer, 2).sorted() == ["a", "b"])
                #expect(wait(for: TEL_REGISTRATION_REGISTERED))
                #expect(register(server, [("c", "geheim-c"), ("a", "geheim-a")]) == TEL_OK)
                #expect(try serve(peer, 2).sorted() == ["-b", "c"])
                #expect(wait(for: TEL_REGISTRATION_REGISTERED))
                let names = (0...1).map { index -> String in
                    var status = status(index)
                    return withUnsafeBytes(of: &status.user) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                }
                #expect(names == ["c", "a"])
                var none = tel_registration_status()
                #expect(!tel_get_registration(2, &none))
                #expect(peer.receive(within: 0.3) { $0.method == "REGISTER" } == nil)
            }
        }

        @Test func `one that only changes its password replaces its binding, without a goodbye`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let server = "sip:127.0.0.1:\(peer.port)"
                #expect(register(server, [("a", "alt")]) == TEL_OK)
                let first = try take(peer, signed: false)
                #expect(wait(for: TEL_REGISTRATION_REGISTERED))
                #expect(register(server, [("a", "geheim")]) == TEL_OK)
                let second = try take(peer)
                #expect(!left(second) && second["contact"] == first["contact"])
                #expect(wait(for: TEL_REGISTRATION_REGISTERED))
                #expect(peer.receive(within: 0.3) { $0.method == "REGISTER" } == nil)
            }
        }

        @Test func `one that is given up while it registers leaves when it has`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let server = "sip:127.0.0.1:\(peer.port)"
                #expect(register(server, [("a", "geheim")]) == TEL_OK)
                let request = try peer.expect("REGISTER")
                #expect(register(server, []) == TEL_OK)
                #expect(peer.receive(within: 0.2) { $0.method == "REGISTER" && $0.cseq > request.cseq } == nil)
                peer.respond(200, request, headers: ["Contact: \(request["contact"]);expires=60"])
                #expect(left(try peer.expect("REGISTER")))
            }
        }

        @Test func `what cannot be a registration is refused`() throws {
            try Shim.run { _ in
                #expect(register(["nonsense"]) == TEL_ERR_INVALID)
                #expect(register([]) == TEL_ERR_INVALID)
                #expect(register(["sip:127.0.0.1;transport=tcp"]) == TEL_ERR_INVALID)
                #expect(register(["sip:127.0.0.1"], password: String(repeating: "x", count: 200)) == TEL_ERR_INVALID)
                var status = tel_registration_status()
                #expect(!tel_get_registration(0, &status))
            }
        }
    }
}
