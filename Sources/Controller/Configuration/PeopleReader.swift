import TransferEngine

// `agents`, `groups` and `lines`.

extension ConfigurationReader {
    /// Calls each entry of an object of objects with its name and section.
    private func forEachEntry(of section: ConfigSection, _ body: (String, ConfigSection) -> Void) {
        for member in section.entries() {
            let place = section.place(of: member.key)
            let entry = ConfigSection.section(member.node, at: place, mistakes: section.mistakes)
            body(member.key, entry)
            entry.finish()
        }
    }

    mutating func readAgents(_ section: ConfigSection) {
        var agents: [AgentSettings] = []
        var users: [String: String] = [:]
        var accounts: [Configuration.Account] = []
        forEachEntry(of: section) { name, entry in
            checkName(name, of: "an agent", in: entry)
            var agent = AgentSettings(name: name, uri: entry.optionalString("uri"))
            var user = name
            if let uri = agent.uri {
                let place = entry.place(of: "uri")
                if let address = checkURI(uri, at: place) {
                    user = address.user
                    if user.isEmpty {
                        section.mistakes.add(place, "needs a user part: it is how the agent's own calls are known")
                    }
                }
            }
            // An arriving leg is an agent's by the user part alone: phones behind a PBX share one address.
            if let other = users.updateValue(name, forKey: user), !user.isEmpty {
                section.mistakes.add(entry.place, "has the same user part (\(user)) as the agent \(other)")
            }
            agent.displayName = entry.optionalString("name")
            agent.skills = entry.strings("skills", default: [])
            agent.tier = entry.int("tier", in: 1...1000, default: 1)
            agent.wrapUp = entry.seconds("wrapUp", in: 0...86_400, default: 0)
            agent.maxCalls = entry.int("maxCalls", in: 1...1000, default: 1)
            agent.holdSignalling = entry.optionalWord("holdSignalling")
            agent.login = entry.word("login", default: agent.login)
            agent.maxNoAnswer = entry.int("maxNoAnswer", in: 0...1000, default: agent.maxNoAnswer)
            agents.append(agent)
            if let account = account(entry, agent: name, user: user) { accounts.append(account) }
        }
        configuration.agents = agents
        configuration.accounts = accounts
        checkAccounts(accounts, in: section)
        // An agent is known by name as well. One who has no address has been looked at above.
        for agent in agents where agent.uri != nil {
            if let other = users[agent.name], other != agent.name {
                section.add(other, "has the user part \(agent.name), which is the name of another agent")
            }
        }
    }

    mutating func readGroups(_ section: ConfigSection) {
        // Every name first: groups overflow into one another.
        configuration.groups = section.entries().map { GroupSettings(name: $0.key, members: []) }
        var groups: [GroupSettings] = []
        forEachEntry(of: section) { name, entry in
            checkName(name, of: "a group", in: entry)
            if configuration.agents.contains(where: { $0.name == name }) {
                section.mistakes.add(entry.place, "has the name of an agent: a target of this name would be ambiguous")
            }
            var group = GroupSettings(name: name, members: entry.strings("members", default: []))
            if entry.node("members") == nil || entry.node("members")?.value == .array([]) {
                entry.add("members", "must name at least one agent")
            }
            for (index, member) in group.members.enumerated() {
                let place = entry.elementPlace("members", index)
                if !configuration.agents.contains(where: { $0.name == member }) {
                    section.mistakes.add(place, "names the unknown agent \"\(member)\"")
                }
                if group.members.firstIndex(of: member) != index {
                    section.mistakes.add(place, "\"\(member)\" stands here twice")
                }
            }
            group.strategy = entry.word("strategy", default: group.strategy)
            group.ringTimeout = entry.seconds("ringTimeout", in: 1...3600, default: group.ringTimeout)
            group.maxWait = entry.seconds("maxWait", in: 1...86_400, default: group.maxWait)
            readQueue(entry, into: &group)
            group.overflow = optionalDestination(entry, "overflow")
            if group.overflow == .group(name) { entry.add("overflow", "leads back to the group itself") }
            groups.append(group)
        }
        configuration.groups = groups
    }

    mutating func readLines(_ section: ConfigSection) {
        var lines: [LineSettings] = []
        forEachEntry(of: section) { pattern, entry in
            if !isLinePattern(pattern) {
                section.mistakes.add(entry.place, "must be a number, a prefix such as \"+3120*\", or \"*\"")
            }
            let to = entry.optionalString("to")
            if entry.isNull("to") { entry.add("to", "is missing: where does the line lead?") }
            let destination = to.flatMap { self.destination($0, at: entry.place(of: "to")) }
            var line = LineSettings(pattern: pattern, to: destination ?? .uri(""))
            if case .group = line.to { line.answer = .queue }
            line.answer = entry.word("answer", default: line.answer)
            line.overflow = optionalDestination(entry, "overflow")
            if let overflow = line.overflow, overflow == line.to {
                entry.add("overflow", "is where the line leads anyway")
            }
            line.holdSignalling = entry.optionalWord("holdSignalling")
            line.priority = entry.int("priority", in: -1000...1000, default: 0)
            line.skills = entry.strings("skills", default: [])
            checkSkills(line.skills) { entry.elementPlace("skills", $0) }
            lines.append(line)
        }
        configuration.lines = lines
    }

    private func checkName(_ name: String, of what: String, in entry: ConfigSection) {
        if !isName(name) {
            entry.mistakes.add(
                entry.place, "the name of \(what) must be 1 to 64 letters, digits, ‘-’, ‘_’ or ‘.’, is \"\(name)\"")
        }
    }

    /// The user part of a Request-URI, `*` at most at the end.
    private func isLinePattern(_ pattern: String) -> Bool {
        let number = pattern.hasSuffix("*") ? pattern.dropLast() : pattern[...]
        return !pattern.isEmpty
            && number.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"*@:;?<>\"".utf8.contains($0) }
    }
}
