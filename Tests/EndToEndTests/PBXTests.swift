import Testing

/// What only a PBX does: completion by REFER through it, and its own transfers of legs that the controller holds.
@Suite("beside a PBX", .enabled(if: PBX.current != nil))
struct PBXTests {
    @Test("completion by REFER: the PBX joins its two legs, and the controller leaves the path")
    func handedOver() async throws {
        try await Scene.run(["transfer.completion": "refer", "transfer.completionTimeout": 5]) { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "200")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            try await caller.hearsMusic()
            anna.send("hangup")
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await scene.log.tells(
                """
                hold.started hold=1 reason=consult agent=anna
                transfer.started transfer=1 kind=attended agent=anna
                consult.started consult=1 target_agent=boris
                consult.ringing consult=1
                consult.answered consult=1
                consult.ended consult=1 outcome=completed
                hold.ended hold=1 outcome=transferred next_agent=boris
                transfer.completed transfer=1 kind=attended agent=anna target_agent=boris method=refer
                """)
            try await scene.log.has("call.ended ended_by=controller cause=normal")
            #expect(try await scene.command("calls", "--json").output.contains("e2e-") == false)
            // The phones never noticed, and nothing of their talk comes through the controller any more.
            scene.warmline.kill()
            #expect(caller.isHearing(boris, call: 1) && boris.isHearing(caller, call: 1))
            caller.send("hangup")
            try await boris.says("ended", call: 1, ["how": "bye"])
        }
    }

    @Test("the agent's transfer key: the PBX carries out the attended REFER, the call goes on with another extension")
    func agentRefersAttended() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation(anna: ["--bye-after-notify"])
            let boris = try await scene.boris("--answer-after", "100")
            anna.send("hold @1")
            try await caller.hearsMusic()
            anna.send("call sip:1002@\(PBX.address):\(PBX.port)")
            try await anna.hears(boris, call: 2)
            anna.send("refer-replaces 2 @1")
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await anna.says("ended", call: 1)
            try await anna.says("ended", call: 2)
            try await scene.borisIsTheAgent(caller, boris)
        }
    }

    @Test("the agent's transfer key: the PBX carries out the blind REFER")
    func agentRefersBlind() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation(anna: ["--bye-after-notify"])
            let boris = try await scene.boris("--answer-after", "300")
            anna.send("refer sip:1002@\(PBX.address):\(PBX.port)")
            try await anna.says("response", ["method": "REFER", "status": "202"])
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await anna.says("ended", call: 1)
            try await scene.borisIsTheAgent(caller, boris)
        }
    }

    @Test("the PBX's atxfer code of an extension that may use it: the caller hears our music, then the other extension")
    func agentDialsCode() async throws {
        try await Scene.run(["agents.anna.uri": "sip:1901@\(PBX.address):\(PBX.port)"]) { scene in
            try await PBX.current?.featureExtensions()
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "100")
            anna.send("digits \(PBX.transferCode)")
            try await caller.hearsMusic()
            anna.send("digits 1002")
            try await anna.hears(boris)
            try await caller.hearsMusic()
            anna.send("hangup")
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await scene.borisIsTheAgent(caller, boris)
        }
    }

    @Test(
        "the caller's own transfer, by REFER or by the PBX's code: somebody else is the caller",
        arguments: [true, false])
    func callerMoves(byCode: Bool) async throws {
        try await Scene.run { scene in
            try await PBX.current?.featureExtensions()
            let anna = try await scene.anna()
            let caller = try await scene.caller()
            caller.send("call sip:\(byCode ? "7900" : "7000")@\(PBX.address):\(PBX.port)")
            try await caller.hears(anna)
            try await anna.hears(caller)
            let clara = try await scene.clara("--answer-after", "100")
            if byCode {
                caller.send("digits \(PBX.transferCode)")
                try await scene.log.has("hold.started hold=1 reason=caller_phone")
                caller.send("digits 1003")
                try await caller.hears(clara, call: 1)
                caller.send("hangup")
            } else {
                caller.send("hold @1")
                try await scene.log.has("hold.started hold=1 reason=caller_phone")
                caller.send("call sip:1003@\(PBX.address):\(PBX.port)")
                try await caller.hears(clara, call: 2)
                caller.send("refer-replaces 2 @1")
            }
            try await clara.hears(anna)
            try await anna.hears(clara)
            try await scene.log.has("hold.ended hold=1 reason=caller_phone outcome=resumed")
            try await scene.log.has("party.changed uri=sip:1003@\(PBX.address)")
            // Transfers work as before, for whoever is the caller now.
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            try await clara.hearsMusic()
            anna.send("hangup")
            try await clara.hears(boris)
            try await boris.hears(clara)
            try await scene.log.has("transfer.completed transfer=1 kind=attended agent=anna target_agent=boris")
            #expect(try scene.log.records().filter { $0.type == "call.arrived" }.count == 1)
            clara.send("hangup")
            try await boris.says("ended", ["how": "bye"])
        }
    }
}

extension Scene {
    /// The PBX has moved the agent's leg on its side, and has said so: one hold by a phone, and a leg that is boris's now.
    fileprivate func borisIsTheAgent(_ caller: TestPhone, _ boris: TestPhone) async throws {
        try await log.has("party.left agent=anna ended_by=agent")
        try await log.has("party.joined party=agent agent=boris role=transfer")
        boris.send("digits *5")
        try await caller.hearsMusic()
        try await log.has("hold.started reason=code agent=boris")
        boris.send("digits *5")
        try await caller.hears(boris)
        caller.send("hangup")
        try await boris.says("ended", ["how": "bye"])
        try await log.has("party.left agent=boris ended_by=caller")
        try await log.has("call.ended ended_by=caller agent=boris")
    }
}

extension PBX {
    static let transferCode = "*9"

    /// Numbers with Asterisk's own attended transfer, which the files of the dialplan keep away from the controller's calls:
    /// 1901 is 1001 for calls of the controller, 7900 is the line 7000 for phones.
    fileprivate func featureExtensions() async throws {
        let steps = [
            "s,1,Set(FEATUREMAP(atxfer)=\(Self.transferCode)) into with-atxfer",
            "s,2,Return into with-atxfer",
            "1901,1,Set(CHANNEL(userfield)=${CHANNEL(pjsip,call-id)}) into from-warmline",
            "1901,2,Dial(PJSIP/1001,120,itb(with-atxfer^s^1)) into from-warmline",
            "7900,1,Set(FEATUREMAP(atxfer)=\(Self.transferCode)) into from-phones",
            "7900,2,Dial(PJSIP/7000@warmline,,Tb(warmline-id^s^1)) into from-phones",
        ]
        for step in steps { try await console("dialplan add extension \(step) replace") }
    }
}
