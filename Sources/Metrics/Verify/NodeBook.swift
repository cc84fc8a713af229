import CallEvents

/// What one node's log has said so far, as far as its rules need it.
struct NodeBook {
    /// How many lines back a repeat is compared with the original: the log's greatest number of unwritten lines.
    private static let remembered = 1 << 20
    /// A verdict is taken until a day after the end of its call; an hour more for clock steps.
    private static let verdictTime: Int64 = 25 * 3600 * 1_000_000

    private var firstSeq: UInt64?
    private var lastSeq: UInt64 = 0
    private var seen = SeenNumbers(remembered: NodeBook.remembered)
    private var calls: [String: CallBook] = [:]
    private var agents: [String: AgentBook] = [:]
    /// Ended calls in the order of their ends, to forget them.
    private var endedCalls: [(id: String, wall: Int64)] = []
    private var endedHead = 0
    /// How many times the service has started in this log.
    private var run = 0
    /// What a `log.segment` announced and has not been seen yet.
    private var announced: (calls: Int, agents: Int, seen: Set<String>)?
    private var received = OutcomeCounts()
    private var callbacks = CallbackBooks()

    mutating func check(_ event: LoggedEvent, _ findings: inout Findings) {
        guard isNew(event, &findings) else { return }
        checkEnvelope(event, &findings)
        checkSnapshot(event, &findings)
        switch event.event {
        case .serviceStarted:
            run += 1
            agents = [:]
        case .agentStateChanged(let fields):
            agents[fields.agent, default: AgentBook()].check(fields, at: event.time.monoMilliseconds, &findings)
        case .logSegment(let fields):
            let open = calls.values.count { $0.ended == nil }
            // The first segment of a log tells us what is open; a later one has to agree with what we know.
            if lastSeq != firstSeq, fields.openCalls != open {
                findings.add(.segment, "open_calls is \(fields.openCalls), but \(open) are open")
            }
            if fields.openCalls > 0 || fields.agents > 0 { announced = (fields.openCalls, fields.agents, []) }
        default:
            guard let id = event.call else { break }
            let isApart = callbacks.check(event, call: id, run: run, isWhole: firstSeq == 1, &findings)
            if !isApart || calls[id] != nil { checkCall(id, event, &findings) }
        }
        forget(before: event.time.wall - Self.verdictTime)
    }

    mutating func finish(complete: Bool, _ findings: inout Findings) {
        for id in calls.keys.sorted() {
            guard let call = calls[id] else { continue }
            if call.ended == nil, call.lastRun < run {
                findings.add(.closing, call: id, "open since an earlier run of the service and never closed")
            } else if complete {
                call.finish(id: id, &findings)
            }
        }
        received.open = calls.values.count { $0.ended == nil && $0.counts }
        if received.arrived != received.outcomes {
            findings.add(
                .outcome, "\(received.arrived) inbound calls arrived, but their outcomes add up to \(received.outcomes)"
            )
        }
    }

    /// Whether the event has not been seen.
    private mutating func isNew(_ event: LoggedEvent, _ findings: inout Findings) -> Bool {
        let mark = UInt32(truncatingIfNeeded: event.hashValue)
        switch seen.verdict(event.seq, mark: mark, opens: false) {
        case .repeated: return false
        case .taken:
            findings.add(.sequence, "seq \(event.seq) was used before by another event")
            return false
        case .forgotten:
            findings.add(.sequence, "seq \(event.seq) is far out of order")
            return false
        case .new: break
        }
        if firstSeq == nil {
            firstSeq = event.seq
        } else if event.seq != lastSeq + 1 {
            findings.add(.sequence, "seq \(event.seq) follows \(lastSeq)")
        }
        lastSeq = event.seq
        seen.insert(event.seq, mark: mark, opens: false)
        return true
    }

    private func checkEnvelope(_ event: LoggedEvent, _ findings: inout Findings) {
        switch event.event {
        case .serviceStarted, .serviceStopping, .serviceRecovered, .serviceAlive, .logSegment, .callRefused:
            if event.call != nil { findings.add(.envelope, "\(event.event.type) belongs to no call") }
        case .agentStateChanged, .other: break
        default:
            guard let call = event.call, !call.isEmpty else {
                findings.add(.envelope, "\(event.event.type) names no call")
                return
            }
            if !call.hasPrefix(event.node) {
                findings.add(.envelope, "the call's id does not begin with the node's name \(event.node)")
            }
        }
    }

    private mutating func checkSnapshot(_ event: LoggedEvent, _ findings: inout Findings) {
        guard var snapshot = announced else { return }
        announced = nil
        switch event.event {
        case .callOpen where snapshot.calls > 0:
            snapshot.calls -= 1
            if let call = event.call, !snapshot.seen.insert(call).inserted {
                findings.add(.segment, "call.open twice in one segment's opening")
            }
        case .agentStateChanged(let fields) where snapshot.agents > 0 && fields.old == fields.new:
            snapshot.agents -= 1
        default:
            findings.add(
                .segment,
                "the segment's opening lacks \(snapshot.calls) call.open and \(snapshot.agents) agent.state")
            return
        }
        if snapshot.calls > 0 || snapshot.agents > 0 { announced = snapshot }
    }

    private mutating func checkCall(_ id: String, _ event: LoggedEvent, _ findings: inout Findings) {
        let mono = event.time.monoMilliseconds
        if case .callArrived(let fields) = event.event {
            guard calls[id] == nil else { return findings.add(.opening, "the call's id was used before") }
            calls[id] = CallBook(fields, at: event.time, run: run)
            if fields.direction == .inbound { received.arrived += 1 }
            return
        }
        if case .callOpen(let fields) = event.event {
            if calls[id] == nil {
                if lastSeq != firstSeq, firstSeq == 1 {
                    findings.add(.opening, "call.open of a call that never arrived")
                }
                calls[id] = CallBook(fields, at: event.time, run: run)
            } else {
                calls[id]?.checkOpen(fields, at: event.time, run: run, &findings)
            }
            return
        }
        guard calls[id] != nil else {
            unknown(event, &findings)
            return
        }
        let wasOpen = calls[id]?.ended == nil
        calls[id]?.check(event, at: mono, run: run, &findings)
        if wasOpen, let call = calls[id], call.ended != nil {
            endedCalls.append((id, event.time.wall))
            if call.counts, let outcome = call.outcome { received.add(outcome) }
        }
    }

    /// An event of a call that has not been seen: right only where the log begins later than the call.
    private func unknown(_ event: LoggedEvent, _ findings: inout Findings) {
        switch event.event {
        case .callDisposition, .consultEnded, .partyLeft:
            if firstSeq != 1 { return }
        case .other: return
        default: break
        }
        findings.add(.opening, "\(event.event.type) of a call that never arrived")
    }

    private mutating func forget(before wall: Int64) {
        while endedHead < endedCalls.count, endedCalls[endedHead].wall < wall {
            calls[endedCalls[endedHead].id] = nil
            callbacks.forget(endedCalls[endedHead].id, run: run)
            endedHead += 1
        }
        if endedHead > 4096, endedHead * 2 > endedCalls.count {
            endedCalls.removeFirst(endedHead)
            endedHead = 0
        }
    }
}

/// The states of one agent.
struct AgentBook {
    private var state: AgentState?
    private var changed: Int64 = 0
    private var said: Int64 = 0

    mutating func check(_ fields: AgentStateChanged, at mono: Int64, _ findings: inout Findings) {
        if let state {
            if fields.old != state {
                findings.add(
                    .state, "agent \(fields.agent): old is \(fields.old.rawValue), but was \(state.rawValue)")
            }
            // A segment's opening says the state again: its length so far counts from the change, or from there.
            let length = Int64(fields.inStateMs)
            if length != mono - changed, length != mono - said {
                findings.add(
                    .duration, "agent \(fields.agent): in_state_ms is \(length), expected \(mono - changed)")
            }
        }
        if fields.inStateMs < 0 { findings.add(.duration, "agent \(fields.agent): in_state_ms is negative") }
        if state == nil || fields.old != fields.new {
            // Where a log begins with the state said again, its beginning lies before.
            changed = fields.old == fields.new ? mono - Int64(fields.inStateMs) : mono
        }
        state = fields.new
        said = mono
    }
}
