import Foundation
import Testing

/// Calls over ::1, which all share: the ports are the process's own.
@Suite("IPv6", .serialized)
struct IPv6Tests {
    private static let base = 6000 + Int(getpid()) % 90 * 100
    private static let mediaPorts = 20200 + Int(getpid()) % 40 * 100

    private static func configuration(_ transport: String, srtp: String = "off") -> [String: Any] {
        func agent(_ user: String, _ port: Int) -> [String: Any] {
            let suffix = transport == "udp" ? "" : ";transport=\(transport)"
            return ["uri": "sip:\(user)@[::1]:\(base + port)\(suffix)", "wrapUp": 0]
        }
        var sip: [String: Any] = [
            "listen": ["\(transport):[::1]:\(base)", "udp:{address}:\(Scene.Port.warmline)"],
            "trustedPeers": ["::1/128", "{address}/32"],
        ]
        if transport == "tls" { sip["tls"] = Certificates.configuration }
        return [
            "sip": sip,
            "media.address": "::1", "media.ports": [mediaPorts, mediaPorts + 99], "media.srtp": srtp,
            "agents": ["anna": agent("1001", 1), "boris": agent("1002", 2), "clara": agent("1003", 3)],
        ]
    }

    private func phone(
        _ scene: Scene, _ transport: String, _ name: String, user: String, port: Int, tone: Int, _ options: String...
    ) async throws -> TestPhone {
        let certificates = transport == "tls" ? Certificates(directory: scene.directory).options("good") : []
        return try await scene.phone(
            name, user: user, port: Self.base + port, tone: tone, options + certificates, at: "[::1]",
            transport: transport)
    }

    @Test("a transfer over ::1", arguments: ["udp", "tcp", "tls"])
    func transfer(transport: String) async throws {
        let srtp = transport == "tls" ? "required" : "off"
        let changes = Self.configuration(transport, srtp: srtp)
        try await Scene.run(changes, prepare: { try await Certificates.make(for: "::1", in: $1) }) { scene in
            let anna = try await phone(
                scene, transport, "anna", user: "1001", port: 1, tone: 1300, "--answer-after", "0", "--srtp", srtp)
            let boris = try await phone(
                scene, transport, "boris", user: "1002", port: 2, tone: 1600, "--answer-after", "100", "--srtp", srtp)
            let caller = try await phone(
                scene, transport, "caller", user: "3100", port: 4, tone: 1120, "--srtp", srtp)
            let suffix = transport == "udp" ? "" : ";transport=\(transport)"
            try await scene.transfers(
                caller, from: anna, to: boris, dialling: "1002", by: "sip:7000@[::1]:\(Self.base)\(suffix)")
        }
    }

    enum Family: String, Sendable {
        case v4, v6

        var other: Family { self == .v4 ? .v6 : .v4 }
    }

    /// A phone of one kind; `address` is the scene's, which is IPv4.
    private func phone(
        _ scene: Scene, _ family: Family, _ name: String, user: String, port: Int, tone: Int, _ options: String...
    ) async throws -> TestPhone {
        try await scene.phone(
            name, user: user, port: Self.base + port, tone: tone, options, at: family == .v6 ? "[::1]" : nil)
    }

    @Test(
        "where media.address has both kinds: an agent of the other kind than the caller's and the target's",
        arguments: [Family.v4, .v6])
    func bothFamilies(outer: Family) async throws {
        var changes = Self.configuration("udp")
        changes["media.address"] = ["{address}", "::1"]
        func host(_ family: Family) -> String { family == .v6 ? "[::1]" : "{address}" }
        changes["agents"] = [
            "anna": ["uri": "sip:1001@\(host(outer.other)):\(Self.base + 1)", "wrapUp": 0],
            "boris": ["uri": "sip:1002@\(host(outer)):\(Self.base + 2)", "wrapUp": 0],
            "clara": ["uri": "sip:1003@\(host(outer)):\(Self.base + 3)", "wrapUp": 0],
        ]
        try await Scene.run(changes) { scene in
            let anna = try await phone(
                scene, outer.other, "anna", user: "1001", port: 1, tone: 1300, "--answer-after", "0")
            let boris = try await phone(
                scene, outer, "boris", user: "1002", port: 2, tone: 1600, "--answer-after", "100")
            let caller = try await phone(scene, outer, "caller", user: "3100", port: 4, tone: 1120)
            try await scene.transfers(
                caller, from: anna, to: boris, dialling: "1002",
                by: outer == .v6 ? "sip:7000@[::1]:\(Self.base)" : scene.line)
        }
    }

    /// In a mount namespace with these names in /etc/hosts: `make interop`, names.
    @Test(
        "host names: each leg has the kind of address that its name leads to",
        .enabled(if: ProcessInfo.processInfo.environment["WARMLINE_NAMES"] != nil))
    func names() async throws {
        var changes = Self.configuration("udp")
        changes["media.address"] = ["{address}", "::1"]
        changes["sip.trustedPeers"] = ["::1/128", "{address}/32", "127.0.0.1/32"]
        changes["agents"] = [
            "anna": ["uri": "sip:1001@six.test:\(Self.base + 1)", "wrapUp": 0],
            "boris": ["uri": "sip:1002@four.test:\(Self.base + 2)", "wrapUp": 0],
            "clara": ["uri": "sip:1003@four.test:\(Self.base + 3)", "wrapUp": 0],
        ]
        try await Scene.run(changes) { scene in
            let anna = try await phone(scene, .v6, "anna", user: "1001", port: 1, tone: 1300, "--answer-after", "0")
            let boris = try await scene.phone(
                "boris", user: "1002", port: Self.base + 2, tone: 1600, ["--answer-after", "100"], at: "127.0.0.1")
            let caller = try await scene.caller()
            try await scene.transfers(caller, from: anna, to: boris, dialling: "1002")
        }
    }

    @Test("a caller whose media is IPv4 is refused where ours is IPv6")
    func otherFamily() async throws {
        try await Scene.run(Self.configuration("udp")) { scene in
            let caller = try await scene.caller()
            caller.send("call \(scene.line)")
            try await caller.says("ended", ["status": "488"])
            try await scene.log.has("call.refused sip_status=488")
        }
    }
}
