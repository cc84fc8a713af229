import Testing

/// Other ways to carry the same call: transports, registration, offers, codecs.
@Suite("signalling")
struct SignallingTests {
    /// The main story, short.
    private func transfer(_ scene: Scene, _ caller: TestPhone, _ anna: TestPhone, _ boris: TestPhone) async throws {
        anna.send("digits *21002#")
        try await anna.hears(boris)
        try await boris.hears(anna)
        try await caller.hearsMusic()
        anna.send("hangup")
        try await caller.hears(boris)
        try await boris.hears(caller)
    }

    @Test("The caller calls over TCP")
    func tcp() async throws {
        let listen = ["udp:{address}:5070", "tcp:{address}:5070"]
        try await Scene.run(["sip.listen": listen]) { scene in
            let anna = try await scene.anna()
            let caller = try await scene.phone(
                "caller", user: "3100", port: 5090, tone: 1120, ["--listen", "tcp:\(scene.address):5090"])
            let boris = try await scene.boris("--answer-after", "0")
            caller.send("call \(scene.line);transport=tcp")
            try await caller.hears(anna)
            try await anna.hears(caller)
            try await transfer(scene, caller, anna, boris)
            boris.send("hangup")
            try await caller.says("ended", ["how": "bye"])
        }
    }

    @Test("An agent's phone registers here")
    func registered() async throws {
        let agents: [String: Any] = ["anna": ["name": "Anna"], "boris": ["uri": "sip:1002@{address}:5082"]]
        try await Scene.run(["agents": agents, "transfer.targets": ["1002": "agent:boris"]]) { scene in
            let anna = try await scene.phone(
                "anna", user: "anna", port: 5081, tone: 1300,
                ["--answer-after", "0", "--register", "sip:\(scene.address):5070"])
            let boris = try await scene.boris("--answer-after", "0")
            let caller = try await scene.caller()
            var known = false
            for _ in 1...50 where !known {
                known = try await scene.command("status", "--json").output.contains("\"anna")
            }
            #expect(known, "status names the registered agent")
            caller.send("call \(scene.line)")
            try await caller.hears(anna)
            try await anna.hears(caller)
            try await transfer(scene, caller, anna, boris)
        }
    }

    @Test("The caller's INVITE has no offer")
    func noOffer() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation(caller: ["--no-sdp"])
            let boris = try await scene.boris("--answer-after", "0")
            try await transfer(scene, caller, anna, boris)
        }
    }

    @Test("The target takes another codec of the caller's: the caller's leg follows")
    func otherCodec() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation(anna: ["--codecs", "PCMA,PCMU"])
            try await caller.says("answered", ["codec": "PCMA"])
            let boris = try await scene.boris("--answer-after", "0", "--codecs", "PCMU")
            try await transfer(scene, caller, anna, boris)
        }
    }

    @Test("The target has none of media.codecs: consult.failed no_codec")
    func noCodec() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            _ = try await scene.boris("--answer-after", "0", "--codecs", "G722")
            anna.send("digits *21002#")
            try await caller.heardMusic()
            try await scene.log.has("consult.failed consult=1 cause=no_codec")
            try await caller.hears(anna)
            try await anna.hears(caller)
        }
    }

    @Test("G.722 and opus from end to end", arguments: ["G722", "opus"])
    func wideband(codec: String) async throws {
        try await Scene.run(["media.codecs": [codec, "PCMA"]]) { scene in
            let only = ["--codecs", codec]
            let (caller, anna) = try await scene.conversation(caller: only, anna: only)
            try await caller.says("answered", ["codec": codec])
            let boris = try await scene.phone(
                "boris", user: "1002", port: 5082, tone: 1600, only + ["--answer-after", "0"])
            try await transfer(scene, caller, anna, boris)
        }
    }

    @Test(
        "Legs without a common codec are transcoded, and only those",
        arguments: [("PCMA", "PCMA", "PCMU"), ("PCMU", "PCMU", "opus"), ("G722", "PCMA", "G722")])
    func transcoded(caller: String, anna: String, boris: String) async throws {
        try await Scene.run(["media.codecs": ["PCMA", "PCMU", "G722", "opus"]]) { scene in
            let (customer, agent) = try await scene.conversation(
                caller: ["--codecs", caller], anna: ["--codecs", anna])
            let target = try await scene.phone(
                "boris", user: "1002", port: 5082, tone: 1600, ["--codecs", boris, "--answer-after", "0"])
            agent.send("digits *21002#")
            try await agent.hears(target)
            try await target.hears(agent)
            try await customer.hearsMusic()
            agent.send("hangup")
            try await customer.hears(target)
            try await target.hears(customer)
            try await target.says("answered", ["codec": boris])
        }
    }

    @Test("holdSignalling reinvite: the caller's phone is told")
    func toldByReinvite() async throws {
        try await Scene.run(["transfer.holdSignalling": "reinvite"]) { scene in
            let (caller, anna) = try await scene.conversation()
            anna.send("digits *5")
            try await caller.says("held")
            try await caller.hearsMusic()
            anna.send("digits *5")
            try await caller.says("unheld")
            try await caller.hears(anna)
            try await anna.hears(caller)
        }
    }
}
