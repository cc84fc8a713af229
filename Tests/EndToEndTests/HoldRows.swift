import Testing

/// Rows 12, 14, 15: holds, and races on the wire.
@Suite("holds and races")
struct HoldRows {
    @Test("outcome row 12: swap")
    func swap() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            anna.send("digits *4")
            try await caller.hears(anna)
            try await anna.hears(caller)
            try await boris.hearsMusic()
            try await boris.isApart(from: anna)
            try await boris.isApart(from: caller)
            anna.send("digits *4")
            try await boris.hears(anna)
            try await anna.hears(boris)
            try await caller.hearsMusic()
            anna.send("hangup")
            try await caller.hears(boris)
            try await scene.log.tells(
                """
                hold.started hold=1 reason=consult agent=anna
                hold.ended hold=1 outcome=resumed next_agent=anna
                hold.started hold=2 reason=swap agent=anna
                hold.ended hold=2 outcome=transferred next_agent=boris
                """)
        }
    }

    static let styles = [[], ["--inactive-hold"], ["--old-style-hold"]]

    @Test("outcome row 14: the agent's own phone holds", arguments: styles)
    func agentPhone(style: [String]) async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation(anna: style)
            anna.send("hold")
            try await caller.hearsMusic()
            anna.send("unhold")
            try await caller.hears(anna)
            try await anna.hears(caller)
            try await scene.log.tells(
                """
                hold.started hold=1 reason=agent_phone agent=anna
                hold.ended hold=1 reason=agent_phone agent=anna outcome=resumed
                """)
        }
    }

    @Test("outcome row 14: the caller's own phone holds", arguments: styles)
    func callerPhone(style: [String]) async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation(caller: style)
            caller.send("hold")
            try await scene.log.has("hold.started hold=1 reason=caller_phone")
            // A phone that holds by sendonly may play music of its own; else the agent hears the controller's.
            // Asterisk makes sendonly of every hold, and what it sends then is its own affair.
            if style.isEmpty {
                try await anna.hears(caller)
            } else if PBX.current == nil {
                try await anna.hearsMusic()
            }
            caller.send("unhold")
            try await scene.log.has("hold.ended hold=1 reason=caller_phone outcome=resumed")
            try await caller.hears(anna)
            try await anna.hears(caller)
            caller.send("hangup")
            try await scene.log.tells(
                """
                hold.started hold=1 reason=caller_phone
                hold.ended hold=1 reason=caller_phone outcome=resumed
                """)
            let ended = try await scene.log.has("call.ended ended_by=caller hold_ms=0")
            let held = try await scene.log.has("hold.ended reason=caller_phone")
            #expect(ended["caller_hold_ms"] == held["hold_ms"])
        }
    }

    @Test("outcome row 15: completion and hang-ups at the same moment", arguments: ["caller", "boris", "anna", "all"])
    func sameMoment(who: String) async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            try await caller.hearsMusic()
            let phones = [caller, boris, anna]
            anna.send("hangup")
            for phone in phones where who == phone.name || who == "all" { phone.send("hangup") }
            if who == "anna" {
                try await caller.hears(boris)
                caller.send("hangup")
            }
            if who == "boris" {
                // Where the target was the first, there was nobody to complete to: the caller has the agent called back.
                let ended = try await scene.log.has("consult.ended consult=1")
                if ended["outcome"] == "target_hangup" {
                    try await anna.says("answered", call: 2)
                    try await caller.hears(anna)
                    caller.send("hangup")
                }
            }
            for phone in phones { try await phone.says("ended") }
            try await scene.log.has("call.ended")
            let records = try scene.log.records()
            let begun = records.filter { $0.type == "hold.started" }.count
            #expect((1...2).contains(begun) && records.filter { $0.type == "hold.ended" }.count == begun)
            #expect(records.filter { $0.matches("transfer.*") }.count == 2, "one start, one end")
        }
    }

    @Test("outcome row 15: glare, both sides re-INVITE at once")
    func glare() async throws {
        try await Scene.run(["transfer.holdSignalling": "reinvite"]) { scene in
            let (caller, anna) = try await scene.conversation()
            for round in 1...3 {
                // The caller's phone holds and lets go just while the controller tells it that it is held.
                anna.send("digits *5")
                try await caller.hearsMusic()
                caller.send("hold")
                anna.send("digits *5")
                caller.send("after 50 unhold")
                try await scene.log.has("hold.ended hold=\(round * 2)", within: 10)
                try await caller.hears(anna, within: 8)
                try await anna.hears(caller, within: 8)
            }
            caller.send("hangup")
            try await anna.says("ended")
        }
    }

    @Test(
        "outcome row 15: messages lost, doubled and late",
        arguments: [
            "drop-tx:ACK:1", "drop-rx:ACK:1", "duplicate-tx:BYE:1", "drop-tx:BYE:1", "drop-rx:BYE:1",
            "delay-tx:ACK:1:700", "duplicate-tx:INVITE:1",
        ])
    func messages(fault: String) async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation(caller: ["--fault", fault], anna: ["--fault", fault])
            let boris = try await scene.boris("--answer-after", "0", "--fault", fault)
            anna.send("digits *21002#")
            try await anna.hears(boris)
            try await caller.hearsMusic()
            anna.send("hangup")
            try await caller.hears(boris)
            try await boris.hears(caller)
            boris.send("hangup")
            for phone in [caller, anna, boris] { try await phone.says("ended") }
            try await scene.log.has("call.ended ended_by=agent")
            #expect(try scene.log.records().filter { $0.type == "hold.ended" }.count == 1)
        }
    }

    @Test("outcome row 15: a phone refuses re-INVITEs", arguments: ["488", "500"])
    func refused(status: String) async throws {
        try await Scene.run(["transfer.holdSignalling": "reinvite"]) { scene in
            let (caller, anna) = try await scene.conversation(caller: ["--refuse-reinvite", status])
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            try await caller.hearsMusic()
            anna.send("hangup")
            try await caller.hears(boris)
            try await boris.hears(caller)
        }
    }

    @Test("outcome row 15: the caller's phone re-INVITEs in mid-consult")
    func inMidConsult() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            caller.send("hold")
            try await scene.log.has("hold.started reason=caller_phone")
            caller.send("unhold")
            try await scene.log.has("hold.ended reason=caller_phone")
            try await caller.hearsMusic()
            try await anna.hears(boris)
            anna.send("hangup")
            try await caller.hears(boris)
            try await boris.hears(caller)
        }
    }
}
