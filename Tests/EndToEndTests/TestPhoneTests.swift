import Foundation
import Testing

/// testphone by itself, as a user tries a set-up with it.
@Suite("testphone")
struct TestPhoneTests {
    private func ended(_ child: Child) async throws -> Int32? {
        try await wait(10, for: "\(child.name)'s end") { child.isDone }
        return child.exitStatus
    }

    @Test("Wrong usage: exit status 2, one line that names what was wrong")
    func usage() async throws {
        let mistakes = [
            ["--frequency", "700"], ["--tone", "high"], ["--tone"], ["--on", "answered"], ["--on", "noon hangup"],
            ["--on", "answered dance"], ["--digits-after", "5"], ["now"], ["--listen", "127.0.0.1"],
        ]
        for words in mistakes {
            let phone = try Child("testphone", Executables.testphone, words)
            #expect(try await ended(phone) == 2, "\(words)")
            #expect(phone.errors.hasPrefix("testphone: "), "\(words): \(phone.errors)")
        }
        let help = try Child("testphone", Executables.testphone, ["--help"])
        #expect(try await ended(help) == 0)
        #expect(help.output.contains("--answer-after"))
    }

    @Test("--once ends with its call; --record leaves what was heard")
    func once() async throws {
        try await Scene.run { scene in
            _ = try await scene.anna("--answer-after", "0", "--hangup-after", "700")
            let file = scene.directory.appending(path: "heard.wav").path(percentEncoded: false)
            let caller = try Child(
                "caller", Executables.testphone,
                [
                    "--listen", "udp:\(scene.address):5090", "--user", "3100", "--codecs", "PCMA", "--call",
                    scene.line, "--once", "--record", file,
                ])
            scene.others.append(caller)
            #expect(try await ended(caller) == 0)
            let bytes = try Data(contentsOf: URL(filePath: file))
            #expect(bytes.starts(with: Data("RIFF".utf8)))
            #expect(bytes.count > 44 + 8000 * 2 / 2, "at least half a second of 16-bit samples")
            #expect(bytes.dropFirst(44).contains { $0 != 0 })
        }
    }

    @Test("A rule's @N is the call it means; without it a rule means the call that made it")
    func numberedRules() async throws {
        try await Scene.run { scene in
            let phone = try await scene.phone(
                "phone", user: "1", port: 5099, tone: 2300,
                ["--answer-after", "0", "--on", "in/answered digits 5 @1", "--on", "in/answered+200 digits 7"])
            let first = try await scene.phone("first", user: "2", port: 5090, tone: 500, ["--call", phone.uri])
            try await first.says("digit", ["digit": "7"])
            let second = try await scene.phone("second", user: "3", port: 5092, tone: 900, ["--call", phone.uri])
            try await second.says("digit", ["digit": "7"])
            try await wait(for: "the second 5 in the first call") {
                first.events.filter { $0.name == "digit" && $0["digit"] == "5" }.count == 2
            }
            #expect(second.event("digit", ["digit": "5"]) == nil)
        }
        let help = try Child("testphone", Executables.testphone, ["--help"])
        #expect(try await ended(help) == 0)
        #expect(help.output.contains("refer-replaces 2 @1"))
    }

    @Test("A command that cannot be carried out is an error line, no end")
    func badCommands() async throws {
        try await Scene.run { scene in
            let phone = try await scene.phone("phone", user: "1", port: 5099, tone: 2300)
            for command in ["dance", "hangup", "hangup @7", "reject", "after x hangup", "call :"] {
                let before = phone.events.filter { $0.name == "error" }.count
                phone.send(command)
                try await wait(for: "an error line for \(command)") {
                    phone.events.filter { $0.name == "error" }.count > before
                }
            }
            #expect(phone.child.exitStatus == nil)
        }
    }
}
