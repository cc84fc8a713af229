import Foundation

/// Configurations of the controller under test: a usual one with short times, and what a test changes of it.
enum Configuration {
    static func usual(_ address: String, _ directory: URL) -> [String: Any] {
        func path(_ name: String) -> String { directory.appending(path: name).path(percentEncoded: false) }
        return [
            "node": "e2e",
            "sip": ["listen": ["udp:\(address):\(Scene.Port.warmline)"], "trustedPeers": ["\(address)/32"]],
            "media": ["address": address, "ports": [20000, 20199], "codecs": ["PCMA", "PCMU"]],
            "agents": [
                "anna": agent("1001", Scene.Port.anna, "Anna", address),
                "boris": agent("1002", Scene.Port.boris, "Boris", address),
                "clara": agent("1003", Scene.Port.clara, "Clara", address),
            ],
            "groups": ["support": ["members": ["anna"], "ringTimeout": 5, "maxWait": 30]],
            "lines": ["7000": ["to": "agent:anna"]],
            "transfer": [
                "consultTimeout": 10, "noResponseTimeout": 1, "completionTimeout": 10, "drainTimeout": 60,
                "codeTimeout": 0.5, "firstDigitTimeout": 2, "digitTimeout": 1, "fallback": ["next", "agent"],
                "targets": [
                    "1002": "agent:boris", "1003": "agent:clara", "20": ["agent:boris", "agent:clara"],
                    "4": "sip:1400@\(address):5084",
                ],
                "allow": ["sip:1[0-9]{3}@127\\.[0-9.]+(:[0-9]+)?"],
            ],
            "events": ["directory": path("events")],
            "control": ["socket": path("warmline.sock")],
        ]
    }

    private static func agent(_ user: String, _ port: Int, _ name: String, _ address: String) -> [String: Any] {
        ["uri": "sip:\(user)@\(address):\(port)", "name": name, "wrapUp": 0]
    }

    /// `changes` over `base`, object by object. A key with dots (`transfer.consultTimeout`) names a nested one.
    static func merged(_ base: [String: Any], _ changes: [String: Any], _ words: [String: String])
        -> [String: Any]
    {
        var result = base
        for (key, value) in changes {
            let parts = key.split(separator: ".", maxSplits: 1).map(String.init)
            if parts.count == 2 {
                let inner = result[parts[0]] as? [String: Any] ?? [:]
                result[parts[0]] = merged(inner, [parts[1]: value], words)
            } else {
                result[key] = filled(value, words)
            }
        }
        return result
    }

    private static func filled(_ value: Any, _ words: [String: String]) -> Any {
        switch value {
        case let text as String: words.reduce(text) { $0.replacing($1.key, with: $1.value) }
        case let list as [Any]: list.map { filled($0, words) }
        case let object as [String: Any]: object.mapValues { filled($0, words) }
        default: value
        }
    }
}
