import Foundation

/// SIPp, which runs one call of a scenario of ours. It has no voice: it sends back what it hears, so that whoever talks
/// with it hears themselves, and only as long as they do.
enum SIPp {
    /// - Parameter pause: how long it waits where the scenario does not say, in milliseconds.
    static func start(_ scenario: String, port: Int, pause: Int = 1800, in scene: Scene) throws -> Child {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Scenarios/\(scenario).xml")
        let child = try Child(
            scenario, try Executables.system("sipp"),
            [
                "\(scene.address):\(Scene.Port.warmline)", "-sf", file.path(percentEncoded: false), "-s", "7000",
                "-i", scene.address, "-mi", scene.address, "-p", String(port), "-mp",
                String(25000 + (port - 5080) * 20), "-rtp_echo", "-d", String(pause),
                "-m", "1", "-nostdin", "-timeout", "14", "-timeout_error", "-trace_err",
                "-error_file", errors(scenario, in: scene),
            ], environment: ["TERM": "dumb"])
        scene.others.append(child)
        return child
    }

    /// Its scenario came to its end, with all that it expects.
    static func ends(_ phone: Child, in scene: Scene) async throws {
        try await wait(15, for: "the end of SIPp's \(phone.name)") { phone.isDone }
        guard phone.exitStatus == 0 else {
            let complaints = try? String(contentsOfFile: errors(phone.name, in: scene), encoding: .utf8)
            throw Failure("SIPp's \(phone.name): \(complaints ?? "no complaint")")
        }
    }

    private static func errors(_ scenario: String, in scene: Scene) -> String {
        scene.directory.appending(path: "sipp-\(scenario).err").path(percentEncoded: false)
    }
}

extension TestPhone {
    /// What it says comes back: whom it talks with hears it, and is heard.
    func hearsItself(since mono: Int = 0) async throws { try await heard([tone], since: mono) }
}
