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

    @Test("Legs on two nodes; one is killed: new calls go elsewhere, and to it again when it is back")
    func failover() async throws {
        let second = Kept()
        try await Scene.run(
            [
                "media.rtpengines": ["udp:{address}:2223", "udp:{address}:2224"], "media.rtpTimeout": 2,
                "lines.7001": ["to": "agent:boris"],
            ], prepare: { address, _ in second.child = try Rtpengine.start(at: address, number: 1) }
        ) { scene in
            let (caller, _) = try await scene.conversation()
            try await scene.status(says: #""legs":1,"ready""#)
            let first = try #require(scene.others.first)
            first.signal(SIGKILL)
            try await wait(for: "the controller says that the node is gone") {
                scene.warmline.errors.contains("does not answer: new calls go elsewhere; legs that have lost")
            }
            let boris = try await scene.boris("--answer-after", "0")
            let other = try await scene.phone("other", user: "3101", port: 5091, tone: 900)
            other.send("call sip:7001@\(scene.address):\(Scene.Port.warmline)")
            try await other.hears(boris)
            try await boris.hears(other)
            // What has lost its media ends as every silent leg does.
            try await caller.says("ended")
            scene.others.append(try Rtpengine.start(at: scene.address))
            try await wait(for: "both nodes are up") {
                scene.warmline.errors.components(separatedBy: "2223 answers").count == 3
            }
            #expect(other.isHearing(boris) && boris.isHearing(other))
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
