import CallEvents

/// A call that an agent makes to the controller itself, only to say something by what was dialled. It is answered with a
/// tone and ended; the log knows nothing of it but what it did.
struct CodeCall: Codable, Sendable {
    var leg: LegID
    var agent: String
    /// What the agent hears: done, or not.
    var tone: Tone
    var report: ReportID?
    var timer: TimerID?
    var isEnding = false
}

/// What a code asks.
enum AgentWish: Sendable {
    case command(AgentCommand)
    /// The verdict on the agent's last call, by a digit.
    case resolve(Character)
}

extension Directory {
    /// What an agent wants who dials this.
    func wish(of dialled: String) -> AgentWish? {
        let codes = configuration.agentCodes
        switch dialled {
        case codes.login: return .command(.login)
        case codes.logout: return .command(.logout)
        case codes.ready: return .command(.ready)
        case codes.pause: return .command(.pause(reason: nil))
        default: break
        }
        guard let resolve = codes.resolve, !resolve.isEmpty, dialled.count == resolve.count + 1,
            dialled.hasPrefix(resolve), let digit = dialled.last
        else { return nil }
        return .resolve(digit)
    }
}

extension TransferEngine {
    /// How long the tone of a code call may take, should its end never be reported.
    private static var longestTone: Int { 5_000 }

    mutating func takeCode(_ invitation: Invitation, _ wish: AgentWish, agent: String) {
        let leg = context.newLeg()
        context.emit(.adopt(leg, handle: invitation.handle, call: nil))
        context.occupy(agent)
        codeCalls[leg] = CodeCall(leg: leg, agent: agent, tone: grant(wish, agent) ? .comfort : .error)
        context.emit(.answer(leg, codecOf: nil))
    }

    private mutating func grant(_ wish: AgentWish, _ agent: String) -> Bool {
        switch wish {
        case .command(let command): return context.perform(command, agent: agent) == nil
        case .resolve(let digit):
            guard let call = context.agents[agent]?.lastCall,
                let disposition = context.disposition(digit, group: group(ofCall: call))
            else { return false }
            return resolve(call, disposition.resolved, code: disposition.code, note: nil, agent: agent) == .done
        }
    }

    /// Whether the input was a code call's.
    mutating func takeCode(_ input: Input) -> Bool {
        guard !codeCalls.isEmpty else { return false }
        switch input {
        case .legAnswered(let leg, _):
            guard var call = codeCalls[leg] else { return false }
            guard call.report == nil, !call.isEnding else { return true }
            let report = context.newReport(for: nil)
            let timer = context.newTimer()
            call.report = report
            call.timer = timer
            codeCalls[leg] = call
            context.emit(.tone(leg, call.tone, report))
            context.emit(.startTimer(timer, milliseconds: Self.longestTone))
        case .toneEnded(let report):
            guard let leg = codeCalls.values.first(where: { $0.report == report })?.leg else { return false }
            endCode(leg)
        case .timer(let timer):
            guard let leg = codeCalls.values.first(where: { $0.timer == timer })?.leg else { return false }
            codeCalls[leg]?.timer = nil
            endCode(leg)
        case .rtpTimeout(let leg):
            guard codeCalls[leg] != nil else { return false }
            endCode(leg)
        case .legEnded(let leg, _):
            guard let call = codeCalls.removeValue(forKey: leg) else { return false }
            if let timer = call.timer { context.emit(.stopTimer(timer)) }
            if !call.isEnding { context.vacate(call.agent) }
        default: return false
        }
        return true
    }

    private mutating func endCode(_ leg: LegID) {
        guard var call = codeCalls[leg], !call.isEnding else { return }
        if let timer = call.timer { context.emit(.stopTimer(timer)) }
        call.timer = nil
        call.isEnding = true
        codeCalls[leg] = call
        context.vacate(call.agent)
        context.emit(.hangUp(leg, HangUp()))
    }

    mutating func endCodes() {
        for leg in codeCalls.keys.sorted() { endCode(leg) }
    }
}
