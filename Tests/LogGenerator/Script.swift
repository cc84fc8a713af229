import CallEvents

/// A call's story as it is being thought up: when things will be, and what they add up to.
struct Script {
    struct Hold {
        var number: Int
        var reason: HoldReason
        var agent: Int
        var since: Int64
    }

    var number: Int
    var call: Call
    /// Microseconds since 1970.
    var at: Int64
    /// Who is with the caller; null once a target that is no agent is.
    var agent: Int?
    var stay: PartyJoined
    var joined: Int64
    var stayHoldMs = 0
    var stayConsultMs = 0
    var lastAgent: String
    var waitMs: Int
    var holds = 0
    var consults = 0
    var transfers = 0
    var legs: Int
    var holdMs = 0
    var callerHoldMs = 0
    var isOver = false
}

/// From answer to end: what a call will do is decided at once, and comes to pass event by event.
extension LogGenerator {
    mutating func answer(_ number: Int, _ agent: Int, after ring: Int64) {
        guard let call = calls[number] else { return }
        let at = now + ring
        let name = agents[agent].name
        let stay = PartyJoined(
            party: .agent, agent: name, group: settings.groups[call.group], line: call.line,
            uri: "sip:\(name)@127.0.0.1", sipCallID: sipCallID(number, call.attempt), role: .first)
        var script = Script(
            number: number, call: call, at: at, agent: agent, stay: stay, joined: at, lastAgent: name,
            waitMs: Int(mono(at) - mono(call.arrived)), legs: call.attempt)
        put(
            .callAnswered(
                CallAnswered(
                    agent: name, group: settings.groups[call.group], line: call.line, waitMs: script.waitMs,
                    ringMs: Int(mono(at) - mono(call.ringBegan)), human: !random.chance(0.02),
                    serviceLevelS: call.group == 0 ? 20 : nil)), script)
        put(.partyJoined(stay), script)
        state(agent, .talking, script)
        talk(&script)
        while !script.isOver {
            guard script.agent != nil else {
                end(&script, by: random.chance(0.5) ? .caller : .target)
                break
            }
            switch random.unit() {
            case ..<0.20: hold(&script)
            case ..<0.24: callerHold(&script)
            case ..<0.38: transfer(&script)
            default: end(&script, by: random.chance(0.6) ? .caller : .agent)
            }
        }
    }

    mutating func put(_ event: CallEvent, _ script: Script) {
        schedule(script.at - now, .emit(script.number, event))
    }

    mutating func state(_ agent: Int?, _ state: AgentState, _ script: Script) {
        guard let agent else { return }
        schedule(script.at - now, .state(agent, state, call: script.number))
    }

    mutating func talk(_ script: inout Script) { script.at += random.exponential(settings.meanTalk) }

    mutating func startHold(_ script: inout Script, _ reason: HoldReason) -> Script.Hold {
        script.holds += 1
        let agent = script.agent ?? 0
        put(.holdStarted(HoldStarted(hold: script.holds, reason: reason, agent: agents[agent].name)), script)
        return Script.Hold(number: script.holds, reason: reason, agent: agent, since: script.at)
    }

    mutating func endHold(_ script: inout Script, _ hold: Script.Hold, next: String?, _ outcome: HoldOutcome) {
        let length = Int(mono(script.at) - mono(hold.since))
        script.holdMs += length
        // A party that came during the segment has waited as long as it was there.
        script.stayHoldMs += Int(mono(script.at) - mono(max(hold.since, script.joined)))
        put(
            .holdEnded(
                HoldEnded(
                    hold: hold.number, reason: hold.reason, agent: agents[hold.agent].name,
                    group: settings.groups[script.call.group], line: script.call.line, nextAgent: next,
                    holdMs: length, outcome: outcome)), script)
    }

    private mutating func hold(_ script: inout Script) {
        let reasons: [HoldReason] = [.code, .command, .agentPhone]
        let hold = startHold(&script, reasons[Int(random.next() % 3)])
        script.at += random.exponential(25)
        if random.chance(0.05) {
            endHold(&script, hold, next: nil, .abandoned)
            end(&script, by: .caller)
        } else {
            endHold(&script, hold, next: script.lastAgent, .resumed)
            talk(&script)
        }
    }

    private mutating func callerHold(_ script: inout Script) {
        script.holds += 1
        put(.holdStarted(HoldStarted(hold: script.holds, reason: .callerPhone, agent: nil)), script)
        let since = script.at
        script.at += random.exponential(10)
        let length = Int(mono(script.at) - mono(since))
        script.callerHoldMs += length
        put(
            .holdEnded(
                HoldEnded(
                    hold: script.holds, reason: .callerPhone, agent: nil,
                    group: settings.groups[script.call.group], line: script.call.line, holdMs: length,
                    outcome: .resumed)), script)
        talk(&script)
    }

    /// The party with the caller leaves for good.
    mutating func leave(_ script: Script, by endedBy: EndedBy) {
        let length = Int(mono(script.at) - mono(script.joined))
        let stay = script.stay
        put(
            .partyLeft(
                PartyLeft(
                    party: stay.party, agent: stay.agent, group: stay.group, line: stay.line, uri: stay.uri,
                    sipCallID: stay.sipCallID, role: stay.role, stayMs: length, talkMs: length - script.stayHoldMs,
                    holdMs: script.stayHoldMs, consultMs: script.stayConsultMs, endedBy: endedBy, cause: .normal)),
            script)
        wrapUp(script.agent, script)
    }

    mutating func wrapUp(_ agent: Int?, _ script: Script) {
        guard let agent else { return }
        state(agent, .wrapUp, script)
        var later = script
        later.at += random.exponential(15)
        if random.chance(0.03) {
            state(agent, .paused, later)
            later.at += random.exponential(300)
        }
        schedule(later.at - now, .state(agent, .available, call: nil))
    }

    mutating func end(_ script: inout Script, by endedBy: EndedBy, cause: Cause = .normal, withParty: Bool = true) {
        script.isOver = true
        if withParty { leave(script, by: endedBy) }
        let arrived = WallTime(microseconds: script.call.arrived)
        let total = Int(mono(script.at) - mono(script.call.arrived))
        put(
            .callEnded(
                CallEnded(
                    endedBy: endedBy, cause: cause, arrived: arrived, line: script.call.line,
                    group: settings.groups[script.call.group], agent: script.lastAgent, caller: script.call.caller,
                    waitMs: script.waitMs, talkMs: total - script.waitMs - script.holdMs, holdMs: script.holdMs,
                    callerHoldMs: script.callerHoldMs, transfers: script.transfers, abandoned: false)), script)
        guard random.chance(0.7) else { return }
        var verdict = CallDisposition(
            agent: script.lastAgent, group: settings.groups[script.call.group], line: script.call.line,
            arrived: arrived, resolved: random.chance(0.8), by: .agent, code: random.chance(0.5) ? "billing" : "other")
        var later = script.at + random.exponential(20)
        schedule(later - now, .say(script.call.id, .callDisposition(verdict)))
        guard random.chance(0.1) else { return }
        verdict.previous = verdict.resolved
        verdict.resolved = random.chance(0.5)
        verdict.by = .caller
        later += random.exponential(1800)
        schedule(later - now, .say(script.call.id, .callDisposition(verdict)))
    }
}
