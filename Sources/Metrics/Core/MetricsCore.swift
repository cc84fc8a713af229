import CallEvents
import EventLog
import Foundation

/// Counts events, one pass, in the order of time over all nodes. What it holds grows with the calls that are open, with
/// agents, with the values of the keys asked for, and with the callers of seven days.
struct MetricsCore: ~Copyable {
    let options: MetricsOptions
    private(set) var total = Cell()
    private(set) var cells: [Cell] = []
    private(set) var cellKeys: [CellKey] = []
    /// The moments of the first and the last event, microseconds since 1970.
    private(set) var firstWall: Int64?
    private(set) var lastWall: Int64 = .min
    /// The service level's thresholds that calls named, in seconds.
    private(set) var thresholds: Set<Int32> = []
    var intervals: Intervals
    /// Sets of skills by number, as the reader gives them.
    var skillSets: [[Name]] = [[]]
    private var cellNumbers: [CellKey: Int] = [:]
    private var calls = CallTable()
    /// Ended calls and what a verdict on them has to know.
    private var verdicts = VerdictBook()
    private var callers = CallerBook()
    private var agents: AgentClock
    private let placed: Bool

    init(options: MetricsOptions) {
        self.options = options
        intervals = Intervals(timeZone: options.timeZone)
        agents = AgentClock(perNode: options.by.contains(.node))
        placed = !options.by.isEmpty
    }

    mutating func add(_ fact: Fact) {
        if firstWall == nil { firstWall = fact.wall }
        lastWall = max(lastWall, fact.wall)
        switch fact.type {
        case .callArrived: arrived(fact)
        case .callOpen: wasOpen(fact)
        case .callRefused: count(Attributes(began: fact.wall, node: fact.node)) { $0.refused += 1 }
        case .callQueued, .callDequeued, .callAnswered, .partyJoined, .partyLeft, .holdStarted, .holdEnded,
            .transferStarted, .transferCompleted, .transferFailed, .transferCancelled, .transferFallback, .callEnded:
            guard fact.call != 0 else { break }
            let call = calls.find(fact.call) ?? unknown(fact)
            ofCall(fact, &call.pointee)
            if call.pointee.ended, call.pointee.stays <= 0 { calls.remove(fact.call) }
        case .callDisposition: disposition(fact)
        case .agentStateChanged: agentState(fact)
        case .serviceStarted: agents.restart(fact.node).forEach { close($0) }
        default: break
        }
        agents.heard(fact)
    }

    /// Counts what is open at the log's end, as such.
    mutating func finish() {
        for call in calls.sorted() where call.direction == options.direction && !call.ended { finish(call) }
        agents.finish().forEach { close($0) }
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
        if let transfer = call.transfer { count(place(of: transfer, in: call)) { $0.transfersOpen += 1 } }
    }
}

// Calls.
extension MetricsCore {
    private mutating func arrived(_ fact: Fact) {
        var call = OpenCall(node: fact.node, arrived: fact.wall, direction: fact.direction)
        call.line = fact.line.known
        call.caller = fact.caller
        calls.remove(fact.call)
        _ = calls.insert(fact.call, call)
        guard call.direction == options.direction else {
            verdicts.leaveOut(fact.call, now: fact.wall)
            return
        }
        guard fact.caller != 0 else { return }
        for end in callers.arrived(fact.caller, call: fact.call, at: fact.wall) { count(end) }
    }

    /// A call open when its log begins. (Of a call that is known, a segment says it again.)
    private mutating func wasOpen(_ fact: Fact) {
        guard calls.find(fact.call) == nil else { return }
        var call = OpenCall(node: fact.node, arrived: nil, direction: .inbound)
        call.line = fact.line.known
        call.group = fact.group.known
        _ = calls.insert(fact.call, call)
    }

    /// An event of a call whose beginning is in no log: it is taken for an inbound one.
    private mutating func unknown(_ fact: Fact) -> UnsafeMutablePointer<OpenCall> {
        calls.insert(fact.call, OpenCall(node: fact.node, arrived: nil, direction: .inbound))
    }

    private mutating func ofCall(_ fact: Fact, _ call: inout OpenCall) {
        let counts = call.direction == options.direction
        switch fact.type {
        case .partyJoined: call.stays += 1
        case .partyLeft:
            call.stays -= 1
            if counts { left(fact, call) }
        case .callQueued: queued(fact, &call, counts)
        case .callDequeued:
            guard !call.answered else { break }
            call.lastQueue = fact.queueOutcome
            if fact.queueOutcome == .overflow { call.leftGroup = (fact.group.known, fact.began) }
        case .callAnswered: answered(fact, &call, counts)
        case .holdStarted:
            if fact.reason == .callerPhone {
                call.callerHold = fact.number
            } else {
                call.hold = (fact.number, fact.reason ?? .other, fact.agent.known, fact.wall)
            }
        case .holdEnded: holdEnded(fact, &call, counts)
        case .transferStarted:
            call.transfer = OpenCall.Transfer(
                number: fact.number, kind: fact.kind, agent: fact.agent.known, target: fact.target.known,
                began: fact.wall)
        case .transferCompleted, .transferFailed, .transferCancelled, .transferFallback:
            transfer(fact, &call, counts)
        case .callEnded: ended(fact, &call, counts)
        default: break
        }
    }

    private mutating func queued(_ fact: Fact, _ call: inout OpenCall, _ counts: Bool) {
        guard !call.answered else { return }
        if let left = call.leftGroup, left.group != fact.group, counts {
            // Only the group that was left counts it: the whole has one call, and it is somewhere else now.
            if options.by.contains(.group), call.arrived != nil {
                var place = place(of: call, began: left.began)
                place.group = left.group
                countParts(place) {
                    $0.received += 1
                    $0.overflowed += 1
                    $0.leftForOther += 1
                }
            }
        }
        call.leftGroup = nil
        call.group = fact.group.known
        call.skills = fact.skills
        if fact.serviceLevel >= 0 { call.serviceLevel = fact.serviceLevel }
    }

    private mutating func answered(_ fact: Fact, _ call: inout OpenCall, _ counts: Bool) {
        guard !call.answered else { return }
        call.answered = true
        call.agent = fact.agent.known
        call.line = fact.line.orElse(call.line)
        call.group = fact.group.orElse(call.group)
        guard counts, let arrived = call.arrived else { return }
        let threshold = fact.serviceLevel >= 0 ? fact.serviceLevel : call.serviceLevel
        let seconds = threshold >= 0 ? Int64(threshold) : Int64(options.serviceLevel)
        let place = place(of: call, began: arrived)
        let countsSeconds = options.countsSeconds
        if threshold >= 0 { thresholds.insert(threshold) }
        count(place) {
            $0.received += 1
            $0.answered += 1
            $0.wait.add(fact.length)
            $0.waitConnected += 1
            if fact.flag { $0.response.add(fact.length) }
            if countsSeconds {
                $0.waitSeconds.add(fact.length)
                if fact.flag { $0.responseSeconds.add(fact.length) }
            }
            if fact.length <= seconds * 1000 { $0.answeredWithin += 1 }
            if call.caller == 0 { $0.callersWithheld += 1 }
        }
        if call.caller != 0 {
            let counts = options.includes(arrived)
            callers.answered(call.caller, call: fact.call, at: latePlace(place), counts: counts)
        }
    }

    private mutating func ended(_ fact: Fact, _ call: inout OpenCall, _ counts: Bool) {
        call.ended = true
        if let transfer = call.transfer, counts {
            // Its own closing is missing from the log.
            count(place(of: transfer, in: call)) { $0.transfersOpen += 1 }
        }
        call.transfer = nil
        guard counts else { return }
        verdicts.ended(fact.call, caller: call.caller, now: fact.wall)
        if fact.number > 0, call.caller != 0 { callers.transferred(call.caller, call: fact.call) }
        guard !call.answered, let arrived = call.arrived else { return }
        call.line = fact.line.orElse(call.line)
        call.group = call.group.orElse(fact.group)
        let short = fact.length <= options.shortAbandonMs
        var ended = CallEnded()
        ended.abandoned = fact.flag
        ended.cause = fact.cause
        let outcome = CallOutcome(answered: false, ended: ended, lastQueue: call.lastQueue)
        let countsSeconds = options.countsSeconds
        count(place(of: call, began: arrived)) {
            $0.received += 1
            $0.wait.add(fact.length)
            if countsSeconds { $0.waitSeconds.add(fact.length) }
            switch outcome {
            case .answered: $0.answered += 1
            case .abandoned:
                $0.abandoned += 1
                if short { $0.shortAbandoned += 1 }
            case .overflowed: $0.overflowed += 1
            case .callback: $0.callback += 1
            case .controllerEnded: $0.controllerEnded += 1
            case .lost: $0.lost += 1
            }
        }
    }

    private mutating func disposition(_ fact: Fact) {
        let open = calls.find(fact.call)?.pointee
        if let open, open.direction != options.direction { return }
        guard var known = verdicts.entry(fact.call) else { return }
        if known.caller == 0 { known.caller = open?.caller ?? 0 }
        if known.caller != 0 { callers.resolved(known.caller, call: fact.call, fact.flag) }
        guard options.includes(fact.arrived) else { return }
        // The last verdict is the one that counts: the earlier one is taken back where it was counted.
        let earlier = known.place != nil ? known.resolved : fact.previous
        let place = latePlace(
            Attributes(
                began: fact.arrived, node: fact.node, agent: fact.agent.known, group: fact.group.known,
                line: fact.line.known, code: fact.code.known, skills: open?.skills ?? 0))
        if let earlier {
            count(at: known.place ?? place) {
                $0.disposed -= 1
                if earlier { $0.resolved -= 1 }
            }
        }
        count(at: place) {
            $0.disposed += 1
            if fact.flag { $0.resolved += 1 }
        }
        known.place = place
        known.resolved = fact.flag
        verdicts.set(fact.call, known, fact.wall)
    }
}

// Holds, stays, transfers, agents.
extension MetricsCore {
    private mutating func holdEnded(_ fact: Fact, _ call: inout OpenCall, _ counts: Bool) {
        let opening = call.hold?.number == fact.number ? call.hold : nil
        let reason = fact.reason ?? opening?.reason ?? (call.callerHold == fact.number ? .callerPhone : .other)
        if reason == .callerPhone {
            call.callerHold = nil
            return
        }
        if opening != nil { call.hold = nil }
        guard counts else { return }
        var place = place(of: call, began: fact.began)
        place.agent = fact.agent.or(opening?.agent ?? .null).known
        place.group = fact.group.or(call.group)
        place.line = fact.line.or(call.line)
        let countsSeconds = options.countsSeconds
        count(place) {
            $0.hold.add(fact.length)
            if countsSeconds { $0.holdSeconds.add(fact.length) }
            switch fact.holdOutcome {
            case .resumed, .transferred, .merged: $0.holdConnected += 1
            case .abandoned: $0.holdAbandoned += 1
            case .released, .lost, .other: break
            }
        }
    }

    private mutating func left(_ fact: Fact, _ call: OpenCall) {
        guard fact.agent.known != .null else { return }
        var place = place(of: call, began: fact.began)
        place.agent = fact.agent.known
        place.group = fact.group.or(call.group)
        place.line = fact.line.or(call.line)
        count(place) {
            $0.stays += 1
            $0.talkMs += fact.talkMs
            $0.stayHoldMs += fact.holdMs
        }
    }

    private mutating func transfer(_ fact: Fact, _ call: inout OpenCall, _ counts: Bool) {
        let opening = call.transfer?.number == fact.number ? call.transfer : nil
        var transfer =
            opening
            ?? OpenCall.Transfer(
                number: fact.number, kind: fact.kind, agent: .null, target: .null, began: fact.wall)
        if fact.type == .transferFallback {
            if counts { count(place(of: transfer, in: call)) { $0.fallbacks[fact.step] += 1 } }
            return
        }
        transfer.agent = fact.agent.or(transfer.agent)
        if fact.target.number > 0 { transfer.target = fact.target }
        call.transfer = nil
        guard counts else { return }
        count(place(of: transfer, in: call)) {
            switch fact.type {
            case .transferCompleted: $0.transfersCompleted[fact.kind] += 1
            case .transferFailed: $0.transfersFailed[fact.cause] += 1
            default: $0.transfersCancelled += 1
            }
        }
    }

    private mutating func agentState(_ fact: Fact) {
        let open = fact.call == 0 ? nil : calls.find(fact.call)
        let counts = open.map { $0.pointee.direction == options.direction }
        let change = agents.changed(fact, ofCountedCall: counts)
        if let time = change.time { close(time) }
        if let wrapUp = change.wrapUp {
            let place = Attributes(
                began: fact.began, node: fact.node, agent: fact.agent.known, group: wrapUp.group, line: wrapUp.line)
            count(place) { $0.wrapUpMs += fact.length }
        }
    }

    /// Counts a stretch of an agent's time, cut at the period's edges and at those of intervals.
    private mutating func close(_ time: AgentTime) {
        guard time.state != .offline else { return }
        let from = max(time.from, options.since.map { ceiling($0) } ?? .min)
        let to = min(time.to, options.until.map { ceiling($0) } ?? .max)
        guard from < to else { return }
        total.agentTime[time.state] += to - from
        guard placed, canPlaceAgentTime else { return }
        var start = from
        while start < to {
            let seconds = CivilTime.floor(start, 1000)
            var end = to
            for key in options.by where key.isInterval {
                end = min(end, intervals.range(key, at: seconds).upperBound * 1000)
            }
            let place = Attributes(began: start * 1000, node: time.node, agent: time.agent)
            let length = end - start
            countParts(place) { $0.agentTime[time.state] += length }
            start = end
        }
    }

    /// Microseconds to milliseconds, upwards: the first millisecond that belongs to the period.
    private func ceiling(_ wall: Int64) -> Int64 { -CivilTime.floor(-wall, 1000) }

    /// Time in a state belongs to an agent, not to a group, a line or a target.
    private var canPlaceAgentTime: Bool {
        options.by.allSatisfy { $0 == .agent || $0 == .node || $0.isInterval }
    }
}

// Cells.
extension MetricsCore {
    private func place(of call: OpenCall, began: Int64) -> Attributes {
        Attributes(
            began: began, node: call.node, agent: call.agent, group: call.group, line: call.line, skills: call.skills)
    }

    private func place(of transfer: OpenCall.Transfer, in call: OpenCall) -> Attributes {
        var place = place(of: call, began: transfer.began)
        place.agent = transfer.agent
        place.target = transfer.target
        return place
    }

    private mutating func count(_ end: CallerBook.End) {
        count(at: end.place) {
            switch end.outcome {
            case .resolved:
                $0.firstCalls += 1
                $0.firstCallsResolved += 1
            case .unresolved: $0.firstCalls += 1
            case .pending: $0.firstCallsPending += 1
            }
        }
    }

    /// The cell to count in later, small enough to be kept. (Of a call that asked for several skills, the first's.)
    private mutating func latePlace(_ place: Attributes) -> LatePlace {
        guard placed else { return LatePlace(cell: -1) }
        return LatePlace(cell: Int32(cell(place, skill: skillSets[Int(place.skills)].first ?? .null)))
    }

    private mutating func count(at place: LatePlace, _ change: (inout Cell) -> Void) {
        change(&total)
        if place.cell >= 0 { change(&cells[Int(place.cell)]) }
    }

    /// Changes the total and the cells that the place belongs to, where it began within the period.
    private mutating func count(_ place: Attributes, _ change: (inout Cell) -> Void) {
        guard options.includes(place.began) else { return }
        change(&total)
        if placed { countCells(place, change) }
    }

    /// As `count`, without the total.
    private mutating func countParts(_ place: Attributes, _ change: (inout Cell) -> Void) {
        if options.includes(place.began) { countCells(place, change) }
    }

    private mutating func countCells(_ place: Attributes, _ change: (inout Cell) -> Void) {
        guard options.by.contains(.skill), place.skills > 0 else {
            change(&cells[cell(place, skill: .null)])
            return
        }
        for skill in skillSets[Int(place.skills)] { change(&cells[cell(place, skill: skill)]) }
    }

    private mutating func cell(_ place: Attributes, skill: Name) -> Int {
        var key = CellKey()
        let seconds = CivilTime.floor(place.began, 1_000_000)
        for (index, by) in options.by.enumerated() {
            switch by {
            case .group: key.values[index] = Int64(place.group.known.number)
            case .agent: key.values[index] = Int64(place.agent.known.number)
            case .line: key.values[index] = Int64(place.line.known.number)
            case .node: key.values[index] = Int64(place.node.known.number)
            case .target: key.values[index] = Int64(place.target.known.number)
            case .code: key.values[index] = Int64(place.code.known.number)
            case .skill: key.values[index] = Int64(skill.number)
            default: key.values[index] = intervals.range(by, at: seconds).lowerBound
            }
        }
        if let number = cellNumbers[key] { return number }
        cellNumbers[key] = cells.count
        cells.append(Cell())
        cellKeys.append(key)
        return cells.count - 1
    }
}
