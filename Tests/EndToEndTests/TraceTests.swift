import Foundation
import Testing

/// What was recorded can be replayed.
@Suite("trace")
struct TraceTests {
    @Test("A recorded trace, replayed in two processes, gives the same effects byte for byte")
    func replay() async throws {
        let trace = FileManager.default.temporaryDirectory.appending(path: "warmline-\(getpid()).trace")
            .path(percentEncoded: false)
        defer { try? FileManager.default.removeItem(atPath: trace) }
        try await Scene.run(serve: ["--trace", trace]) { scene in
            let (caller, anna) = try await scene.conversation()
            _ = try await scene.boris("--reject", "486")
            let clara = try await scene.clara("--answer-after", "100")
            anna.send("digits *220#")
            try await anna.hears(clara)
            anna.send("hangup")
            try await caller.hears(clara)
            caller.send("hangup")
            try await clara.says("ended")
        }
        let first = try await Scene.warmline(["replay", trace])
        let second = try await Scene.warmline(["replay", trace])
        #expect(first.output == second.output)
        for type in ["consult.failed", "hold.ended", "transfer.completed", "call.ended"] {
            let key = type.split(separator: ".")
            #expect(
                first.output.contains(type) || first.output.contains("\(key[0])\(key[1].capitalized)"),
                "the effects contain \(type)")
        }
    }
}
