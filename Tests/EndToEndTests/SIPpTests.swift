import Foundation
import Testing

/// SIPp in every role: what it does is written in `Scenarios/`, what it hears comes back to whoever has said it.
@Suite("SIPp")
struct SIPpTests {
    @Test("as caller, agent and targets at once")
    func all() async throws {
        try await Scene.run { scene in
            let phones = [
                try SIPp.start("agent", port: Scene.Port.anna, pause: 800, in: scene),
                try SIPp.start("rejecting", port: Scene.Port.boris, in: scene),
                try SIPp.start("answering", port: Scene.Port.clara, in: scene),
                try SIPp.start("caller", port: Scene.Port.caller, in: scene),
            ]
            for phone in phones { try await SIPp.ends(phone, in: scene) }
            try await scene.mainStoryIsLogged()
        }
    }

    @Test("caller: talks, waits, goes to the target")
    func caller() async throws {
        try await Scene.run { scene in
            let anna = try await scene.anna()
            let boris = try await scene.boris("--answer-after", "100")
            let caller = try SIPp.start("caller", port: Scene.Port.caller, in: scene)
            try await anna.hearsItself()
            anna.send("digits *21002#")
            try await anna.hears(boris)
            #expect(!boris.isHearing(boris))
            anna.send("hangup")
            try await boris.hearsItself()
            boris.send("hangup")
            try await SIPp.ends(caller, in: scene)
            try await scene.log.has("transfer.completed transfer=1 kind=attended target_agent=boris method=bridge")
            try await scene.log.has("call.ended ended_by=agent cause=normal transfers=1")
        }
    }

    @Test("caller: its own hold, and back, and its own end")
    func callerHolds() async throws {
        try await Scene.run { scene in
            let anna = try await scene.anna()
            let caller = try SIPp.start("holding-caller", port: Scene.Port.caller, pause: 700, in: scene)
            try await anna.hearsItself()
            try await scene.log.has("hold.started hold=1 reason=caller_phone agent=anna")
            let silent = try await wait(for: "anna hears nothing") {
                anna.event("heard", ["hz": "0"])?.mono
            }
            try await scene.log.has("hold.ended hold=1 reason=caller_phone outcome=resumed")
            try await anna.hearsItself(since: silent)
            try await SIPp.ends(caller, in: scene)
            try await anna.says("ended", ["how": "bye"])
            try await scene.log.has("call.ended ended_by=caller cause=normal")
        }
    }

    @Test("caller: a re-INVITE with another port and another codec in mid-call is followed")
    func callerMoves() async throws {
        try await Scene.run { scene in
            // Who hears PCMA alone is sent PCMA: the caller's new codec is transcoded.
            let anna = try await scene.anna("--answer-after", "0", "--codecs", "PCMA")
            let started = ContinuousClock.now
            let caller = try SIPp.start("moving-caller", port: Scene.Port.caller, pause: 2500, in: scene)
            try await anna.says("answered")
            let hears = anna.isHearing(anna)
            if ContinuousClock.now - started < .milliseconds(2500) {  // before it moves, for certain
                #expect(!hears, "nobody sends back what goes to the first port")
            }
            var transcoded = false
            let deadline = ContinuousClock.now + .seconds(soon)
            while !transcoded, ContinuousClock.now < deadline {
                let shown = try await scene.command("show", scene.callID(), "--json").output
                transcoded = shown.contains("\"transcoded\": true")
            }
            #expect(transcoded, "the caller's leg has another codec")
            try await anna.hearsItself()
            try await SIPp.ends(caller, in: scene)
        }
    }

    @Test("agent: codes by SIP INFO: a target that is busy, another that answers")
    func agentByInfo() async throws {
        try await Scene.run { scene in
            _ = try await scene.boris("--reject", "486")
            let clara = try await scene.clara("--answer-after", "100")
            let anna = try SIPp.start("agent", port: Scene.Port.anna, pause: 1200, in: scene)
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.hearsItself()
            try await clara.hearsItself()
            try await caller.heardMusic()
            try await SIPp.ends(anna, in: scene)
            try await caller.hears(clara)
            try await clara.hears(caller)
            try await scene.mainStoryIsLogged(ended: false)
        }
    }

    @Test("agent: its own hold gives the caller music, and ends")
    func agentHolds() async throws {
        try await Scene.run { scene in
            let anna = try SIPp.start("holding-agent", port: Scene.Port.anna, pause: 700, in: scene)
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.hearsItself()
            try await caller.heardMusic()
            let held = caller.event("heard", ["label": "music"])?.mono ?? 0
            try await scene.log.has("hold.ended hold=1 reason=agent_phone outcome=resumed next_agent=anna")
            try await caller.hearsItself(since: held)
            caller.send("hangup")
            try await SIPp.ends(anna, in: scene)
        }
    }

    @Test("agent: its own transfer by REFER, and NOTIFYs of 100, 180 and 200")
    func agentRefers() async throws {
        try await Scene.run { scene in
            let clara = try await scene.clara("--answer-after", "300")
            let anna = try SIPp.start("transferring", port: Scene.Port.anna, in: scene)
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.hearsItself()
            try await caller.hears(clara)
            try await clara.hears(caller)
            try await SIPp.ends(anna, in: scene)
            try await scene.log.has("transfer.started kind=blind agent=anna by=refer")
            try await scene.log.has("transfer.completed kind=blind target_agent=clara")
        }
    }

    @Test("targets: one rejects, one answers, goes to the caller and hangs up")
    func targets() async throws {
        try await Scene.run { scene in
            let rejecting = try SIPp.start("rejecting", port: Scene.Port.boris, in: scene)
            let answering = try SIPp.start("answering", port: Scene.Port.clara, pause: 4000, in: scene)
            let (caller, anna) = try await scene.conversation()
            anna.send("digits *21002#")
            try await scene.log.has("consult.failed consult=1 cause=busy sip_status=486")
            try await SIPp.ends(rejecting, in: scene)
            try await caller.hears(anna)
            anna.send("digits *21003#")
            // By her phone's own clock: the target hangs up by itself.
            anna.send("after 2500 hangup")
            try await caller.heardMusic()
            try await anna.hearsItself()
            try await caller.hearsItself()
            try await SIPp.ends(answering, in: scene)
            try await caller.says("ended", ["how": "bye"])
            try await scene.mainStoryIsLogged()
        }
    }

    @Test("challenges our REFER by 407: it comes again, signed, and the controller leaves")
    func challenges() async throws {
        let changes: [String: Any] = [
            "transfer.completion": "refer", "transfer.completionTimeout": 5,
            "registrations": [
                [
                    "server": "sip:{address}:\(Scene.Port.caller)", "realm": "pbx", "user": "warmline",
                    "password": "secret",
                ]
            ],
        ]
        try await Scene.run(changes) { scene in
            let anna = try await scene.anna()
            let boris = try await scene.boris("--answer-after", "0")
            let caller = try SIPp.start("challenging", port: Scene.Port.caller, in: scene)
            try await anna.says("answered")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            anna.send("hangup")
            try await SIPp.ends(caller, in: scene)
            try await boris.says("ended", ["how": "bye"])
            try await scene.log.has("transfer.completed transfer=1 kind=attended target_agent=boris method=refer")
            try await scene.log.has("call.ended ended_by=controller cause=normal")
        }
    }
}
