import Testing

/// Row 13: three-way conversations, and what they become when one of the three leaves.
@Suite("conferences")
struct ConferenceRows {
    /// Caller, anna and boris in a conference; every phone has the codec given, and speaks.
    private func conference(
        _ scene: Scene, _ codecs: [String] = ["PCMA", "PCMA", "PCMA"]
    ) async throws -> [TestPhone] {
        let (caller, anna) = try await scene.conversation(
            caller: ["--codecs", codecs[0]], anna: ["--codecs", codecs[1]])
        let boris = try await scene.boris("--answer-after", "0", "--codecs", codecs[2])
        anna.send("digits *21002#")
        try await caller.hearsMusic()
        try await anna.hears(boris)
        anna.send("digits *3")
        try await scene.log.has("conference.started transfer=1")
        return [caller, anna, boris]
    }

    /// Each in turn speaks alone: the others hear them, and they hear nobody.
    private func everybodyHearsEverybody(_ phones: [TestPhone]) async throws {
        phones.forEach { $0.send("voice off") }
        for speaker in phones {
            speaker.send("voice on")
            for other in phones where other !== speaker { try await other.hears(speaker) }
            try await wait(for: "\(speaker.name) hears nobody, and not themselves") { speaker.hearing()?.hz == 0 }
            speaker.send("voice off")
        }
        phones.forEach { $0.send("voice on") }
    }

    static let merged = """
        party.joined party=agent agent=anna role=first
        hold.started hold=1 reason=consult agent=anna
        transfer.started transfer=1 kind=attended agent=anna
        consult.started consult=1 target_agent=boris
        consult.answered consult=1
        consult.ended consult=1 outcome=merged
        hold.ended hold=1 agent=anna next_agent=boris outcome=merged
        conference.started transfer=1
        party.joined agent=boris role=merge

        """

    @Test(
        "outcome row 13: all three hear one another, then the agent leaves",
        arguments: PBX.current == nil
            ? [["PCMA", "PCMA", "PCMA"], ["PCMA", "G722", "opus"], ["opus", "PCMU", "G722"]]
            // What Asterisk's endpoints allow.
            : [["PCMA", "PCMA", "PCMA"], ["PCMA", "G722", "PCMU"]])
    func agentLeaves(codecs: [String]) async throws {
        try await Scene.run(["media.codecs": ["PCMA", "PCMU", "G722", "opus"]]) { scene in
            let phones = try await conference(scene, codecs)
            try await everybodyHearsEverybody(phones)
            phones[1].send("hangup")
            try await phones[0].hears(phones[2])
            try await phones[2].hears(phones[0])
            try await scene.log.tells(
                Self.merged + """
                    conference.ended transfer=1
                    party.left party=agent agent=anna role=first
                    transfer.completed transfer=1 kind=attended agent=anna target_agent=boris method=bridge
                    """)
            phones[0].send("hangup")
            try await phones[2].says("ended", ["how": "bye"])
            try await scene.log.has("party.left agent=boris role=merge ended_by=caller")
        }
    }

    enum Drop: String, CaseIterable { case code, command, targetHangsUp }

    @Test("outcome row 13: the target is dropped, or leaves", arguments: Drop.allCases)
    func targetLeaves(by drop: Drop) async throws {
        try await Scene.run { scene in
            let phones = try await conference(scene)
            switch drop {
            case .code: phones[1].send("digits *1")
            case .command: try await scene.command("cancel", scene.callID())
            case .targetHangsUp: phones[2].send("hangup")
            }
            try await phones[2].says("ended", ["answered": "true"])
            try await phones[0].hears(phones[1])
            try await phones[1].hears(phones[0])
            let by = drop == .targetHangsUp ? "target cause=normal" : "agent cause=cancelled"
            try await scene.log.tells(
                Self.merged + """
                    conference.ended transfer=1
                    party.left agent=boris role=merge ended_by=\(by)
                    transfer.cancelled transfer=1 agent=anna
                    """)
            // Anna is in charge again, and may start over.
            phones[1].send("digits *5")
            try await phones[0].hearsMusic()
        }
    }

    @Test("outcome row 13: the caller leaves, agent and target talk on")
    func callerLeaves() async throws {
        try await Scene.run { scene in
            let phones = try await conference(scene)
            phones[0].send("hangup")
            try await phones[1].heard(Tones.callerGone)
            try await phones[1].hears(phones[2])
            try await phones[2].hears(phones[1])
            try await scene.log.tells(
                Self.merged + """
                    conference.ended transfer=1
                    transfer.cancelled transfer=1 cause=abandoned
                    party.left agent=anna role=first ended_by=caller
                    party.left agent=boris role=merge ended_by=caller
                    """)
            try await scene.log.has("call.ended ended_by=caller cause=normal")
            phones[2].send("hangup")
            try await phones[1].says("ended", ["how": "bye"])
        }
    }

    @Test("outcome row 13: merged by command while the target is held; the agent's phone vanishes")
    func mergedFromSwap() async throws {
        try await Scene.run(["media.rtpTimeout": 1]) { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")
            try await scene.command("merge", scene.callID(), status: 1)
            anna.send("digits *21002#")
            try await anna.hears(boris)
            anna.send("digits *4")
            try await boris.hearsMusic()
            try await caller.hears(anna)
            try await scene.command("merge", scene.callID())
            try await wait(for: "boris hears two at once") { boris.hearing()?.hz == -1 }
            try await wait(for: "the caller hears two at once") { caller.hearing()?.hz == -1 }
            anna.send("vanish")
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await scene.log.has("party.left agent=anna cause=agent_lost")
            try await scene.log.has("transfer.completed transfer=1 kind=attended")
        }
    }

    @Test("outcome row 13: a phone that holds is not heard, digits and error tones are")
    func holdsAndDigits() async throws {
        try await Scene.run { scene in
            let phones = try await conference(scene)
            let (caller, anna, boris) = (phones[0], phones[1], phones[2])
            anna.send("hold")
            try await caller.hears(boris)
            try await boris.hears(caller)
            anna.send("unhold")
            try await wait(for: "the caller hears two at once") { caller.hearing()?.hz == -1 }
            caller.send("digits 7")
            try await anna.says("digit", ["digit": "7"])
            try await boris.says("digit", ["digit": "7"])
            anna.send("digits *4")
            try await anna.heard(Tones.error)
            #expect(try scene.log.records().filter { $0.type == "conference.ended" }.isEmpty)
        }
    }
}
