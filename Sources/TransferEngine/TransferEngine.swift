import CallEvents

/// The state machines of calls, holds, consults and transfers. Pure: no clock, no I/O, no randomness; the same inputs
/// give the same effects byte for byte.
public struct TransferEngine: Codable, Sendable {
    /// What new calls meet.
    enum Service: String, Codable, Sendable {
        case open
        /// After the first `terminate`: running calls go on for `drainTimeout`.
        case draining
        /// Everything has been told to end.
        case ending
        /// `finished` has been said.
        case finished
    }

    var byID: [String: Call] = [:]
    var ended = EndedCalls()
    /// Agents' calls to the controller itself.
    var codeCalls: [LegID: CodeCall] = [:]
    var context: Context
    var service = Service.open
    var isLogWritable = true
    var drainTimer: TimerID?
    private var lastTime: EventTime?

    public init(configuration: EngineConfiguration) {
        context = Context(configuration)
    }

    /// Takes one input and says what to do about it, in order. Instants may come out of order, as threads do: none is
    /// taken for earlier than the one before it.
    public mutating func handle(_ input: Input, at time: EventTime) -> [Effect] {
        let latest = lastTime.map { $0.mono > time.mono ? $0 : time } ?? time
        lastTime = latest
        context.now = latest
        // The report of a switch carries the instant at which the relay did it, which the call's books put in its place;
        // everything else, agents' states among it, has gone on meanwhile.
        if case .routed = input { context.now = time }
        dispatch(input)
        context.now = latest
        serve()
        finishIfDone()
        let effects = context.effects
        context.effects = []
        return effects
    }

    private mutating func dispatch(_ input: Input) {
        if takeCode(input) { return }
        switch input {
        case .started: for agent in context.directory.configuration.agents { context.loginByAddress(agent.name) }
        case .invite(let invitation): arrive(invitation)
        case .inviteRefused(let from, let to, let sipStatus): recordRefused(from: from, to: to, sipStatus: sipStatus)
        case .legProgress(let leg, let sipStatus, let earlyMedia):
            with(leg) { $0.legProgress(leg, sipStatus: sipStatus, earlyMedia: earlyMedia, &$1) }
        case .legAnswered(let leg, let codec): with(leg) { $0.legAnswered(leg, codec: codec, &$1) }
        case .legEnded(let leg, let end): with(leg) { $0.legEnded(leg, end, &$1) }
        case .legMedia(let leg, let sends, let receives, let codec):
            with(leg) { $0.legMedia(leg, peerSends: sends, peerReceives: receives, codec: codec, &$1) }
        case .rtpTimeout(let leg): with(leg) { $0.rtpTimeout(leg, &$1) }
        case .digit(let leg, let digit): with(leg) { $0.digit(digit.character, from: leg, &$1) }
        case .identity(let leg, let identity): with(leg) { $0.identified(leg, as: identity, &$1) }
        case .routed(let report):
            with(call: context.reportCalls.removeValue(forKey: report)) { $0.routed(report, &$1) }
        case .toneEnded(let report):
            with(call: context.reportCalls.removeValue(forKey: report)) { $0.toneEnded(report, &$1) }
        case .reoffered(let leg, let report, let sipStatus, let codec):
            with(leg) { $0.reoffered(leg, report, sipStatus: sipStatus, codec: codec, &$1) }
        case .refer(let leg, let referral): refer(referral, on: leg)
        case .handedOver(let leg, let report, let sipStatus, let isFinal):
            with(leg) { $0.handedOver(report, sipStatus: sipStatus, isFinal: isFinal, &$1) }
        case .registered(let agent, let contact):
            context.contacts[agent] = contact
            context.loginByAddress(agent)
            context.touch(agent) { _ in }
        case .timer(let timer):
            if timer == drainTimer {
                endAll()
            } else if let request = context.timerCallbacks.removeValue(forKey: timer) {
                retry(request)
            } else if let agent = context.timerAgents.removeValue(forKey: timer) {
                context.touch(agent) { $0.wrapUp = nil }
            } else {
                with(call: context.timerCalls.removeValue(forKey: timer)) { $0.timer(timer, &$1) }
            }
        case .command(let request, let command): perform(command, request)
        case .agent(let request, let agent, let command):
            let refusal = context.perform(command, agent: agent)
            context.emit(.reply(request, refusal.map(CommandResult.refused) ?? .done))
        case .remembered(let caller, let agent, let time):
            context.callers.remember(caller, agent: agent, at: time.microseconds)
        case .rememberedCall(let call): remember(call)
        case .rememberedCallback(let callback): remember(callback)
        case .terminate: terminate()
        case .logHealth(let writable): setLogHealth(writable)
        case .configuration(let configuration): reconfigure(configuration)
        }
    }

    private mutating func perform(_ command: Command, _ request: RequestID) {
        var result = CommandResult.unknownCall(command.call)
        if case .resolve(let call, let resolved, let code, let note) = command {
            result = resolve(call, resolved, code: code, note: note)
        } else {
            with(call: command.call) { result = $0.perform(command, &$1) }
        }
        context.emit(.reply(request, result))
    }

    private mutating func with(_ leg: LegID, _ body: (inout Call, inout Context) -> Void) {
        with(call: context.legCalls[leg], body)
    }

    /// Lets a call take an input, in place; forgets it when that was its last.
    mutating func with(call id: String?, _ body: (inout Call, inout Context) -> Void) {
        guard let id, let index = byID.index(forKey: id) else { return }
        // One access to the call: reading it through `values` would copy all of it.
        if Self.take(&byID.values[index], &context, body) { forget(id) }
    }

    /// Whether the call is finished.
    private static func take(
        _ call: inout Call, _ context: inout Context, _ body: (inout Call, inout Context) -> Void
    ) -> Bool {
        body(&call, &context)
        call.settle(&context)
        return call.isFinished
    }

    private mutating func forget(_ id: String) {
        guard let call = byID.removeValue(forKey: id) else { return }
        if call.ledger.books.arrived != nil { ended.add(id, call.kept(at: context.now)) }
        for timer in call.timers {
            context.timerCalls[timer.id] = nil
            context.emit(.stopTimer(timer.id))
        }
    }

    /// The open calls in the order of their arrival: wherever several are gone through, the order shows.
    var inOrder: [Call] { byID.values.sorted { $0.serial < $1.serial } }
}
