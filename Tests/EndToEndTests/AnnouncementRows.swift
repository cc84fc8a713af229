import Foundation
import Testing

/// What callers hear while they wait for a group: its music, announcements out of files, tones.
@Suite("announcements")
struct AnnouncementRows {
    private static func group(_ more: [String: Any], _ changes: [String: Any] = [:]) -> [String: Any] {
        var group: [String: Any] = ["members": ["anna"], "ringTimeout": 5, "maxWait": 30]
        group.merge(more) { $1 }
        return ["groups": ["support": group], "lines": ["7000": ["to": "group:support"]]].merging(changes) { $1 }
    }

    private static var sounds: [String: Any] {
        [
            "music": "{directory}/sounds/music.wav", "sounds": "{directory}/sounds", "announceEvery": 6,
            "announceAfter": 0.5,
        ]
    }

    private static func write(_ address: String, _ directory: URL) throws {
        try Waves.write(to: directory.appending(path: "sounds"))
    }

    private static func pause(_ phone: TestPhone, in scene: Scene, _ name: String = "anna") async throws {
        let calls = phone.events.map(\.call).max() ?? 0
        phone.send("call sip:*14@\(scene.address):5070")
        try await scene.log.has("agent.state agent=\(name) new=paused")
        try await phone.says("ended", call: calls + 1)
    }

    @Test("the group's music, the place and the wait in words, the music again, then the agent at once")
    func words() async throws {
        try await Scene.run(Self.group(Self.sounds), prepare: Self.write) { scene in
            // One short call, from which the handling time is known.
            let (first, anna) = try await scene.conversation()
            first.send("hangup")
            try await scene.log.has("agent.state agent=anna old=talking new=available")
            first.send("call \(scene.line)")
            try await first.hears(anna, call: 2)
            let caller = try await scene.phone("waiting", user: "3101", port: 5091, tone: 1450)
            caller.send("call \(scene.line)")
            try await caller.hears([
                Waves.music, Waves.position, Waves.digit(1), Waves.wait, Waves.short, Waves.music,
            ])
            first.send("hangup")
            try await caller.hears(anna)
            try await anna.hears(caller)
            // Between the music and the agent nothing else was heard.
            #expect(caller.heardLast([Waves.music, anna.tone]), "\(caller.tones())")
        }
    }

    @Test("an agent's answer cuts an announcement off")
    func cut() async throws {
        let long: (String, URL) throws -> Void = { try Waves.write(to: $1.appending(path: "sounds"), seconds: 2) }
        try await Scene.run(Self.group(Self.sounds), prepare: long) { scene in
            let anna = try await scene.anna()
            try await Self.pause(anna, in: scene)
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.hears([Waves.music, Waves.position])
            anna.send("call sip:*13@\(scene.address):5070")
            try await caller.hears(anna)
            #expect(caller.heardLast([Waves.music, Waves.position, anna.tone]), "\(caller.tones())")
        }
    }

    @Test("a transferred caller hears the music and the announcements of the group that is waited for")
    func transferred() async throws {
        let l2 = ["members": ["boris"], "ringTimeout": 5, "maxWait": 20].merging(Self.sounds) { $1 }
        let changes: [String: Any] = ["groups": ["l2": l2], "transfer.targets": ["60": "group:l2"]]
        try await Scene.run(changes, prepare: Self.write) { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")
            try await Self.pause(boris, in: scene, "boris")
            anna.send("digits #160")
            try await caller.hears([Waves.music, Waves.position, Waves.digit(1), Waves.music])
            boris.send("call sip:*13@\(scene.address):5070")
            try await caller.hears(boris)
            try await scene.log.has("hold.ended outcome=transferred next_agent=boris")
        }
    }

    @Test("the key for a call-back is offered; who presses it hears that it was taken, then comes the BYE")
    func callback() async throws {
        let changes: [String: Any] = [
            "transfer.dial": "sip:{digits}@{address}:\(Scene.Port.caller)",
            "transfer.allow": ["sip:3100@127\\.[0-9.]+:\(Scene.Port.caller)"], "transfer.targets": [:] as [String: Any],
        ]
        let more = Self.sounds.merging(["callback": ["digit": "5"], "announce": ["callback"]]) { $1 }
        try await Scene.run(Self.group(more, changes), prepare: Self.write) { scene in
            let anna = try await scene.anna()
            let caller = try await scene.caller("--answer-after", "100")
            try await Self.pause(anna, in: scene)
            caller.send("call \(scene.line)")
            try await caller.hears([Waves.music, Waves.callback, Waves.digit(5), Waves.music])
            caller.send("digits 5")
            try await caller.says("ended", call: 1)
            #expect(caller.heardLast([Tones.comfort]), "\(caller.tones())")
            try await scene.log.has("call.ended cause=callback abandoned=false")
        }
    }

    @Test("a reload brings a group music of its own; a file that is none is refused")
    func reloaded() async throws {
        try await Scene.run(Self.group([:]), prepare: Self.write) { scene in
            let anna = try await scene.anna()
            try await Self.pause(anna, in: scene)
            let music = scene.directory.appending(path: "sounds/music.wav").path(percentEncoded: false)
            let broken = scene.directory.appending(path: "sounds/broken.wav").path(percentEncoded: false)
            try Data("RIFF\0\0\0\0WAVE".utf8).write(to: URL(filePath: broken))
            try scene.change { $0["groups", "support", "music"] = broken }
            let refused = try await scene.command("reload", status: 1)
            #expect(refused.errors.contains("sounds/broken.wav"))
            try scene.change { $0["groups", "support", "music"] = music }
            try await scene.command("reload")
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.hears([Waves.music])
        }
    }

    @Test("without files a tone now and then says that the caller is not forgotten")
    func tone() async throws {
        try await Scene.run(Self.group(["announceEvery": 5, "announceAfter": 0.3])) { scene in
            let anna = try await scene.anna()
            try await Self.pause(anna, in: scene)
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.heard([Tones.comfort])
            try await caller.hearsMusic()
        }
    }
}
