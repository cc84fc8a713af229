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
        var times: [AgentTime] = []
        /// The group and line of a wrap-up that ended.
        var wrapUp: (group: Name, line: Name)?
    }

    /// Each node's states apart.
    let perNode: Bool
    private var tracks: [Name: Track] = [:]
    /// What each node said last: milliseconds since 1970, and of the monotonic clock.
    private var last: [Name: (wall: Int64, mono: Int64)] = [:]

    init(perNode: Bool) { self.perNode = perNode }

    mutating func heard(_ fact: Fact) { last[fact.node] = (CivilTime.floor(fact.wall, 1000), fact.mono) }

    mutating func changed(_ fact: Fact, ofCountedCall: Bool?) -> Change {
        let wall = CivilTime.floor(fact.wall, 1000)
        let agent = fact.agent.known
        var track = tracks[agent] ?? Track()
        defer { tracks[agent] = track }
        var change = Change()
        guard let index = track.presences.firstIndex(where: { $0.node == fact.node }) else {
            // The log begins here for this agent and node; a state said again has gone on for a while.
            let began = wall - fact.length
            if fact.old != fact.new, fact.length > 0, fact.old != .other {
                if !track.presences.isEmpty { track.isShared = true }
                track.presences.append(Presence(node: fact.node, state: fact.old, wall: began, mono: 0))
                change = close(&track, agent: agent, at: track.presences.count - 1, fact, wall)
            } else {
                change.times = sweep(&track, agent: agent, to: wall)
                let again = fact.old == fact.new
                if !track.presences.isEmpty { track.isShared = true }
                track.presences.append(
                    Presence(
                        node: fact.node, state: fact.new, wall: again ? began : wall,
                        mono: again ? fact.mono - fact.length : fact.mono))
            }
            note(&track, fact, ofCountedCall)
            return change
        }
        // A segment's opening says the state again: its time is counted when it changes.
        guard fact.old != fact.new else { return change }
        change = close(&track, agent: agent, at: index, fact, wall)
        note(&track, fact, ofCountedCall)
        return change
    }

    private func close(
        _ track: inout Track, agent: Name, at index: Int, _ fact: Fact, _ wall: Int64
    ) -> Change {
        var change = Change()
        if perNode || !track.isShared {
            change.times = [
                AgentTime(
                    agent: agent, node: fact.node, state: fact.old, from: wall - fact.length, to: wall)
            ]
            track.counted = wall
        } else {
            change.times = sweep(&track, agent: agent, to: wall)
        }
        if fact.old == .wrapUp, track.ofCountedCall {
            change.wrapUp = (fact.group.orElse(track.group), fact.line.orElse(track.line))
        }
        track.presences[index] = Presence(node: fact.node, state: fact.new, wall: wall, mono: fact.mono)
        return change
    }

    private func note(_ track: inout Track, _ fact: Fact, _ ofCountedCall: Bool?) {
        if let ofCountedCall { track.ofCountedCall = ofCountedCall }
        if fact.call != 0 {
            track.group = fact.group.known
            track.line = fact.line.known
        }
    }

    /// Counts the time of an agent of several nodes up to now.
    private func sweep(_ track: inout Track, agent: Name, to wall: Int64) -> [AgentTime] {
        guard !perNode, let busiest = track.presences.max(by: { Self.rank($0.state) < Self.rank($1.state) }) else {
            return []
        }
        let from = max(track.counted, track.counted == 0 ? busiest.wall : 0)
        guard from < wall else { return [] }
        track.counted = wall
        return [AgentTime(agent: agent, node: .null, state: busiest.state, from: from, to: wall)]
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
        guard let last = last[node] else { return [] }
        var times: [AgentTime] = []
        for agent in tracks.keys.sorted(by: { $0.number < $1.number }) {
            guard var track = tracks[agent], let index = track.presences.firstIndex(where: { $0.node == node }) else {
                continue
            }
            times += end(&track, agent: agent, at: index, last)
            track.presences.remove(at: index)
            tracks[agent] = track
        }
        return times
    }

    /// The end of the log: what is open is counted up to the last that its node said.
    mutating func finish() -> [AgentTime] { last.keys.sorted { $0.number < $1.number }.flatMap { restart($0) } }

    private func end(
        _ track: inout Track, agent: Name, at index: Int, _ last: (wall: Int64, mono: Int64)
    ) -> [AgentTime] {
        guard perNode || !track.isShared else { return sweep(&track, agent: agent, to: last.wall) }
        let presence = track.presences[index]
        let length = max(0, last.mono - presence.mono)
        track.counted = last.wall
        return [
            AgentTime(agent: agent, node: presence.node, state: presence.state, from: last.wall - length, to: last.wall)
        ]
    }
}
