import Testing

/// Calls that agents place themselves.
@Suite("agents call")
struct AgentCallTests {
    @Test("An agent calls a customer, then transfers them")
    func outbound() async throws {
        try await Scene.run { scene in
            let customer = try await scene.phone(
                "customer", user: "1400", port: 5084, tone: 2300, ["--answer-after", "0"])
            let anna = try await scene.anna()
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("call sip:4@\(scene.address):5070")
            try await anna.hears(customer)
            try await customer.hears(anna)
            try await scene.log.has("call.arrived direction=outbound")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            try await customer.hearsMusic()
            anna.send("hangup")
            try await customer.hears(boris)
            try await boris.hears(customer)
            try await scene.log.has("transfer.completed transfer=1 agent=anna target_agent=boris")
        }
    }

    @Test("An agent calls an agent: the one called has the codes, the caller's are plain digits")
    func `internal`() async throws {
        try await Scene.run { scene in
            let anna = try await scene.anna()
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("call sip:1002@\(scene.address):5070")
            try await anna.hears(boris)
            try await boris.hears(anna)
            try await scene.log.has("call.arrived direction=internal")
            anna.send("digits *5")
            try await wait(for: "the plain digits at boris") {
                boris.events.filter { $0.name == "digit" }.compactMap { $0["digit"] }.joined() == "*5"
            }
            boris.send("digits *5")
            try await anna.hearsMusic()
            boris.send("digits *5")
            try await anna.hears(boris)
        }
    }

    @Test("An agent who holds a caller calls a target on a second line: that is the consult")
    func secondLine() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "100")
            anna.send("hold @1")
            try await caller.hearsMusic()
            anna.send("call sip:1002@\(scene.address):5070")
            try await anna.hears(boris, call: 2)
            try await boris.hears(anna)
            try await caller.hearsMusic()
            anna.send("hangup @1")
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await anna.says("ended", call: 2)
            try await scene.log.has("hold.started hold=1 reason=agent_phone agent=anna")
            try await scene.log.has("hold.ended hold=1 reason=agent_phone outcome=transferred next_agent=boris")
            try await scene.log.has("transfer.completed transfer=1 kind=attended target_agent=boris")
        }
    }
}
