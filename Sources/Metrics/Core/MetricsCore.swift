import CallEvents
import EventLog

/// Counts events, one pass, in the order of time over all nodes. What it holds grows with the calls that are open, with
/// agents, with the values of the keys asked for, and with the callers of seven days.
struct MetricsCore: ~Copyable {
    let options: MetricsOptions
    var total = Cell()
    var cells: [Cell] = []
    var cellKeys: [CellKey] = []
    /// The earliest and the latest moment that an event names, microseconds since 1970.
    private(set) var firstWall: Int64?
    private(set) var lastWall: Int64 = .min
    /// The service level's thresholds that calls named, in seconds.
    var thresholds: Set<Int32> = []
    var intervals: Intervals
    /// Sets of skills by number, as the reader gives them.
    var skillSets: [[Name]] = [[]]
    var cellNumbers: [CellKey: Int] = [:]
    /// Lists of cells that are counted in together, later: those of a set of skills.
    var lateCells: [[Int32]] = []
    var lateNumbers: [[Int32]: Int32] = [:]
    var calls = CallTable()
    /// Ended calls and what a verdict on them has to know.
    var verdicts = VerdictBook()
    var callers = CallerBook()
    var agents: AgentClock
    /// Call-backs that have come to no end, by the call in which they were asked for.
    var callbacks: [UInt64: Attributes] = [:]
    let placed: Bool
    /// The period is over: what was open at its end has been counted.
    private var hasEnded = false

    init(options: MetricsOptions) {
        self.options = options
        intervals = Intervals(timeZone: options.timeZone)
        agents = AgentClock(perNode: options.by.contains(.node))
        placed = !options.by.isEmpty
    }

    mutating func add(_ fact: Fact) {
        if let until = options.until, !hasEnded, fact.wall >= until {
            hasEnded = true
            countEnd(at: until - 1)
        }
        firstWall = min(firstWall ?? .max, fact.wall)
        lastWall = max(lastWall, fact.wall)
        switch fact.type {
        case .callArrived: arrived(fact)
        case .callOpen: wasOpen(fact)
        case .callRefused: count(Attributes(began: fact.wall, node: fact.node)) { $0.refused += 1 }
        case .callQueued, .callDequeued, .callAnswered, .partyJoined, .partyLeft, .holdStarted, .holdEnded,
            .transferStarted, .transferCompleted, .transferFailed, .transferCancelled, .transferFallback, .callEnded,
            .slaBreached, .callbackRequested:
            guard fact.call != 0 else { break }
            let call = calls.find(fact.call) ?? unknown(fact)
            ofCall(fact, &call.pointee)
            if call.pointee.ended, call.pointee.stays <= 0 { calls.remove(fact.call) }
        case .callDisposition: disposition(fact)
        case .callbackStarted, .callbackCompleted, .callbackFailed: callback(fact)
        case .agentStateChanged: agentState(fact)
        case .serviceStarted: agents.restart(fact.node).forEach { close($0) }
        default: break
        }
        agents.heard(fact)
    }

    /// The counts as they stand, with what is open now counted as such; counting goes on as if nothing had been asked.
    mutating func snapshot() -> MetricsCounts {
        let (total, cells, keys, numbers) = (total, cells, cellKeys, cellNumbers)
        let (callers, agents) = (callers, agents)
        finish()
        defer {
            (self.total, self.cells, cellKeys, cellNumbers) = (total, cells, keys, numbers)
            (self.callers, self.agents) = (callers, agents)
        }
        return MetricsCounts(total: self.total, cells: self.cells, keys: cellKeys)
    }

    /// Counts what is open at the log's end, as such.
    private mutating func finish() {
        if !hasEnded, firstWall != nil { countEnd(at: lastWall) }
        for call in calls.sorted() where call.direction == options.direction && !call.ended { finish(call) }
        agents.finish().forEach { close($0) }
        for (_, place) in callbacks.sorted(by: { $0.key < $1.key }) { count(place) { $0.callbacksOpen += 1 } }
        for end in callers.finish(now: lastWall) { count(end) }
    }

    private mutating func finish(_ call: OpenCall) {
        if let arrived = call.arrived {
            let place = place(of: call, began: arrived)
            if call.answered {
                count(place) { $0.inProgress += 1 }
            } else {
                count(place) {
                    $0.received += 1
                    $0.open += 1
                }
            }
        }
        if let hold = call.hold {
            var place = place(of: call, began: hold.began)
            place.agent = hold.agent
            count(place) { $0.holdOpen += 1 }
        }
        if let transfer = call.transfer { countOpen(transfer, in: call) }
    }

    /// Counts what is open at the period's end, whenever it began.
    private mutating func countEnd(at wall: Int64) {
        for call in calls.sorted() where call.direction == options.direction && !call.ended {
            count(place(of: call, began: wall)) {
                if call.answered { $0.end.inProgress += 1 } else { $0.end.waiting += 1 }
                if call.hold != nil { $0.end.onHold += 1 }
                if call.transfer != nil { $0.end.inTransfer += 1 }
            }
        }
    }
}

/// What has been counted: in all, and for each value of the keys.
struct MetricsCounts {
    var total: Cell
    var cells: [Cell]
    var keys: [CellKey]
}
