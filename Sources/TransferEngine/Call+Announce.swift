import CallEvents

// What a caller who waits for a group is told, over the music: their place, how long it may still take, the key for a
// call-back. The music goes on afterwards; whoever answers is heard at once.
extension Call {
    /// Only an answered caller hears anything; for another it begins with our answer.
    mutating func startAnnouncing(_ context: inout Context) {
        guard let queue, callerLeg?.state == .answered,
            let settings = context.directory.group(queue.group)?.announcements
        else { return }
        startTimer(.announcement, settings.after, &context)
    }

    /// It is time to say how things stand.
    mutating func announce(_ context: inout Context) {
        guard let queue, let settings = context.directory.group(queue.group)?.announcements else { return }
        startTimer(.announcement, settings.every, &context)
        // One that takes longer than the pause between two is not cut off by the next.
        guard announcing == nil, callerLeg?.isAlive == true, attempt?.answered != true else { return }
        guard let sounds = settings.sounds else {
            let report = context.newReport(for: id)
            announcing = report
            context.emit(.tone(caller, .comfort, report))
            return
        }
        var words = Announcement(sounds: sounds)
        if settings.parts.contains(.position) { words.position = context.place(queue.group, queue.rank) + 1 }
        if settings.parts.contains(.wait), let wait = context.expectedWait(queue.group, queue.rank) {
            words.waitMinutes = wait < 60_000 ? 0 : wait / 60_000 + (wait % 60_000 == 0 ? 0 : 1)
        }
        if settings.parts.contains(.callback), canBeCalledBack(context),
            callerNumber.flatMap({ context.directory.callbackAddress(of: $0) }) != nil
        {
            words.callbackDigit = context.directory.group(queue.group)?.callback?.digit
        }
        guard words != Announcement(sounds: sounds) else { return }
        let report = context.newReport(for: id)
        announcing = report
        context.emit(.announce(caller, words, report))
    }

    /// The waiting is over: what is being said is cut off.
    mutating func stopAnnouncing(_ context: inout Context) {
        guard announcing != nil else { return }
        announcing = nil
        if callerLeg?.isAlive == true { context.emit(.stopTone(caller)) }
    }
}

/// How long a group's members were busy with a caller lately.
struct HandlingTime: Codable, Sendable {
    /// Milliseconds from the answer until the member was free again: talk, holds and wrap-up.
    private(set) var mean = 0
    private(set) var count = 0

    /// A new one weighs as much as each of those before it, later a twentieth of all: a group's calls change in the
    /// course of a day.
    mutating func add(_ milliseconds: Int) {
        count = min(count + 1, 20)
        mean += (milliseconds - mean) / count
    }
}

extension Context {
    /// A member of the group was busy with a caller for so long.
    mutating func noteHandled(_ agent: String?, _ group: String?, milliseconds: Int) {
        guard let agent, let group, directory.memberships(of: agent).contains(where: { $0.group == group }) else {
            return
        }
        groups[group, default: Group()].handling.add(milliseconds + (directory.agent(agent)?.wrapUp ?? 0))
    }

    /// How long, in milliseconds, the one who waits with this rank may still wait: `(1 + those ahead) × mean handling time ÷
    /// members who can take them`. While all of these are busy one becomes free every `handling time ÷ members` on average,
    /// and the caller at place n is served when that has happened n times (W. Whitt, "Predicting Queueing Delays",
    /// Management Science 45, 1999: the mean of a sum of n exponential times). The handling time is that of the last twenty
    /// or so callers of the group, wrap-up included. Who can take them is at work, logged in and not paused, and has the
    /// skills that are still asked for; ahead are those whom one of these members can take as well, the others wait for
    /// somebody else. Members who serve other groups too, tiers that open later, and patience are not allowed for.
    ///
    /// Null where nothing is known: nobody has been served yet, or nobody at work can take them.
    func expectedWait(_ name: String, _ rank: Rank) -> Int? {
        guard let group = groups[name], group.handling.count > 0, let settings = directory.group(name) else {
            return nil
        }
        let place = group.place(of: rank)
        guard place < group.waiting.count else { return nil }
        let asked = skills(of: group.waiting[place], settings)
        let takers = settings.members.filter { member in
            agents[member].map { $0.isLoggedIn && !$0.isPaused } ?? false && has(member, asked)
        }
        guard !takers.isEmpty else { return nil }
        // Those who wait ask for few different sets of skills.
        var competing: [[String]: Bool] = [[]: true]
        var ahead = 0
        for waiter in group.waiting[..<place] {
            let asked = skills(of: waiter, settings)
            let competes = competing[asked] ?? takers.contains { has($0, asked) }
            competing[asked] = competes
            if competes { ahead += 1 }
        }
        let (sum, isTooMuch) = (ahead + 1).multipliedReportingOverflow(by: group.handling.mean)
        return isTooMuch ? nil : max(0, sum) / takers.count
    }

    private func has(_ agent: String, _ skills: [String]) -> Bool {
        skills.isEmpty || directory.agent(agent).map { skills.allSatisfy($0.skills.contains) } ?? false
    }

    /// What is still asked for.
    private func skills(of waiter: Waiter, _ settings: GroupSettings) -> [String] {
        if let joined = waiter.joined, let after = settings.skillsAfter, Books.ms(joined, now) >= after { return [] }
        return waiter.skills
    }
}
