import CallEvents

/// A caller's place among those who wait for a group.
struct QueuePlace: Codable, Sendable {
    var group: String
    var rank: Rank
    /// Since when this group is waited for.
    var joined: EventTime
    var priority: Int
    /// Asked of whoever is offered, until they no longer matter.
    var skills: [String]
    var ringTimeout: Int
    var serviceLevel: Int?
    /// The group's own music.
    var music: String?
    /// Who had this caller last, and is asked first.
    var preferred: String?
    /// Who has been asked in this round.
    var tried: [String] = []
    /// The group is what a transfer goes to: its members are consults.
    var isTarget = false
}

// A caller who waits for a group is offered to its free members one after the other, or to all at once, as its strategy
// says; to whoever becomes free, at once. Those who did not take the caller are asked again after a pause.
extension Call {
    /// Between two rounds in which nobody was free or answered.
    private static var pauseBetweenRounds: Int { 1_000 }

    /// How long the caller has waited in all, in milliseconds as the log counts them.
    func waited(at time: EventTime) -> Int { ledger.books.waitMs(at: time) + ledger.books.holdSum(at: time) }

    /// Makes the caller wait for the group; false when there is no waiting for it: then the caller has left it again.
    mutating func joinQueue(
        _ settings: GroupSettings, skills: [String], isTarget: Bool = false, _ context: inout Context
    ) {
        let caller = callerNumber
        let visit = caller.flatMap { context.callers.visit(of: $0) }
        let priority =
            (line?.priority ?? 0) + context.directory.priority(of: caller)
            + (isNewCaller ? settings.newCallers : 0)
        var since = context.now.mono - Int64(waited(at: context.now)) * 1_000
        if let worth = settings.raiseAfter { since -= Int64(clamping: priority) &* Int64(worth) &* 1_000 }
        let rank = Rank(level: settings.raiseAfter == nil ? -priority : 0, since: since, serial: serial)
        var preferred: String?
        if settings.lastAgentDays > 0, let visit, let agent = visit.agent,
            context.now.wall - visit.wall <= Int64(settings.lastAgentDays) * 86_400_000_000
        {
            preferred = agent
        }
        let serviceLevel = settings.serviceLevel(priority: priority, skills: skills)
        queue = QueuePlace(
            group: settings.name, rank: rank, joined: context.now, priority: priority, skills: skills,
            ringTimeout: settings.ringTimeout, serviceLevel: serviceLevel, music: settings.music,
            preferred: preferred, isTarget: isTarget)
        group = settings.name
        search.groups.append(settings.name)
        let place = context.enqueue(
            Waiter(call: id, rank: rank, skills: skills, joined: context.now), settings.name)
        record(
            .callQueued(
                CallQueued(
                    group: settings.name, position: place + 1, priority: priority, skills: skills,
                    serviceLevelS: serviceLevel, serviceTarget: settings.serviceTarget)),
            &context)
        startTimer(.maxWait, settings.maxWait, &context)
        startServiceTimer(&context)
        startRelaxTimer(&context)
        startAnnouncing(&context)
    }

    /// Whether there is no point in waiting: the queue was full before this caller came, or nobody is logged in and there
    /// is somewhere else to go.
    func mustNotWait(_ settings: GroupSettings, _ context: Context) -> Bool {
        let group = context.groups[settings.name]
        if let most = settings.maxQueue, (group?.waiting.count ?? 0) > most { return true }
        return group?.isStaffed != true && hasElsewhere(settings)
    }

    private func hasElsewhere(_ settings: GroupSettings) -> Bool {
        settings.overflow != nil || !search.steps.isEmpty || transfer?.candidates.isEmpty == false
    }

    mutating func leaveQueue(_ outcome: QueueOutcome, to: String?, _ context: inout Context) {
        guard let queue else { return }
        self.queue = nil
        for purpose in [CallTimer.Purpose.maxWait, .round, .serviceLevel, .relax, .announcement] {
            stopTimer(purpose, &context)
        }
        stopAnnouncing(&context)
        let position = context.dequeue(queue.group, queue.rank) + 1
        if !isAnswered { context.countWait(queue, outcome, waitMs: ledger.books.waitMs(at: context.now)) }
        record(
            .callDequeued(CallDequeued(group: queue.group, position: position, outcome: outcome, to: to)), &context)
    }

    // MARK: who is offered the caller

    /// What is asked of a member at this moment.
    func need(_ context: Context) -> Need? {
        guard let queue else { return nil }
        let waited = Books.ms(queue.joined, context.now)
        var skills = queue.skills
        if let after = context.directory.group(queue.group)?.skillsAfter, waited >= after { skills = [] }
        return Need(
            group: queue.group, skills: skills, tier: context.tier(of: queue.group, waitedMs: waited),
            except: queue.tried + (queue.isTarget ? [transfer?.agent].compactMap(\.self) : []),
            preferred: queue.preferred)
    }

    /// Whether the caller can be offered this agent, who has become free.
    func wants(_ agent: String, _ context: Context) -> Bool {
        guard let queue, phase == .arriving || phase == .seeking, let need = need(context) else { return false }
        if attempt != nil {
            guard rivalsAllowed(queue, context), attempt?.answered == false else { return false }
        }
        return context.suits(agent, need)
    }

    private func rivalsAllowed(_ queue: QueuePlace, _ context: Context) -> Bool {
        context.directory.group(queue.group)?.strategy == .ringAll
    }

    /// Offers the caller to whoever is free and suits; false when nobody does.
    mutating func offerNext(_ context: inout Context) -> Bool {
        guard let queue, let need = need(context) else { return false }
        if rivalsAllowed(queue, context) {
            let all = context.all(for: need)
            for agent in all { offer(agent, &context) }
            return attempt != nil
        }
        guard let agent = context.choose(for: need) else { return false }
        offer(agent, &context)
        return attempt != nil
    }

    /// Calls a member of the group for the caller.
    mutating func offer(_ agent: String, _ context: inout Context) {
        guard let queue else { return }
        context.offered(agent, of: queue.group)
        let candidate = Candidate(agent: agent, group: queue.group, name: agent)
        if queue.isTarget {
            consultMember(candidate, &context)
        } else {
            alert(candidate, &context)
        }
    }

    /// Nobody is free: the caller must wait, which in queue mode they do answered, with music, else ringing.
    mutating func pauseQueue(_ context: inout Context) {
        if queue?.tried.isEmpty == false, !timers.contains(where: { $0.purpose == .round }) {
            startTimer(.round, Self.pauseBetweenRounds, &context)
        }
        guard phase == .arriving, let index = index(caller), legs[index].isAlive, legs[index].state != .answered else {
            return
        }
        if line?.answer == .queue {
            legs[index].state = .answered
            legs[index].since = context.now
            context.emit(.answer(caller, codecOf: nil))
            startAnnouncing(&context)
        } else {
            passRinging(to: caller, early: nil, &context)
        }
    }

    /// The pause is over: everybody may be asked again.
    mutating func nextRound(_ context: inout Context) {
        guard queue != nil else { return }
        queue?.tried = []
        if attempt == nil { advance(&context) }
    }

    /// Another tier may be asked now, or the skills no longer matter.
    mutating func relax(_ context: inout Context) {
        guard queue != nil else { return }
        startRelaxTimer(&context)
        if attempt == nil { advance(&context) }
    }

    /// For the next instant at which more members may be asked than now.
    private mutating func startRelaxTimer(_ context: inout Context) {
        guard let queue, let settings = context.directory.group(queue.group) else { return }
        let waited = Books.ms(queue.joined, context.now)
        var due: Int?
        if !queue.skills.isEmpty, let after = settings.skillsAfter, after > waited { due = after }
        if let after = settings.tierAfter, after > 0, context.tier(of: queue.group, waitedMs: waited) != nil {
            let next = (waited / after + 1) * after
            due = min(due ?? next, next)
        }
        if let due { startTimer(.relax, due - waited, &context) }
    }

    // MARK: waiting too long

    private mutating func startServiceTimer(_ context: inout Context) {
        guard let seconds = queue?.serviceLevel, !isAnswered, !hasBreached else { return }
        startTimer(.serviceLevel, max(0, seconds * 1_000 - ledger.books.waitMs(at: context.now)) + 1, &context)
    }

    /// The caller waits longer than was agreed.
    mutating func breached(_ context: inout Context) {
        guard let queue, let seconds = queue.serviceLevel, !isAnswered else { return }
        hasBreached = true
        record(
            .slaBreached(
                SLABreached(
                    group: queue.group, line: line?.pattern, position: context.place(queue.group, queue.rank) + 1,
                    priority: queue.priority, waitMs: ledger.books.waitMs(at: context.now), serviceLevelS: seconds)),
            &context)
    }

    /// The caller has waited as long as the group allows.
    mutating func waitedTooLong(_ context: inout Context) {
        guard let queue else { return }
        if attempt?.answered == true {
            // Somebody has answered and changes codec: should that fail, the caller has still waited too long.
            startTimer(.maxWait, Self.pauseBetweenRounds, &context)
            return
        }
        giveQueueUp(.noAnswer, context.directory.group(queue.group)?.overflow, &context)
    }

    /// Nobody of the group is logged in any more, or the group is no longer configured.
    mutating func groupDeserted(_ context: inout Context) {
        guard let queue, attempt?.answered != true else { return }
        let settings = context.directory.group(queue.group)
        guard settings.map(hasElsewhere) ?? true else { return }
        giveQueueUp(.unreachable, settings?.overflow, &context)
    }

    /// Leaves the queue for whoever is next.
    mutating func giveQueueUp(_ cause: Cause, _ overflow: Destination?, _ context: inout Context) {
        guard let queue else { return }
        cancelOffers(&context)
        if queue.isTarget {
            // Where a transfer cannot be had, its own list and the fallback chain say what is next.
            leaveQueue(.overflow, to: nil, &context)
            transfer?.cause = cause
            transfer?.sipStatus = nil
            continueTransfer(agentLeg: nil, &context)
            return
        }
        leaveForOverflow(cause, overflow, &context)
        advance(&context)
    }

    /// The overflow is the next step of the search.
    mutating func leaveForOverflow(_ cause: Cause, _ overflow: Destination?, _ context: inout Context) {
        search.cause = cause
        search.sipStatus = nil
        search.candidates = []
        leaveQueue(.overflow, to: overflow?.text, &context)
        if let overflow, !search.groups.contains(where: { overflow == .group($0) }) {
            search.steps.insert(.overflow(overflow), at: 0)
        }
    }

    /// Takes back what the group's members are being offered.
    mutating func cancelOffers(_ context: inout Context) {
        dismissRivals(HangUp(), .cancelled, &context)
        guard let attempt else { return }
        self.attempt = nil
        stopTimer(.attempt, &context)
        release(attempt.leg, HangUp(), &context)
        recordAlertFailed(attempt, .cancelled, sipStatus: nil, &context)
        recordConsultEnded(attempt, .cancelled, &context)
    }
}

extension GroupSettings {
    /// The seconds within which a caller is to be answered; null: none agreed.
    func serviceLevel(priority: Int, skills: [String]) -> Int? {
        let row = serviceLevels.first {
            $0.priority.map { priority >= $0 } ?? true && $0.skill.map(skills.contains) ?? true
        }
        return row?.seconds ?? serviceLevel
    }
}

extension Context {
    /// Returns how many are before.
    mutating func enqueue(_ waiter: Waiter, _ group: String) -> Int {
        let place = groups[group, default: Group()].place(of: waiter.rank)
        groups[group]?.waiting.insert(waiter, at: place)
        return place
    }

    func place(_ group: String, _ rank: Rank) -> Int { groups[group]?.place(of: rank) ?? 0 }

    mutating func dequeue(_ group: String, _ rank: Rank) -> Int {
        let place = place(group, rank)
        if let waiting = groups[group]?.waiting, place < waiting.count, waiting[place].rank == rank {
            groups[group]?.waiting.remove(at: place)
        }
        return place
    }

    /// How a first wait for the group ended.
    mutating func countWait(_ place: QueuePlace, _ outcome: QueueOutcome, waitMs: Int) {
        switch outcome {
        case .answered:
            groups[place.group]?.answered += 1
            if let seconds = place.serviceLevel, waitMs <= seconds * 1_000 { groups[place.group]?.within += 1 }
        case .abandoned: groups[place.group]?.abandoned += 1
        default: break
        }
    }
}
