import CallEvents

/// From arrival to answer.
extension LogGenerator {
    mutating func arrive() {
        let (number, id) = newCall()
        let group = Int(random.next() % UInt64(settings.groups.count))
        let withheld = random.chance(0.06)
        let caller = withheld ? nil : "+3712\(1_000_000 + Int(random.next() % UInt64(settings.callers)))"
        let direction: Direction = random.chance(0.05) ? .outbound : .inbound
        let line = "70\(group)\(random.next() % 3)"
        if random.chance(0.01) {
            add(
                .callRefused(
                    CallRefused(from: "sip:x@127.0.0.1", to: "sip:9999@127.0.0.1", sipStatus: 404, cause: .rejected)),
                call: nil)
        }
        calls[number] = Call(
            id: id, line: line, caller: caller, direction: direction, arrived: now, group: group, queued: now)
        add(
            .callArrived(
                CallArrived(
                    from: "\"Häberle, \\ \(number)\" <sip:\(caller ?? "anonymous")@127.0.0.1>",
                    to: "sip:\(line)@127.0.0.1", line: line, sipCallID: "c\(id)@127.0.0.1", caller: caller,
                    direction: direction)),
            call: id)
        schedule(random.exponential(70), .patience(number))
        enqueue(number)
    }

    private mutating func enqueue(_ number: Int) {
        guard var call = calls[number] else { return }
        call.queued = now
        calls[number] = call
        waiting[call.group].append(number)
        let skills = random.chance(0.3) ? ["german"] : random.chance(0.2) ? ["german", "gold"] : []
        add(
            .callQueued(
                CallQueued(
                    group: settings.groups[call.group], position: waiting[call.group].count, skills: skills,
                    serviceLevelS: call.group == 0 ? 20 : nil)),
            call: call.id)
        schedule(Int64(settings.maxWait * 1_000_000), .overflow(number, group: call.group))
        serve(call.group)
    }

    /// Gives the first who waits to a free agent.
    mutating func serve(_ group: Int) {
        guard let number = waiting[group].first,
            let agent = agents.indices.first(where: {
                agents[$0].group == group && agents[$0].state == .available && !agents[$0].isTaken
            }), var call = calls[number]
        else { return }
        agents[agent].isTaken = true
        waiting[group].removeFirst()
        call.isWaiting = false
        call.attempt += 1
        call.ringBegan = now
        calls[number] = call
        setState(agent, .ringing, number)
        add(
            .callAlerting(
                CallAlerting(
                    agent: agents[agent].name, group: settings.groups[group], attempt: call.attempt,
                    sipCallID: sipCallID(number, call.attempt))),
            call: call.id)
        if random.chance(0.05) {
            // Nobody picks up: the phone is given up, the agent goes for a walk, the caller is first again.
            let rings: Int64 = 15_000_000
            let failed = CallAlertFailed(
                agent: agents[agent].name, group: settings.groups[group], attempt: call.attempt, cause: .noAnswer,
                sipStatus: 480, ringMs: 15_000)
            schedule(rings, .emit(number, .callAlertFailed(failed)))
            schedule(rings, .state(agent, .paused, call: nil))
            schedule(rings + random.exponential(120), .state(agent, .available, call: nil))
        } else {
            answer(number, agent, after: random.exponential(4))
        }
    }

    func sipCallID(_ number: Int, _ leg: Int) -> String { "l\(number)-\(leg)@127.0.0.1" }

    /// The caller is the first in the queue again.
    private mutating func waitAgain(_ number: Int) {
        guard var call = calls[number] else { return }
        call.isWaiting = true
        calls[number] = call
        waiting[call.group].insert(number, at: 0)
        serve(call.group)
    }

    private mutating func dequeue(_ number: Int, _ outcome: QueueOutcome, to: String? = nil) {
        guard let call = calls[number] else { return }
        waiting[call.group].removeAll { $0 == number }
        add(
            .callDequeued(
                CallDequeued(
                    group: settings.groups[call.group], queueMs: Int(monoMs - mono(call.queued)), position: 1,
                    outcome: outcome, to: to)),
            call: call.id)
    }

    func mono(_ wall: Int64) -> Int64 { (wall - settings.start + 86_400_000_000) / 1000 }

    mutating func losePatience(_ number: Int) {
        guard let call = calls[number], call.isWaiting else { return }
        let callback = random.chance(0.1)
        let group = settings.groups[call.group]
        let waited = Int(monoMs - mono(call.arrived))
        if waited > 20_000 {
            add(
                .slaBreached(SLABreached(group: group, line: call.line, waitMs: waited, serviceLevelS: 20)),
                call: call.id)
        }
        if callback {
            add(
                .callbackRequested(
                    CallbackRequested(group: group, line: call.line, caller: call.caller, position: 1, waitMs: waited)),
                call: call.id)
            if number % 3 > 0 {
                let failed = CallbackFailed(
                    group: group, line: call.line, caller: call.caller, request: call.id, attempt: 0, cause: .cancelled,
                    isFinal: true)
                schedule(600_000_000, .say(call.id, .callbackFailed(failed)))
            }
        }
        dequeue(number, callback ? .callback : .abandoned)
        endUnanswered(
            number, by: .caller, cause: callback ? .callback : random.chance(0.1) ? .lost : .abandoned,
            abandoned: !callback)
    }

    mutating func overflow(_ number: Int, _ group: Int) {
        guard let call = calls[number], call.isWaiting, call.group == group,
            now - call.queued >= Int64(settings.maxWait * 1_000_000)
        else { return }
        if group + 1 < settings.groups.count {
            dequeue(number, .overflow, to: "group:\(settings.groups[group + 1])")
            calls[number]?.group = group + 1
            enqueue(number)
        } else if random.chance(0.5) {
            dequeue(number, .overflow, to: "sip:voicemail@127.0.0.1")
            endUnanswered(number, by: .controller, cause: .normal, abandoned: false)
        } else {
            dequeue(number, .released)
            endUnanswered(number, by: .controller, cause: random.chance(0.2) ? .lost : .noAnswer, abandoned: false)
        }
    }

    private mutating func endUnanswered(_ number: Int, by: EndedBy, cause: Cause, abandoned: Bool) {
        guard let call = calls.removeValue(forKey: number) else { return }
        add(
            .callEnded(
                CallEnded(
                    endedBy: by, cause: cause, arrived: WallTime(microseconds: call.arrived), line: call.line,
                    group: settings.groups[call.group], caller: call.caller, waitMs: Int(monoMs - mono(call.arrived)),
                    abandoned: abandoned)),
            call: call.id)
    }

    mutating func setState(_ agent: Int, _ state: AgentState, _ number: Int?) {
        let call = number.flatMap { calls[$0] }
        let old = agents[agent]
        if old.state != state {
            add(
                .agentStateChanged(
                    AgentStateChanged(
                        agent: old.name, old: old.state, new: state, inStateMs: Int(monoMs - mono(old.since)),
                        call: call?.id, group: call.map { settings.groups[$0.group] }, line: call?.line)),
                call: nil)
            agents[agent].state = state
            agents[agent].since = now
        }
        if state == .available {
            agents[agent].isTaken = false
            serve(old.group)
        }
    }

    mutating func emit(_ number: Int, _ event: CallEvent) {
        guard let call = calls[number] else { return }
        if case .callAnswered = event {
            // Told by the queue first; both at the instant of the answer.
            dequeue(number, .answered)
        }
        add(event, call: call.id)
        switch event {
        case .callAlertFailed: waitAgain(number)
        case .callEnded: calls[number] = nil
        default: break
        }
    }
}
