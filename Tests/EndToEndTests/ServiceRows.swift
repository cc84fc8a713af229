import Foundation
import Testing

/// Rows 18 and 19: the end of the controller, wanted and unwanted.
@Suite("service")
struct ServiceRows {
    @Test("outcome row 18: SIGTERM, running calls go on, new ones get 503")
    func drain() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            scene.warmline.signal(SIGTERM)
            try await scene.log.has("service.stopping")
            let raw = try RawSIP(address: scene.controller, port: 5095)  // trusted, also where a PBX alone is
            for (method, body) in [("INVITE", raw.offer()), ("OPTIONS", "")] {
                let response = try await raw.ask(method, scene.ownLine, at: scene.controller, body: body)
                #expect(status(of: response) == 503, "\(method)")
                #expect(response.contains("Retry-After:"), "\(method)")
            }
            // The running call can still be transferred.
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            anna.send("hangup")
            try await caller.hears(boris)
            caller.send("hangup")
            try await wait(for: "warmline's end after its last call") { scene.warmline.isDone }
            #expect(scene.warmline.exitStatus == 0)
        }
    }

    @Test("outcome row 18: drainTimeout passes, calls are ended")
    func drainTimeout() async throws {
        try await Scene.run(["transfer.drainTimeout": 0.7]) { scene in
            let (caller, anna) = try await scene.conversation()
            scene.warmline.signal(SIGTERM)
            try await caller.says("ended", ["how": "bye"])
            try await anna.says("ended", ["how": "bye"])
            try await wait(for: "warmline's end") { scene.warmline.isDone }
            #expect(scene.warmline.exitStatus == 0)
            try await scene.log.has("call.ended ended_by=controller")
        }
    }

    @Test("outcome row 18: a second SIGTERM ends at once")
    func twice() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            anna.send("digits *5")
            try await caller.hearsMusic()
            scene.warmline.signal(SIGTERM)
            try await scene.log.has("service.stopping")
            scene.warmline.signal(SIGTERM)
            try await caller.says("ended", ["how": "bye"])
            try await wait(for: "warmline's end") { scene.warmline.isDone }
            try await scene.log.has("hold.ended hold=1 outcome=released")
            try await scene.log.has("call.ended ended_by=controller")
        }
    }

    @Test("outcome row 19: kill -9, restart")
    func killed() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            try await caller.hearsMusic()
            try await scene.log.has("consult.answered")
            let last = try #require(try scene.log.records().last)
            scene.warmline.kill()
            try await scene.restart()
            try await scene.log.has("service.recovered lost_calls=1")
            let ended = try await scene.log.has("call.ended cause=lost")
            #expect(ended.mono == last.mono, "closed at the last event's time")
            try await scene.log.has("hold.ended hold=1 outcome=lost")
            let path = scene.log.directory.path(percentEncoded: false)
            let figures = try await Scene.warmline(["metrics", path, "--json"]).output
            let object = try JSONSerialization.jsonObject(with: Data(figures.utf8)) as? [String: Any] ?? [:]
            #expect(scene.number("received", in: object) == 1)
            #expect(scene.number("hold.count", in: object) == 1, "the segment that was cut off counts")
            #expect(scene.number("hold.open", in: object) == 0)
            // It takes calls again.
            for phone in [caller, anna, boris] { phone.send("vanish") }
            caller.send("call \(scene.line)")
            try await caller.hears(anna)
        }
    }
}
