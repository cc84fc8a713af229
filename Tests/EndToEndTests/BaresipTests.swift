import Foundation
import Testing

/// The main story with a phone that others have written and that is quick to get. More of it, and more phones, in
/// `SoftphoneTests`; SIPp in `SIPpTests`.
@Suite("baresip")
struct BaresipTests {
    @Test("baresip as caller, agent and targets")
    func baresip() async throws {
        let ports = (anna: PhonePorts(), boris: PhonePorts(), clara: PhonePorts(), caller: PhonePorts())
        let changes: [String: Any] = [
            // Its digits come as its own clock has them; on a busy machine that is slow. `#` ends the number at once.
            "transfer.codeTimeout": 10, "transfer.digitTimeout": 10,
            "agents": [
                "anna": ["uri": ports.anna.uri("1001")], "boris": ["uri": ports.boris.uri("1002")],
                "clara": ["uri": ports.clara.uri("1003")],
            ],
            "sip.trustedPeers": ["127.0.0.1/32"],
        ]
        try await Scene.run(changes) { scene in
            let answers = PhoneHabits(answers: true)
            let anna = try await Baresip("anna", user: "1001", tone: 1300, ports: ports.anna, answers, scene: scene)
            let boris = try await Baresip("boris", user: "1002", tone: 1600, ports: ports.boris, scene: scene)
            let clara = try await Baresip("clara", user: "1003", tone: 2000, ports: ports.clara, answers, scene: scene)
            let caller = try await Baresip("caller", user: "3100", tone: 1120, ports: ports.caller, scene: scene)
            caller.call(scene.line)
            try await caller.hears(anna)
            try await anna.hears(caller)

            try await anna.press("*21002#")
            try await boris.says("CALL_INCOMING")
            try await caller.hearsMusic(not: [anna.tone, boris.tone, clara.tone])
            boris.hangUp()
            try await scene.log.has("consult.failed consult=1")
            try await caller.hears(anna)

            try await anna.press("*21003#")
            try await anna.hears(clara)
            try await clara.hears(anna)
            try await caller.hearsMusic(not: [anna.tone, boris.tone, clara.tone])
            anna.hangUp()
            try await caller.hears(clara)
            try await clara.hears(caller)
            caller.hangUp()
            try await clara.says("CALL_CLOSED")
            try await scene.mainStoryIsLogged()
        }
    }

    @Test("baresip's own transfer: the caller goes to the target, or comes back to baresip")
    func baresipTransfers() async throws {
        let ports = PhonePorts()
        let changes: [String: Any] = [
            "agents": ["anna": ["uri": ports.uri("1001")], "boris": ["uri": "sip:1002@{address}:5082"]],
            "transfer.targets": ["1002": "agent:boris"],
            "sip.trustedPeers": ["127.0.0.1/32", "{address}/32"],
        ]
        try await Scene.run(changes) { scene in
            let answers = PhoneHabits(answers: true)
            let anna = try await Baresip("anna", user: "1001", tone: 1300, ports: ports, answers, scene: scene)
            let boris = try await scene.boris()
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await anna.hears(caller)
            anna.transfer(to: "sip:1002@\(scene.address):5070")
            try await caller.heard(Tones.ringback)
            boris.send("reject 486")
            try await scene.log.has("transfer.failed transfer=1 cause=busy sip_status=486")
            // baresip hangs up when its transfer fails, and is called back.
            try await scene.log.has("party.joined agent=anna role=recall")
            try await caller.hears(anna)
            try await anna.hears(caller)
            anna.transfer(to: "sip:1002@\(scene.address):5070")
            try await boris.says("incoming", call: 2)
            boris.send("answer")
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await anna.says("CALL_CLOSED")
            try await scene.log.has("transfer.completed transfer=2 kind=blind target_agent=boris")
        }
    }
}
