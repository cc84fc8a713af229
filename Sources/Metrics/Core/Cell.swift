import CallEvents

/// The counts of one row of figures: the total, or one value of the keys.
struct Cell: Sendable {
    // Calls received, by outcome.
    var received = 0
    var answered = 0
    var abandoned = 0
    var overflowed = 0
    var callback = 0
    var controllerEnded = 0
    var lost = 0
    var open = 0
    /// Of the answered, those that had not ended when the log did.
    var inProgress = 0
    /// Calls open at the end of the period, whenever they began.
    var end = OpenAtEnd()
    /// Not received: refused before they became calls.
    var refused = 0
    /// Ended by us because nobody could be had.
    var givenUp = 0
    /// Waited past their group's service level.
    var breached = 0

    /// Call-backs asked for, and what came of them.
    var callbacksRequested = 0
    var callbackAttempts = 0
    var callbacksCompleted = 0
    var callbacksFailed = 0
    var callbacksOpen = 0
    /// From the request to the conversation.
    var callbackMs: Int64 = 0

    /// First waits that ended.
    var wait = Histogram()
    /// Of these, those that ended in an answer.
    var waitConnected = 0
    /// Hold segments that ended.
    var hold = Histogram()
    var holdConnected = 0
    var holdAbandoned = 0
    var holdOpen = 0
    /// Arrival to first answer by a human.
    var response = Histogram()

    /// The three once more by whole seconds, where they are asked for.
    var waitSeconds = SecondCounts()
    var holdSeconds = SecondCounts()
    var responseSeconds = SecondCounts()

    var answeredWithin = 0
    /// Which part of those who count is to be answered in time.
    var target = CommonTarget()
    /// Abandoned within the time that counts as a mistake of the caller's.
    var shortAbandoned = 0
    /// Left for another group: only where groups are told apart.
    var leftForOther = 0

    /// Stays of agents, and their parts.
    var stays = 0
    var talkMs: Int64 = 0
    var stayHoldMs: Int64 = 0
    var wrapUpMs: Int64 = 0

    var transfersCompleted = Counts<TransferKind>()
    var transfersFailed = Counts<Cause>()
    var transfersCancelled = 0
    var transfersOpen = 0
    var fallbacks = Counts<FallbackStep>()

    /// Milliseconds of agents in each state.
    var agentTime = Counts<AgentState>()

    var disposed = 0
    var resolved = 0

    var firstCalls = 0
    var firstCallsResolved = 0
    var firstCallsPending = 0
    var callersWithheld = 0

    /// What calls open at the end of the period were doing.
    struct OpenAtEnd: Sendable {
        var waiting = 0
        var inProgress = 0
        /// Of those in progress.
        var onHold = 0
        var inTransfer = 0
    }

    var transfersStarted: Int {
        transfersCompleted.total + transfersFailed.total + transfersCancelled + transfersOpen
    }
}

extension Cell {
    private static let counts: [WritableKeyPath<Cell, Int> & Sendable] = [
        \.received, \.answered, \.abandoned, \.overflowed, \.callback, \.controllerEnded, \.lost, \.open,
        \.inProgress, \.end.waiting, \.end.inProgress, \.end.onHold, \.end.inTransfer, \.refused, \.waitConnected,
        \.holdConnected, \.holdAbandoned, \.holdOpen, \.answeredWithin, \.shortAbandoned, \.leftForOther, \.stays,
        \.transfersCancelled, \.transfersOpen, \.disposed, \.resolved, \.firstCalls, \.firstCallsResolved,
        \.firstCallsPending, \.callersWithheld, \.givenUp, \.breached, \.callbacksRequested, \.callbackAttempts,
        \.callbacksCompleted, \.callbacksFailed, \.callbacksOpen,
    ]

    /// Adds what another cell has counted of other things.
    mutating func add(_ other: Cell) {
        for path in Self.counts { self[keyPath: path] += other[keyPath: path] }
        callbackMs += other.callbackMs
        target.merge(other.target)
        talkMs += other.talkMs
        stayHoldMs += other.stayHoldMs
        wrapUpMs += other.wrapUpMs
        wait.merge(other.wait)
        hold.merge(other.hold)
        response.merge(other.response)
        waitSeconds.add(other.waitSeconds)
        holdSeconds.add(other.holdSeconds)
        responseSeconds.add(other.responseSeconds)
        transfersCompleted.add(other.transfersCompleted)
        transfersFailed.add(other.transfersFailed)
        fallbacks.add(other.fallbacks)
        agentTime.add(other.agentTime)
    }
}

/// The service target, in percent, that all calls counted have in common.
struct CommonTarget: Sendable {
    /// Null before the first call; -1 where some have none, or another.
    private var common: Int8?

    /// Null where there is none for all of them.
    var percent: Double? { common.flatMap { $0 < 0 ? nil : Double($0) } }

    /// `target`: -1 for a call whose group has none.
    mutating func note(_ target: Int8) {
        if common == nil { common = target } else if common != target { common = -1 }
    }

    mutating func merge(_ other: CommonTarget) {
        if let target = other.common { note(target) }
    }
}

/// A count for each word of a closed set.
struct Counts<Word: LogEnum>: Sendable {
    /// In the order of the words; empty until one is counted.
    private var counts: [Int64] = []

    subscript(word: Word) -> Int64 {
        get { counts.isEmpty ? 0 : counts[Self.index(word)] }
        set {
            if counts.isEmpty { counts = Array(repeating: 0, count: Word.allCases.count) }
            counts[Self.index(word)] = newValue
        }
    }

    var total: Int { Int(counts.reduce(0, +)) }

    mutating func add(_ other: Counts) {
        if counts.isEmpty {
            counts = other.counts
        } else {
            for (index, count) in other.counts.enumerated() { counts[index] += count }
        }
    }

    /// Where the word stands in its set: the cases of an enumeration without values are numbered as they are declared.
    @inline(__always)
    private static func index(_ word: Word) -> Int { withUnsafeBytes(of: word) { Int($0[0]) } }
}
