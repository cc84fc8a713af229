import Testing

/// Agents, groups, the queue and the fallback chain over real SIP.
@Suite("queue")
struct QueueRows {
    /// Line 7000 leads to a group of all three.
    private static func group(
        _ members: [String], _ more: [String: Any] = [:], _ changes: [String: Any] = [:]
    ) -> [String: Any] {
        var group: [String: Any] = ["members": members, "ringTimeout": 5, "maxWait": 30]
        group.merge(more) { $1 }
        var all: [String: Any] = [
            "groups": ["support": group], "lines": ["7000": ["to": "group:support"]],
        ]
        all.merge(changes) { $1 }
        return all
    }

    @Test("agents' states follow their calls; codes dialled from the phone; whoever waits is offered at once")
    func states() async throws {
        let wrapUp: [String: Any] = [
            "uri": "sip:1001@{address}:\(Scene.Port.anna)", "name": "Anna", "wrapUp": 0.4,
        ]
        try await Scene.run(Self.group(["anna"], [:], ["agents.anna": wrapUp])) { scene in
            let anna = try await scene.anna()
            let caller = try await scene.caller()
            anna.send("call sip:*14@\(scene.address):5070")
            try await scene.log.has("agent.state agent=anna old=available new=paused")
            try await anna.says("ended", call: 1)
            caller.send("call \(scene.line)")
            try await caller.hearsMusic()
            #expect(anna.event("incoming") == nil)
            anna.send("call sip:*13@\(scene.address):5070")
            try await caller.hears(anna)
            caller.send("hangup")
            try await scene.log.has("agent.state agent=anna old=wrap_up new=available")
            try await scene.log.tells(
                """
                agent.state agent=anna old=offline new=available
                agent.state agent=boris old=offline new=available
                agent.state agent=clara old=offline new=available
                agent.state old=available new=paused
                agent.state old=paused new=available reason=ready
                agent.state old=available new=ringing group=support
                agent.state old=ringing new=talking line=7000
                agent.state old=talking new=wrap_up
                agent.state old=wrap_up new=available
                """)
        }
    }

    @Test("agents by command: listed, paused with a reason, ready; a verdict by command")
    func commands() async throws {
        try await Scene.run(Self.group(["anna"])) { scene in
            let anna = try await scene.anna()
            let caller = try await scene.caller()
            try await scene.command("agent", "anna", "pause", "--reason", "lunch")
            try await scene.log.has("agent.state agent=anna new=paused reason=lunch")
            let listed = try await scene.command("agents").output
            #expect(listed.contains("paused") && listed.contains("lunch"))
            let refused = try await scene.command("agent", "zoe", "ready", status: 1)
            #expect(refused.errors.contains("no such agent: zoe"))
            caller.send("call \(scene.line)")
            try await caller.hearsMusic()
            let groups = try await scene.command("groups", "--json").output
            #expect(groups.contains("\"waiting\": 1"))
            try await scene.command("agent", "anna", "ready")
            try await caller.hears(anna)
            try await scene.command("resolve", scene.callID(), "yes", "--code", "sold")
            try await scene.log.has("call.disposition agent=anna resolved=true code=sold by=agent")
        }
    }

    @Test("the longest fallback chain: next, the agent, a group, an address, the overflow")
    func longestChain() async throws {
        let changes: [String: Any] = [
            "groups": ["night": ["members": ["clara"], "ringTimeout": 1, "maxWait": 1]],
            "lines": ["7000": ["to": "agent:anna", "overflow": "sip:1500@{address}:5085"]],
            "transfer.fallback": ["next", "agent", "group:night", "sip:1600@{address}:5086"],
        ]
        try await Scene.run(changes) { scene in
            let (caller, anna) = try await scene.conversation()
            let mailbox = try await scene.phone(
                "mailbox", user: "1500", port: 5085, tone: 2600, ["--answer-after", "0"])
            _ = try await scene.phone("absent", user: "1600", port: 5086, tone: 2900, ["--reject", "480"])
            _ = try await scene.boris("--reject", "486")
            _ = try await scene.clara("--reject", "603")
            anna.send("busy on")
            anna.send("digits #120")
            try await caller.hears(mailbox, within: 8)
            try await scene.log.tells(
                """
                transfer.started transfer=1 kind=blind
                transfer.fallback step=next
                transfer.fallback step=agent to=anna
                transfer.fallback step=group to=night
                transfer.fallback step=uri
                transfer.fallback step=overflow
                transfer.failed transfer=1
                """)
            try await scene.log.has("call.dequeued group=night outcome=overflow")
            try await scene.log.has("call.alert_failed agent=clara group=night cause=declined")
        }
    }

    @Test("blind into a group waits in its queue; the member who becomes free gets the caller")
    func intoQueue() async throws {
        let changes: [String: Any] = [
            "groups": ["l2": ["members": ["boris"], "ringTimeout": 5, "maxWait": 20]],
            "transfer.targets": ["60": "group:l2"],
        ]
        try await Scene.run(changes) { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")
            boris.send("call sip:*14@\(scene.address):5070")
            try await scene.log.has("agent.state agent=boris new=paused")
            try await boris.says("ended", call: 1)
            anna.send("digits #160")
            try await scene.log.has("call.queued group=l2 position=1")
            try await anna.says("ended")
            try await caller.hearsMusic()
            boris.send("call sip:*13@\(scene.address):5070")
            try await caller.hears(boris)
            try await scene.log.has("call.dequeued group=l2 outcome=answered to=boris")
            try await scene.log.has("transfer.completed kind=blind target_agent=boris")
        }
    }

    @Test("a transferred caller who has waited longer stands before one who has waited for the group alone")
    func order() async throws {
        let changes: [String: Any] = [
            "groups": ["l2": ["members": ["boris"], "ringTimeout": 5, "maxWait": 20]],
            "transfer.targets": ["60": "group:l2"],
            "lines": ["7000": ["to": "agent:anna"], "7100": ["to": "group:l2"]],
        ]
        try await Scene.run(changes) { scene in
            let boris = try await scene.boris("--answer-after", "0")
            boris.send("call sip:*14@\(scene.address):5070")
            try await scene.log.has("agent.state agent=boris new=paused")
            try await boris.says("ended", call: 1)
            // Waits three seconds for anna, who gives the caller away at once.
            let anna = try await scene.anna("--answer-after", "3000")
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.hears(anna)
            let other = try await scene.phone("other", user: "3101", port: 5091, tone: 1450)
            other.send("call sip:7100@\(scene.address):5070")
            try await other.hearsMusic()
            anna.send("digits #160")
            try await wait(for: "both stood first when they came") {
                try scene.log.records().filter { $0.matches("call.queued group=l2 position=1") }.count == 2
            }
            try await caller.hearsMusic()
            boris.send("call sip:*13@\(scene.address):5070")
            try await caller.hears(boris)
            #expect(other.hearing()?.label == "music")
            caller.send("hangup")
            try await other.hears(boris)
        }
    }

    @Test("a consult to a ring-all group: all ring, the agent talks with the first to answer, the caller gets them")
    func ringAllConsult() async throws {
        let changes: [String: Any] = [
            "groups": ["l2": ["members": ["boris", "clara"], "strategy": "ring-all", "ringTimeout": 5]],
            "transfer.targets": ["60": "group:l2"],
        ]
        try await Scene.run(changes) { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--ring-forever")
            let clara = try await scene.clara("--answer-after", "400")
            anna.send("digits *260")
            try await caller.hearsMusic()
            try await anna.hears(clara)
            try await boris.says("incoming")
            try await boris.says("ended")
            try await scene.log.has("consult.started consult=1 target_agent=boris target_group=l2 mode=consult")
            try await scene.log.has("consult.ended consult=1 outcome=cancelled")
            anna.send("hangup")
            try await caller.hears(clara)
            try await scene.log.has("consult.ended consult=2 outcome=completed")
            try await scene.log.has("transfer.completed kind=attended target_agent=clara")
        }
    }

    @Test("ring-all: the first to answer talks, the others stop ringing")
    func ringAll() async throws {
        try await Scene.run(Self.group(["anna", "boris", "clara"], ["strategy": "ring-all"])) { scene in
            let anna = try await scene.anna("--ring-forever")
            let boris = try await scene.boris("--answer-after", "500")
            let clara = try await scene.clara("--ring-forever")
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.hears(boris)
            try await anna.says("ended")
            try await clara.says("ended")
            try await scene.log.has("call.alert_failed agent=anna cause=cancelled")
            try await scene.log.has("agent.state agent=clara old=ringing new=available")
        }
    }

    @Test("a waiting caller keeps the place and is called back")
    func callback() async throws {
        let changes: [String: Any] = [
            "transfer.dial": "sip:{digits}@{address}:\(Scene.Port.caller)",
            "transfer.allow": ["sip:3100@127\\.[0-9.]+:\(Scene.Port.caller)"], "transfer.targets": [:] as [String: Any],
        ]
        try await Scene.run(Self.group(["anna"], ["callback": ["digit": "5"]], changes)) { scene in
            let anna = try await scene.anna()
            let caller = try await scene.caller("--answer-after", "100")
            anna.send("call sip:*14@\(scene.address):5070")
            try await scene.log.has("agent.state agent=anna new=paused")
            try await anna.says("ended", call: 1)
            caller.send("call \(scene.line)")
            try await caller.hearsMusic()
            caller.send("digits 5")
            try await caller.says("ended", call: 1)
            try await scene.log.has("callback.requested group=support caller=3100")
            try await scene.log.has("call.ended cause=callback abandoned=false")
            anna.send("call sip:*13@\(scene.address):5070")
            try await scene.log.has("callback.completed group=support agent=anna attempt=1")
            try await caller.says("answered", call: 2)
            try await caller.hears(anna, call: 2)
        }
    }

    @Test("a verdict by *6 and a digit, and by the caller when the agent has hung up")
    func verdicts() async throws {
        let more: [String: Any] = [
            "dispositions": ["1": ["code": "sold"], "2": ["code": "angry", "resolved": false]],
            "verdict": ["yes": "1", "no": "2", "timeout": 3],
        ]
        try await Scene.run(Self.group(["anna"], more)) { scene in
            let (caller, anna) = try await scene.conversation()
            anna.send("digits *62")
            try await scene.log.has("call.disposition agent=anna resolved=false code=angry by=agent")
            anna.send("hangup")
            try await scene.log.has("call.ended ended_by=agent")
            #expect(caller.event("ended") == nil)
            caller.send("digits 1")
            try await scene.log.has("call.disposition resolved=true previous=false by=caller")
            try await caller.says("ended")
        }
    }
}
