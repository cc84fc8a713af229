import Glibc

/// The stories: when calls begin, what the phones do, and what makes a call complete.
extension LoadRun {
    /// How long after its planned end a call may take to be over.
    private static let patience = 6.0
    /// Seconds: a later answer, or a later voice after the agent's BYE, is beyond the knee. One in a hundred may be.
    private static let lateAnswer = 0.25
    private static let lateVoice = 0.06
    private static let longestRamp = 120.0

    func begin(at now: Double) {
        setRate(options.rate)
        if options.mode == .held {
            phones.timers.add(now, .stage)
        } else {
            phones.timers.add(now, .launch)
        }
    }

    /// Starts the calls that are due.
    func launch() {
        let now = loadNow()
        if options.mode != .held && now >= launchEnd(now) {
            launched = true
            if calls.isEmpty { done = true }
            return
        }
        if options.ramp > 1, let began = rateBegan, now - began >= options.step {
            setRate(rate * options.ramp)
            // Half a second's calls without an answer: the server is behind.
            if Double(started - tally.answerDelays.count - tally.failed) > max(20, rate / 2) { rampEnded = true }
        }
        let began = rateBegan ?? now
        rateBegan = began
        var due = rateOffset + 1 + Int((now - began) * rate)
        if options.mode == .held { due = min(due, heldTarget) }
        while started < due {
            let call = LoadCall(number: started, step: tally.steps.count - 1, begun: now)
            calls[started] = call
            started += 1
            tally.steps[call.step].started += 1
            phones.invite(call)
            if options.mode != .held {
                phones.timers.add(now + options.length + Self.patience, .deadline(call))
            }
        }
        if options.mode == .held && started >= heldTarget { return }
        phones.timers.add(max(now + 0.0005, began + Double(started - rateOffset) / rate), .launch)
    }

    /// From now on so many calls a second are started.
    func setRate(_ rate: Double) {
        self.rate = rate
        rateBegan = nil
        rateOffset = started
        tally.steps.append(LoadTally.Step(rate: rate))
    }

    /// When no more calls are started.
    private func launchEnd(_ now: Double) -> Double {
        if launchBegan == nil { launchBegan = now }
        if options.ramp > 1 { return rampEnded ? now : launchBegan! + Self.longestRamp }
        return launchBegan! + options.duration
    }

    /// A call was served late; more of them than a step may have end a ramp.
    private func late(_ call: LoadCall) {
        tally.steps[call.step].late += 1
        if options.ramp > 1 && !tally.steps[call.step].good { rampEnded = true }
    }

    // MARK: - What happens to legs

    func answered(_ leg: LoadLeg) {
        let call = leg.call
        let now = loadNow()
        call.answeredAt = now
        tally.answerDelays.append(now - call.begun)
        if now - call.begun > Self.lateAnswer { late(call) }
        if options.mode != .held { phones.timers.add(now + options.length, .callerHangsUp(call)) }
    }

    func rejected(_ leg: LoadLeg, status: Int) {
        leg.call.failure = "the caller got \(status)"
        leg.state = .ended
        ended(leg)
    }

    /// The server's INVITE to a phone has been answered.
    func placedBy(_ leg: LoadLeg) {
        let call = leg.call
        if leg.role == .agent {
            families[Self.family(leg.callID)] = call
        } else if let dialled = call.dialledAt {
            tally.dialDelays.append(loadNow() - dialled)
        }
    }

    func confirmed(_ leg: LoadLeg) {
        let call = leg.call
        let now = loadNow()
        if leg.role == .target {
            phones.timers.add(now + options.consult, .agentHangsUp(call))
        } else if options.mode != .plain {
            phones.timers.add(now + options.talk, .dial(call))
        }
    }

    func dial(_ call: LoadCall) {
        guard let agent = call.agent, agent.state == .talking else { return }
        call.dialledAt = loadNow()
        if let stream = agent.stream {
            stream.dial(options.digits, length: options.digitLength, pause: options.digitPause)
        } else {
            agent.infoDigits = Array(options.digits.utf8)
            sendInfo(agent)
        }
    }

    func sendInfo(_ leg: LoadLeg) {
        guard leg.state == .talking, !leg.infoDigits.isEmpty else { return }
        if leg.pending == nil { phones.info(leg, digit: leg.infoDigits.removeFirst()) }
        let pause = Double(options.digitLength + options.digitPause) / 1000
        phones.timers.add(loadNow() + pause, .info(leg))
    }

    func agentHangsUp(_ call: LoadCall) {
        guard let agent = call.agent, agent.state == .talking, let target = call.target else { return }
        if options.rtp {
            if call.caller?.heard[LoadLeg.Role.agent.rawValue] == 0 { call.fail("the caller did not hear the agent") }
            if agent.heard[LoadLeg.Role.target.rawValue] == 0 { call.fail("the agent did not hear the target") }
            if target.heard[LoadLeg.Role.agent.rawValue] == 0 { call.fail("the target did not hear the agent") }
        }
        call.completedAt = loadWallClock()
        phones.bye(agent)
    }

    func callerHearsTarget(_ call: LoadCall, at arrival: Double) {
        guard let completed = call.completedAt else {
            call.fail("the caller heard the target before the join")
            return
        }
        guard call.joinedAt == nil else { return }
        call.joinedAt = arrival
        tally.joinDelays.append(max(0, arrival - completed))
        if arrival - completed > Self.lateVoice { late(call) }
    }

    func callerHangsUp(_ call: LoadCall) {
        guard let caller = call.caller, caller.state == .talking else { return }
        if options.mode == .transfer {
            if call.completedAt == nil {
                call.fail(call.missing)
            } else if options.rtp {
                if call.joinedAt == nil { call.fail("the caller did not hear the target") }
                if call.target?.heard[LoadLeg.Role.caller.rawValue] == 0 {
                    call.fail("the target did not hear the caller")
                }
            }
            if call.target?.released == true { call.fail("the target was released early") }
        } else {
            if call.agent == nil { call.fail("the agent was not called") }
            if options.rtp && caller.heard[LoadLeg.Role.agent.rawValue] == 0 {
                call.fail("the caller did not hear the agent")
            }
        }
        phones.bye(caller)
    }

    /// A leg is over, by whichever side.
    func ended(_ leg: LoadLeg) {
        let call = leg.call
        if leg.released && leg.role == .caller { call.fail("the caller was released") }
        if leg.released && leg.role == .agent && options.mode == .transfer { call.fail("the agent was released") }
        if call.legs.allSatisfy({ $0.state == .ended }) { finish(call) }
    }

    func overdue(_ call: LoadCall) {
        guard calls[call.number] === call else { return }
        call.fail(call.missing)
        for leg in call.legs where leg.state != .ended { phones.bye(leg) }
        finish(call)
    }

    private func finish(_ call: LoadCall) {
        guard calls.removeValue(forKey: call.number) != nil else { return }
        if call.legs.contains(where: { $0.strange > 0 }) { call.fail("a leg heard another call") }
        if let failure = call.failure {
            tally.fail(failure)
            tally.steps[call.step].failed += 1
            if options.ramp > 1 { rampEnded = true }
        } else {
            tally.completed += 1
        }
        for leg in call.legs {
            phones.forget(leg)
            placed[leg.callID] = nil
            if leg.role == .agent { families[Self.family(leg.callID)] = nil }
        }
        if launched && calls.isEmpty { done = true }
    }

    // MARK: - Which call an INVITE of the server's belongs to

    func callOf(_ message: LoadMessage) -> LoadCall? {
        if let at = message.whole.find("load-"), let number = message.whole.number(at: at + 5), let call = calls[number]
        {
            return call
        }
        return families[Self.family(Array(message.callID!))]
    }

    /// A Call-ID without what follows its last `-`, `.` or `/`: legs of one call differ in that.
    private static func family(_ callID: [UInt8]) -> String {
        let end = callID.lastIndex { $0 == 45 || $0 == 46 || $0 == 47 } ?? callID.endIndex
        return String(decoding: callID[..<end], as: UTF8.self)
    }
}

extension LoadCall {
    /// The first failure is the one that counts.
    func fail(_ reason: String) { failure = failure ?? reason }

    /// What has not happened of a call that should be over.
    var missing: String {
        if answeredAt == nil { return "the caller was not answered" }
        guard let agent else { return "the agent was not called" }
        if dialledAt == nil { return agent.state == .answering ? "no ACK came to the agent" : "the agent did not dial" }
        guard let target else { return "the target was not called" }
        if target.state == .answering { return "no ACK came to the target" }
        if completedAt == nil { return "the agent did not hang up" }
        if caller?.state != .ended { return "no answer came to the caller's BYE" }
        if agent.state != .ended { return "no answer came to the agent's BYE" }
        return "the target was not released"
    }
}
