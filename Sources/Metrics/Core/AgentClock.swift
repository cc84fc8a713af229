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
/// nodes has at each instant the busiest of its states there, told by the wall clock: the nodes' monotonic clocks have
/// nothing in common.
struct AgentClock {
    /// A state on one node.
    private struct Presence {
        var node: Name
        var state: AgentState
        /// When it began: milliseconds since 1970, and of the monotonic clock.
        var wall: Int64
        var mono: Int64
    }

    private struct Track {
        let agent: Name
        var presences: [Presence] = []
        /// Whether several nodes have known the agent: its time is told by the wall clock from then on.
        var isShared = false
        /// Up to when the time of an agent of several nodes has been counted.
        var counted: Int64 = 0
        /// What the state belongs to: of wrap-up, the call before it.
        var group = Name.null
        var line = Name.null
        /// Whether the last call was one that is counted.
        var ofCountedCall = true
    }

    /// What a change of state closes.
    struct Change {
        var time: AgentTime?
        /// The group and line of a wrap-up that ended.
        var wrapUp: (group: Name, line: Name)?
    }

    /// Each node's states apart.
    let perNode: Bool
    private var tracks: [Track] = []
    /// The track of a name's number, -1 where there is none.
    private var numbers: [Int32] = []
    /// What each node said last: milliseconds since 1970, and of the monotonic clock.
    private var last: [(node: Name, wall: Int64, mono: Int64)] = []

    init(perNode: Bool) { self.perNode = perNode }

    mutating func heard(_ fact: Fact) {
        let node = fact.node
        let index: Int
        if let first = last.first, first.node == node {
            index = 0
        } else if let known = last.firstIndex(where: { $0.node == node }) {
            index = known
        } else {
            index = last.count
            last.append((node, 0, 0))
        }
        last[index].wall = CivilTime.floor(fact.wall, 1000)
        last[index].mono = fact.mono
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
        return Self.change(&tracks[number], fact, ofCountedCall, perNode)
    }

    // These take a track alone, so that changing it in place copies nothing.

    private static func change(
        _ track: inout Track, _ fact: Fact, _ ofCountedCall: Bool?, _ perNode: Bool
    ) -> Change {
        let wall = CivilTime.floor(fact.wall, 1000)
        let node = fact.node
        var change = Change()
        guard let index = track.presences.firstIndex(where: { $0.node == node }) else {
            // The log begins here for this agent and node; a state said again has gone on for a while.
            let began = wall - fact.length
            if !track.presences.isEmpty { track.isShared = true }
            if fact.old != fact.new, fact.length > 0, fact.old != .other {
                track.presences.append(Presence(node: node, state: fact.old, wall: began, mono: 0))
                change = close(&track, at: track.presences.count - 1, fact, wall, perNode)
            } else {
                change.time = sweep(&track, to: wall, perNode)
                let again = fact.old == fact.new
                track.presences.append(
                    Presence(
                        node: node, state: fact.new, wall: again ? began : wall,
                        mono: again ? fact.mono - fact.length : fact.mono))
            }
            note(&track, fact, ofCountedCall)
            return change
        }
        // A segment's opening says the state again: its time is counted when it changes.
        guard fact.old != fact.new else { return change }
        change = close(&track, at: index, fact, wall, perNode)
        note(&track, fact, ofCountedCall)
        return change
    }

    private static func close(
        _ track: inout Track, at index: Int, _ fact: Fact, _ wall: Int64, _ perNode: Bool
    ) -> Change {
        var change = Change()
        if perNode || !track.isShared {
            change.time = AgentTime(
                agent: track.agent, node: fact.node, state: fact.old, from: wall - fact.length, to: wall)
            track.counted = wall
        } else {
            change.time = sweep(&track, to: wall, perNode)
        }
        if fact.old == .wrapUp, track.ofCountedCall {
            change.wrapUp = (fact.group.orElse(track.group), fact.line.orElse(track.line))
        }
        track.presences[index] = Presence(node: fact.node, state: fact.new, wall: wall, mono: fact.mono)
        return change
    }

    private static func note(_ track: inout Track, _ fact: Fact, _ ofCountedCall: Bool?) {
        if let ofCountedCall { track.ofCountedCall = ofCountedCall }
        if fact.call != 0 {
            track.group = fact.group.known
            track.line = fact.line.known
        }
    }

    /// Counts the time of an agent of several nodes up to now.
    private static func sweep(_ track: inout Track, to wall: Int64, _ perNode: Bool) -> AgentTime? {
        guard !perNode, let busiest = track.presences.max(by: { rank($0.state) < rank($1.state) }) else {
            return nil
        }
        let from = track.counted == 0 ? busiest.wall : track.counted
        guard from < wall else { return nil }
        track.counted = wall
        return AgentTime(agent: track.agent, node: .null, state: busiest.state, from: from, to: wall)
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
        guard let last = last.first(where: { $0.node == node }) else { return [] }
        var times: [AgentTime] = []
        for number in tracks.indices {
            guard let index = tracks[number].presences.firstIndex(where: { $0.node == node }) else { continue }
            if let time = Self.end(&tracks[number], at: index, wall: last.wall, mono: last.mono, perNode) {
                times.append(time)
            }
            tracks[number].presences.remove(at: index)
        }
        return times
    }

    /// The end of the log: what is open is counted up to the last that its node said.
    mutating func finish() -> [AgentTime] {
        let nodes = last.sorted { $0.wall < $1.wall }.map(\.node)
        return nodes.flatMap { restart($0) }
    }

    private static func end(
        _ track: inout Track, at index: Int, wall: Int64, mono: Int64, _ perNode: Bool
    ) -> AgentTime? {
        guard perNode || !track.isShared else { return sweep(&track, to: wall, perNode) }
        let presence = track.presences[index]
        let length = max(0, mono - presence.mono)
        track.counted = wall
        return AgentTime(
            agent: track.agent, node: presence.node, state: presence.state, from: wall - length, to: wall)
    }
}
