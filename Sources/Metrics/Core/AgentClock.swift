import CallEvents
import EventLog

/// A stretch of an agent's time in one state, milliseconds since 1970.
struct AgentTime {
    var agent: Name
    /// Null where several nodes know the agent.
    var node: Name
    var state: AgentState
    var from: Int64
    var to: Int64
}

/// Follows the states of agents. On one node a state's length is the log's own `in_state_ms`. An agent known to several
/// nodes has at each instant the busiest of its states there. The nodes' monotonic clocks have nothing in common: each
/// tells how far it is from where the node's wall clock stood when its run began, so that the steps of wall clocks do not
/// count and stretches add up to the log's own lengths.
struct AgentClock {
    /// A state on one node.
    private struct Presence {
        var node: Name
        var state: AgentState
        /// When it began: milliseconds since 1970 by the run's clock, and of the monotonic clock.
        var since: Int64
        var mono: Int64
        /// What it belongs to: of wrap-up, the call before it.
        var group = Name.null
        var line = Name.null
        /// Whether the last call was one that is counted.
        var ofCountedCall = true
    }

    private struct Track {
        let agent: Name
        var presences: [Presence] = []
        /// Whether several nodes have known the agent: its time is told by the wall clock from then on.
        var isShared = false
        /// Up to when the agent's time has been counted.
        var counted: Int64?
    }

    /// What a node said last: milliseconds since 1970 as its clock showed it, and of the monotonic clock.
    private struct Said {
        var node: Name
        /// The run's clock: what is added to the monotonic one for milliseconds since 1970.
        var origin: Int64
        var wall: Int64
        var mono: Int64

        var time: Int64 { origin + mono }
    }

    /// Milliseconds by which an event may be older than the one before it without being of another boot.
    private static let tolerance: Int64 = 60_000

    /// What a change of state closes.
    struct Change {
        var time: AgentTime?
        /// Of an agent of several nodes.
        var shared: [AgentTime] = []
        /// The group and line of a wrap-up that ended.
        var wrapUp: (group: Name, line: Name)?
    }

    /// Each node's states apart.
    let perNode: Bool
    private var tracks: [Track] = []
    /// The track of a name's number, -1 where there is none.
    private var numbers: [Int32] = []
    private var last: [Said] = []

    init(perNode: Bool) { self.perNode = perNode }

    mutating func heard(_ fact: Fact) {
        let wall = CivilTime.floor(fact.wall, 1000)
        guard let index = index(of: fact.node) else {
            last.append(Said(node: fact.node, origin: wall - fact.mono, wall: wall, mono: fact.mono))
            return
        }
        if Self.begins(fact, after: last[index]) { last[index].origin = wall - fact.mono }
        last[index].wall = wall
        last[index].mono = fact.mono
    }

    private func index(of node: Name) -> Int? {
        if let first = last.first, first.node == node { return 0 }
        return last.firstIndex { $0.node == node }
    }

    /// Whether a run begins with the event, maybe after a boot.
    private static func begins(_ fact: Fact, after said: Said) -> Bool {
        fact.type == .serviceStarted || fact.mono + tolerance < said.mono
    }

    /// When an event happened, by the clock of its run.
    private func moment(of fact: Fact) -> Int64 {
        if let index = index(of: fact.node), !Self.begins(fact, after: last[index]) {
            return last[index].origin + fact.mono
        }
        return CivilTime.floor(fact.wall, 1000)
    }

    private mutating func track(of agent: Name) -> Int {
        let number = Int(agent.number)
        if number >= numbers.count {
            numbers += repeatElement(-1, count: number + 1 - numbers.count)
        }
        if numbers[number] < 0 {
            numbers[number] = Int32(tracks.count)
            tracks.append(Track(agent: agent))
        }
        return Int(numbers[number])
    }

    mutating func changed(_ fact: Fact, ofCountedCall: Bool?) -> Change {
        let number = track(of: fact.agent.known)
        return Self.change(&tracks[number], fact, moment(of: fact), ofCountedCall, perNode)
    }

    // These take a track alone, so that changing it in place copies nothing.

    private static func change(
        _ track: inout Track, _ fact: Fact, _ now: Int64, _ ofCountedCall: Bool?, _ perNode: Bool
    ) -> Change {
        let node = fact.node
        var change = Change()
        let known = track.presences.firstIndex { $0.node == node }
        if let index = known {
            // A segment's opening says the state again: its time is counted when it changes.
            guard fact.old != fact.new else { return change }
            change = close(&track, at: index, fact, now, perNode)
        } else {
            // The log begins here for this agent and node; a state said again has gone on for a while.
            if !track.presences.isEmpty { track.isShared = true }
            let isOld = fact.old == fact.new || (fact.length > 0 && fact.old != .other)
            let length = isOld ? fact.length : 0
            track.presences.append(
                Presence(
                    node: node, state: isOld ? fact.old : fact.new, since: now - length, mono: fact.mono - length))
            if isOld, fact.old != fact.new {
                change = close(&track, at: track.presences.count - 1, fact, now, perNode)
            }
        }
        note(&track.presences[known ?? track.presences.count - 1], fact, ofCountedCall)
        return change
    }

    private static func close(
        _ track: inout Track, at index: Int, _ fact: Fact, _ now: Int64, _ perNode: Bool
    ) -> Change {
        var change = Change()
        if perNode || !track.isShared {
            let wall = CivilTime.floor(fact.wall, 1000)
            change.time = AgentTime(
                agent: track.agent, node: fact.node, state: fact.old, from: wall - fact.length, to: wall)
            track.counted = now
        } else {
            change.shared = sweep(&track, to: now)
        }
        var presence = track.presences[index]
        if fact.old == .wrapUp, presence.ofCountedCall {
            change.wrapUp = (fact.group.orElse(presence.group), fact.line.orElse(presence.line))
        }
        (presence.state, presence.since, presence.mono) = (fact.new, now, fact.mono)
        track.presences[index] = presence
        return change
    }

    private static func note(_ presence: inout Presence, _ fact: Fact, _ ofCountedCall: Bool?) {
        if let ofCountedCall { presence.ofCountedCall = ofCountedCall }
        if fact.call != 0 {
            presence.group = fact.group.known
            presence.line = fact.line.known
        }
    }

    /// Counts the time of an agent of several nodes up to now, at each instant by the busiest state of those that had
    /// begun.
    private static func sweep(_ track: inout Track, to now: Int64) -> [AgentTime] {
        var times: [AgentTime] = []
        guard var from = track.counted ?? track.presences.map(\.since).min() else { return times }
        while from < now {
            let busiest = track.presences.filter { $0.since <= from }.max { rank($0.state) < rank($1.state) }
            let to = track.presences.map(\.since).filter { $0 > from }.min().map { min($0, now) } ?? now
            if let busiest {
                times.append(AgentTime(agent: track.agent, node: .null, state: busiest.state, from: from, to: to))
            }
            from = to
        }
        track.counted = from
        return times
    }

    private static func rank(_ state: AgentState) -> Int {
        switch state {
        case .offline: 0
        case .other: 1
        case .paused: 2
        case .available: 3
        case .wrapUp: 4
        case .ringing: 5
        case .consulting: 6
        case .talking: 7
        }
    }

    /// The service began anew: what was open on that node ended, as far as is known, with the last that it said.
    mutating func restart(_ node: Name) -> [AgentTime] {
        guard let said = last.first(where: { $0.node == node }) else { return [] }
        var times: [AgentTime] = []
        for number in tracks.indices {
            guard let index = tracks[number].presences.firstIndex(where: { $0.node == node }) else { continue }
            times += Self.end(&tracks[number], at: index, said, perNode)
            tracks[number].presences.remove(at: index)
        }
        return times
    }

    /// The end of the log: what is open is counted up to the last that its node said; of an agent of several nodes, up to
    /// the last that any said.
    mutating func finish() -> [AgentTime] {
        var times: [AgentTime] = []
        let end = last.map(\.time).max() ?? 0
        for number in tracks.indices where tracks[number].isShared && !perNode {
            times += Self.sweep(&tracks[number], to: end)
        }
        for node in last.map(\.node) { times += restart(node) }
        return times
    }

    private static func end(
        _ track: inout Track, at index: Int, _ said: Said, _ perNode: Bool
    ) -> [AgentTime] {
        guard perNode || !track.isShared else { return sweep(&track, to: said.time) }
        let presence = track.presences[index]
        let length = max(0, said.mono - presence.mono)
        track.counted = said.time
        return [
            AgentTime(
                agent: track.agent, node: presence.node, state: presence.state, from: said.wall - length, to: said.wall)
        ]
    }
}
