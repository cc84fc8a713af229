import CallEvents

/// Somebody who may be dialled.
struct Candidate: Codable, Hashable, Sendable {
    /// The address to dial; null for an agent, whose address is looked up when dialling.
    var uri: String?
    /// The configured agent it is.
    var agent: String?
    /// The group through which the agent is reached.
    var group: String?
    /// What the log calls a target that has no address.
    var name: String
    /// Nothing is dialled; the attempt fails with this cause.
    var verdict: Cause?
    /// The value of Replaces in its INVITE: a dialog of the target's that the caller takes over.
    var replaces: String?
    /// A target that does not know Replaces is to refuse.
    var requiresReplaces = false
    /// It stands for a redirect (3xx), which is followed whatever the fallback chain says.
    var isRedirect = false
    /// Asked of a group's member.
    var skills: [String] = []

    /// It stands for a group, whose members are chosen when their turn comes.
    var isGroup: Bool { group != nil && agent == nil && verdict == nil }

    /// What makes two candidates the same: the agent, else the address whatever its parameters.
    var key: String { agent ?? uri.flatMap(SIPAddress.init)?.plain ?? name }
}

extension Directory {
    /// Those who answer to a name: digits or a name of `transfer.targets`, an agent, a group, digits for
    /// `transfer.dial`, a SIP URI. Never empty: a name that leads nowhere gives one candidate with the verdict.
    func candidates(named name: String) -> [Candidate] {
        if let target = targets[name] { return target }
        if agent(name) != nil { return candidates(at: .agent(name), trusted: false) }
        if group(name) != nil { return candidates(at: .group(name), trusted: false) }
        for (prefix, make) in [("agent:", Destination.agent), ("group:", Destination.group)]
        where name.hasPrefix(prefix) {
            return candidates(at: make(String(name.dropFirst(prefix.count))), trusted: false)
        }
        if let dial = transfer.dial, !name.isEmpty, name.allSatisfy({ $0.isASCIIDigit || "+*#".contains($0) }) {
            // `#` has a meaning of its own in a URI (RFC 3261 §25.1: it must be escaped).
            let digits = name.replacing("#", with: "%23")
            return [candidate(at: dial.replacing("{digits}", with: digits), trusted: false)]
        }
        return [candidate(at: name, trusted: false)]
    }

    /// Those behind a destination. `trusted`: the configuration names the address outright (a line, an overflow), so
    /// that the allow-list, which is for what people and redirects ask for, has no say.
    func candidates(at destination: Destination, trusted: Bool) -> [Candidate] {
        switch destination {
        case .agent(let name):
            return [Candidate(agent: name, name: name, verdict: agent(name) == nil ? .unreachable : nil)]
        case .group(let name):
            // `group:l2+billing+english`: with skills.
            let parts = name.split(separator: "+", omittingEmptySubsequences: false).map(String.init)
            let group = parts[0]
            guard self.group(group)?.members.isEmpty == false else {
                return [Candidate(group: group, name: group, verdict: .unreachable)]
            }
            return [Candidate(group: group, name: group, skills: Array(parts.dropFirst()))]
        case .uri(let uri):
            return [candidate(at: uri, trusted: trusted)]
        }
    }

    /// An address: the agent whose it is, or itself where the allow-list lets it.
    func candidate(at uri: String, trusted: Bool) -> Candidate {
        guard let address = SIPAddress(uri), address.canonical != nil else {
            return trusted ? Candidate(uri: uri, name: uri) : Candidate(name: uri, verdict: .notAllowed)
        }
        if let agent = agent(at: address) { return Candidate(agent: agent, name: agent) }
        if trusted { return Candidate(uri: uri, name: uri) }
        guard allowList.permits(address) else {
            return Candidate(name: uri, verdict: .notAllowed)
        }
        return Candidate(uri: address.dialable, name: uri)
    }

    /// Those whom a Refer-To means: an agent's address, a number or name of ours whatever the host, an address that the
    /// allow-list lets, digits for `transfer.dial`.
    func candidates(referredTo text: String) -> [Candidate] {
        if text.lowercased().hasPrefix("tel:") {
            // RFC 3966 §5.1.1: visual separators say nothing.
            let number = text.dropFirst(4).prefix { $0 != ";" }.filter { !"-.()".contains($0) }
            return candidates(named: number)
        }
        guard let address = SIPAddress(text), address.canonical != nil else {
            return [Candidate(name: text, verdict: .notAllowed)]
        }
        let user = address.decodedUser ?? ""
        if agent(at: address) == nil, names.contains(user) { return candidates(named: user) }
        let own = SIPAddress(configuration.ownURI)
        guard let own, address.host == own.host, (address.port ?? "5060") == (own.port ?? "5060") else {
            let found = candidate(at: text, trusted: false)
            guard found.verdict != nil, transfer.dial != nil else { return [found] }
            let dialled = candidates(named: user)
            return dialled.allSatisfy { $0.verdict == nil } ? dialled : [found]
        }
        // Ours to resolve: dialling ourselves would lead nowhere.
        guard transfer.dial != nil else { return [Candidate(name: text, verdict: .unreachable)] }
        return candidates(named: user)
    }

    /// Whether the digits name a target and no longer name begins with them: then they are dialled at once.
    func isComplete(digits: String) -> Bool {
        var isName = false
        for name in names {
            if name == digits {
                isName = true
            } else if name.hasPrefix(digits) {
                return false
            }
        }
        return isName
    }
}

extension EngineConfiguration {
    /// Whether a person may have this address dialled: it is a configured agent's, or `transfer.allow` lets it.
    public func permits(uri: String) -> Bool {
        Directory(self).candidate(at: uri, trusted: false).verdict == nil
    }
}
