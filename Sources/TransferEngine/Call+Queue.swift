import CallEvents

/// A caller's place among those who wait for a group.
struct QueuePlace: Codable, Sendable {
    var group: String
    var ringTimeout: Int
    var serviceLevel: Int?
}

// A group's members are rung in turn, in the order of the configuration, round after round, until one answers or the
// caller has waited for `maxWait`.
extension Call {
    /// Between two rounds in which nobody was free or answered.
    private static var pauseBetweenRounds: Int { 1_000 }

    mutating func joinQueue(_ settings: GroupSettings, _ context: inout Context) {
        queue = QueuePlace(
            group: settings.name, ringTimeout: settings.ringTimeout, serviceLevel: settings.serviceLevel)
        group = settings.name
        search.groups.append(settings.name)
        context.waiting[settings.name, default: []].append(id)
        record(
            .callQueued(
                CallQueued(
                    group: settings.name, position: context.waiting[settings.name]?.count ?? 1,
                    serviceLevelS: settings.serviceLevel)),
            &context)
        startTimer(.maxWait, settings.maxWait, &context)
        search.candidates = context.directory.candidates(at: .group(settings.name), trusted: true)
    }

    mutating func leaveQueue(_ outcome: QueueOutcome, to: String?, _ context: inout Context) {
        guard let queue else { return }
        self.queue = nil
        stopTimer(.maxWait, &context)
        stopTimer(.round, &context)
        var waiting = context.waiting[queue.group] ?? []
        let position = (waiting.firstIndex(of: id) ?? 0) + 1
        waiting.removeAll { $0 == id }
        context.waiting[queue.group] = waiting.isEmpty ? nil : waiting
        record(
            .callDequeued(CallDequeued(group: queue.group, position: position, outcome: outcome, to: to)), &context)
    }

    /// Nobody is free: the caller must wait, which in queue mode they do answered, with music, else ringing.
    mutating func pauseQueue(_ context: inout Context) {
        startTimer(.round, Self.pauseBetweenRounds, &context)
        guard phase == .arriving, let index = index(caller), legs[index].isAlive, legs[index].state != .answered else {
            return
        }
        if line?.answer == .queue {
            legs[index].state = .answered
            legs[index].since = context.now
            context.emit(.answer(caller, codecOf: nil))
        } else {
            passRinging(to: caller, early: nil, &context)
        }
    }

    /// The pause is over.
    mutating func nextRound(_ context: inout Context) {
        guard let queue, attempt == nil else { return }
        search.candidates = context.directory.candidates(at: .group(queue.group), trusted: true)
        advance(&context)
    }

    /// The caller has waited as long as the group allows.
    mutating func waitedTooLong(_ context: inout Context) {
        guard let queue else { return }
        if attempt?.answered == true {
            // Somebody has answered and changes codec: should that fail, the caller has still waited too long.
            startTimer(.maxWait, Self.pauseBetweenRounds, &context)
            return
        }
        if let attempt {
            self.attempt = nil
            stopTimer(.attempt, &context)
            release(attempt.leg, HangUp(), &context)
            recordAlertFailed(attempt, .cancelled, sipStatus: nil, &context)
        }
        search.cause = .noAnswer
        search.sipStatus = nil
        search.candidates = []
        let overflow = context.directory.group(queue.group)?.overflow
        leaveQueue(.overflow, to: overflow?.text, &context)
        if let overflow, !search.groups.contains(where: { overflow == .group($0) }) {
            search.steps.insert(.overflow(overflow), at: 0)
        }
        advance(&context)
    }
}
