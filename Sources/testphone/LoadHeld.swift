import Glibc

/// Held callers: added in stages, and at each stage the server's CPU and memory measured.
extension LoadRun {
    /// A few callers come first and stay, so that what is allocated once is not counted as the callers'.
    private static let warmUp = 10
    /// Seconds after the last caller of a stage was answered, and the time in which each must have heard music.
    private static let settling = 3.0
    private static let hearing = 1.0
    private static let draining = 0.5
    /// Seconds between the first packet of a stage's callers and the measurement.
    private static let starting = 0.5
    /// Of 50 packets in `hearing`.
    private static let enough = 35

    enum HeldStep { case start, filling, settling, draining, hearing, silent, starting, sending, ending }

    private var sizes: [Int] { [Self.warmUp] + options.calls.sorted() }

    /// Of the warm-up the memory alone is of interest.
    private var window: Double { heldIndex == 0 ? 0.2 : options.duration }

    private func percentSinceSample() -> Double {
        guard let before = heldSample, let after = options.pid.flatMap({ LoadSample(pid: $0) }) else { return .nan }
        return (after.cpu - before.cpu) / (after.at - before.at) / 10
    }

    func stage() {
        let now = loadNow()
        switch heldStep {
        case .start, .sending:
            if heldStep == .sending { measured() }
            guard heldIndex < sizes.count else { return releaseAll(now) }
            heldTarget = max(started, sizes[heldIndex])
            heldDeadline = now + Double(heldTarget - started) / options.rate + 10
            setRate(options.rate)
            heldStep = .filling
            phones.timers.add(now, .launch)
            phones.timers.add(now + 0.1, .stage)
        case .filling:
            let ready = calls.values.count { isHeld($0) }
            if ready < heldTarget && now < heldDeadline {
                phones.timers.add(now + 0.1, .stage)
                return
            }
            heldStep = .settling
            phones.timers.add(now + Self.settling, .stage)
        case .settling:
            // What has gathered in the sockets since the last look is read and not counted.
            listening = options.rtp
            heldStep = .draining
            phones.timers.add(now + Self.draining, .stage)
        case .draining:
            for call in calls.values { call.caller?.unmarked = 0 }
            heldHearingBegan = now
            heldStep = .hearing
            phones.timers.add(now + Self.hearing, .stage)
        case .hearing:
            listening = false
            heldHearing = calls.values.count { ($0.caller?.unmarked ?? 0) >= Self.enough }
            heldMusic = calls.values.reduce(0.0) { $0 + Double($1.caller?.unmarked ?? 0) }
            heldMusic /= Double(max(1, calls.count)) * (now - heldHearingBegan)
            heldSample = options.pid.flatMap { LoadSample(pid: $0) }
            heldStep = .silent
            phones.timers.add(now + window, .stage)
        case .silent:
            heldSilent = percentSinceSample()
            speak(calls.values.compactMap { $0.caller }, on: options.rtp)
            heldStep = .starting
            phones.timers.add(now + Self.starting, .stage)
        case .starting:
            heldSentBefore = tally.packetsSent
            heldSendingBegan = now
            heldSample = options.pid.flatMap { LoadSample(pid: $0) }
            heldStep = .sending
            phones.timers.add(now + window, .stage)
        case .ending:
            if calls.isEmpty || now > heldDeadline {
                for call in calls.values { tally.fail(call.missing) }
                done = true
            } else {
                phones.timers.add(now + 0.1, .stage)
            }
        }
    }

    private func isHeld(_ call: LoadCall) -> Bool {
        guard call.answeredAt != nil, call.caller?.state == .talking else { return false }
        guard options.agent else { return true }
        guard call.dialledAt != nil, let agent = call.agent else { return false }
        return agent.infoDigits.isEmpty && agent.pending == nil && agent.stream?.digitsDone != false
    }

    private func measured() {
        heldIndex += 1
        let sending = percentSinceSample()
        let sent = Double(tally.packetsSent - heldSentBefore) / (loadNow() - heldSendingBegan)
        speak([], on: false)
        guard let after = options.pid.flatMap({ LoadSample(pid: $0) }) else { return }
        guard let base = heldBase else {
            heldBase = after
            return
        }
        let held = calls.values.count { isHeld($0) }
        let added = Double(max(1, held - Self.warmUp))
        tally.stages.append(
            LoadTally.Stage(
                held: held, hearMusic: heldHearing, musicRate: heldMusic,
                sentRate: sent / Double(max(1, calls.count)), silentPercent: heldSilent, sendingPercent: sending,
                residentPerCall: Double(after.resident - base.resident) / added,
                proportionalPerCall: Double(after.proportional - base.proportional) / added))
    }

    private func releaseAll(_ now: Double) {
        for call in calls.values { call.caller.map { phones.bye($0) } }
        heldStep = .ending
        heldDeadline = now + 10
        phones.timers.add(now + 0.1, .stage)
    }
}
