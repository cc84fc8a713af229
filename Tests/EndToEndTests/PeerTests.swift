import Foundation
import Testing

/// The main story with phones that others have written: those that are quick to get. More of it, and more phones, in
/// `SoftphoneTests`.
@Suite("other people's phones")
struct PeerTests {
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

    @Test("SIPp's own transfer: REFER, and NOTIFYs of 100, 180 and 200")
    func sippTransfers() async throws {
        try await Scene.run(["transfer.codeTimeout": 3, "transfer.digitTimeout": 3]) { scene in
            var phones: [Child] = []
            for (scenario, port) in [("transferring", 5081), ("answering", 5083), ("caller", 5090)] {
                phones.append(try SIPp.start(scenario, port: port, in: scene))
            }
            scene.others += phones
            for phone in phones {
                try await wait(15, for: "the end of SIPp's \(phone.name)") { phone.isDone }
                #expect(phone.exitStatus == 0, "\(phone.name): \(SIPp.complaints(phone.name, in: scene))")
            }
            try await scene.log.has("transfer.started kind=blind agent=anna by=refer")
            try await scene.log.has("transfer.completed kind=blind target_agent=clara")
        }
    }

    @Test("SIPp challenges our REFER by 407: it comes again, signed, and the controller leaves")
    func sippChallenges() async throws {
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
            scene.others.append(caller)
            try await anna.says("answered")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            anna.send("hangup")
            try await wait(15, for: "the end of SIPp's caller") { caller.isDone }
            #expect(caller.exitStatus == 0, "\(SIPp.complaints("challenging", in: scene))")
            try await boris.says("ended", ["how": "bye"])
            try await scene.log.has("transfer.completed transfer=1 kind=attended target_agent=boris method=refer")
            try await scene.log.has("call.ended ended_by=controller cause=normal")
        }
    }

    @Test("SIPp scenarios as caller, agent and targets")
    func sipp() async throws {
        try await Scene.run { scene in
            var phones: [Child] = []
            for (scenario, port) in [("agent", 5081), ("rejecting", 5082), ("answering", 5083), ("caller", 5090)] {
                phones.append(try SIPp.start(scenario, port: port, in: scene))
            }
            scene.others += phones
            for phone in phones {
                try await wait(15, for: "the end of SIPp's \(phone.name)") { phone.isDone }
                #expect(phone.exitStatus == 0, "\(phone.name): \(SIPp.complaints(phone.name, in: scene))")
            }
            try await scene.mainStoryIsLogged()
        }
    }
}

/// Runs one call of a scenario of ours.
private enum SIPp {
    static func start(_ scenario: String, port: Int, in scene: Scene) throws -> Child {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scenarios/\(scenario).xml")
        return try Child(
            scenario, try Executables.system("sipp"),
            [
                "\(scene.address):\(Scene.Port.warmline)", "-sf", file.path(percentEncoded: false), "-s", "7000",
                "-i", scene.address, "-mi", scene.address, "-p", String(port), "-mp",
                String(40000 + (port - 5080) * 20),
                "-m", "1", "-nostdin", "-timeout", "14", "-timeout_error", "-trace_err",
                "-error_file", errors(scenario, in: scene),
            ], environment: ["TERM": "dumb"])
    }

    static func complaints(_ scenario: String, in scene: Scene) -> String {
        (try? String(contentsOfFile: errors(scenario, in: scene), encoding: .utf8)) ?? "no complaint"
    }

    private static func errors(_ scenario: String, in scene: Scene) -> String {
        scene.directory.appending(path: "sipp-\(scenario).err").path(percentEncoded: false)
    }
}

extension Scene {
    /// A first target rejects, a second one answers and gets the caller.
    fileprivate func mainStoryIsLogged() async throws {
        try await log.tells(
            """
            hold.started hold=1 reason=consult agent=anna
            transfer.started transfer=1 agent=anna
            transfer.fallback transfer=1 step=agent
            transfer.failed transfer=1
            hold.ended hold=1 outcome=resumed next_agent=anna
            hold.started hold=2 reason=consult agent=anna
            transfer.started transfer=2 agent=anna
            hold.ended hold=2 outcome=transferred next_agent=clara
            transfer.completed transfer=2 kind=attended target_agent=clara
            """)
        try await log.has("call.ended transfers=2")
    }
}
