import Foundation
import Testing

/// Every softphone in every role, for the table in `dialplans/phones.md`: too slow for each run of the tests, so only
/// where the environment's WARMLINE_PJSUA says where pjsua is (`make interop`).
@Suite(
    "softphones in every role", .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["WARMLINE_PJSUA"] != nil))
struct SoftphoneTests {
    enum Make: String, CaseIterable, Sendable {
        case baresip, linphone, pjsua

        /// All, or those of which the environment's WARMLINE_PHONES has the names.
        static let all = chosen(allCases)
        /// Those that have an attended transfer, and follow or take Replaces.
        static let attending = chosen([.linphone, .pjsua])

        static func chosen(_ makes: [Make]) -> [Make] {
            guard let names = ProcessInfo.processInfo.environment["WARMLINE_PHONES"] else { return makes }
            return makes.filter { names.contains($0.rawValue) }
        }

        /// baresip 1.0 no longer records what it hears once it has held a call.
        var recordsAfterHold: Bool { self != .baresip }

        func phone(
            _ name: String, user: String, tone: Int, ports: PhonePorts, _ habits: PhoneHabits = PhoneHabits(),
            in scene: Scene
        ) async throws -> any Softphone {
            switch self {
            case .baresip: try await Baresip(name, user: user, tone: tone, ports: ports, habits, scene: scene)
            case .linphone: try await Linphone(name, user: user, tone: tone, ports: ports, habits, scene: scene)
            case .pjsua: try await Pjsua(name, user: user, tone: tone, ports: ports, habits, scene: scene)
            }
        }
    }

    /// A scene in which this agent has a phone on 127.0.0.1, and all others test phones.
    private func settings(_ agent: String? = nil, _ user: String = "", _ ports: PhonePorts = PhonePorts())
        -> [String: Any]
    {
        var settings: [String: Any] = [
            "sip.trustedPeers": ["127.0.0.1/32", "{address}/32"],
            // Their digits come as their own clocks have them.
            "transfer.codeTimeout": 2, "transfer.digitTimeout": 2,
        ]
        if let agent { settings["agents.\(agent)"] = ["uri": ports.uri(user), "wrapUp": 0] }
        return settings
    }

    private func own(_ scene: Scene, _ user: String) -> String { "sip:\(user)@\(scene.address):\(Scene.Port.warmline)" }

    /// A softphone as the agent, in a conversation with a test phone.
    private func agent(
        _ make: Make, _ habits: PhoneHabits = PhoneHabits(answers: true), _ more: [String: Any] = [:],
        _ body: (_ scene: Scene, _ anna: any Softphone, _ caller: TestPhone) async throws -> Void
    ) async throws {
        let ports = PhonePorts()
        let settings = settings("anna", "1001", ports).merging(more) { $1 }
        try await Scene.run(settings) { scene in
            let anna = try await make.phone("anna", user: "1001", tone: 1300, ports: ports, habits, in: scene)
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.hears(anna)
            try await anna.hears(caller)
            try await body(scene, anna, caller)
        }
    }

    @Test("caller: talks, waits with music, goes to the target, holds, hangs up", arguments: Make.all)
    func caller(make: Make) async throws {
        try await Scene.run(settings()) { scene in
            let anna = try await scene.anna()
            let boris = try await scene.boris("--answer-after", "100")
            let caller = try await make.phone("caller", user: "3100", tone: 1120, ports: PhonePorts(), in: scene)
            caller.call(scene.line)
            try await caller.hears(anna)
            try await anna.hears(caller)
            anna.send("digits *21002#")
            try await anna.hears(boris)
            try await caller.hearsMusic(not: [anna.tone, boris.tone])
            anna.send("hangup")
            try await caller.hears(boris)
            try await boris.hears(caller)
            caller.hold()
            try await scene.log.has("hold.started hold=2 reason=caller_phone agent=boris")
            try await wait(for: "the caller hears nothing while it holds") { caller.sound.isSilence }
            caller.resume()
            try await scene.log.has("hold.ended hold=2 reason=caller_phone outcome=resumed")
            try await boris.hears(caller)
            if make.recordsAfterHold { try await caller.hears(boris) }
            caller.hangUp()
            try await boris.says("ended", ["how": "bye"])
            try await scene.log.tells(
                """
                transfer.started transfer=1 kind=attended agent=anna by=code
                consult.started consult=1 target_agent=boris
                consult.ringing consult=1
                consult.answered consult=1
                consult.ended consult=1 outcome=completed
                transfer.completed transfer=1 kind=attended agent=anna target_agent=boris method=bridge
                """)
            try await scene.log.has("call.ended ended_by=caller cause=normal transfers=1")
        }
    }

    @Test("agent: codes by RFC 4733: a target that is busy, another that answers", arguments: Make.all)
    func codes(make: Make) async throws { try await codes(make, PhoneHabits(answers: true)) }

    /// baresip 1.0 has no such mode.
    @Test("agent: codes by SIP INFO", arguments: Make.attending)
    func codesByInfo(make: Make) async throws { try await codes(make, PhoneHabits(answers: true, info: true)) }

    private func codes(_ make: Make, _ habits: PhoneHabits) async throws {
        let patience: [String: Any] = habits.info ? ["transfer.codeTimeout": 4, "transfer.digitTimeout": 4] : [:]
        try await agent(make, habits, patience) { scene, anna, caller in
            let boris = try await scene.boris("--reject", "486")
            let clara = try await scene.clara("--answer-after", "200")
            try await anna.press("*21002#")
            try await scene.log.has("consult.failed consult=1 cause=busy sip_status=486")
            try await caller.hears(anna)
            try await anna.press("*21003#")
            try await anna.hears(clara)
            try await clara.hears(anna)
            try await caller.hearsMusic()
            anna.hangUp()
            try await caller.hears(clara)
            try await clara.hears(caller)
            #expect(!caller.isHearing(boris))
            try await scene.log.tells(
                """
                hold.started hold=1 reason=consult agent=anna
                transfer.started transfer=1 kind=attended agent=anna by=code
                transfer.fallback transfer=1 step=agent to=anna cause=busy
                transfer.failed transfer=1 cause=busy sip_status=486
                hold.ended hold=1 outcome=resumed next_agent=anna
                hold.started hold=2 reason=consult agent=anna
                transfer.started transfer=2 kind=attended agent=anna by=code
                hold.ended hold=2 outcome=transferred next_agent=clara
                transfer.completed transfer=2 kind=attended target_agent=clara
                """)
        }
    }

    @Test("agent: its own hold gives the caller music, and ends", arguments: Make.all)
    func holds(make: Make) async throws {
        try await agent(make) { scene, anna, caller in
            anna.hold()
            try await caller.hearsMusic()
            anna.resume()
            try await caller.hears(anna)
            if make.recordsAfterHold { try await anna.hears(caller) }
            caller.send("hangup")
            try await scene.log.tells(
                """
                hold.started hold=1 reason=agent_phone agent=anna
                hold.ended hold=1 reason=agent_phone outcome=resumed next_agent=anna
                """)
            try await scene.log.has("call.ended ended_by=caller")
        }
    }

    @Test("agent: its own blind transfer: busy and back, then answered", arguments: Make.all)
    func blind(make: Make) async throws {
        try await agent(make) { scene, anna, caller in
            let boris = try await scene.boris()
            anna.transfer(to: own(scene, "1002"))
            try await caller.heard(Tones.ringback)
            boris.send("reject 486")
            try await scene.log.has("transfer.failed transfer=1 kind=blind cause=busy sip_status=486")
            // Whether the phone has kept its call or has hung up and is called back.
            try await caller.hears(anna)
            try await anna.hears(caller)
            anna.transfer(to: own(scene, "1002"))
            try await boris.says("incoming", call: 2)
            boris.send("answer")
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await scene.log.has("transfer.started transfer=2 kind=blind agent=anna by=refer")
            try await scene.log.has("consult.ended consult=2 outcome=completed")
            try await scene.log.has("transfer.completed transfer=2 kind=blind target_agent=boris method=bridge")
            try await scene.log.has("party.left agent=anna")
        }
    }

    @Test("agent: its own attended transfer: hold, a second call, REFER with Replaces", arguments: Make.attending)
    func attended(make: Make) async throws {
        try await agent(make) { scene, anna, caller in
            let boris = try await scene.boris("--answer-after", "200")
            anna.hold()
            try await caller.hearsMusic()
            anna.call(own(scene, "1002"))
            try await anna.hears(boris)
            try await boris.hears(anna)
            (anna as? any AttendingPhone)?.transferToSecondCall()
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await scene.log.tells(
                """
                hold.started hold=1 reason=agent_phone agent=anna
                transfer.started transfer=1 kind=attended agent=anna by=phone
                consult.started consult=1 target_agent=boris mode=consult
                consult.ringing consult=1
                consult.answered consult=1
                consult.ended consult=1 outcome=completed
                hold.ended hold=1 reason=agent_phone outcome=transferred next_agent=boris
                transfer.completed transfer=1 kind=attended agent=anna target_agent=boris method=bridge
                """)
        }
    }

    @Test("target: rejects, then answers, talks with the agent and with the caller", arguments: Make.all)
    func target(make: Make) async throws {
        let ports = PhonePorts()
        try await Scene.run(settings("boris", "1002", ports)) { scene in
            let boris = try await make.phone("boris", user: "1002", tone: 1600, ports: ports, in: scene)
            let (caller, anna) = try await scene.conversation()
            anna.send("digits *21002#")
            try await scene.log.has("consult.ringing consult=1")
            try await caller.hearsMusic()
            boris.hangUp()
            let failed = try await scene.log.has("consult.failed consult=1")
            #expect(["busy 486", "declined 603"].contains("\(failed["cause"] ?? "") \(failed["sip_status"] ?? "")"))
            try await caller.hears(anna)
            anna.send("digits *21002#")
            try await scene.log.has("consult.ringing consult=2")
            boris.answer()
            try await anna.hears(boris)
            try await boris.hears(anna)
            try await caller.hearsMusic()
            anna.send("hangup")
            try await caller.hears(boris)
            try await boris.hears(caller)
            boris.hangUp()
            try await caller.says("ended", ["how": "bye"])
            try await scene.log.has("transfer.completed transfer=2 kind=attended target_agent=boris")
            try await scene.log.has("call.ended ended_by=agent cause=normal transfers=2")
        }
    }

    private static var handOver: [String: Any] { ["transfer.completion": "refer", "transfer.completionTimeout": 4] }

    @Test("caller: takes REFER with Replaces, and the controller leaves", arguments: Make.attending)
    func followsRefer(make: Make) async throws {
        try await Scene.run(settings().merging(Self.handOver) { $1 }) { scene in
            let anna = try await scene.anna()
            let boris = try await scene.boris("--on", "in/incoming answer")
            let caller = try await make.phone("caller", user: "3100", tone: 1120, ports: PhonePorts(), in: scene)
            caller.call(scene.line)
            try await caller.hears(anna)
            anna.send("digits *21002#")
            try await anna.hears(boris)
            anna.send("hangup")
            try await boris.says("incoming", call: 2)
            try await boris.says("ended", call: 1)
            try await boris.hears(caller, call: 2)
            try await caller.hears(boris)
            try await scene.log.has("transfer.completed transfer=1 kind=attended target_agent=boris method=refer")
            try await scene.log.has("call.ended ended_by=controller cause=normal")
        }
    }

    @Test("target: takes INVITE with Replaces, and the controller leaves", arguments: Make.attending)
    func takesReplaces(make: Make) async throws {
        let ports = PhonePorts()
        try await Scene.run(settings("boris", "1002", ports).merging(Self.handOver) { $1 }) { scene in
            let boris = try await make.phone(
                "boris", user: "1002", tone: 1600, ports: ports, PhoneHabits(answers: true), in: scene)
            let (caller, anna) = try await scene.conversation(caller: ["--refer", "follow"])
            anna.send("digits *21002#")
            try await anna.hears(boris)
            anna.send("hangup")
            try await caller.says("refer")
            try await caller.hears(boris, call: 2)
            try await boris.hears(caller)
            try await scene.log.has("transfer.completed transfer=1 kind=attended target_agent=boris method=refer")
            try await scene.log.has("call.ended ended_by=controller cause=normal")
        }
    }

    @Test("SRTP (SDES) and nothing else, as caller, agent and target", arguments: Make.all)
    func encrypts(make: Make) async throws {
        let ports = (anna: PhonePorts(), boris: PhonePorts(), caller: PhonePorts())
        var settings = settings("anna", "1001", ports.anna)
        settings["agents.boris"] = ["uri": ports.boris.uri("1002"), "wrapUp": 0]
        settings["media.srtp"] = "required"
        try await Scene.run(settings) { scene in
            let habits = PhoneHabits(answers: true, encrypts: true)
            let anna = try await make.phone("anna", user: "1001", tone: 1300, ports: ports.anna, habits, in: scene)
            let boris = try await make.phone("boris", user: "1002", tone: 1600, ports: ports.boris, habits, in: scene)
            let caller = try await make.phone(
                "caller", user: "3100", tone: 1120, ports: ports.caller, PhoneHabits(encrypts: true), in: scene)
            caller.call(scene.line)
            try await caller.hears(anna)
            try await anna.hears(caller)
            try await anna.press("*21002#")
            try await anna.hears(boris)
            try await caller.hearsMusic(not: [anna.tone, boris.tone])
            anna.hangUp()
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await scene.log.has("transfer.completed transfer=1 kind=attended target_agent=boris")
        }
    }
}
