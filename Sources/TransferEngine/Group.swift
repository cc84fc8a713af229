import CallEvents

/// The order in which callers wait: higher priority first, then who has waited longer. It never changes while they wait.
struct Rank: Codable, Sendable, Comparable {
    /// The priority, negative; 0 where waiting makes up for priority.
    var level: Int
    /// On the monotonic clock: when the waiting would have begun, had it been one piece, priority counted in.
    var since: Int64
    /// Order of arrival.
    var serial: UInt64

    static func < (a: Rank, b: Rank) -> Bool {
        (a.level, a.since, a.serial) < (b.level, b.since, b.serial)
    }
}

/// One who waits for a group.
struct Waiter: Codable, Sendable {
    var call: String
    var rank: Rank
    /// Asked of whoever is offered.
    var skills: [String] = []
    /// From when the group's `skillsAfter` counts; null: the skills are asked for to the end.
    var joined: EventTime?
}

/// A member who can be offered a caller now, in the order in which the strategy takes them.
struct FreeMember: Codable, Sendable, Comparable {
    var tier: Int
    /// By the strategy.
    var first: Int64
    /// Among the group's members.
    var index: Int
    var agent: String

    static func < (a: FreeMember, b: FreeMember) -> Bool {
        (a.tier, a.first, a.index) < (b.tier, b.first, b.index)
    }

    static func == (a: FreeMember, b: FreeMember) -> Bool { a.index == b.index }
}

/// Who waits for a group, and who of it can be called: both in order, so that neither is searched through.
struct Group: Codable, Sendable {
    var waiting: [Waiter] = []
    var free: [FreeMember] = []
    /// How many members are logged in, by tier, lowest first.
    var tiers: [TierCount] = []
    /// The member who was offered a caller last.
    var last = -1
    /// Callers answered, answered within their service level, and lost, in their first wait.
    var answered = 0
    var within = 0
    var abandoned = 0
    var handling = HandlingTime()

    struct TierCount: Codable, Sendable {
        var tier: Int
        var count: Int
    }

    var isStaffed: Bool { !tiers.isEmpty }

    /// Where a caller with this rank stands, or would: how many are before them.
    func place(of rank: Rank) -> Int {
        var low = 0
        var high = waiting.count
        while low < high {
            let middle = (low + high) / 2
            if waiting[middle].rank < rank { low = middle + 1 } else { high = middle }
        }
        return low
    }

    mutating func count(tier: Int, by change: Int) {
        if let index = tiers.firstIndex(where: { $0.tier >= tier }) {
            if tiers[index].tier == tier {
                tiers[index].count += change
                if tiers[index].count <= 0 { tiers.remove(at: index) }
            } else if change > 0 {
                tiers.insert(TierCount(tier: tier, count: change), at: index)
            }
        } else if change > 0 {
            tiers.append(TierCount(tier: tier, count: change))
        }
    }
}

extension Context {
    /// Among the free members of all their groups, or no longer.
    mutating func setFree(_ name: String, _ isFree: Bool) {
        guard let agent = agents[name], agent.isFree != isFree else { return }
        agents[name]?.isFree = isFree
        let tier = directory.agent(name)?.tier ?? 1
        for membership in directory.memberships(of: name) {
            guard let settings = directory.group(membership.group) else { continue }
            guard isFree else {
                groups[membership.group]?.free.removeAll { $0.index == membership.index }
                continue
            }
            let first: Int64 =
                switch settings.strategy {
                case .longestIdle, .ringAll: agent.since.mono
                case .fewestCalls: Int64(agent.handled)
                case .linear, .roundRobin: 0
                }
            let member = FreeMember(tier: tier, first: first, index: membership.index, agent: name)
            var free = groups[membership.group, default: Group()].free
            groups[membership.group]?.free = []
            free.insert(member, at: free.firstIndex { member < $0 } ?? free.count)
            groups[membership.group]?.free = free
        }
        if isFree { freed.append(name) }
    }

    /// Counts an agent among those logged in, or no longer. A group that has lost its last is looked at.
    mutating func count(_ name: String) {
        guard let agent = agents[name] else { return }
        let tier = agent.isLoggedIn ? directory.agent(name)?.tier : nil
        guard tier != agent.countedTier else { return }
        agents[name]?.countedTier = tier
        for membership in directory.memberships(of: name) {
            if let old = agent.countedTier { groups[membership.group]?.count(tier: old, by: -1) }
            if let tier { groups[membership.group, default: Group()].count(tier: tier, by: 1) }
            if tier == nil, groups[membership.group]?.isStaffed == false { deserted.append(membership.group) }
        }
    }

    /// Members and settings may have changed: who is free and who is there is counted anew.
    mutating func rebuildGroups() {
        for name in groups.keys.sorted() {
            groups[name]?.free = []
            groups[name]?.tiers = []
            // Whoever waits for a group that is gone, or of which nobody is left, is sent on.
            deserted.append(name)
        }
        for name in agents.keys.sorted() {
            agents[name]?.isFree = false
            agents[name]?.countedTier = nil
        }
        freed = []
    }
}
