import Foundation
import Testing

/// What a controller knows of the runs before it.
@Suite("memory")
struct MemoryRows {
    @Test("after a restart: the last agent is asked first, a verdict is taken, a call-back that was asked for is made")
    func restart() async throws {
        let group: [String: Any] = [
            "members": ["anna", "boris"], "ringTimeout": 5, "maxWait": 30, "lastAgentDays": 7,
            "callback": ["digit": "5"],
        ]
        let changes: [String: Any] = [
            "groups": ["support": group], "lines": ["7000": ["to": "group:support"]],
            "transfer.dial": "sip:{digits}@{address}:5092",
            "transfer.allow": ["sip:3300@127\\.[0-9.]+:5092"], "transfer.targets": [:] as [String: Any],
        ]
        try await Scene.run(changes) { scene in
            let anna = try await scene.anna()
            let boris = try await scene.boris("--answer-after", "0")
            let caller = try await scene.caller()
            let other = try await scene.phone("other", user: "3300", port: 5092, tone: 800, ["--answer-after", "0"])
            try await scene.command("agent", "anna", "pause")
            caller.send("call \(scene.line)")
            try await caller.hears(boris)
            let first = try await scene.callID()
            other.send("call \(scene.line)")
            try await other.hearsMusic()
            other.send("digits 5")
            try await scene.log.has("callback.requested group=support caller=3300")
            try await other.says("ended", call: 1)
            // Boris is paused while he talks, so that nobody calls back before the end.
            try await scene.command("agent", "boris", "pause")
            caller.send("hangup")
            try await scene.log.has("call.ended agent=boris")
            scene.warmline.signal(SIGTERM)
            try await wait(for: "warmline's end") { scene.warmline.isDone }
            #expect(scene.warmline.exitStatus == 0)

            try await scene.restart()
            try await scene.command("resolve", first, "yes", "--code", "sold")
            try await scene.log.has("call.disposition agent=boris group=support resolved=true")
            // Both are there; anna is asked first for one whom nobody knows.
            try await other.says("answered", call: 2)
            try await anna.hears(other)
            try await scene.log.has("callback.completed agent=anna request=\(first.dropLast())2 attempt=1")
            caller.send("call \(scene.line)")
            try await caller.hears(boris)
            other.send("hangup")
            try await scene.log.has("call.ended agent=anna caller=3300")
        }
    }

    @Test("after a kill: who had the caller last is known of the call that was lost, too")
    func killed() async throws {
        let group: [String: Any] = ["members": ["anna", "boris"], "ringTimeout": 5, "lastAgentDays": 1]
        let changes: [String: Any] = ["groups": ["support": group], "lines": ["7000": ["to": "group:support"]]]
        try await Scene.run(changes) { scene in
            _ = try await scene.anna()
            let boris = try await scene.boris("--answer-after", "0")
            let caller = try await scene.caller()
            try await scene.command("agent", "anna", "pause")
            caller.send("call \(scene.line)")
            try await caller.hears(boris)
            let call = try await scene.callID()
            try await scene.log.has("party.joined agent=boris")
            scene.warmline.kill()
            try await scene.restart()
            for phone in [caller, boris] { phone.send("vanish") }
            try await scene.command("resolve", call, "no")
            try await scene.log.has("call.disposition agent=boris resolved=false")
            caller.send("call \(scene.line)")
            try await caller.hears(boris)
        }
    }

    @Test("after a restart, and after a kill, a phone that had registered is called before it registers again")
    func registeredPhone() async throws {
        try await Scene.run(["agents": ["anna": ["name": "Anna"]], "transfer.targets": [:] as [String: Any]]) { scene in
            let anna = try await scene.phone(
                "anna", user: "anna", port: 5081, tone: 1300,
                ["--answer-after", "0", "--register", "sip:\(scene.address):5070"])
            try await scene.status(says: "\"agent\":\"anna\"")
            let caller = try await scene.caller()
            let file = scene.log.directory.appending(path: ".bindings")
            try await wait(for: "the phone in \(file.path())") {
                (try? String(contentsOf: file, encoding: .utf8))?.contains("sip:anna@") == true
            }
            let mode = try FileManager.default.attributesOfItem(atPath: file.path(percentEncoded: false))[
                .posixPermissions]
            #expect(mode as? Int == 0o600)

            scene.warmline.signal(SIGTERM)
            try await wait(for: "warmline's end") { scene.warmline.isDone }
            try await scene.restart()
            try await scene.status(says: "\"agent\":\"anna\"")
            caller.send("call \(scene.line)")
            try await caller.hears(anna)
            caller.send("hangup")
            try await scene.log.has("call.ended agent=anna")

            scene.warmline.kill()
            try await scene.restart()
            caller.send("call \(scene.line)")
            try await anna.hears(caller)
            caller.send("hangup")
            try await anna.says("ended", call: 2)

            // What has expired meanwhile, and what is no such file, is passed over.
            scene.warmline.kill()
            let text = try String(contentsOf: file, encoding: .utf8)
            let past = text.replacing(try Regex("\"until\":[0-9]+"), with: "\"until\":1000000000")
            #expect(past != text)
            try past.write(to: file, atomically: false, encoding: .utf8)
            try await scene.restart()
            #expect(try await scene.status().contains("\"registered\":[]"))
            scene.warmline.kill()
            try "rubbish".write(to: file, atomically: false, encoding: .utf8)
            try await scene.restart()
            #expect(scene.warmline.errors.contains("not readable"))
        }
    }
}
