import Foundation

/// A real PBX between the phones and the controller: `make interop` runs the outcome table once more through it, set up
/// by the files of `dialplans/NAME` as they stand. The environment's WARMLINE_PBX names it; without it there is none.
///
/// The files know one machine with one PBX on it, so the scenes run one after the other, in a network namespace.
/// WARMLINE_PBX_CONSOLE, words with blanks between them, runs a command of the PBX's console given as one more word.
struct PBX: Sendable {
    static let current = ProcessInfo.processInfo.environment["WARMLINE_PBX"].map { PBX(name: $0) }

    /// Where the PBX and the controller are. The phones are elsewhere, in each scene at another address: a PBX sends an
    /// INVITE that nobody has answered for half a minute, and so into the next scenes.
    static let address = "127.0.0.1"
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

    /// What the PBX's console answers to a command.
    @discardableResult
    func console(_ command: String) async throws -> String {
        let words = (ProcessInfo.processInfo.environment["WARMLINE_PBX_CONSOLE"] ?? "").split(separator: " ")
        guard let program = words.first else { throw Failure("WARMLINE_PBX_CONSOLE is not set") }
        let child = try Child(name, String(program), words.dropFirst().map(String.init) + [command])
        try await wait(10, for: "the end of \(name)'s \(command)") { child.isDone }
        guard child.exitStatus == 0 else { throw Failure("\(name): \(command): \(child.output)\(child.errors)") }
        return child.output
    }

    /// Waits until the PBX knows that the controller is there. It asks every ten seconds on its own, and sends callers to
    /// its own queue until it has an answer.
    func noticesController() async throws {
        let deadline = ContinuousClock.now + .seconds(soon)
        repeat {
            try await console("pjsip qualify warmline")
            for _ in 1...5 {
                let contacts = try await console("pjsip show contacts")
                if contacts.split(separator: "\n").contains(where: {
                    $0.contains("sip:\(Self.address):\(Scene.Port.warmline) ") && $0.contains(" Avail ")
                }) {
                    return
                }
            }
        } while ContinuousClock.now < deadline
        throw Failure("\(name) does not notice that the controller is there")
    }
}
