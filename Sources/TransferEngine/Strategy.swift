/// What a caller asks of the member who is to be offered to them.
struct Need: Codable, Sendable {
    var group: String
    var skills: [String] = []
    /// The highest tier allowed; null: any.
    var tier: Int?
    /// Who is not asked (again).
    var except: [String] = []
    /// Who is asked before all others.
    var preferred: String?
}

extension Context {
    func suits(_ agent: String, tier: Int, _ need: Need) -> Bool {
        if need.except.contains(agent) { return false }
        if agent != need.preferred, let limit = need.tier, tier > limit { return false }
        guard !need.skills.isEmpty else { return true }
        guard let skills = directory.agent(agent)?.skills else { return false }
        return need.skills.allSatisfy(skills.contains)
    }

    func suits(_ agent: String, _ need: Need) -> Bool {
        suits(agent, tier: directory.agent(agent)?.tier ?? 1, need)
    }

    /// The free member whom the group's strategy takes.
    func choose(for need: Need) -> String? {
        guard let group = groups[need.group], !group.free.isEmpty else { return nil }
        if let preferred = need.preferred, group.free.contains(where: { $0.agent == preferred }),
            suits(preferred, need)
        {
            return preferred
        }
        guard directory.group(need.group)?.strategy == .roundRobin else {
            return group.free.first { suits($0.agent, tier: $0.tier, need) }?.agent
        }
        // Of the lowest tier that has anybody, the one behind the last; else from the beginning.
        var first: FreeMember?
        for member in group.free where suits(member.agent, tier: member.tier, need) {
            if let first, member.tier > first.tier { break }
            if member.index > group.last { return member.agent }
            if first == nil { first = member }
        }
        return first?.agent
    }

    /// All free members who suit, in order.
    func all(for need: Need) -> [String] {
        (groups[need.group]?.free ?? []).filter { suits($0.agent, tier: $0.tier, need) }.map(\.agent)
    }

    /// The highest tier open to a caller who has waited so long for the group; null: all are. Tiers of which nobody is
    /// logged in do not count.
    func tier(of group: String, waitedMs: Int) -> Int? {
        guard let after = directory.group(group)?.tierAfter, let tiers = groups[group]?.tiers, tiers.count > 1 else {
            return nil
        }
        let steps = after > 0 ? waitedMs / after : tiers.count
        return steps + 1 < tiers.count ? tiers[steps].tier : nil
    }

    /// Somebody of the group was offered a caller.
    mutating func offered(_ agent: String, of group: String) {
        guard let index = directory.memberships(of: agent).first(where: { $0.group == group })?.index else { return }
        groups[group]?.last = index
    }
}
