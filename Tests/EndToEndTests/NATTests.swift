import Testing

/// Phones that name an address which nobody reaches: in Via, in Contact and in their SDP.
@Suite("behind NAT")
struct NATTests {
    @Test("Caller and target behind NAT hear and are heard, and BYE reaches them")
    func phones() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation(caller: ["--nat", "10.255.255.1"])
            let boris = try await scene.phone(
                "boris", user: "1002", port: 5082, tone: 1600, ["--nat", "10.255.255.2", "--answer-after", "0"])
            anna.send("digits *21002#")
            try await anna.hears(boris)
            try await boris.hears(anna)
            anna.send("hangup")
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await scene.command("hangup", scene.callID())
            try await caller.says("ended", ["how": "bye"])
            try await boris.says("ended", ["how": "bye"])
        }
    }

    @Test("The log and show tell how each leg's media fared")
    func figures() async throws {
        try await Scene.run { scene in
            let (caller, _) = try await scene.conversation()
            let shown = try await scene.command("show", scene.callID(), "--json").output
            #expect(shown.contains("\"packets_lost\": 0") && shown.contains("\"transcoded\": false"))
            #expect(try await scene.command("show", scene.callID()).output.contains("media:"))
            caller.send("hangup")
            let left = try await scene.log.has("party.left agent=anna packets_lost=0")
            let ended = try await scene.log.has("call.ended caller_packets_lost=0")
            for packets in [left["packets"], ended["caller_packets"]] { #expect(Int(packets ?? "") ?? 0 > 5) }
            for jitter in [left["jitter_us"], ended["caller_jitter_us"]] { #expect(Int(jitter ?? "") != nil) }
        }
    }
}
