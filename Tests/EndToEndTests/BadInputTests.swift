import Foundation
import Testing

/// What bad input gets. In each of these the caller stays as they were.
@Suite("bad input")
struct BadInputTests {
    @Test("INVITEs that are refused: unknown line, Max-Forwards 0, a body that is no SDP, no codec in common")
    func refusals() async throws {
        try await Scene.run { scene in
            let raw = try RawSIP(address: scene.address, port: 5095)
            let unknown = try await raw.ask(
                "INVITE", "sip:8999@\(scene.address):5070", at: scene.address, body: raw.offer())
            #expect(status(of: unknown) == 404)
            try await scene.log.has("call.refused sip_status=404")
            let looping = try await raw.ask(
                "INVITE", scene.line, at: scene.address, maxForwards: 0, body: raw.offer())
            #expect(status(of: looping) == 483)
            let text = try await raw.ask("INVITE", scene.line, at: scene.address, contentType: "text/plain", body: "hi")
            #expect([415, 488].contains(status(of: text)))
            let broken = try await raw.ask("INVITE", scene.line, at: scene.address, body: "v=0\r\nnonsense\r\n")
            #expect([400, 488].contains(status(of: broken)))
            let foreign = try await raw.ask(
                "INVITE", scene.line, at: scene.address, body: raw.offer("18", "a=rtpmap:18 G729/8000"))
            #expect(status(of: foreign) == 488)
            try await scene.log.has("call.refused sip_status=488")
            #expect(try scene.log.records().allSatisfy { $0.type != "call.arrived" })
        }
    }

    @Test("An INVITE from outside trustedPeers gets 403")
    func untrusted() async throws {
        try await Scene.run(["sip.trustedPeers": ["127.0.0.9/32"]]) { scene in
            let raw = try RawSIP(address: scene.address, port: 5095)
            let response = try await raw.ask("INVITE", scene.line, at: scene.address, body: raw.offer())
            #expect(status(of: response) == 403)
            try await scene.log.has("call.refused sip_status=403 cause=not_allowed")
            let line = "refused INVITE from \(scene.address):5095: not in sip.trustedPeers"
            try await wait(for: "the line that says why") { scene.warmline.errors.contains(line) }
            #expect(status(of: try await raw.ask("INVITE", scene.line, at: scene.address, body: raw.offer())) == 403)
            #expect(scene.warmline.errors.components(separatedBy: line).count == 2)
        }
    }

    @Test("Malformed datagrams are dropped and counted")
    func malformed() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let raw = try RawSIP(address: scene.address, port: 5095)
            // PJSIP takes nothing of up to 32 bytes for a message: keep-alives, without a word.
            let samples = [
                "hello, is there anybody who speaks no SIP at all?",
                "INVITE sip:7000 SIP/2.0\r\nSubject: no other header, and no body\r\n\r\n",
                "\u{0}\u{1}\u{2}\u{3}" + String(repeating: "garbage ", count: 20),
                "SIP/2.0 200 OK\r\nVia: x\r\nSubject: half a response\r\n\r\n",
                "INVITE \r\nVia\r\n: \r\nContent-Length: -1\r\n\r\n\r\n",
            ]
            for sample in samples { raw.send(sample, to: scene.address, port: Scene.Port.warmline) }
            var counted = 0
            for _ in 1...50 where counted < 3 {
                let status = try await scene.command("status", "--json").output
                let object = try JSONSerialization.jsonObject(with: Data(status.utf8)) as? [String: Any]
                counted = scene.number("malformed", in: object ?? [:]) ?? 0
            }
            #expect(counted >= 3)
            #expect(caller.isHearing(anna) && anna.isHearing(caller))
        }
    }

    @Test("Digits that are no code are passed on, in order", arguments: [[], ["--info-digits"]])
    func plainDigits(options: [String]) async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation(anna: options)
            anna.send("digits 12*90#3")
            try await wait(for: "the digits at the caller") {
                caller.events.filter { $0.name == "digit" }.compactMap { $0["digit"] }.joined() == "12*90#3"
            }
            caller.send("digits *2")
            try await wait(for: "the caller's digits at the agent") {
                anna.events.filter { $0.name == "digit" }.compactMap { $0["digit"] }.joined() == "*2"
            }
            try await caller.hears(anna)
            try await anna.hears(caller)
            #expect(try scene.log.records().allSatisfy { $0.type != "hold.started" })
        }
    }

    @Test("A target that is not allowed: a tone, consult.failed, nothing dialled")
    func notAllowed() async throws {
        try await Scene.run(["transfer.dial": "sip:2{digits}@{address}:5066"]) { scene in
            let (caller, anna) = try await scene.conversation()
            let stranger = try await scene.phone("stranger", user: "2666", port: 5066, tone: 2300)
            anna.send("digits *2666#")
            try await caller.heardMusic()
            try await anna.heard(Tones.rejected)
            try await scene.log.has("consult.failed cause=not_allowed sip_status=-")
            try await caller.hears(anna)
            try await anna.hears(caller)
            #expect(stranger.event("incoming") == nil)
        }
    }

    @Test("Control requests that cannot be carried out")
    func control() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let id = try await scene.callID()
            for words in [
                ["show", "no-such-call"], ["complete", id], ["cancel", id], ["swap", id], ["resume", id],
            ] {
                let result = try await Scene.warmline(scene.words(words), status: 1)
                #expect(result.output.isEmpty)
                #expect(result.errors.split(separator: "\n").count == 1, "one clear line: \(result.errors)")
            }
            let socket = scene.directory.appending(path: "warmline.sock").path(percentEncoded: false)
            let unknown = #"{"jsonrpc":"2.0","id":7,"method":"call.dance"}"#
            let replies = try UnixSocket.talk(socket, ["this is no JSON", unknown])
            #expect(replies.count == 2)
            #expect(replies[0].contains("-32700"))
            #expect(replies[1].contains("-32601") && replies[1].contains("7"))
            #expect(caller.isHearing(anna) && anna.isHearing(caller))
        }
    }
}

extension Scene {
    /// A command with this scene's configuration named.
    func words(_ words: String...) -> [String] { self.words(words) }

    func words(_ words: [String]) -> [String] {
        words + ["--config", configurationFile.path(percentEncoded: false)]
    }

    /// The number behind a key, wherever it is in the object.
    func number(_ key: String, in object: [String: Any]) -> Int? {
        if let number = object[key] as? Int { return number }
        return object.values.compactMap { $0 as? [String: Any] }.compactMap { number(key, in: $0) }.first
    }
}
