import Foundation
import Testing

/// RTP left to real rtpengine nodes; all other tests run with one too where WARMLINE_RTPENGINE is in the environment.
@Suite("rtpengine", .enabled(if: Rtpengine.isWanted))
struct RtpengineRows {
    @Test("Who talks does so from node to node: none of it passes the controller, and codes are heard")
    func joined() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            try await scene.status(says: #""hears_digits":true"#)
            let before = try await relayed(scene)
            let boris = try await scene.boris("--answer-after", "0")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            anna.send("hangup")
            try await caller.hears(boris)
            try await boris.hears(caller)
            #expect(try await relayed(scene) > before, "music and tones pass")
            // From now on for a while nothing does.
            let joined = try await relayed(scene)
            try await Task.sleep(for: .seconds(1))
            #expect(try await relayed(scene) - joined < 5)
            #expect(caller.isHearing(boris) && boris.isHearing(caller))
        }
    }

    @Test("Music on hold is played by the node, out of the file")
    func music() async throws {
        try await Scene.run(
            ["media.musicOnHold": "{directory}/music.wav"],
            prepare: { _, directory in try tone(hz: 750).write(to: directory.appending(path: "music.wav")) }
        ) { scene in
            let (caller, anna) = try await scene.conversation()
            anna.send("digits *5")
            try await caller.heard([750])
            let before = try await number("sent", scene)
            try await Task.sleep(for: .seconds(1))
            // The agent, who hears nothing, is sent nothing either.
            #expect(try await number("sent", scene) - before < 10)
            anna.send("digits *5")
            try await caller.hears(anna)
            try await anna.hears(caller)
        }
    }

    @Test("A queue's own music is played by the node; its announcements come from here, between")
    func queue() async throws {
        let group: [String: Any] = [
            "members": ["anna"], "maxWait": 30, "music": "{directory}/sounds/music.wav",
            "sounds": "{directory}/sounds", "announceAfter": 1, "announceEvery": 30,
        ]
        try await Scene.run(
            ["groups": ["support": group], "lines": ["7000": ["to": "group:support"]]],
            prepare: { try Waves.write(to: $1.appending(path: "sounds")) }
        ) { scene in
            let anna = try await scene.anna()
            anna.send("call sip:*14@\(scene.address):\(Scene.Port.warmline)")
            try await scene.log.has("agent.state agent=anna new=paused")
            try await anna.says("ended")
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.hears([Waves.music, Waves.position, Waves.digit(1), Waves.music])
            let before = try await number("sent", scene)
            try await Task.sleep(for: .seconds(1))
            #expect(try await number("sent", scene) - before < 10)
            #expect(caller.tones().last.map { abs($0 - Waves.music) <= 15 } == true, "\(caller.tones())")
        }
    }

    @Test("Legs on two nodes; one is killed: its legs move and talk on, new calls go elsewhere, later to it again")
    func failover() async throws {
        let second = Kept()
        try await Scene.run(
            [
                "media.rtpengines": ["udp:{address}:2223", "udp:{address}:2224"],
                "lines.7001": ["to": "agent:boris"],
            ], prepare: { address, _ in second.child = try Rtpengine.start(at: address, number: 1) }
        ) { scene in
            defer { second.child?.kill() }
            let (caller, anna) = try await scene.conversation()
            try await scene.status(says: #""legs":1,"ready""#)
            let killed = max(caller.events.last?.mono ?? 0, anna.events.last?.mono ?? 0) + 1
            try #require(scene.others.first).signal(SIGKILL)
            try await wait(for: "the controller says that the node is gone") {
                scene.warmline.errors.contains("does not answer: new calls go elsewhere; legs that have lost")
            }
            try await wait(for: "the controller says where its leg has gone") {
                scene.warmline.errors.contains("2224: has taken over legs that had lost their media: 1")
            }
            try await scene.status(says: #""legs":2,"ready""#)
            // Silence, then each other again.
            try await caller.heard([anna.tone], since: killed)
            try await anna.heard([caller.tone], since: killed)
            // Its codes are heard, and a transfer goes its way.
            let boris = try await scene.boris("--answer-after", "0")
            let other = try await scene.phone("other", user: "3101", port: 5091, tone: 900)
            other.send("call sip:7001@\(scene.address):\(Scene.Port.warmline)")
            try await other.hears(boris)
            try await boris.hears(other)
            other.send("hangup")
            try await boris.says("ended")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            anna.send("hangup")
            try await caller.hears(boris)
            try await boris.hears(caller)
            scene.others.append(try Rtpengine.start(at: scene.address))
            try await wait(for: "both nodes are up") {
                scene.warmline.errors.components(separatedBy: "2223 answers").count == 3
            }
            #expect(caller.isHearing(boris) && boris.isHearing(caller))
        }
    }

    @Test("The only node is killed and started again: who talked, and who waited with music, hears again")
    func restart() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            try #require(scene.others.first).signal(SIGKILL)
            try await wait(for: "the end of the node") { scene.others[0].isDone }
            scene.others.append(try Rtpengine.start(at: scene.address))
            try await wait(for: "the controller has the legs moved") {
                scene.warmline.errors.contains("has taken over legs that had lost their media: 2")
            }
            try await caller.hears(anna)
            try await anna.hears(caller)
            anna.send("digits *5")
            try await caller.hearsMusic()
            scene.others[1].signal(SIGKILL)
            try await wait(for: "the end of the node") { scene.others[1].isDone }
            scene.others.append(try Rtpengine.start(at: scene.address))
            try await wait(for: "the controller has the legs moved again") {
                scene.warmline.errors.components(separatedBy: "had lost their media: 2").count == 3
            }
            try await caller.hearsMusic()
            // A digit that her phone sends before it has been told where to is lost, so by a command.
            try await scene.command("resume", scene.callID())
            try await caller.hears(anna)
            try await anna.hears(caller)
        }
    }

    @Test("What the log says of joined legs is what the node has counted, up to their end")
    func figures() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let began = ContinuousClock.now
            try await Task.sleep(for: .seconds(3))
            anna.send("hangup")
            try await caller.says("ended")
            // 50 packets a second from each phone; the last that was asked for before the end is a second old.
            let least = Int((ContinuousClock.now - began) / .milliseconds(20)) - 10
            let left = try await scene.log.has("party.left agent=anna packets_lost=0")
            let ended = try await scene.log.has("call.ended caller_packets_lost=0")
            for packets in [left["packets"], ended["caller_packets"]] {
                #expect(Int(packets ?? "") ?? 0 >= least, "\(packets ?? "-") of \(least)")
            }
        }
    }

    @Test("What the node alone has passed is not lost when the caller is held, and heard here again")
    func nothingLost() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            // Heard here, joined for a second, and heard here again.
            for _ in 0..<2 {
                anna.send("digits *5")
                try await caller.hearsMusic()
                anna.send("digits *5")
                try await caller.hears(anna)
                try await Task.sleep(for: .seconds(1))
            }
            caller.send("hangup")
            try await scene.log.has("party.left agent=anna packets_lost=0")
            try await scene.log.has("call.ended caller_packets_lost=0")
        }
    }

    @Test("Encrypted legs are joined at the node: SRTP with one, plain RTP with the other, nothing by way of here")
    func encrypted() async throws {
        try await Scene.run(["media.srtp": "optional"]) { scene in
            let (caller, anna) = try await scene.conversation(anna: ["--srtp", "required"])
            let boris = try await scene.boris("--answer-after", "0", "--srtp", "required")
            anna.send("digits *21002#")
            try await caller.hearsMusic()
            try await anna.hears(boris)
            try await boris.hears(anna)
            anna.send("hangup")
            try await caller.hears(boris)
            try await boris.hears(caller)
            let joined = try await relayed(scene)
            try await Task.sleep(for: .seconds(1))
            #expect(try await relayed(scene) - joined < 5)
            #expect(caller.isHearing(boris) && boris.isHearing(caller))
        }
    }

    @Test("An encrypted leg moves to another node: new keys, and it is heard again")
    func encryptedMove() async throws {
        try await Scene.run(["media.srtp": "required"]) { scene in
            let secure = ["--srtp", "required"]
            let (caller, anna) = try await scene.conversation(caller: secure, anna: secure)
            try #require(scene.others.first).signal(SIGKILL)
            try await wait(for: "the end of the node") { scene.others[0].isDone }
            scene.others.append(try Rtpengine.start(at: scene.address))
            try await wait(for: "the controller has the legs moved") {
                scene.warmline.errors.contains("has taken over legs that had lost their media: 2")
            }
            try await caller.hears(anna)
            try await anna.hears(caller)
        }
    }

    private final class Kept: @unchecked Sendable { var child: Child? }

    /// RTP packets that have come to the controller.
    private func relayed(_ scene: Scene) async throws -> Int { try await number("received", scene) }

    private func number(_ key: String, _ scene: Scene) async throws -> Int {
        let status = try JSONSerialization.jsonObject(with: Data(try await scene.status().utf8)) as? [String: Any]
        return try #require((status?["rtp"] as? [String: Any])?[key] as? Int)
    }
}

/// One second of a sine, as a WAV file of 8 kHz.
private func tone(hz: Double) -> Data {
    let samples = (0..<8000).map { Int16(8000 * sin(2 * .pi * hz * Double($0) / 8000)) }
    let data = samples.flatMap { withUnsafeBytes(of: $0.littleEndian, Array.init) }
    func little(_ value: Int, _ bytes: Int) -> [UInt8] { (0..<bytes).map { UInt8(value >> (8 * $0) & 0xff) } }
    let format =
        little(16, 4) + little(1, 2) + little(1, 2) + little(8000, 4) + little(16000, 4) + little(2, 2) + little(16, 2)
    return Data(
        Array("RIFF".utf8) + little(36 + data.count, 4) + Array("WAVEfmt ".utf8) + format
            + Array("data".utf8) + little(data.count, 4) + data)
}
