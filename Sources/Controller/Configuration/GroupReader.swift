import TransferEngine

// What of `groups` is about the queue, `callers` and `agentCodes`.

extension ConfigurationReader {
    /// The keys of a group that say how its queue is worked.
    func readQueue(_ entry: ConfigSection, into group: inout GroupSettings) {
        let day = 86_400.0
        group.maxQueue = entry.optionalInt("maxQueue", in: 1...100_000)
        group.tierAfter = entry.optionalSeconds("tierAfter", in: 0...day)
        group.skillsAfter = entry.optionalSeconds("skillsAfter", in: 0...day)
        group.raiseAfter = entry.optionalSeconds("raiseAfter", in: 1...day)
        group.newCallers = entry.int("newCallers", in: -1000...1000, default: 0)
        group.lastAgentDays = entry.int("lastAgentDays", in: 0...3650, default: 0)
        group.serviceTarget = entry.optionalInt("serviceTarget", in: 1...100)
        readServiceLevel(entry, into: &group)
        if let callback = optionalSection("callback", of: entry) {
            var settings = GroupSettings.Callback(digit: key(callback, "digit", default: "1"))
            settings.attempts = callback.int("attempts", in: 1...100, default: settings.attempts)
            settings.retryAfter = callback.seconds("retryAfter", in: 1...day, default: settings.retryAfter)
            group.callback = settings
            callback.finish()
        }
        readSounds(entry, into: &group)
        if let verdict = optionalSection("verdict", of: entry) {
            let defaults = GroupSettings.Verdict()
            let yes = key(verdict, "yes", default: defaults.yes)
            let no = key(verdict, "no", default: defaults.no)
            if yes == no { verdict.add("no", "is the key for yes too") }
            group.verdict = GroupSettings.Verdict(
                yes: yes, no: no, timeout: verdict.seconds("timeout", in: 1...60, default: defaults.timeout))
            verdict.finish()
        }
        readDispositions(entry.section("dispositions"), into: &group)
    }

    /// A number of seconds, null, or a list of rows of which the first that fits a caller holds.
    private func readServiceLevel(_ entry: ConfigSection, into group: inout GroupSettings) {
        guard let node = entry.node("serviceLevel"), case .array(let rows) = node.value else {
            group.serviceLevel = entry.optionalInt("serviceLevel", in: 1...86_400, default: 20)
            return
        }
        for (index, row) in rows.enumerated() {
            let section = ConfigSection.section(
                row, at: entry.elementPlace("serviceLevel", index), mistakes: entry.mistakes)
            let priority = section.optionalInt("priority", in: -2000...2000)
            let skill = section.optionalString("skill")
            if let skill { checkSkills([skill]) { _ in section.place(of: "skill") } }
            guard let seconds = section.optionalInt("seconds", in: 1...86_400) else {
                if section.isNull("seconds") { section.add("seconds", "is missing") }
                continue
            }
            section.finish()
            if priority == nil, skill == nil, index < rows.count - 1 {
                section.mistakes.add(section.place, "fits every caller: the rows after it would never hold")
            }
            group.serviceLevels.append(GroupSettings.ServiceLevel(priority: priority, skill: skill, seconds: seconds))
        }
    }

    private func readDispositions(_ section: ConfigSection, into group: inout GroupSettings) {
        for member in section.entries() {
            let place = section.place(of: member.key)
            if member.key.count != 1 || !member.key.allSatisfy({ ("0"..."9").contains($0) }) {
                section.mistakes.add(place, "must be one digit")
            }
            let entry = ConfigSection.section(member.node, at: place, mistakes: section.mistakes)
            let code = entry.string("code", default: "")
            // Each mistake is said once: what is no string has been complained of.
            switch entry.node("code")?.value {
            case nil: entry.add("code", "is missing: what stands in the log for the digit \(member.key)?")
            case .string(""): entry.add("code", "must not be empty")
            default: break
            }
            if !code.isEmpty, group.dispositions.contains(where: { $0.code == code }) {
                entry.add("code", "\"\(code)\" stands at another digit too")
            }
            group.dispositions.append(
                GroupSettings.Disposition(
                    digit: member.key, code: code, resolved: entry.bool("resolved", default: true)))
            entry.finish()
        }
    }

    /// An object, or null.
    private func optionalSection(_ key: String, of entry: ConfigSection) -> ConfigSection? {
        guard let node = entry.node(key) else { return nil }
        if case .null = node.value { return nil }
        return ConfigSection.section(node, at: entry.place(of: key), mistakes: entry.mistakes)
    }

    /// One key of a phone.
    private func key(_ section: ConfigSection, _ key: String, default fallback: String) -> String {
        let text = section.string(key, default: fallback)
        if text.count != 1 || text.first.flatMap(Digit.init) == nil {
            section.add(key, "must be one of the keys 0 to 9, *, #, A to D, is \"\(text)\"")
        }
        return text
    }

    /// Skills that no agent has: nobody could ever be offered who asks for them.
    func checkSkills(_ skills: [String], place: (Int) -> ConfigPlace) {
        for (index, skill) in skills.enumerated()
        where !configuration.agents.contains(where: { $0.skills.contains(skill) }) {
            root.mistakes.add(place(index), "no agent has the skill \"\(skill)\"")
        }
    }

    /// Priorities of callers by number.
    mutating func readCallers(_ section: ConfigSection) {
        for member in section.entries() {
            let number = member.key.hasSuffix("*") ? member.key.dropLast() : member.key[...]
            if member.key.isEmpty || number.contains(where: { !("0"..."9").contains($0) && $0 != "+" }) {
                section.add(member.key, "must be a number, or the beginning of one such as \"+3712*\"")
            }
            configuration.callers.append(
                CallerPriority(
                    pattern: member.key, priority: section.int(member.key, in: -1000...1000, default: 0)))
        }
    }

    mutating func readAgentCodes(_ section: ConfigSection) {
        let defaults = AgentCodes()
        var seen: [String: String] = [:]
        func code(_ key: String, default fallback: String?) -> String? {
            guard let text = section.optionalString(key, default: fallback) else { return nil }
            guard (2...8).contains(text.count), text.allSatisfy({ Digit($0) != nil }), !text.contains("#") else {
                section.add(key, "must be 2 to 8 of the keys 0 to 9, *, A to D, or null, is \"\(text)\"")
                return nil
            }
            if let other = seen.updateValue(key, forKey: text) {
                section.add(key, "\(text) is also the code for \(other)")
            }
            return text
        }
        configuration.agentCodes = AgentCodes(
            login: code("login", default: defaults.login), logout: code("logout", default: defaults.logout),
            ready: code("ready", default: defaults.ready), pause: code("pause", default: defaults.pause),
            resolve: code("resolve", default: defaults.resolve))
        section.finish()
    }
}
