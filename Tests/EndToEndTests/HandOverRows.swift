import Foundation
import Testing

/// `completion: "refer"`: after the consult the caller's side takes the target over, and the controller leaves the path.
@Suite("completion by REFER")
struct HandOverRows {
    private static var settings: [String: Any] { ["transfer.completion": "refer", "transfer.completionTimeout": 2] }

    @Test("REFER with Replaces: caller and target talk without the controller")
    func handedOver() async throws {
        try await Scene.run(Self.settings) { scene in
            let (caller, anna) = try await scene.conversation(caller: ["--refer", "follow"])
            let boris = try await scene.boris("--on", "in/incoming answer")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            let consult = try await scene.log.has("consult.started consult=1")
            anna.send("hangup")
            let refer = try await caller.says("refer", ["referred_by": anna.uri])
            #expect(
                refer["refer_to"] == "sip:\(scene.address):\(Scene.Port.boris)", "the Contact of the target's dialog")
            #expect(refer["replaces"]?.hasPrefix("\(consult["sip_call_id"] ?? "?");to-tag=") == true)
            // The target's phone has a call of the caller's own in the place of ours.
            try await boris.says("incoming", call: 2, ["name": "caller"])
            try await boris.says("ended", call: 1)
            try await caller.says("ended", call: 1, ["how": "bye"])
            try await caller.hears(boris, call: 2)
            try await boris.hears(caller, call: 2)
            try await scene.log.tells(
                """
                hold.started hold=1 reason=consult agent=anna
                transfer.started transfer=1 kind=attended agent=anna
                consult.started consult=1 target_agent=boris
                consult.answered consult=1
                consult.ended consult=1 outcome=completed
                hold.ended hold=1 outcome=transferred next_agent=boris
                transfer.completed transfer=1 kind=attended agent=anna target_agent=boris method=refer
                """)
            try await scene.log.has("party.left agent=boris ended_by=controller cause=normal")
            try await scene.log.has("call.ended ended_by=controller cause=normal")
            #expect(try await scene.command("calls", "--json").output.contains("e2e-") == false)
            // Nothing of the two's talk comes through the controller any more.
            scene.warmline.kill()
            #expect(caller.isHearing(boris, call: 2) && boris.isHearing(caller, call: 2))
            caller.send("hangup")
            try await boris.says("ended", call: 2, ["how": "bye"])
        }
    }

    enum Failing: String, CaseIterable { case refused, silent }

    @Test("refused, or without a last word in time: the bridge stands", arguments: Failing.allCases)
    func fallsBack(how: Failing) async throws {
        try await Scene.run(Self.settings) { scene in
            let answer = how == .refused ? "603" : "ignore"
            let (caller, anna) = try await scene.conversation(caller: ["--refer", answer])
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            anna.send("hangup")
            try await caller.says("refer")
            // Joined before anybody knows, and for good.
            try await caller.hears(boris, call: 1)
            try await boris.hears(caller, call: 1)
            let completed = try await scene.log.has("transfer.completed transfer=1 kind=attended method=bridge")
            if how == .silent {
                let joined = try await scene.log.has("party.joined agent=boris")
                #expect(completed.mono - joined.mono >= 1_990)
            }
            try await boris.says("identity", call: 1, ["uri": "sip:3100@\(scene.address)"])
            try await caller.hears(boris, call: 1)
            try await boris.hears(caller, call: 1)
            // The target is the call's agent from now on.
            boris.send("digits *5 @1")
            try await caller.hearsMusic(call: 1)
            caller.send("hangup @1")
            try await boris.says("ended", call: 1, ["how": "bye"])
            try await scene.log.has("call.ended ended_by=caller")
        }
    }

    @Test(
        "the caller or the target hangs up while the REFER is open: nobody is left behind",
        arguments: ["caller", "boris"])
    func hangUp(who: String) async throws {
        try await Scene.run(Self.settings) { scene in
            let (caller, anna) = try await scene.conversation(caller: ["--refer", "ignore"])
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            anna.send("hangup")
            try await caller.says("refer")
            try await caller.hears(boris)
            let (leaving, other) = who == "caller" ? (caller, boris) : (boris, caller)
            leaving.send("hangup")
            // The dialog that might be replaced, and the one that might be told, are kept for a moment.
            try await other.says("ended", ["how": "bye"])
            try await scene.log.has("transfer.completed method=\(who == "caller" ? "bridge" : "refer")")
            try await scene.log.has("call.ended cause=normal")
        }
    }
}
