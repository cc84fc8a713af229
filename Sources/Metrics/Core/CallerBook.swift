/// Tells which calls were a caller's first, and stayed the only one, within seven days.
struct CallerBook {
    enum Outcome { case resolved, unresolved, pending }

    /// A caller's first call of which it is now known what came of it.
    struct End {
        var place: LatePlace
        var outcome: Outcome
    }

    /// Microseconds.
    private static let window: Int64 = 7 * 24 * 3600 * 1_000_000
    /// How much the table grows before those whose time is over are taken out.
    private static let slack = 4096

    /// A caller's last call.
    private struct Entry {
        var arrived: Int64
        var call: UInt64
        var place = LatePlace(cell: -1)
        var flags: Flags
    }

    private struct Flags: OptionSet {
        let rawValue: UInt8
        /// No call of this caller in the seven days before.
        static let isFirst = Flags(rawValue: 1)
        static let isAnswered = Flags(rawValue: 2)
        static let isTransferred = Flags(rawValue: 4)
        static let isResolved = Flags(rawValue: 8)
        /// It began within the period.
        static let counts = Flags(rawValue: 16)
    }

    private var callers: [UInt64: Entry] = [:]
    private var limit = CallerBook.slack
    /// Calls whose seven days passed without another, found when the table was cleared up and not yet taken.
    private var passed: [End] = []
    /// First calls of which another call already shows that they resolved nothing. They are judged when their seven days
    /// are over, as the others are: judged at once they would be all that a short log has.
    private var failed: [(arrived: Int64, place: LatePlace)] = []
    private var judged = 0

    /// A call of this caller arrived: it decides what came of the one before.
    /// - Returns: also what came of calls of others whose seven days have passed, and whether this one is a first call.
    mutating func arrived(_ caller: UInt64, call: UInt64, at wall: Int64) -> (ends: [End], isFirst: Bool) {
        if callers.count >= limit { clear(now: wall) }
        defer { passed.removeAll() }
        let before = callers.updateValue(Entry(arrived: wall, call: call, flags: .isFirst), forKey: caller)
        guard let before else { return (passed, true) }
        let alone = wall - before.arrived > Self.window
        if !alone { callers[caller]?.flags = [] }
        if let end = Self.end(of: before, alone: alone) {
            if alone { passed.append(end) } else { calledAgain(since: before.arrived, at: end.place) }
        }
        judge(now: wall)
        return (passed, alone)
    }

    /// The caller of this answered first call has called again, be it before the answer.
    mutating func calledAgain(since arrived: Int64, at place: LatePlace) { failed.append((arrived, place)) }

    /// Takes out the failed calls whose seven days are over, nearly in the order in which they arrived.
    private mutating func judge(now: Int64) {
        while judged < failed.count, now - failed[judged].arrived > Self.window {
            passed.append(End(place: failed[judged].place, outcome: .unresolved))
            judged += 1
        }
        if judged > Self.slack, judged * 2 > failed.count {
            failed.removeFirst(judged)
            judged = 0
        }
    }

    /// - Returns: whether the call is still the caller's last.
    mutating func answered(_ caller: UInt64, call: UInt64, at place: LatePlace, counts: Bool) -> Bool {
        change(caller, call) {
            $0.place = place
            $0.flags.insert(counts ? [.isAnswered, .counts] : .isAnswered)
        }
    }

    mutating func transferred(_ caller: UInt64, call: UInt64) {
        change(caller, call) { $0.flags.insert(.isTransferred) }
    }

    mutating func resolved(_ caller: UInt64, call: UInt64, _ resolved: Bool) {
        change(caller, call) {
            if resolved { $0.flags.insert(.isResolved) } else { $0.flags.remove(.isResolved) }
        }
    }

    /// The rest, at the end of the log.
    mutating func finish(now: Int64) -> [End] {
        clear(now: now)
        var ends = passed
        for (arrived, place) in failed[judged...] {
            ends.append(End(place: place, outcome: now - arrived > Self.window ? .unresolved : .pending))
        }
        for entry in callers.values {
            // What is pending stays so, whatever else is said of it.
            if var end = Self.end(of: entry, alone: true) {
                end.outcome = .pending
                ends.append(end)
            }
        }
        callers = [:]
        return ends
    }

    /// False where the caller has called again since, or so long ago that it is forgotten.
    @discardableResult
    private mutating func change(_ caller: UInt64, _ call: UInt64, _ change: (inout Entry) -> Void) -> Bool {
        guard let index = callers.index(forKey: caller), callers[index].value.call == call else { return false }
        change(&callers.values[index])
        return true
    }

    private mutating func clear(now: Int64) {
        callers = callers.filter { _, entry in
            guard now - entry.arrived > Self.window else { return true }
            if let end = Self.end(of: entry, alone: true) { passed.append(end) }
            return false
        }
        limit = callers.count * 2 + Self.slack
    }

    private static func end(of entry: Entry, alone: Bool) -> End? {
        guard entry.flags.isSuperset(of: [.isFirst, .isAnswered, .counts]) else { return nil }
        let resolved = alone && entry.flags.contains(.isResolved) && !entry.flags.contains(.isTransferred)
        return End(place: entry.place, outcome: resolved ? .resolved : .unresolved)
    }
}
