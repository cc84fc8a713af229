import Foundation
import Testing

/// What a queue asks of agents, and of callers: tiers, skills, priority, the service level, pauses and wrap-up.
@Suite("centre")
struct CentreRows {
    private static func configuration(
        _ members: [String], _ more: [String: Any] = [:], agents: [String: [String: Any]] = [:],
        _ changes: [String: Any] = [:]
    ) -> [String: Any] {
        var group: [String: Any] = ["members": members, "ringTimeout": 5, "maxWait": 30]
        group.merge(more) { $1 }
        var all: [String: Any] = ["groups": ["support": group], "lines": ["7000": ["to": "group:support"]]]
        let phones = ["anna": (1001, Scene.Port.anna), "boris": (1002, Scene.Port.boris)]
        for (name, settings) in agents {
            guard let (user, port) = phones[name] else { continue }
            all["agents.\(name)"] = ["uri": "sip:\(user)@{address}:\(port)", "name": name].merging(settings) { $1 }
        }
        return all.merging(changes) { $1 }
    }

    /// How long after it was queued the call in hand was offered to that agent, in milliseconds.
    private func wait(_ scene: Scene, until agent: String) async throws -> Int64 {
        let alerting = try await scene.log.has("call.alerting agent=\(agent)")
        let queued = try #require(
            try scene.log.records().last { $0.type == "call.queued" && $0.call == alerting.call })
        return alerting.mono - queued.mono
    }

    @Test("tiers: the second is asked once the caller has waited tierAfter")
    func tiers() async throws {
        let changes = Self.configuration(
            ["anna", "boris"], ["tierAfter": 1], agents: ["anna": ["tier": 1], "boris": ["tier": 2]])
        try await Scene.run(changes) { scene in
            let (_, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")
            let second = try await scene.phone("second", user: "3200", port: 5091, tone: 800)
            second.send("call \(scene.line)")
            try await second.heardMusic()
            try await second.hears(boris)
            let music = try #require(second.event("heard", ["label": "music"])).mono
            #expect(try #require(boris.event("incoming")).mono > music, "free, but not asked at first")
            let waited = try await wait(scene, until: "boris")
            #expect((1000..<3000).contains(waited), "\(waited) ms")
            anna.send("hangup")
        }
    }

    @Test("skills: whoever lacks what the line asks is asked once it no longer matters")
    func skills() async throws {
        let changes = Self.configuration(
            ["anna", "boris"], ["skillsAfter": 1], agents: ["anna": ["skills": ["billing"]], "boris": [:]],
            ["lines": ["7000": ["to": "group:support", "skills": ["billing"]]]])
        try await Scene.run(changes) { scene in
            let anna = try await scene.anna()
            let boris = try await scene.boris("--answer-after", "0")
            let caller = try await scene.caller()
            // Anna has the skill: though boris is free as well, she gets the caller.
            try await scene.command("agent", "boris", "pause")
            try await scene.command("agent", "boris", "ready")
            caller.send("call \(scene.line)")
            try await caller.hears(anna)
            let second = try await scene.phone("second", user: "3200", port: 5091, tone: 800)
            second.send("call \(scene.line)")
            try await second.heardMusic()
            try await second.hears(boris)
            let music = try #require(second.event("heard", ["label": "music"])).mono
            #expect(try #require(boris.event("incoming")).mono > music, "free, but not asked at first")
            try await scene.log.has("call.queued group=support skills=billing position=1")
            let waited = try await wait(scene, until: "boris")
            #expect((1000..<3000).contains(waited), "\(waited) ms")
        }
    }

    @Test("sla.breached while the caller waits, once; the answer comes too late for the service level")
    func breached() async throws {
        try await Scene.run(Self.configuration(["anna"], ["serviceLevel": 1, "serviceTarget": 80])) { scene in
            let anna = try await scene.anna()
            let caller = try await scene.caller()
            try await scene.command("agent", "anna", "pause")
            caller.send("call \(scene.line)")
            let breach = try await scene.log.has("sla.breached group=support line=7000 position=1 service_level_s=1")
            let waited = Int(breach["wait_ms"] ?? "") ?? 0
            #expect((1001..<2000).contains(waited), "\(waited) ms")
            #expect(try scene.log.records().contains { $0.type == "call.answered" } == false)
            try await scene.command("agent", "anna", "ready")
            try await caller.hears(anna)
            #expect(try scene.log.records().filter { $0.type == "sla.breached" }.count == 1)
            let groups = try await scene.command("groups", "--json").output.filter { !$0.isWhitespace }
            #expect(groups.contains("\"service_target\":80"))
            #expect(groups.contains("\"answered\":1") && groups.contains("\"within\":0"), "\(groups)")
        }
    }

    @Test("priority: a number of the list goes before one who has waited longer")
    func priority() async throws {
        try await Scene.run(Self.configuration(["anna"], [:], ["callers": ["3200": 5]])) { scene in
            let (first, anna) = try await scene.conversation()
            let plain = try await scene.phone("plain", user: "3300", port: 5092, tone: 600)
            let second = try await scene.phone("second", user: "3200", port: 5091, tone: 800)
            plain.send("call \(scene.line)")
            try await plain.hearsMusic()
            second.send("call \(scene.line)")
            try await second.hearsMusic()
            try await scene.log.has("call.queued group=support position=1 priority=5")
            first.send("hangup")
            try await anna.hears(second)
            #expect(plain.hearing()?.label == "music")
            second.send("hangup")
            try await anna.hears(plain)
        }
    }

    @Test("maxNoAnswer: who does not answer is paused, and asked no more")
    func noAnswer() async throws {
        let changes = Self.configuration(
            ["anna", "boris"], ["ringTimeout": 1, "strategy": "linear"], agents: ["anna": ["maxNoAnswer": 1]])
        try await Scene.run(changes) { scene in
            let anna = try await scene.anna("--ring-forever")
            let boris = try await scene.boris("--answer-after", "0")
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.hears(boris)
            try await scene.log.has("call.alert_failed agent=anna cause=no_answer")
            try await scene.log.has("agent.state agent=anna old=ringing new=paused reason=no_answer")
            caller.send("hangup")
            try await scene.log.has("agent.state agent=boris old=talking new=available")
            caller.send("call \(scene.line)")
            try await caller.hears(boris, call: 2)
            #expect(anna.events.filter { $0.name == "incoming" }.count == 1)
        }
    }

    @Test("wrap-up after a transfer: once for each of the two agents, each after their own part")
    func wrapUp() async throws {
        let changes = Self.configuration(
            ["anna"], agents: ["anna": ["wrapUp": 0.5], "boris": ["wrapUp": 0.5]])
        try await Scene.run(changes) { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            anna.send("hangup")
            try await caller.hears(boris)
            try await scene.log.has("agent.state agent=anna old=wrap_up new=available")
            #expect(caller.isHearing(boris), "anna's wrap-up is over while her caller goes on")
            caller.send("hangup")
            try await scene.log.has("agent.state agent=boris old=wrap_up new=available")
            try await scene.log.tells(
                """
                agent.state agent=anna new=available
                agent.state agent=boris new=available
                agent.state agent=clara new=available
                agent.state agent=anna old=available new=ringing
                agent.state agent=anna old=ringing new=talking
                agent.state agent=boris old=available new=ringing
                agent.state agent=boris old=ringing new=consulting
                agent.state agent=anna old=talking new=wrap_up
                agent.state agent=boris old=consulting new=talking
                agent.state agent=anna old=wrap_up new=available
                agent.state agent=boris old=talking new=wrap_up
                agent.state agent=boris old=wrap_up new=available
                """)
            for agent in ["anna", "boris"] {
                let ended = try await scene.log.has("agent.state agent=\(agent) old=wrap_up new=available")
                let length = Int(ended["in_state_ms"] ?? "") ?? 0
                #expect((499..<1500).contains(length), "\(agent): \(length) ms")
            }
        }
    }

    @Test("whoever gets a caller back reads who had them and why: in the INVITE, and as MESSAGE")
    func history() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation(anna: ["--messages", "--show=X-Warmline-History"])
            let boris = try await scene.boris("--reject", "486", "--show=X-Warmline-History")
            anna.send("digits #11002")
            let first = try await boris.says("incoming")["headers"] ?? ""
            #expect(first.contains(": anna ") && first.hasSuffix("s blind transfer\n"), "\(first)")
            try await anna.says("answered", call: 2)
            try await caller.hears(anna)
            let text = try #require(try await anna.says("message", call: 2)["text"])
            #expect(text.hasPrefix("before: anna ") && text.hasSuffix("s blind transfer; boris busy"), "\(text)")
            let headers = try await anna.says("incoming", call: 2)["headers"] ?? ""
            #expect(headers.hasSuffix("s blind transfer; boris busy\n"), "\(headers)")
        }
    }
}
