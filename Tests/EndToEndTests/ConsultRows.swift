import Testing

/// Rows 1 to 6 and 9: what becomes of a consult while agent and caller are both there.
@Suite("consults")
struct ConsultRows {
    enum Completion: String, CaseIterable { case hangUp, code, command }

    @Test("outcome row 1: target answers, agent completes", arguments: Completion.allCases)
    func completed(by completion: Completion) async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "200")
            anna.send("digits *21002#")
            try await caller.hearsMusic()
            try await anna.hears(boris)
            try await boris.hears(anna)
            try await caller.hearsMusic()
            try await caller.isApart(from: anna)
            try await caller.isApart(from: boris)
            switch completion {
            case .hangUp: anna.send("hangup")
            case .code: anna.send("digits *2")
            case .command: try await scene.command("complete", scene.callID())
            }
            try await caller.hears(boris, within: 1.5)
            try await boris.hears(caller)
            try await anna.says("ended", ["answered": "true"])
            try await scene.log.tells(
                """
                party.joined party=agent agent=anna role=first
                hold.started hold=1 reason=consult agent=anna
                transfer.started transfer=1 kind=attended agent=anna by=code
                consult.started transfer=1 consult=1 agent=anna target_agent=boris mode=consult attempt=1
                consult.ringing consult=1
                consult.answered consult=1
                consult.ended consult=1 outcome=completed
                hold.ended hold=1 reason=consult agent=anna next_agent=boris outcome=transferred
                party.joined agent=boris role=transfer
                party.left party=agent agent=anna
                transfer.completed transfer=1 kind=attended agent=anna target_agent=boris method=bridge
                """)
            caller.send("hangup")
            try await boris.says("ended", ["how": "bye"])
            try await scene.log.has("call.ended ended_by=caller transfers=1")
            for party in ["anna", "boris"] {
                let left = try await scene.log.has("party.left agent=\(party)")
                // Of a leg that we hang up a node tells the last seconds only after its end.
                #expect((Int(left["packets"] ?? "") ?? -1) > (Rtpengine.isWanted ? -1 : 10), "\(left)")
                #expect(left["packets_lost"] == "0", "\(left)")
            }
        }
    }

    @Test("outcome row 2: target rejects, the next in the list answers")
    func nextTarget() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--reject", "486")
            let clara = try await scene.clara("--answer-after", "300")
            anna.send("digits *220#")
            try await anna.heard(Tones.rejected)
            try await anna.hears(clara)
            try await caller.hearsMusic()
            #expect(boris.event("answered") == nil)
            anna.send("hangup")
            try await caller.hears(clara)
            try await clara.hears(caller)
            try await scene.log.tells(
                """
                hold.started hold=1 reason=consult agent=anna
                transfer.started transfer=1 kind=attended
                consult.started consult=1 target_agent=boris attempt=1
                consult.failed consult=1 cause=busy sip_status=486
                transfer.fallback transfer=1 step=next cause=busy
                consult.started consult=2 target_agent=clara attempt=2
                consult.ringing consult=2
                consult.answered consult=2
                consult.ended consult=2 outcome=completed
                hold.ended hold=1 outcome=transferred next_agent=clara
                transfer.completed transfer=1 target_agent=clara
                """)
        }
    }

    @Test(
        "outcome row 2: target rejects, the agent has the caller back",
        arguments: PBX.current == nil
            ? [("603", "declined", "603"), ("486,21,declined", "declined", "486"), ("403", "rejected", "403")]
            // Asterisk makes a cause of the status, and a status of the cause.
            : [("603", "declined", "403"), ("486,21,declined", "busy", "486"), ("403", "declined", "403")])
    func rejected(answer: String, cause: String, status: String) async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            _ = try await scene.boris("--reject", answer)
            anna.send("digits *21002#")
            try await caller.heardMusic()
            try await anna.heard(Tones.rejected)
            try await scene.backWithAgent(caller, anna, cause: cause, status: status)
        }
    }

    @Test("outcome row 3: no answer within consultTimeout")
    func noAnswer() async throws {
        try await Scene.run(["transfer.consultTimeout": 0.8]) { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--ring-forever")
            anna.send("digits *21002#")
            try await caller.heardMusic()
            try await anna.heard(Tones.ringback)
            try await boris.says("ended", ["how": "cancelled"])
            try await anna.heard(Tones.noAnswer)
            try await scene.backWithAgent(caller, anna, cause: "no_answer", status: nil)
        }
    }

    @Test("outcome row 4: target unreachable, no response at all")
    func unreachable() async throws {
        try await Scene.run(["transfer.noResponseTimeout": 0.6]) { scene in
            let (caller, anna) = try await scene.conversation()
            anna.send("digits *21002#")
            try await caller.heardMusic()
            try await anna.heard(Tones.unreachable)
            try await scene.backWithAgent(caller, anna, cause: "unreachable", status: nil)
        }
    }

    @Test(
        "outcome row 4: target unreachable, its server says so",
        // Asterisk has said 180 before it hears of a 480, which is then no answer.
        arguments: PBX.current == nil ? ["404", "480", "503"] : ["404", "503"])
    func notFound(status: String) async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            _ = try await scene.boris("--on", "incoming reject \(status)")
            anna.send("digits *21002#")
            try await caller.heardMusic()
            try await scene.backWithAgent(caller, anna, cause: "unreachable", status: status)
        }
    }

    @Test("outcome row 5: target's 200 crosses our CANCEL")
    func crossing() async throws {
        try await Scene.run(["transfer.consultTimeout": 0.6]) { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--ring-forever", "--answer-on-cancel")
            anna.send("digits *21002#")
            try await caller.heardMusic()
            try await boris.says("answered")
            try await boris.says("ended", ["how": "bye"])
            try await scene.backWithAgent(caller, anna, cause: "no_answer", status: nil)
            #expect(
                !boris.events.contains { $0.name == "heard" && $0["label"] == "tone" }, "boris was joined to nobody")
        }
    }

    @Test("outcome row 6: agent cancels", arguments: [false, true])
    func cancelled(afterAnswer: Bool) async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris(afterAnswer ? "--answer-after=100" : "--ring-forever")
            anna.send("digits *21002#")
            try await caller.hearsMusic()
            if afterAnswer {
                try await anna.hears(boris)
            } else {
                try await anna.heard(Tones.ringback)
            }
            anna.send("digits *1")
            try await boris.says("ended", ["how": afterAnswer ? "bye" : "cancelled"])
            try await caller.hears(anna)
            try await anna.hears(caller)
            try await boris.isApart(from: anna)
            try await scene.log.tells(
                """
                hold.started hold=1 reason=consult
                transfer.started transfer=1
                consult.started consult=1
                consult.ringing consult=1
                \(afterAnswer ? "consult.answered consult=1" : "")
                consult.ended consult=1 outcome=cancelled
                transfer.cancelled transfer=1
                hold.ended hold=1 outcome=resumed next_agent=anna
                """)
        }
    }

    @Test("outcome row 9: target hangs up during the consult")
    func targetHangsUp() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "100")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            try await caller.hearsMusic()
            boris.send("hangup")
            try await caller.hears(anna)
            try await anna.hears(caller)
            try await scene.log.tells(
                """
                hold.started hold=1
                transfer.started transfer=1
                consult.started consult=1
                consult.ringing consult=1
                consult.answered consult=1
                consult.ended consult=1 outcome=target_hangup
                transfer.failed transfer=1
                hold.ended hold=1 outcome=resumed
                """)
        }
    }
}

extension Scene {
    /// The chain is used up: caller and agent hear one another, and the log says why the only consult failed.
    func backWithAgent(_ caller: TestPhone, _ anna: TestPhone, cause: String, status: String?) async throws {
        try await caller.hears(anna)
        try await anna.hears(caller)
        try await log.has("consult.failed consult=1 cause=\(cause) sip_status=\(status ?? "-")")
        try await log.has("transfer.failed transfer=1 cause=\(cause)")
        try await log.has("hold.ended hold=1 reason=consult agent=anna outcome=resumed")
        #expect(try log.records().filter { $0.matches("consult.*") && $0["consult"] != "1" }.isEmpty)
    }

    /// The id of the one open call.
    func callID() async throws -> String {
        try await wait(for: "a call in the log") { try log.records().last { $0.type == "call.arrived" }?.call }
    }
}
