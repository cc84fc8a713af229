import CallEvents

/// Transfers, of every kind and with every end.
extension LogGenerator {
    private struct Target {
        var uri: String
        var agent: Int?
        var name: String?
    }

    /// A free agent, taken from now on, or somebody outside.
    private mutating func target() -> Target {
        let free = agents.indices.filter { agents[$0].state == .available && !agents[$0].isTaken }
        guard random.chance(0.5), let agent = free.randomElement(using: &random) else {
            return Target(uri: "sip:2\(random.next() % 20)@127.0.0.1", agent: nil, name: nil)
        }
        agents[agent].isTaken = true
        return Target(uri: "sip:\(agents[agent].name)@127.0.0.1", agent: agent, name: agents[agent].name)
    }

    mutating func transfer(_ script: inout Script) {
        script.transfers += 1
        let kind: TransferKind = random.chance(0.25) ? .blind : .attended
        let hold = startHold(&script, kind == .blind ? .blind : .consult)
        script.at += 300_000
        let agent = agents[hold.agent].name
        var target = target()
        put(
            .transferStarted(
                TransferStarted(
                    transfer: script.transfers, kind: kind, agent: agent, target: target.uri,
                    by: random.chance(0.5) ? .code : .refer)), script)
        if kind == .blind {
            leaveHeld(&script, hold)
        } else {
            state(script.agent, .consulting, script)
        }
        for attempt in 1...3 {
            let answered = dial(&script, target, agent, attempt, kind == .blind ? .blind : .consult)
            if answered {
                if kind == .blind {
                    finish(&script, hold, target, agent, .blind, consultMs: 0, left: true)
                } else {
                    consult(&script, hold, target, agent)
                }
                return
            }
            release(target, script)
            if attempt == 3 { break }
            target = self.target()
            put(
                .transferFallback(
                    TransferFallback(transfer: script.transfers, step: .next, to: target.uri, cause: .busy)), script)
        }
        put(
            .transferFailed(
                TransferFailed(
                    transfer: script.transfers, kind: kind, agent: agent, target: target.uri, cause: .noAnswer,
                    sipStatus: nil)), script)
        if kind == .blind {
            endHold(&script, hold, next: nil, .released)
            end(&script, by: .controller, cause: .noAnswer, withParty: false)
        } else {
            back(&script, hold)
        }
    }

    /// One target rings until it answers or does not. A blind transfer's agent has gone.
    private mutating func dial(
        _ script: inout Script, _ target: Target, _ agent: String, _ attempt: Int, _ mode: ConsultMode
    ) -> Bool {
        script.consults += 1
        script.legs += 1
        put(
            .consultStarted(
                ConsultStarted(
                    transfer: script.transfers, consult: script.consults, agent: agent, target: target.uri,
                    targetAgent: target.name, attempt: attempt, mode: mode,
                    sipCallID: sipCallID(script.number, script.legs))), script)
        state(target.agent, .ringing, script)
        let began = script.at
        script.at += random.exponential(3)
        let ringMs = Int(mono(script.at) - mono(began))
        if random.chance(0.3) {
            let causes: [(Cause, Int?)] = [(.busy, 486), (.declined, 603), (.noAnswer, nil), (.unreachable, 404)]
            let (cause, status) = causes[Int(random.next() % 4)]
            put(
                .consultFailed(
                    ConsultFailed(
                        transfer: script.transfers, consult: script.consults, target: target.uri, cause: cause,
                        sipStatus: status, ringMs: ringMs)), script)
            return false
        }
        put(
            .consultAnswered(
                ConsultAnswered(
                    transfer: script.transfers, consult: script.consults, target: target.uri, ringMs: ringMs)),
            script)
        state(target.agent, mode == .consult ? .consulting : .talking, script)
        if mode != .consult { endConsult(script, target, 0, .completed) }
        return true
    }

    private mutating func endConsult(_ script: Script, _ target: Target, _ length: Int, _ outcome: ConsultOutcome) {
        put(
            .consultEnded(
                ConsultEnded(
                    transfer: script.transfers, consult: script.consults, target: target.uri, consultMs: length,
                    outcome: outcome)), script)
    }

    /// Agent and target talk; then the agent decides, or somebody leaves.
    private mutating func consult(_ script: inout Script, _ hold: Script.Hold, _ target: Target, _ agent: String) {
        let began = script.at
        script.at += random.exponential(20)
        let length = Int(mono(script.at) - mono(began))
        script.stayConsultMs += length
        switch random.unit() {
        case ..<0.75:
            endConsult(script, target, length, .completed)
            finish(&script, hold, target, agent, .attended, consultMs: length, left: false)
        case ..<0.85:
            endConsult(script, target, length, random.chance(0.5) ? .cancelled : .targetHangup)
            release(target, script)
            put(
                .transferCancelled(
                    TransferCancelled(
                        transfer: script.transfers, kind: .attended, agent: agent, target: target.uri,
                        cause: .cancelled)), script)
            back(&script, hold)
        case ..<0.95:
            endConsult(script, target, length, .merged)
            merge(&script, hold, target, agent, length)
        default:
            callerLeaves(&script, hold, target, agent, length)
        }
    }

    private mutating func back(_ script: inout Script, _ hold: Script.Hold) {
        endHold(&script, hold, next: script.lastAgent, .resumed)
        state(script.agent, .talking, script)
        talk(&script)
    }

    private mutating func release(_ target: Target, _ script: Script) {
        guard let agent = target.agent else { return }
        schedule(script.at - now, .state(agent, .available, call: nil))
    }

    private mutating func leaveHeld(_ script: inout Script, _ hold: Script.Hold) {
        script.stayHoldMs += Int(mono(script.at) - mono(hold.since))
        leave(script, by: .agent)
        script.stayHoldMs = 0
        // Whoever comes was not there yet.
        script.joined = .max / 2
    }

    private mutating func join(_ script: inout Script, _ target: Target, _ role: PartyRole) {
        script.agent = target.agent
        script.lastAgent = target.name ?? script.lastAgent
        script.joined = script.at
        script.stayHoldMs = 0
        script.stayConsultMs = 0
        script.stay = PartyJoined(
            party: .target, agent: target.name, group: settings.groups[script.call.group], line: script.call.line,
            uri: target.uri, sipCallID: sipCallID(script.number, script.legs), role: role)
        put(.partyJoined(script.stay), script)
        state(target.agent, .talking, script)
    }

    /// In the order of a completion: hold, joined, left, completed.
    private mutating func finish(
        _ script: inout Script, _ hold: Script.Hold, _ target: Target, _ agent: String, _ kind: TransferKind,
        consultMs: Int, left: Bool
    ) {
        // Of a blind transfer the agent has gone: nobody's stay holds this any more.
        if left { script.joined = script.at }
        endHold(&script, hold, next: target.name, .transferred)
        let before = script
        join(&script, target, .transfer)
        if !left { leave(before, by: .agent) }
        completed(script, target, agent, kind, consultMs)
        talk(&script)
    }

    private mutating func completed(
        _ script: Script, _ target: Target, _ agent: String, _ kind: TransferKind, _ consultMs: Int
    ) {
        put(
            .transferCompleted(
                TransferCompleted(
                    transfer: script.transfers, kind: kind, agent: agent, target: target.uri,
                    targetAgent: target.name, method: .bridge, consultMs: consultMs, holdMs: 0)), script)
    }

    private mutating func merge(
        _ script: inout Script, _ hold: Script.Hold, _ target: Target, _ agent: String, _ consultMs: Int
    ) {
        endHold(&script, hold, next: target.name, .merged)
        put(.conferenceStarted(ConferenceStarted(transfer: script.transfers)), script)
        state(script.agent, .talking, script)
        var before = script
        join(&script, target, .merge)
        let began = script.at
        talk(&script)
        put(
            .conferenceEnded(
                ConferenceEnded(
                    transfer: script.transfers, conferenceMs: Int(mono(script.at) - mono(began)))), script)
        before.at = script.at
        leave(before, by: .agent)
        completed(script, target, agent, .attended, consultMs)
        talk(&script)
    }

    /// The caller has had enough; agent and target talk on for a moment.
    private mutating func callerLeaves(
        _ script: inout Script, _ hold: Script.Hold, _ target: Target, _ agent: String, _ length: Int
    ) {
        endHold(&script, hold, next: nil, .abandoned)
        put(
            .transferCancelled(
                TransferCancelled(
                    transfer: script.transfers, kind: .attended, agent: agent, target: target.uri, cause: .abandoned)),
            script)
        let stay = script
        end(&script, by: .caller, cause: .abandoned, withParty: false)
        let id = script.call.id
        var after = stay
        let more = random.exponential(4)
        after.at += more
        let stayMs = Int(mono(after.at) - mono(after.joined))
        let heldMs = after.stayHoldMs
        let joined = after.stay
        let consultMs = length + Int(mono(after.at) - mono(stay.at))
        schedule(
            after.at - now,
            .say(
                id,
                .consultEnded(
                    ConsultEnded(
                        transfer: script.transfers, consult: script.consults, target: target.uri,
                        consultMs: consultMs, outcome: .callerHangup))))
        schedule(
            after.at - now,
            .say(
                id,
                .partyLeft(
                    PartyLeft(
                        party: joined.party, agent: joined.agent, group: joined.group, line: joined.line,
                        uri: joined.uri, sipCallID: joined.sipCallID, role: joined.role, stayMs: stayMs,
                        talkMs: stayMs - heldMs, holdMs: heldMs, consultMs: consultMs, endedBy: .agent,
                        cause: .normal))))
        wrapUp(stay.agent, after)
        wrapUp(target.agent, after)
    }
}
