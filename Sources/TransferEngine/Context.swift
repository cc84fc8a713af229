import CallEvents

/// What all calls share: the configuration, the counters, who is busy, which leg belongs to which call; and, while an
/// input is being handled, its instant and the effects so far.
struct Context: Codable, Sendable {
    var directory: Directory
    /// Where agents' phones have registered.
    var contacts: [String: String] = [:]
    var agents: [String: Agent] = [:]
    /// Agents who are no longer configured; should they be again, they have been offline since then.
    var offlineSince: [String: EventTime] = [:]
    var groups: [String: Group] = [:]
    var callers = CallerMemory()
    /// By the call in which each was asked for.
    var callbacks: [String: Callback] = [:]
    var timerCallbacks: [TimerID: String] = [:]
    /// What calls made for them have come to in this input.
    var callbackResults: [CallbackResult] = []
    /// The calls in which an agent is with the caller, oldest first.
    var present: [String: [String]] = [:]
    var legCalls: [LegID: String] = [:]
    var timerCalls: [TimerID: String] = [:]
    /// Wrap-ups.
    var timerAgents: [TimerID: String] = [:]
    /// Only the reports that a call awaits.
    var reportCalls: [ReportID: String] = [:]

    private var lastLeg: UInt64 = 0
    private var lastTimer: UInt64 = 0
    private var lastReport: UInt64 = 0
    private var lastCall: UInt64 = 0

    var now = EventTime(wall: 0, mono: 0)
    var effects: [Effect] = []
    /// Agents to be looked at when the input has been handled, in the order in which it touched them.
    var touched: [String] = []
    /// Agents who have become free, to be offered whoever waits.
    var freed: [String] = []
    /// Groups of which nobody is left.
    var deserted: [String] = []

    init(_ configuration: EngineConfiguration) {
        directory = Directory(configuration)
        takeAgents()
    }

    mutating func newLeg() -> LegID {
        lastLeg &+= 1
        return LegID(lastLeg)
    }

    /// `call`: who awaits the report; null when nobody does.
    mutating func newReport(for call: String?) -> ReportID {
        lastReport &+= 1
        reportCalls[ReportID(lastReport)] = call
        return ReportID(lastReport)
    }

    mutating func newTimer() -> TimerID {
        lastTimer &+= 1
        return TimerID(lastTimer)
    }

    /// The order of arrival, which orders calls wherever an order shows.
    mutating func newSerial() -> UInt64 {
        lastCall &+= 1
        return lastCall
    }

    mutating func emit(_ effect: Effect) { effects.append(effect) }

    /// Where an agent can be called now: the phone that registered here, else the configured address.
    func address(of agent: String) -> String? { contacts[agent] ?? directory.agent(agent)?.uri }

    /// Null when this agent can be called by name now, else why not.
    func unavailability(of name: String) -> Cause? {
        guard let settings = directory.agent(name), let agent = agents[name], agent.isLoggedIn, address(of: name) != nil
        else { return .unreachable }
        return agent.legs >= settings.maxCalls ? .busy : nil
    }

    mutating func setPresent(_ agent: String?, in call: String, _ isPresent: Bool) {
        guard let agent else { return }
        var calls = present[agent] ?? []
        calls.removeAll { $0 == call }
        if isPresent { calls.append(call) }
        present[agent] = calls.isEmpty ? nil : calls
    }
}
