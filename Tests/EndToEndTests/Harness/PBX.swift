import Foundation

/// A real PBX between the phones and the controller: `make interop` runs the outcome table once more through it, set up
/// by the files of `dialplans/NAME` as they stand. The environment's WARMLINE_PBX names it; without it there is none.
///
/// The files know one machine with one PBX on it, so the scenes run one after the other, in a network namespace.
struct PBX: Sendable {
    static let current = ProcessInfo.processInfo.environment["WARMLINE_PBX"].map { PBX(name: $0) }

    /// Where the PBX and the controller are, and the phones: the PBX tells them apart by their address.
    static let address = "127.0.0.1"
    static let phones = "127.0.0.9"
    static let port = 5060

    let name: String

    var server: String { "sip:\(Self.address):\(Self.port)" }

    /// How a phone of this extension registers.
    func registration(_ user: String) -> [String] {
        ["--register", server, "--password", "change-me-\(user)"]
    }

    /// Only these have an account.
    func knows(_ user: String) -> Bool { ["1001", "1002", "1003", "3100"].contains(user) }

    /// What the usual configuration of the tests becomes: agents are extensions.
    func configuration(_ usual: [String: Any]) -> [String: Any] {
        let agents = [("anna", "Anna", "1001"), ("boris", "Boris", "1002"), ("clara", "Clara", "1003")]
        let people = agents.map {
            ($0.0, ["uri": "sip:\($0.2)@\(Self.address):\(Self.port)", "name": $0.1, "wrapUp": 0] as [String: Any])
        }
        let changes: [String: Any] = [
            "sip.listen": ["udp:\(Self.address):\(Scene.Port.warmline)"],
            "sip.trustedPeers": ["\(Self.address)/32"],
            "media.address": Self.address,
            "agents": Dictionary(people) { first, _ in first },
        ]
        return Configuration.merged(usual, changes, ["{address}": Self.address])
    }
}
