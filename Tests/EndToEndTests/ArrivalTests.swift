import Foundation
import Testing

/// From the caller's INVITE to the first answer.
@Suite("arrivals")
struct ArrivalTests {
    @Test("A group's line rings its members in turn")
    func group() async throws {
        let changes: [String: Any] = [
            "lines": ["7000": ["to": "group:support"]], "groups": ["support": ["members": ["anna", "boris"]]],
        ]
        try await Scene.run(changes) { scene in
            let anna = try await scene.anna("--reject", "486")
            let boris = try await scene.boris("--answer-after", "100")
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.hears(boris)
            try await boris.hears(caller)
            #expect(anna.event("answered") == nil)
            try await scene.log.has("call.alert_failed agent=anna group=support cause=busy sip_status=486")
            try await scene.log.has("call.answered agent=boris group=support human=true")
        }
    }

    @Test("The caller gives up before the answer: CANCEL, abandoned")
    func abandoned() async throws {
        try await Scene.run { scene in
            let anna = try await scene.anna("--ring-forever")
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.says("ringing", ["status": "180"])
            caller.send("hangup")
            try await anna.says("ended", ["how": "cancelled"])
            try await scene.log.has("call.ended ended_by=caller abandoned=true talk_ms=0 hold_ms=0")
        }
    }

    @Test("The only agent is busy: so is the line")
    func busy() async throws {
        try await Scene.run { scene in
            _ = try await scene.anna("--reject", "486")
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.says("ended", ["how": "rejected", "status": "486"])
            try await scene.log.has("call.alert_failed agent=anna cause=busy sip_status=486")
            try await scene.log.has("call.ended ended_by=controller abandoned=false")
        }
    }

    @Test("The agent's early media reaches a caller who is not answered yet")
    func earlyMedia() async throws {
        try await Scene.run { scene in
            let anna = try await scene.anna("--early-media")
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.says("ringing", ["status": "183", "early_media": "true"])
            try await caller.hears(anna)
            #expect(caller.event("answered") == nil)
            anna.send("answer")
            try await caller.says("answered")
            try await anna.hears(caller)
        }
    }

    @Test("A trusted peer's P-Asserted-Identity is who calls; Privacy: id withholds the number")
    func identity() async throws {
        try await Scene.run { scene in
            let anna = try await scene.anna()
            let asserted = "P-Asserted-Identity: <sip:+31201234567@pbx.example>"
            let open = try await scene.phone("open", user: "3100", port: 5090, tone: 1120, ["--header", asserted])
            open.send("call \(scene.line)")
            try await open.hears(anna)
            try await scene.log.has("call.arrived from=sip:+31201234567@pbx.example caller=+31201234567")
            open.send("hangup")
            try await anna.says("ended", call: 1)
            let withheld = try await scene.phone(
                "withheld", user: "anonymous", port: 5091, tone: 2300,
                ["--header", asserted, "--header", "Privacy: id"])
            withheld.send("call \(scene.line)")
            try await withheld.hears(anna)
            try await scene.log.has("call.arrived caller=-")
        }
    }

    @Test("An offer of audio and video: the video line is refused in its place")
    func video() async throws {
        try await Scene.run { scene in
            _ = try await scene.anna()
            let raw = try RawSIP(address: scene.address, port: 5095)
            let offer = raw.offer("8 0") + "m=video 40002 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n"
            let answer = try await raw.ask("INVITE", scene.line, at: scene.address, body: offer)
            #expect(status(of: answer) == 200)
            let media = answer.split(separator: "\r\n").filter { $0.hasPrefix("m=") }
            #expect(media.count == 2)
            #expect(media.first?.hasPrefix("m=audio ") == true)
            #expect(media.last?.hasPrefix("m=video 0 ") == true)
        }
    }
}
