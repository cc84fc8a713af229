import Foundation
import Testing

/// A changed configuration while the controller runs.
@Suite("reload")
struct ReloadRows {
    @Test(
        "reload: a running call survives, a new line works, a removed target is refused, a wrong file changes nothing")
    func reload() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")

            try scene.change {
                $0["lines", "7000"] = nil
                $0["lines", "7300"] = ["to": "agent:clara"]
                $0["transfer", "targets", "1002"] = nil
                $0["agents", "boris", "uri"] = "sip:1002@\(scene.address):5999"
            }
            let told = try await scene.command("reload").output
            #expect(told == "changed: agents.boris, lines.7000, lines.7300, transfer.targets\n")

            // The line that the call came by is gone; the call is not.
            anna.send("digits *5")
            try await caller.hearsMusic()
            anna.send("digits *5")
            try await caller.hears(anna)
            let id = try await scene.callID()
            let refused = try await scene.command("consult", id, "1002", status: 1)
            #expect(refused.errors.contains("1002"))
            let raw = try RawSIP(address: scene.address, port: 5095)
            let old = try await raw.ask("INVITE", scene.ownLine, at: scene.controller, body: raw.offer())
            #expect(status(of: old) == 404)
            let clara = try await scene.clara("--answer-after", "0")
            let second = try await scene.phone("second", user: "3200", port: 5091, tone: 800)
            second.send("call sip:7300@\(scene.address):\(Scene.Port.warmline)")
            try await second.hears(clara)

            // Wrong, and what needs a restart: refused whole, with every reason, as `check` says it.
            try scene.change {
                $0["agents", "boris", "uri"] = "sip:1002@\(scene.address):\(Scene.Port.boris)"
                $0["transfer", "fallback"] = ["group:nowhere"]
                $0["lines", "7400"] = ["to": "agent:zoe"]
            }
            let wrong = try await scene.command("check", status: 2).errors
            let same = try await scene.command("reload", "--socket", scene.socket, status: 1).errors
            #expect(same == "warmline: " + wrong)
            #expect(same.contains("names the unknown agent \"zoe\"") && same.contains("nowhere"))
            try scene.change {
                $0["transfer", "fallback"] = ["agent"]
                $0["lines", "7400"] = nil
                $0["media", "rtpTimeout"] = 7
                $0["sip", "listen"] = ["udp:\(scene.address):5071"]
            }
            scene.warmline.signal(SIGHUP)
            for key in ["sip.listen", "media.rtpTimeout"] {
                try await wait(for: "\(key) named in \(scene.warmline.errors)") {
                    scene.warmline.errors.contains(
                        "\(key): cannot be changed while the controller runs: it needs a restart")
                }
            }
            try await wait(for: "the end of it") { scene.warmline.errors.contains("the configuration stays as it was") }
            // Boris's address is still the one of before.
            try await scene.command("consult", id, "boris")
            try await scene.log.has("consult.failed cause=unreachable")
            #expect(boris.event("incoming") == nil)
            try await caller.hears(anna)
            try await second.hears(clara)

            // SIGHUP with a right one.
            try scene.change {
                $0["media", "rtpTimeout"] = nil
                $0["sip", "listen"] = ["udp:\(scene.address):\(Scene.Port.warmline)"]
            }
            scene.warmline.signal(SIGHUP)
            try await wait(for: "the new address") { scene.warmline.errors.contains("read again: agents.boris, ") }
            try await scene.command("consult", id, "boris")
            try await anna.hears(boris)
            anna.send("hangup")
            try await caller.hears(boris)
        }
    }
}

/// A configuration file, as a test changes it.
struct ConfigurationFile {
    fileprivate var root: [String: Any]

    /// Null takes the key away.
    subscript(_ path: String...) -> Any? {
        get { path.reduce(root as Any?) { ($0 as? [String: Any])?[$1] } }
        set { root = Self.set(root, path[...], newValue) }
    }

    private static func set(_ object: [String: Any], _ path: ArraySlice<String>, _ value: Any?) -> [String: Any] {
        guard let key = path.first else { return object }
        var result = object
        result[key] = path.count == 1 ? value : set(object[key] as? [String: Any] ?? [:], path.dropFirst(), value)
        return result
    }
}

extension Scene {
    var socket: String { directory.appending(path: "warmline.sock").path(percentEncoded: false) }

    /// Changes the configuration file of the running controller.
    func change(_ change: (inout ConfigurationFile) -> Void) throws {
        let data = try Data(contentsOf: configurationFile)
        var file = ConfigurationFile(root: try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:])
        change(&file)
        try JSONSerialization.data(withJSONObject: file.root, options: [.prettyPrinted, .sortedKeys]).write(
            to: configurationFile)
    }
}
