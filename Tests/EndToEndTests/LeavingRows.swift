import Testing

/// Rows 7, 8, 10, 11, 20, 21, 22: somebody leaves in the middle of something.
@Suite("leaving")
struct LeavingRows {
    @Test("outcome row 7: agent hangs up while the target rings", arguments: [false, true])
    func semiAttended(byCode: Bool) async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--ring-forever")
            anna.send("digits *21002#")
            try await boris.says("incoming")
            try await anna.heard(Tones.ringback)
            try await caller.hearsMusic()
            anna.send(byCode ? "digits *2" : "hangup")
            try await anna.says("ended")
            try await caller.heard(Tones.ringback)
            boris.send("answer")
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await scene.log.tells(
                """
                hold.started hold=1 reason=consult
                transfer.started transfer=1
                consult.started consult=1
                consult.ringing consult=1
                consult.answered consult=1
                consult.ended consult=1 outcome=agent_hangup
                hold.ended hold=1 outcome=transferred next_agent=boris
                transfer.completed transfer=1 kind=semi_attended target_agent=boris
                """)
        }
    }

    @Test("outcome row 8: as 7, the target rejects, the next answers")
    func nextAnswers() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--ring-forever")
            let clara = try await scene.clara("--answer-after", "100")
            anna.send("digits *220#")
            try await boris.says("incoming")
            anna.send("hangup")
            try await anna.says("ended")
            boris.send("reject 603")
            try await caller.hears(clara)
            try await clara.hears(caller)
            try await scene.log.has("consult.failed consult=1 cause=declined")
            try await scene.log.has("transfer.fallback step=next")
            try await scene.log.has("hold.ended hold=1 outcome=transferred next_agent=clara")
            try await scene.log.has("transfer.completed transfer=1 kind=semi_attended target_agent=clara")
        }
    }

    @Test("outcome row 8: as 7, nobody wants: the agent is called back")
    func calledBack() async throws {
        try await Scene.run(["transfer.consultTimeout": 1.2]) { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--ring-forever")
            anna.send("digits *21002#")
            try await boris.says("incoming")
            anna.send("hangup")
            try await anna.says("ended", call: 1)
            try await boris.says("ended", ["how": "cancelled"])
            try await anna.says("answered", call: 2)
            try await caller.hears(anna)
            try await anna.hears(caller)
            try await scene.log.has("consult.failed consult=1 cause=no_answer")
            try await scene.log.has("transfer.fallback step=agent")
            try await scene.log.has("transfer.failed transfer=1")
            try await scene.log.has("hold.ended hold=1 outcome=resumed next_agent=anna")
            try await scene.log.has("party.joined agent=anna role=recall")
        }
    }

    @Test("outcome row 8: target rejects, agent hangs up just after: music, called back", arguments: [false, true])
    func leftOnFailure(hearingTheTone: Bool) async throws {
        try await Scene.run { scene in
            let anna = try await scene.anna("--answer-after", "800")
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.hears(anna)
            try await anna.hears(caller)
            let boris = try await scene.boris("--ring-forever")
            anna.send("digits *21002#")
            try await boris.says("incoming")
            try await caller.hearsMusic()
            boris.send("reject 486")
            try await scene.log.has("transfer.failed transfer=1 cause=busy")
            if hearingTheTone { try await anna.heard(Tones.rejected) }
            anna.send("hangup")
            try await anna.says("ended", call: 1)
            let answered = try await anna.says("answered", call: 2).mono
            let before = caller.events.last { $0.name == "heard" && $0.mono < answered - 300_000 }
            #expect(before?["label"] == "music", "while the call-back rings")
            try await caller.hears(anna)
            try await anna.hears(caller)
            try await scene.log.tells(
                """
                hold.started hold=1 reason=consult agent=anna
                transfer.started transfer=1
                consult.started consult=1
                consult.ringing consult=1
                consult.failed consult=1 cause=busy
                transfer.fallback transfer=1 step=agent
                transfer.failed transfer=1
                hold.ended hold=1 outcome=resumed next_agent=anna
                hold.started hold=2 reason=consult agent=anna
                hold.ended hold=2 outcome=resumed next_agent=anna
                """)
            try await scene.log.has("party.joined agent=anna role=recall")
        }
    }

    @Test("outcome row 8: as 7, nobody wants, the agent neither: the line's overflow")
    func overflow() async throws {
        try await Scene.run(["lines": ["7000": ["to": "agent:anna", "overflow": "agent:clara"]]]) { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--ring-forever")
            let clara = try await scene.clara("--answer-after", "0")
            anna.send("digits *21002#")
            try await boris.says("incoming")
            anna.send("busy on")
            anna.send("hangup")
            try await anna.says("ended", call: 1)
            boris.send("reject 486")
            try await caller.hears(clara)
            try await clara.hears(caller)
            try await scene.log.has("transfer.fallback transfer=1 step=agent")
            try await scene.log.has("transfer.fallback transfer=1 step=overflow")
            try await scene.log.has("transfer.failed transfer=1")
            try await scene.log.has("hold.ended hold=1 outcome=transferred next_agent=clara")
        }
    }

    @Test("outcome row 10: caller hangs up while held, the target has answered")
    func callerGoneConsulting() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            caller.send("hangup")
            try await scene.log.has("hold.ended hold=1 outcome=abandoned")
            try await scene.log.has("transfer.cancelled transfer=1")
            try await scene.log.has("call.ended ended_by=caller")
            try await anna.heard(Tones.callerGone)
            try await anna.hears(boris)
            try await boris.hears(anna)
            anna.send("hangup")
            try await boris.says("ended", ["how": "bye"])
            try await scene.log.has("consult.ended consult=1")
        }
    }

    @Test("outcome row 10: caller hangs up while held, the target rings")
    func callerGoneRinging() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--ring-forever")
            anna.send("digits *21002#")
            try await boris.says("incoming")
            try await caller.hearsMusic()
            caller.send("hangup")
            try await boris.says("ended", ["how": "cancelled"])
            try await anna.heard(Tones.callerGone)
            try await anna.says("ended", ["how": "bye"])
            try await scene.log.tells(
                """
                hold.started hold=1
                transfer.started transfer=1
                consult.started consult=1
                consult.ringing consult=1
                consult.ended consult=1 outcome=caller_hangup
                hold.ended hold=1 outcome=abandoned
                transfer.cancelled transfer=1
                """)
            try await scene.log.has("call.ended ended_by=caller")
        }
    }

    @Test("outcome row 11: agent's phone vanishes, the target had answered")
    func agentLostConsulting() async throws {
        try await Scene.run(["media.rtpTimeout": 1]) { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            anna.send("vanish")
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await scene.log.has("consult.ended consult=1 outcome=completed")
            try await scene.log.has("hold.ended hold=1 outcome=transferred next_agent=boris")
            try await scene.log.has("transfer.completed transfer=1 kind=attended")
        }
    }

    @Test("outcome row 11: agent's phone vanishes, the target rings")
    func agentLostRinging() async throws {
        try await Scene.run(["media.rtpTimeout": 1]) { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--ring-forever")
            anna.send("digits *21002#")
            try await boris.says("incoming")
            anna.send("vanish")
            try await caller.heard(Tones.ringback)
            boris.send("answer")
            try await caller.hears(boris)
            try await scene.log.has("hold.ended hold=1 outcome=transferred next_agent=boris")
            try await scene.log.has("transfer.completed transfer=1 kind=semi_attended")
        }
    }

    @Test("outcome row 11: agent's phone vanishes, nobody is dialled yet: called back")
    func agentLostDialling() async throws {
        try await Scene.run(["media.rtpTimeout": 1, "transfer.firstDigitTimeout": 20]) { scene in
            let (caller, anna) = try await scene.conversation()
            anna.send("digits *2")
            try await caller.hearsMusic()
            anna.send("vanish")
            try await anna.says("answered", call: 2)
            try await caller.hears(anna)
            try await anna.hears(caller)
            try await scene.log.has("hold.ended hold=1 reason=consult next_agent=anna outcome=resumed")
            try await scene.log.has("party.joined agent=anna role=recall")
        }
    }

    @Test("outcome row 20: agent hangs up while the caller is held and no target is there", arguments: ["*5", "*2"])
    func heldAndLeft(code: String) async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            anna.send("digits \(code)")
            try await caller.hearsMusic()
            anna.send("hangup")
            try await anna.says("answered", call: 2)
            try await caller.hears(anna)
            try await anna.hears(caller)
            let reason = code == "*5" ? "code" : "consult"
            try await scene.log.has("hold.ended hold=1 reason=\(reason) agent=anna next_agent=anna outcome=resumed")
            try await scene.log.has("party.joined agent=anna role=recall")
            #expect(try scene.log.records().filter { $0.type == "hold.started" }.count == 1)
        }
    }

    @Test("outcome row 20: as before, held by the agent's phone; the call-back is not answered, overflow is")
    func heldByPhoneAndLeft() async throws {
        try await Scene.run(["lines": ["7000": ["to": "agent:anna", "overflow": "agent:clara"]]]) { scene in
            let (caller, anna) = try await scene.conversation()
            let clara = try await scene.clara("--answer-after", "0")
            anna.send("hold")
            try await caller.hearsMusic()
            anna.send("busy on")
            anna.send("hangup")
            try await caller.hears(clara)
            // A PBX takes the phone's hold back before it hangs up for it: the hold goes on as another segment.
            let hold = PBX.current == nil ? 1 : 2
            try await scene.log.has(
                "hold.ended hold=\(hold) reason=agent_phone agent=anna next_agent=clara outcome=transferred")
        }
    }

    @Test("outcome row 21: agent's phone vanishes in plain talk")
    func agentLost() async throws {
        try await Scene.run(["media.rtpTimeout": 1]) { scene in
            let (caller, anna) = try await scene.conversation()
            anna.send("vanish")
            try await anna.says("answered", call: 2)
            try await caller.hears(anna)
            try await anna.hears(caller)
            try await scene.log.has("hold.started hold=1 reason=agent_lost")
            try await scene.log.has("hold.ended hold=1 reason=agent_lost next_agent=anna outcome=resumed")
        }
    }

    @Test("outcome row 22: caller vanishes while held, the target has answered")
    func callerLostConsulting() async throws {
        try await Scene.run(["media.rtpTimeout": 1]) { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            caller.send("vanish")
            try await scene.log.has("call.ended cause=lost")
            try await scene.log.has("hold.ended hold=1 outcome=abandoned")
            try await anna.heard(Tones.callerGone)
            try await anna.hears(boris)
            try await boris.hears(anna)
            boris.send("hangup")
            try await anna.says("ended")
        }
    }

    @Test("outcome row 22: caller vanishes while held")
    func callerLost() async throws {
        try await Scene.run(["media.rtpTimeout": 1]) { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--ring-forever")
            anna.send("digits *21002#")
            try await boris.says("incoming")
            caller.send("vanish")
            try await boris.says("ended", ["how": "cancelled"])
            try await anna.says("ended")
            try await scene.log.has("hold.ended hold=1 outcome=abandoned")
            try await scene.log.has("transfer.cancelled transfer=1")
            try await scene.log.has("call.ended cause=lost")
        }
    }
}
