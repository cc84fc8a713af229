// What a changed configuration changes, and what of it a running controller cannot take.

extension Configuration {
    /// What differs in another configuration, by key: `agents.anna`, `transfer.allow`. Each once, in the file's order.
    func changes(to other: Configuration) -> [String] {
        var paths: [String] = []
        Self.compare(json, other.json, path: [], into: &paths)
        // Secrets are masked in what has been compared.
        for agent in other.agents where account(of: agent.name) != other.account(of: agent.name) {
            paths.append("agents.\(agent.name)")
        }
        if registrations != other.registrations { paths.append("registrations") }
        var seen: Set<String> = []
        return paths.filter { seen.insert($0).inserted }
    }

    /// Whether a running controller can take a changed value of this key: what PJSIP, the log and the sockets were
    /// started with cannot be changed under them.
    static func isChangeable(_ path: String) -> Bool {
        if path == "transfer.passHeaders" { return false }
        let changeable = [
            "agents", "groups", "registrations", "lines", "callers", "agentCodes", "transfer", "sip.numbering",
            "sip.lineFrom",
            "events.notes",
        ]
        return changeable.contains { path == $0 || path.hasPrefix($0 + ".") }
    }

    /// Sections' keys; of agents, groups and lines their names; below that nothing is told apart.
    private static func compare(_ a: JSONValue, _ b: JSONValue, path: [String], into paths: inout [String]) {
        guard a != b else { return }
        guard path.count < 2, let members = a.members, let others = b.members else {
            paths.append(path.joined(separator: "."))
            return
        }
        let keys = members.map(\.key) + others.map(\.key).filter { a[$0] == nil }
        for key in keys { compare(a[key] ?? .null, b[key] ?? .null, path: path + [key], into: &paths) }
    }
}

extension ConfigurationMistake {
    /// A key that only a restart changes.
    static func needsRestart(_ path: String, file: String) -> ConfigurationMistake {
        ConfigurationMistake(
            file: file, path: path, reason: "cannot be changed while the controller runs: it needs a restart")
    }
}
