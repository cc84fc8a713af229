import Testing

/// INVITE with Replaces (RFC 3891): a PBX that transfers by itself moves a leg of ours.
@Suite("Replaces")
struct TakeOverTests {
    private func line(_ scene: Scene) -> String { scene.line }

    @Test("the caller's leg moves: the call goes on")
    func caller() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            caller.send("take-over 1 \(line(scene)) sip:3200@\(scene.address)")
            try await caller.says("ended", call: 1, ["how": "bye"])
            try await caller.hears(anna, call: 2)
            try await anna.hears(caller)
            try await scene.log.has("party.changed uri=sip:3200@\(scene.address)")
            // Transfers work as before.
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            try await caller.hearsMusic(call: 2)
            anna.send("hangup")
            try await caller.hears(boris, call: 2)
            try await boris.hears(caller)
            #expect(try scene.log.records().filter { $0.type == "call.arrived" }.count == 1)
        }
    }

    @Test("the agent's leg goes to another agent, who is the call's agent then")
    func agent() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            anna.send("hold @1")
            try await caller.hearsMusic()
            anna.send("take-over 1 \(line(scene)) sip:1002@\(scene.address)")
            try await anna.says("ended", call: 1, ["how": "bye"])
            try await caller.hears(anna)
            try await anna.hears(caller, call: 2)
            try await scene.log.tells(
                """
                party.joined agent=anna role=first
                hold.started hold=1 reason=agent_phone agent=anna
                hold.ended hold=1 outcome=transferred next_agent=boris
                party.joined party=agent agent=boris role=transfer
                party.left agent=anna ended_by=agent cause=normal
                """)
            anna.send("digits *5 @2")
            try await caller.hearsMusic()
        }
    }

    @Test("the target's leg moves during the consult; then the caller goes to the new one")
    func target() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002#")
            try await boris.hears(anna)
            boris.send("take-over 1 \(line(scene)) sip:1003@\(scene.address)")
            try await boris.says("ended", call: 1, ["how": "bye"])
            try await boris.hears(anna, call: 2)
            try await anna.hears(boris)
            anna.send("hangup")
            try await caller.hears(boris)
            try await boris.hears(caller, call: 2)
            try await scene.log.has("transfer.completed transfer=1 kind=attended target_agent=clara")
        }
    }

    @Test("early-only: a target that rings is picked up elsewhere; a call that is answered is not: 486")
    func earlyOnly() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            anna.send("pick-up 1 \(line(scene)) sip:1003@\(scene.address)")
            try await anna.says("ended", call: 2, ["status": "486"])
            #expect(caller.isHearing(anna) && anna.isHearing(caller, call: 1))
            let boris = try await scene.boris()
            anna.send("digits *21002# @1")
            try await boris.says("incoming")
            try await scene.log.has("consult.ringing consult=1")
            boris.send("pick-up 1 \(line(scene)) sip:1003@\(scene.address)")
            try await boris.says("ended", call: 1, ["how": "cancelled"])
            try await boris.hears(anna, call: 2)
            try await anna.hears(boris, call: 1)
            anna.send("hangup @1")
            try await caller.hears(boris)
            try await boris.hears(caller, call: 2)
            try await scene.log.tells(
                """
                consult.started consult=1 target_agent=boris
                consult.ringing consult=1
                consult.answered consult=1
                consult.ended consult=1 outcome=completed
                """)
            try await scene.log.has("transfer.completed transfer=1 kind=attended target_agent=clara")
        }
    }

    @Test("a dialog that is not there: 481; no dialog at all: 400; no codec in common: 488; and replaces is supported")
    func refused() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let peer = try RawSIP(address: scene.address, port: 5099)
            for (replaces, expected) in [("nobody@h;to-tag=1;from-tag=2", 481), ("nobody@h;to-tag=1", 400)] {
                let answer = try await peer.ask(
                    "INVITE", line(scene), at: scene.address, body: peer.offer(), headers: ["Replaces: \(replaces)"])
                #expect(status(of: answer) == expected)
            }
            // Whichever dialog it names stays as it is (RFC 3891 §3).
            let other = try await peer.ask(
                "INVITE", line(scene), at: scene.address, body: peer.offer("18"),
                headers: ["Replaces: nobody@h;to-tag=1;from-tag=2"])
            #expect(status(of: other) == 488)
            let options = try await peer.ask("OPTIONS", line(scene), at: scene.address)
            let supported = options.split(separator: "\r\n").first { $0.hasPrefix("Supported:") } ?? ""
            #expect(supported.contains("replaces"), "\(options)")
            #expect(caller.isHearing(anna))
        }
    }
}
