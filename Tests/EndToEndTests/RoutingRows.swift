import Testing

/// Rows 16, 17, 23, 24: redirects, early media, chains, blind transfers, and the end of the chain.
@Suite("routing")
struct RoutingRows {
    @Test("outcome row 16: target redirects to an allowed target")
    func redirected() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let clara = try await scene.clara("--answer-after", "100")
            _ = try await scene.boris("--redirect", clara.uri)
            anna.send("digits *21002#")
            guard PBX.current == nil else {
                // `i` in the dialplan: the PBX follows no redirect behind the controller's back.
                try await scene.log.has("transfer.failed transfer=1")
                try await caller.hears(anna)
                #expect(clara.event("incoming") == nil)
                return
            }
            try await anna.hears(clara)
            try await caller.hearsMusic()
            anna.send("hangup")
            try await caller.hears(clara)
            try await scene.log.has("consult.failed consult=1 sip_status=302")
            try await scene.log.has("consult.started consult=2 target=\(clara.uri)")
            try await scene.log.has("transfer.completed transfer=1 target=\(clara.uri)")
        }
    }

    @Test("outcome row 16: target redirects to a target that is not allowed")
    func redirectedAway() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let stranger = try await scene.phone(
                "stranger", user: "2999", port: 5099, tone: 2300, ["--answer-after", "0"])
            _ = try await scene.boris("--redirect", stranger.uri)
            anna.send("digits *21002#")
            try await caller.heardMusic()
            try await caller.hears(anna)
            try await anna.hears(caller)
            try await scene.log.has("transfer.failed transfer=1")
            #expect(stranger.event("incoming") == nil)
        }
    }

    @Test("outcome row 16: target sends early media")
    func earlyMedia() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--early-media")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            #expect(boris.event("answered") == nil)
            try await caller.hearsMusic()
            boris.send("answer")
            try await boris.hears(anna)
            try await anna.hears(boris)
            anna.send("hangup")
            try await caller.hears(boris)
            try await boris.hears(caller)
        }
    }

    @Test("outcome row 17: two transfers in a row")
    func twice() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")
            let clara = try await scene.clara("--answer-after", "0")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            anna.send("hangup")
            try await boris.hears(caller)
            boris.send("digits *21003#")
            try await caller.hearsMusic()
            try await boris.hears(clara)
            boris.send("hangup")
            try await caller.hears(clara)
            try await clara.hears(caller)
            caller.send("hangup")
            try await scene.log.tells(
                """
                hold.started hold=1 reason=consult agent=anna
                transfer.started transfer=1 agent=anna
                hold.ended hold=1 outcome=transferred next_agent=boris
                transfer.completed transfer=1 agent=anna target_agent=boris
                hold.started hold=2 reason=consult agent=boris
                transfer.started transfer=2 agent=boris
                hold.ended hold=2 outcome=transferred next_agent=clara
                transfer.completed transfer=2 agent=boris target_agent=clara
                """)
            let calls = Set(try scene.log.records().compactMap(\.call))
            #expect(calls.count == 1)
            try await scene.log.has("call.ended transfers=2")
        }
    }

    @Test("outcome row 23: blind", arguments: ["code", "command"])
    func blind(by way: String) async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--ring-forever")
            if way == "code" {
                anna.send("digits #11002#")
            } else {
                try await scene.command("blind", scene.callID(), "1002")
            }
            try await anna.says("ended")
            try await caller.heard(Tones.ringback)
            boris.send("answer")
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await scene.log.tells(
                """
                hold.started hold=1 reason=blind agent=anna
                transfer.started transfer=1 kind=blind by=\(way)
                consult.started consult=1 mode=blind target_agent=boris
                consult.ringing consult=1
                consult.answered consult=1
                consult.ended consult=1 outcome=completed
                hold.ended hold=1 outcome=transferred next_agent=boris
                transfer.completed transfer=1 kind=blind target_agent=boris
                """)
        }
    }

    @Test("outcome row 23: blind, the target rejects: called back")
    func blindRejected() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            _ = try await scene.boris("--reject", "486")
            anna.send("digits #11002#")
            try await anna.says("answered", call: 2)
            try await caller.hears(anna)
            try await anna.hears(caller, call: 2)
            try await scene.log.has("consult.failed consult=1 cause=busy")
            try await scene.log.has("transfer.failed transfer=1 kind=blind")
            try await scene.log.has("hold.ended hold=1 outcome=resumed next_agent=anna")
        }
    }

    @Test("outcome row 24: the call-back fails, the line's overflow takes the caller")
    func overflow() async throws {
        try await Scene.run(["lines": ["7000": ["to": "agent:anna", "overflow": "agent:clara"]]]) { scene in
            let (caller, anna) = try await scene.conversation()
            let clara = try await scene.clara("--answer-after", "0")
            anna.send("digits *5")
            try await caller.hearsMusic()
            anna.send("busy on")
            anna.send("hangup")
            try await caller.hears(clara)
            try await scene.log.has("hold.ended hold=1 outcome=transferred next_agent=clara")
        }
    }

    @Test("outcome row 24: nobody can be found: a tone, and the end")
    func end() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            _ = try await scene.boris("--reject", "486")
            anna.send("busy on")
            anna.send("digits #11002#")
            try await anna.says("ended", call: 1)
            try await caller.heard(Tones.apology)
            try await caller.says("ended", ["how": "bye"])
            try await scene.log.has("hold.ended hold=1 outcome=released")
            try await scene.log.has("transfer.failed transfer=1")
            try await scene.log.has("call.ended ended_by=controller")
        }
    }
}
