import CallEvents

/// An agent as the engine knows them: what they say (login, pause) and what their legs are at. Their state follows from
/// both.
struct Agent: Codable, Sendable {
    /// What one leg of an agent's is at. In a call of one's own it is talking from the start.
    struct Occupation: Codable, Sendable, Equatable {
        enum Kind: Int, Codable, Sendable { case ringing, consulting, talking }

        var leg: LegID
        var kind: Kind
        var call: String
        var group: String?
        var line: String?
    }

    /// The work after a call that the agent has left. It begins in the moment in which no leg keeps the agent busy; a
    /// call that comes before its end puts an end to it.
    struct WrapUp: Codable, Sendable {
        var call: String
        var group: String?
        var line: String?
        var timer: TimerID?
    }

    let name: String
    var isLoggedIn = false
    /// Logged out by a word of theirs: `login: auto` has no say until they log in again.
    var hasLoggedOut = false
    var isPaused = false
    var occupations: [Occupation] = []
    var wrapUp: WrapUp?
    var state = AgentState.offline
    var since = EventTime(wall: 0, mono: 0)
    /// The log has said a state.
    var hasState = false
    /// Why the state is about to change, where it is not a call's doing; afterwards, why it is what it is.
    var reason: String?
    /// Living legs, ringing and consults included.
    var legs = 0
    /// Callers whom this agent has left with a transfer that is still open: they may come back.
    var pending = 0
    /// Offers in a row that were not taken.
    var refusals = 0
    /// The caller they were with last.
    var lastCall: String?
    /// Callers answered since the start.
    var handled = 0
    /// Counted among those logged in, of this tier.
    var countedTier: Int?
    /// Stands among the free members of their groups.
    var isFree = false
    /// Will be looked at when the present input has been handled.
    var isTouched = false

    init(name: String) { self.name = name }

    /// The busiest of what the legs are at; of equals the one that began first.
    var occupation: Occupation? {
        var busiest: Occupation?
        for occupation in occupations where occupation.kind.rawValue > busiest?.kind.rawValue ?? -1 {
            busiest = occupation
        }
        return busiest
    }

    /// The state that follows from all this.
    var derived: AgentState {
        switch occupation?.kind {
        case .talking: return .talking
        case .consulting: return .consulting
        case .ringing: return .ringing
        case nil: break
        }
        guard isLoggedIn else { return .offline }
        if wrapUp != nil { return .wrapUp }
        return isPaused ? .paused : .available
    }
}

extension Context {
    /// Changes an agent, who is looked at again once the input has been handled.
    mutating func touch(_ name: String?, _ change: (inout Agent) -> Void) {
        guard let name, let index = agents.index(forKey: name) else { return }
        change(&agents.values[index])
        guard !agents.values[index].isTouched else { return }
        agents.values[index].isTouched = true
        touched.append(name)
    }

    /// Makes the agents those of the configuration. Who is no longer in it is logged out.
    mutating func takeAgents() {
        for settings in directory.configuration.agents where agents[settings.name] == nil {
            var agent = Agent(name: settings.name)
            if let since = offlineSince.removeValue(forKey: settings.name) {
                agent.since = since
                agent.hasState = true
            }
            agents[settings.name] = agent
        }
        for name in agents.keys.sorted() {
            if directory.agent(name) == nil {
                touch(name) {
                    $0.isLoggedIn = false
                    $0.reason = "removed"
                }
            } else {
                touch(name) { _ in }
            }
        }
    }

    /// Logs in those of whom it is not asked to do it themselves, and out those whose phone is gone.
    mutating func loginByAddress(_ name: String) {
        guard let settings = directory.agent(name), settings.login == .auto, let agent = agents[name] else { return }
        let canBeCalled = address(of: name) != nil
        if canBeCalled, !agent.isLoggedIn, !agent.hasLoggedOut {
            touch(name) { $0.isLoggedIn = true }
        } else if !canBeCalled, agent.isLoggedIn {
            touch(name) {
                $0.isLoggedIn = false
                $0.reason = "unregistered"
            }
        }
    }

    /// What an agent asks, or is asked to do. Null when done, else why not.
    mutating func perform(_ command: AgentCommand, agent name: String) -> String? {
        guard agents[name] != nil, directory.agent(name) != nil else { return "no such agent: \(name)" }
        switch command {
        case .login:
            guard address(of: name) != nil else { return "\(name) cannot be called: no address, no phone registered" }
            touch(name) {
                $0.isLoggedIn = true
                $0.hasLoggedOut = false
                $0.isPaused = false
                $0.refusals = 0
                $0.reason = "login"
            }
        case .logout:
            endWrapUp(of: name)
            touch(name) {
                $0.isLoggedIn = false
                $0.hasLoggedOut = true
                $0.isPaused = false
                $0.reason = "logout"
            }
        case .ready:
            guard agents[name]?.isLoggedIn == true else { return "\(name) is not logged in" }
            endWrapUp(of: name)
            touch(name) {
                $0.isPaused = false
                $0.refusals = 0
                $0.reason = "ready"
            }
        case .pause(let reason):
            guard agents[name]?.isLoggedIn == true else { return "\(name) is not logged in" }
            // A call's wrap-up that has begun ends; one that is still to come, of the call at hand, is not lost.
            if agents[name]?.state == .wrapUp { endWrapUp(of: name) }
            touch(name) {
                $0.isPaused = true
                $0.reason = reason ?? "pause"
            }
        }
        return nil
    }

    /// The service ends: nobody is there any more.
    mutating func logEverybodyOut() {
        for name in agents.keys.sorted() {
            endWrapUp(of: name)
            touch(name) {
                $0.isLoggedIn = false
                $0.occupations = []
                $0.reason = "stopped"
            }
        }
        refreshAgents()
        deserted = []
    }

    /// An agent's wrap-up is over, or cut short.
    mutating func endWrapUp(of name: String) {
        guard let wrapUp = agents[name]?.wrapUp else { return }
        if let timer = wrapUp.timer {
            timerAgents[timer] = nil
            emit(.stopTimer(timer))
        }
        touch(name) { $0.wrapUp = nil }
    }

    /// The agent has left a caller they were with.
    mutating func leftCaller(_ name: String?, call: String, group: String?, line: String?) {
        guard let name, let settings = directory.agent(name), settings.wrapUp > 0, agents[name]?.isLoggedIn == true
        else { return }
        endWrapUp(of: name)
        touch(name) { $0.wrapUp = Agent.WrapUp(call: call, group: group, line: line) }
    }

    /// A caller is with the agent.
    mutating func answered(_ name: String?, caller: String?, call: String) {
        touch(name) {
            $0.lastCall = call
            $0.refusals = 0
            $0.handled += 1
        }
        if let caller { callers.remember(caller, agent: name, at: now.wall) }
    }

    /// The agent was offered a caller of a group and did not take them. Often enough in a row, it is a pause.
    mutating func refused(_ candidate: Candidate, _ cause: Cause) {
        guard let name = candidate.agent, candidate.group != nil, let settings = directory.agent(name) else { return }
        switch cause {
        case .busy, .declined, .noAnswer, .unreachable, .rejected: break
        default: return
        }
        touch(name) {
            $0.refusals += 1
            guard settings.maxNoAnswer > 0, $0.refusals >= settings.maxNoAnswer, !$0.isPaused else { return }
            $0.isPaused = true
            $0.reason = cause.rawValue
        }
    }

    mutating func occupy(_ name: String?) {
        touch(name) { $0.legs += 1 }
        // At once: nobody is offered two callers.
        if let name { setFree(name, false) }
    }

    mutating func vacate(_ name: String?) {
        touch(name) { $0.legs = max(0, $0.legs - 1) }
    }

    /// What a leg of the agent's is at now; null: nothing.
    mutating func setOccupation(_ name: String?, _ leg: LegID, _ occupation: Agent.Occupation?) {
        touch(name) {
            if let index = $0.occupations.firstIndex(where: { $0.leg == leg }) {
                if let occupation { $0.occupations[index] = occupation } else { $0.occupations.remove(at: index) }
            } else if let occupation {
                $0.occupations.append(occupation)
            }
        }
    }

    /// Brings agents' states in line with what has happened to them, logs the changes, and notes who is free now.
    mutating func refreshAgents() {
        var index = 0
        while index < touched.count {
            refresh(touched[index])
            index += 1
        }
        touched.removeAll(keepingCapacity: true)
    }

    private mutating func refresh(_ name: String) {
        guard var agent = agents[name] else { return }
        agent.isTouched = false
        let settings = directory.agent(name)
        if agent.occupation?.kind == .talking || !agent.isLoggedIn, let timer = agent.wrapUp?.timer {
            timerAgents[timer] = nil
            emit(.stopTimer(timer))
            agent.wrapUp = nil
        }
        if !agent.isLoggedIn { agent.wrapUp = nil }
        let state = agent.derived
        if state == .wrapUp, agent.wrapUp?.timer == nil {
            let timer = newTimer()
            timerAgents[timer] = name
            emit(.startTimer(timer, milliseconds: settings?.wrapUp ?? 0))
            agent.wrapUp?.timer = timer
        }
        if state != agent.state { recordState(&agent, state) }
        agents[name] = agent
        count(name)
        let canTake =
            agent.isLoggedIn && !agent.isPaused && agent.wrapUp == nil && agent.pending == 0
            && !agent.occupations.contains { $0.kind == .ringing }
            && settings.map { agent.legs < $0.maxCalls } ?? false && address(of: name) != nil
        setFree(name, canTake)
        if settings == nil, agent.state == .offline, agent.legs == 0, agent.pending == 0 {
            agents[name] = nil
            if agent.hasState { offlineSince[name] = agent.since }
        }
    }

    private mutating func recordState(_ agent: inout Agent, _ state: AgentState) {
        let occupation = agent.occupation
        let isByCall = occupation != nil || state == .wrapUp
        // A pause that was asked for while a call was on says why when it begins.
        let reason = isByCall ? nil : agent.reason
        emit(
            .log(
                CallRecord(
                    time: now,
                    event: .agentStateChanged(
                        AgentStateChanged(
                            agent: agent.name, old: agent.state, new: state,
                            inStateMs: agent.hasState ? Books.ms(agent.since, now) : 0,
                            call: occupation?.call ?? (state == .wrapUp ? agent.wrapUp?.call : nil),
                            group: occupation?.group ?? (state == .wrapUp ? agent.wrapUp?.group : nil),
                            line: occupation?.line ?? (state == .wrapUp ? agent.wrapUp?.line : nil), reason: reason)))))
        agent.state = state
        agent.since = now
        agent.hasState = true
        if !isByCall, state != .paused { agent.reason = nil }
    }
}
