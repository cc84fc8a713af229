import Testing

/// The agent's own transfer key: REFER received (RFC 3515, 5589).
@Suite("the phone's own transfer")
struct TransferKeyTests {
    private func own(_ scene: Scene, _ user: String) -> String { "sip:\(user)@\(scene.address):\(Scene.Port.warmline)" }

    private func end(_ phone: TestPhone, _ status: Int) async throws {
        try await phone.says("notify", ["status": String(status), "final": "true"])
    }

    @Test("blind: ringback for the caller, NOTIFY 100, 180, 200 for the agent's phone")
    func blind() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "400")
            anna.send("hold")
            try await caller.hearsMusic()
            anna.send("refer \(own(scene, "1002"))")
            try await anna.says("response", ["method": "REFER", "status": "202"])
            try await caller.heard(Tones.ringback)
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await end(anna, 200)
            try await anna.says("ended", ["how": "bye"])
            #expect(anna.events.filter { $0.name == "notify" }.map { $0["status"] } == ["100", "180", "200"])
            try await scene.log.tells(
                """
                party.joined agent=anna role=first
                hold.started hold=1 reason=agent_phone agent=anna
                transfer.started transfer=1 kind=blind agent=anna by=refer
                consult.started transfer=1 consult=1 agent=anna target_agent=boris mode=blind
                consult.ringing consult=1
                consult.answered consult=1
                consult.ended consult=1 outcome=completed
                hold.ended hold=1 reason=agent_phone next_agent=boris outcome=transferred
                party.joined agent=boris role=transfer
                party.left agent=anna
                transfer.completed transfer=1 kind=blind agent=anna target_agent=boris method=bridge
                """)
            // The target is an agent: his key works too, and with a number alone.
            let clara = try await scene.clara("--answer-after", "0")
            boris.send("refer tel:1003")
            try await caller.hears(clara)
            try await scene.log.has("transfer.completed transfer=2 agent=boris target_agent=clara")
        }
    }

    @Test("blind: the agent's BYE right after the 202 does not end the transfer")
    func byeAtOnce() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris()
            anna.send("refer \(own(scene, "1002"))")
            try await anna.says("response", ["status": "202"])
            anna.send("hangup")
            try await anna.says("ended")
            try await caller.heard(Tones.ringback)
            boris.send("answer")
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await scene.log.tells(
                """
                hold.started hold=1 reason=blind agent=anna
                transfer.started transfer=1 kind=blind agent=anna by=refer
                hold.ended hold=1 reason=blind outcome=transferred next_agent=boris
                transfer.completed transfer=1 kind=blind target_agent=boris
                """)
        }
    }

    @Test("outcome row 23: the target cannot be had: the agent talks on, or is called back", arguments: [true, false])
    func blindFails(stays: Bool) async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris()
            anna.send("refer \(own(scene, "1002"))")
            try await caller.heard(Tones.ringback)
            if !stays {
                anna.send("hangup")
                try await anna.says("ended")
            }
            boris.send("reject 486")
            if stays { try await end(anna, 486) } else { try await anna.says("answered", call: 2) }
            try await caller.hears(anna)
            try await anna.hears(caller)
            try await scene.log.tells(
                """
                transfer.started transfer=1 kind=blind agent=anna by=refer
                transfer.fallback transfer=1 step=agent to=anna cause=busy
                transfer.failed transfer=1 kind=blind cause=busy sip_status=486
                """)
            try await scene.log.has("consult.failed consult=1 cause=busy sip_status=486")
            try await scene.log.has("hold.ended hold=1 reason=blind outcome=resumed next_agent=anna")
        }
    }

    @Test("attended: hold, a second call, REFER with Replaces: joined here")
    func attended() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "100")
            anna.send("hold @1")
            try await caller.hearsMusic()
            anna.send("call \(own(scene, "1002"))")
            try await anna.hears(boris, call: 2)
            anna.send("refer-replaces 2 @1")
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await end(anna, 200)
            try await anna.says("ended", call: 1)
            try await anna.says("ended", call: 2)
            #expect(anna.events.filter { $0.name == "notify" }.map { $0["status"] } == ["100", "200"])
            #expect(boris.events.filter { $0.name == "incoming" }.count == 1)
            try await scene.log.tells(
                """
                transfer.started transfer=1 kind=attended agent=anna by=phone
                consult.started consult=1 target_agent=boris mode=consult
                consult.ringing consult=1
                consult.answered consult=1
                consult.ended consult=1 outcome=completed
                transfer.completed transfer=1 kind=attended agent=anna target_agent=boris method=bridge
                """)
        }
    }

    @Test("attended: the second dialog is the agent's with the target: INVITE with Replaces")
    func elsewhere() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("hold @1")
            anna.send("call \(boris.uri)")
            try await boris.hears(anna)
            anna.send("refer-replaces 2 @1")
            try await boris.hears(caller, call: 2)
            try await caller.hears(boris)
            // It was Boris's phone that replaced the call.
            try await boris.says("ended", call: 1, ["how": "local"])
            try await end(anna, 200)
            try await scene.log.has("transfer.started transfer=1 kind=attended by=refer")
            try await scene.log.has("transfer.completed transfer=1 kind=attended target_agent=boris")
        }
    }

    @Test("semi-attended: 200 only when the target has answered", arguments: [true, false])
    func semiAttended(hangsUp: Bool) async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris()
            anna.send("hold @1")
            try await caller.hearsMusic()
            anna.send("call \(own(scene, "1002"))")
            try await anna.says("ringing", call: 2)
            anna.send("refer-replaces 2 @1")
            try await anna.says("notify", ["status": "180", "final": "false"])
            try await caller.heard(Tones.ringback)
            if hangsUp {
                anna.send("hangup @2")
                anna.send("hangup @1")
                try await anna.says("ended", call: 1)
            }
            #expect(anna.event("notify", ["status": "200"]) == nil)
            boris.send("answer")
            try await caller.hears(boris)
            try await boris.hears(caller)
            if !hangsUp { try await end(anna, 200) }
            try await scene.log.has("transfer.completed transfer=1 kind=semi_attended agent=anna target_agent=boris")
            try await scene.log.has("hold.ended hold=1 reason=agent_phone outcome=transferred")
        }
    }

    @Test("semi-attended, and the target rejects: back to the agent", arguments: [true, false])
    func semiAttendedFails(hangsUp: Bool) async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris()
            anna.send("hold @1")
            anna.send("call \(own(scene, "1002"))")
            try await anna.says("ringing", call: 2)
            anna.send("refer-replaces 2 @1")
            try await caller.heard(Tones.ringback)
            if hangsUp {
                anna.send("hangup @2")
                anna.send("hangup @1")
                try await anna.says("ended", call: 1)
            }
            boris.send("reject 603")
            if !hangsUp {
                try await end(anna, 603)
                anna.send("unhold @1")
            }
            try await caller.hears(anna)
            try await scene.log.has("transfer.failed transfer=1 cause=declined sip_status=603")
            try await scene.log.has("hold.ended hold=1 outcome=resumed next_agent=anna")
        }
    }

    @Test("refused as the RFCs say, and the caller unharmed: 403, 404, 491, 603, 400, 416")
    func refused() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            func answers(_ phone: TestPhone, _ command: String, _ status: Int) async throws {
                let count = phone.events.filter { $0.name == "response" }.count
                phone.send(command)
                try await wait(for: "an answer to \(command)") {
                    phone.events.filter { $0.name == "response" }.count > count
                }
                #expect(phone.events.last { $0.name == "response" }?["status"] == String(status), "\(command)")
            }
            try await answers(anna, "refer sip:evil@203.0.113.9", 403)
            try await answers(anna, "refer \(own(scene, "4444"))", 404)
            try await answers(anna, "refer http://x/", 416)
            try await answers(anna, "refer sip:1002@h Refer-To: <sip:1003@h>", 400)
            try await answers(caller, "refer \(own(scene, "1002"))", 403)
            #expect(caller.isHearing(anna) && anna.isHearing(caller))
            let boris = try await scene.boris()
            anna.send("digits *21002#")
            try await boris.says("incoming")
            try await answers(anna, "refer \(own(scene, "1003"))", 603)
            boris.send("reject 486")
            try await caller.hears(anna)
        }
    }

    @Test("Replaces that names another call of the agent's, and a conference: 603, and nobody is harmed")
    func declined() async throws {
        try await Scene.run(["agents.anna.maxCalls": 2]) { scene in
            let (caller, anna) = try await scene.conversation()
            let second = try await scene.phone("second", user: "3200", port: 5091, tone: 1760)
            second.send("call \(scene.line)")
            try await anna.hears(second, call: 2)
            // Two callers, each with a call of their own: neither is a consult of the other's (RFC 3515 §2.4.2).
            anna.send("refer-replaces 2 @1")
            try await anna.says("response", call: 1, ["method": "REFER", "status": "603"])
            #expect(caller.isHearing(anna) && second.isHearing(anna))
            second.send("hangup")
            try await anna.says("ended", call: 2)

            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002# @1")
            try await anna.hears(boris, call: 1)
            anna.send("digits *3 @1")
            try await scene.log.has("conference.started transfer=1")
            anna.send("refer \(own(scene, "1003")) @1")
            try await wait(for: "the second 603") {
                anna.events.filter { $0.name == "response" && $0["status"] == "603" }.count == 2
            }
            anna.send("hangup @1")
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await scene.log.has("transfer.completed transfer=1 kind=attended agent=anna target_agent=boris")
            #expect(try !scene.log.records().contains { $0.matches("transfer.started by=refer") })
        }
    }

    @Test("Refer-Sub: false: 202 and no NOTIFY; a second REFER meanwhile: 491")
    func withoutSubscription() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris()
            anna.send("refer \(own(scene, "1002")) Refer-Sub: false, Require: norefersub")
            try await anna.says("response", ["status": "202"])
            try await boris.says("incoming")
            anna.send("refer \(own(scene, "1003"))")
            try await anna.says("response", ["status": "491"])
            boris.send("answer")
            try await caller.hears(boris)
            try await anna.says("ended", ["how": "bye"])
            #expect(anna.event("notify") == nil)
        }
    }

    @Test("REFER outside of a dialog: 403, from a trusted peer 481")
    func outside() async throws {
        for (trusted, expected) in [([], 403), (["{address}/32"], 481)] {
            try await Scene.run(["sip.trustedPeers": trusted]) { scene in
                let peer = try RawSIP(address: scene.address, port: 5099)
                let answer = try await peer.ask(
                    "REFER", own(scene, "1001"), at: scene.address, headers: ["Refer-To: <\(own(scene, "1002"))>"])
                #expect(status(of: answer) == expected)
            }
        }
    }
}
