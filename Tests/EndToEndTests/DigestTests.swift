import Foundation
import Testing

/// Agents' phones beyond the trusted network, and warmline as somebody's client: who signs with which password.
@Suite("digest")
struct DigestTests {
    private static func agents(_ anna: [String: Any]) -> [String: Any] {
        [
            "agents": [
                "anna": ["name": "Anna", "wrapUp": 0].merging(anna) { $1 },
                "boris": ["uri": "sip:1002@{address}:\(Scene.Port.boris)", "wrapUp": 0],
                "clara": ["uri": "sip:1003@{address}:\(Scene.Port.clara)", "wrapUp": 0],
            ]
        ]
    }

    private func anna(_ scene: Scene, password: String = "geheim", _ options: [String] = []) async throws -> TestPhone {
        try await scene.phone(
            "anna", user: "anna", port: Scene.Port.anna, tone: 1300,
            ["--password", password, "--register", "sip:\(scene.address):\(Scene.Port.warmline)"] + options,
            at: scene.outside)
    }

    @Test("an agent's phone elsewhere registers with its password, is called, transfers, and calls as that agent")
    func registersAndTransfers() async throws {
        let trace = FileManager.default.temporaryDirectory.appending(path: "warmline-digest-\(getpid()).trace")
            .path(percentEncoded: false)
        defer { try? FileManager.default.removeItem(atPath: trace) }
        let changes = Self.agents(["password": "geheim"])
        try await Scene.run(changes, serve: ["--trace", trace]) { scene in
            let anna = try await anna(scene, ["--on", "in/incoming answer"])
            try await scene.status(says: "\"agent\":\"anna\"")
            let boris = try await scene.boris("--answer-after", "100")
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.hears(anna)
            try await anna.hears(caller)
            anna.send("digits *21002#")
            try await anna.hears(boris)
            anna.send("hangup")
            try await caller.hears(boris)
            caller.send("hangup")
            try await boris.says("ended")

            anna.send("call sip:1003@\(scene.address):\(Scene.Port.warmline)")
            try await scene.log.has("call.arrived direction=internal")
            try await scene.log.has("call.alerting agent=clara")
            anna.send("hangup")
            let status = try await scene.status()
            #expect(status.contains("\"auth_failed\":0"))

            let check = try await scene.command("check").output
            #expect(check.contains("\"********\"") && !check.contains("geheim"))
            for phone in scene.phones { phone.send("quit") }
            let written = [trace, scene.log.directory.path(percentEncoded: false)]
            for path in written { #expect(try !text(below: path).contains("geheim"), "\(path)") }
        }
        #expect(try text(below: trace).contains("anna"))
    }

    @Test("an agent's phone elsewhere, which signs its second call: that is the consult, and REFER with Replaces joins")
    func attendedFromElsewhere() async throws {
        try await Scene.run(Self.agents(["password": "geheim"])) { scene in
            let anna = try await anna(scene, ["--on", "in/incoming answer"])
            try await scene.status(says: "\"agent\":\"anna\"")
            let boris = try await scene.boris("--answer-after", "100")
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.hears(anna)
            anna.send("hold @1")
            try await caller.hearsMusic()
            anna.send("call sip:1002@\(scene.address):\(Scene.Port.warmline)")
            try await anna.hears(boris, call: 2)
            try await boris.hears(anna)
            anna.send("refer-replaces 2 @1")
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await anna.says("notify", ["status": "200", "final": "true"])
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
            #expect(try scene.log.records().filter { $0.type == "call.arrived" }.count == 1)
        }
    }

    @Test("a wrong password: no registration, no call, and both are counted")
    func wrongPassword() async throws {
        try await Scene.run(Self.agents(["ha1": "5f4dcc3b5aa765d61d8327deb882cf99"])) { scene in
            let anna = try await anna(scene, password: "falsch")
            anna.send("call \(scene.line)")
            try await anna.says("ended", ["status": "403"])
            try await scene.log.has("call.refused sip_status=403")
            let status = try await scene.status()
            #expect(!status.contains("\"auth_failed\":0") && status.contains("\"auth_accepted\":0"))
            #expect(status.contains("\"registered\":[]"))
            #expect(try scene.log.records().allSatisfy { $0.type != "call.arrived" })
        }
    }

    @Test("without any password a stranger is refused as ever")
    func noPasswords() async throws {
        try await Scene.run { scene in
            let stranger = try await scene.phone(
                "stranger", user: "3100", port: Scene.Port.caller, tone: 1120, at: scene.outside)
            stranger.send("call \(scene.line)")
            try await stranger.says("ended", ["status": "403"])
        }
    }

    /// Another warmline, whose agents with these passwords are the one under test; it has boris's phone as its own.
    private func pbx(of scene: Scene, _ passwords: [String: String]) throws -> Child {
        var agents: [String: [String: String]] = passwords.mapValues { ["password": $0] }
        agents["boris"] = ["uri": "sip:1002@\(scene.address):5082"]
        return try scene.other(
            "pbx",
            [
                "sip": ["listen": ["udp:\(scene.address):5060"], "trustedPeers": [String](), "realm": "the pbx"],
                "media": ["address": scene.address, "ports": [21000, 21099], "codecs": ["PCMA"]],
                "agents": agents,
                "lines": ["7000": ["to": "agent:boris"]],
            ])
    }

    @Test("warmline registers with a PBX, says so, signs its calls to it, and leaves it at the end")
    func registersItself() async throws {
        // The PBX is another warmline: its agent `trunk` is this one.
        let changes: [String: Any] = [
            "registrations": [["server": "sip:{address}:5060", "user": "trunk", "password": "pbxgeheim"]],
            "lines": ["7000": ["to": "sip:7000@{address}:5060"]],
        ]
        try await Scene.run(changes) { scene in
            let pbx = try pbx(of: scene, ["trunk": "pbxgeheim"])
            try await wait(15, for: "warmline is registered") {
                pbx.lines.contains { $0.text == "ready" }
            }
            let boris = try await scene.boris("--answer-after", "0")
            try await scene.status(says: "\"state\":\"registered\"")
            try await scene.status(of: "pbx", says: "\"agent\":\"trunk\"")
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.hears(boris)
            try await boris.hears(caller)
            caller.send("hangup")
            try await boris.says("ended")
            scene.warmline.signal(SIGTERM)
            try await wait(for: "warmline's end") { scene.warmline.isDone }
            try await scene.status(of: "pbx", says: "\"registered\":[]")
            pbx.signal(SIGTERM)
        }
    }

    @Test("a changed list of registrations is taken by reload: new ones register, others take their leave")
    func registrationsReloaded() async throws {
        func registration(_ scene: Scene, _ user: String) -> [String: Any] {
            ["server": "sip:\(scene.address):5060", "user": user, "password": "geheim-\(user)"]
        }
        let changes: [String: Any] = [
            "registrations": [["server": "sip:{address}:5060", "user": "trunk", "password": "geheim-trunk"]],
            "lines": ["7000": ["to": "sip:7000@{address}:5060"]],
        ]
        try await Scene.run(changes) { scene in
            let pbx = try pbx(of: scene, ["trunk": "geheim-trunk", "spare": "geheim-spare"])
            try await wait(15, for: "the PBX") { pbx.lines.contains { $0.text == "ready" } }
            let boris = try await scene.boris("--answer-after", "0")
            try await scene.status(of: "pbx", says: "\"agent\":\"trunk\"", within: 15)

            try scene.change { $0["registrations"] = [registration(scene, "trunk"), registration(scene, "spare")] }
            #expect(try await scene.command("reload").output == "changed: registrations\n")
            try await scene.status(of: "pbx", says: "\"agent\":\"spare\"")
            #expect(try await scene.status(of: "pbx").contains("\"agent\":\"trunk\""))

            try scene.change { $0["registrations"] = [registration(scene, "spare")] }
            try await scene.command("reload")
            try await scene.status(of: "pbx", says: "\"registered\":[{\"agent\":\"spare\"")
            // Calls are signed as the one that is left.
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.hears(boris)
            caller.send("hangup")
            try await boris.says("ended")

            try scene.change { $0["registrations"] = [Any]() }
            try await scene.command("reload")
            try await scene.status(of: "pbx", says: "\"registered\":[]")
            try await scene.status(says: "\"registrations\":[]")
            pbx.signal(SIGTERM)
        }
    }

    /// All that is written in a file, or in the files of a directory.
    private func text(below path: String) throws -> String {
        var isDirectory: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
        let files =
            isDirectory.boolValue
            ? try FileManager.default.contentsOfDirectory(atPath: path).map { "\(path)/\($0)" } : [path]
        return try files.map { String(decoding: try Data(contentsOf: URL(filePath: $0)), as: UTF8.self) }.joined()
    }
}
