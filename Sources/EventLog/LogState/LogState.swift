import CallEvents

/// What a log says is open: calls and the states of agents. The writer keeps it to open a segment with it; at a start it
/// is made from the log, to close what the last run left open.
struct LogState {
    struct Agent {
        var state: AgentState
        /// On the monotonic clock.
        var since: Int64
        var event: AgentStateChanged
        let order: UInt64
    }

    private var calls: [String: OpenCall] = [:]
    private var agents: [String: Agent] = [:]
    /// Numbers calls and agents in the order in which the log first names them.
    private var order: UInt64 = 0
    /// The boot of the machine that the events are of.
    private(set) var boot = ""
    /// The latest instant that the log knows of that boot; null where it says nothing.
    private(set) var last: EventTime?
    /// Whether the service said that it stops, and has not started since.
    private(set) var isStopping = false

    /// Whether some open call was told of by a segment's opening alone, so that earlier segments know more of it.
    var lacksArrivals: Bool { calls.values.contains { !$0.isWhole } }

    /// Calls whose callers have not left.
    var openCalls: Int { calls.values.count { !$0.hasEnded } }

    /// Whether anything is open that a new run does not take over.
    var hasOpen: Bool { !calls.isEmpty || agents.values.contains { $0.state != .offline } }

    mutating func apply(_ record: CallRecord) {
        let mono = record.time.monoMilliseconds
        if case .logSegment(let fields) = record.event, fields.boot != boot {
            boot = fields.boot
            last = record.time
        }
        if last.map({ mono > $0.monoMilliseconds }) ?? true { last = record.time }
        switch record.event {
        case .serviceStarted: isStopping = false
        case .serviceStopping: isStopping = true
        case .agentStateChanged(let fields): apply(fields, at: mono)
        case .callArrived(let fields):
            guard let id = record.call else { break }
            order += 1
            calls[id] = OpenCall(id, fields, at: record.time, order: order)
        case .callOpen(let fields):
            guard let id = record.call, calls[id] == nil else { break }
            order += 1
            calls[id] = OpenCall(id, fields, at: record.time, order: order)
        default:
            // Looked up once: this is done for every line.
            guard let id = record.call, let place = calls.index(forKey: id) else { break }
            if calls.values[place].close(by: record.event, at: mono) { calls.remove(at: place) }
        }
    }

    private mutating func apply(_ event: AgentStateChanged, at mono: Int64) {
        let old = agents[event.agent]
        if old == nil { order += 1 }
        // A segment's opening says the same state again, and since when; it is no change.
        if event.old == event.new, old?.state == event.new { return }
        let since = event.old == event.new ? mono - Int64(event.inStateMs) : mono
        agents[event.agent] = Agent(state: event.new, since: since, event: event, order: old?.order ?? order)
    }

    /// A run begins: nothing is open, and the monotonic clock may be another.
    mutating func begin() {
        calls = [:]
        agents = [:]
        last = nil
    }

    /// The lines that open a segment.
    func opening(at time: EventTime, boot: String) -> [CallRecord] {
        let open = calls.values.filter { !$0.hasEnded }.sorted { $0.order < $1.order }
        let states = agents.values.sorted { $0.order < $1.order }
        let segment = LogSegment(boot: boot, openCalls: open.count, agents: states.count)
        var records = [CallRecord(time: time, event: .logSegment(segment))]
        for call in open { records.append(call.opening(at: time)) }
        for agent in states {
            var event = agent.event
            event.old = agent.state
            event.inStateMs = Int(time.monoMilliseconds - agent.since)
            records.append(CallRecord(time: time, event: .agentStateChanged(event)))
        }
        return records
    }

    /// The lines that close everything at that time: calls as lost, agents as offline.
    func closings(at time: EventTime) -> [CallRecord] {
        var records: [CallRecord] = []
        for call in calls.values.sorted(by: { $0.order < $1.order }) { records += call.closings(at: time) }
        for agent in agents.values.sorted(by: { $0.order < $1.order }) where agent.state != .offline {
            let event = AgentStateChanged(
                agent: agent.event.agent, old: agent.state, new: .offline,
                inStateMs: Int(time.monoMilliseconds - agent.since), reason: isStopping ? "stopped" : "lost")
            records.append(CallRecord(time: time, event: .agentStateChanged(event)))
        }
        return records
    }
}
