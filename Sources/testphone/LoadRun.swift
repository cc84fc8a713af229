import Glibc

/// One run: the loop that sends, receives and keeps time, on one thread. The stories are in `LoadStory.swift`.
final class LoadRun {
    let options: LoadOptions
    let phones: LoadPhones
    var tally = LoadTally()
    /// Calls under way, by number, and by the part of the server's Call-IDs that the legs of a call share.
    var calls: [Int: LoadCall] = [:]
    var families: [String: LoadCall] = [:]
    /// Legs the server placed, by Call-ID: an INVITE that comes twice is answered twice, not counted twice.
    var placed: [[UInt8]: LoadLeg] = [:]
    var started = 0
    var done = false
    /// The present rate, since when, and how many calls had been started before.
    var rate: Double
    var rateBegan: Double?
    var rateOffset = 0
    /// When the first call was started, and whether the last one has been.
    var launchBegan: Double?
    var launched = false
    /// Set when a ramp has found its end.
    var rampEnded = false
    /// Held callers: the present stage (`LoadHeld.swift`).
    var heldStep = HeldStep.start
    var heldIndex = 0
    var heldTarget = 0
    var heldDeadline = 0.0
    var heldBase: LoadSample?
    var heldSample: LoadSample?
    var heldSilent = 0.0
    var heldHearing = 0
    var heldHearingBegan = 0.0
    var heldMusic = 0.0
    var heldSentBefore = 0
    var heldSendingBegan = 0.0

    /// Packets leave at ten moments in 20 ms, so that they come as those of many phones do.
    static let moments = 10
    private static let tick = 0.002
    private var speaking = [[LoadLeg]](repeating: [], count: moments)
    private let entries = UnsafeMutablePointer<LoadBatchEntry>.allocate(capacity: 1024)
    /// poll's milliseconds are too coarse for the packets' moments.
    private let ppoll: @convention(c) (UnsafeMutableRawPointer, nfds_t, UnsafeRawPointer, UnsafeRawPointer?) -> Int32
    private let polled = UnsafeMutablePointer<pollfd>.allocate(capacity: LoadLeg.Role.allCases.count)
    private var nextTick = 0.0
    private var moment = 0
    /// Whether received RTP is read; what is not read, the kernel drops.
    var listening: Bool

    init(_ options: LoadOptions) throws {
        self.options = options
        rate = options.rate
        phones = try LoadPhones(options)
        listening = options.rtp
        ppoll = try loadSymbol("ppoll")
        for (index, socket) in phones.sip.enumerated() {
            (polled + index).initialize(to: pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0))
        }
    }

    deinit {
        entries.deallocate()
        polled.deallocate()
    }

    func run() -> Int32 {
        let before = options.pid.flatMap { LoadSample(pid: $0) }
        if options.pid != nil && before == nil {
            complain("no process \(options.pid!)")
            return 1
        }
        let start = loadNow()
        nextTick = start
        begin(at: start)
        while !done { turn() }
        print(before: before, elapsed: loadNow() - start)
        return 0
    }

    private func turn() {
        let now = loadNow()
        while let task = phones.timers.take(dueAt: now) { perform(task) }
        if options.rtp {
            if now - nextTick > 0.1 { nextTick = now }
            while nextTick <= now {
                send(moment)
                moment = (moment + 1) % Self.moments
                nextTick += Self.tick
            }
            if listening { receiveMedia() }
        }
        wait(until: min(phones.timers.next ?? now + 0.1, options.rtp ? nextTick : now + 0.1))
        for role in LoadLeg.Role.allCases {
            var left = 8
            while left > 0, phones.sip[role.rawValue].receive({ text, _, _ in receive(text, role) }) { left -= 1 }
        }
    }

    private func wait(until time: Double) {
        let seconds = max(0, time - loadNow())
        var pause = timespec(tv_sec: Int(seconds), tv_nsec: Int((seconds - seconds.rounded(.down)) * 1e9))
        _ = ppoll(polled, nfds_t(phones.sip.count), &pause, nil)
    }

    private func perform(_ task: LoadTask) {
        switch task {
        case .resend(let leg, let cseq): phones.resend(leg, cseq: cseq)
        case .launch: launch()
        case .dial(let call): dial(call)
        case .info(let leg): sendInfo(leg)
        case .agentHangsUp(let call): agentHangsUp(call)
        case .callerHangsUp(let call): callerHangsUp(call)
        case .deadline(let call): overdue(call)
        case .stage: stage()
        }
    }

    // MARK: - Media

    func speak(_ leg: LoadLeg, port: UInt16, event: UInt8) {
        hear(leg, port: port)
        guard leg.stream == nil else {
            leg.stream?.aim(at: phones.server, port: port)
            return
        }
        let stream = LoadStream(
            mark: leg.role, call: leg.call.number, ssrc: UInt32(truncatingIfNeeded: leg.number &* 2_246_822_519 &+ 1),
            to: phones.server, port: port)
        stream.eventPayload = event
        leg.stream = stream
        // At random: calls begin at even intervals, and nothing measured may depend on how these meet the packets'.
        leg.moment = Int.random(in: 0..<Self.moments)
        speaking[leg.moment].append(leg)
    }

    func hear(_ leg: LoadLeg, port: UInt16) {
        leg.mediaPort = port
        phones.byMediaPort[leg.role.rawValue][Int(port)] = Int32(leg.number)
    }

    /// Starts or stops the packets of legs that are otherwise ready.
    func speak(_ legs: [LoadLeg], on: Bool) {
        guard on else {
            for moment in speaking.indices { speaking[moment] = [] }
            return
        }
        for leg in legs {
            if leg.stream == nil {
                speak(leg, port: leg.mediaPort, event: 0)
            } else {
                speaking[leg.moment].append(leg)
            }
        }
    }

    /// An agent who has dialled the hold code says no more.
    private func isSilentHolder(_ leg: LoadLeg) -> Bool {
        options.mode == .held && leg.role == .agent && leg.call.dialledAt != nil && leg.stream?.digitsDone == true
    }

    private func send(_ moment: Int) {
        speaking[moment].removeAll { $0.state == .ended || $0.state == .leaving || isSilentHolder($0) }
        for role in LoadLeg.Role.allCases {
            var count = 0
            for leg in speaking[moment] where leg.role == role {
                count += leg.stream!.next(entries + count)
                guard count > 1000 else { continue }
                phones.rtp[role.rawValue].send(entries, count: count)
                count = 0
            }
            if count > 0 { phones.rtp[role.rawValue].send(entries, count: count) }
        }
        for leg in speaking[moment] { tally.packetsSent += leg.stream == nil ? 0 : 1 }
    }

    private func receiveMedia() {
        for role in LoadLeg.Role.allCases {
            var left = 64
            while left > 0, phones.rtp[role.rawValue].receive({ hear($0, role, $1, at: $2) }) { left -= 1 }
        }
    }

    private func hear(_ packet: LoadText, _ role: LoadLeg.Role, _ port: UInt16, at arrival: Double) {
        tally.packetsReceived += 1
        guard let leg = phones.leg(Int(phones.byMediaPort[role.rawValue][Int(port)])) else { return }
        guard let mark = LoadStream.Mark(packet) else {
            leg.unmarked += 1
            return
        }
        guard mark.call == leg.call.number else {
            leg.strange += 1
            return
        }
        leg.heard[mark.role.rawValue] += 1
        if role == .caller && mark.role == .target { callerHearsTarget(leg.call, at: arrival) }
    }

    // MARK: - SIP

    private func receive(_ text: LoadText, _ role: LoadLeg.Role) {
        guard let message = LoadMessage(text) else { return }
        if message.method != nil {
            receiveRequest(message, role)
        } else if let leg = phones.leg(LoadMessage.legNumber(message.from)) {
            receiveResponse(message, leg)
        }
    }

    private func receiveRequest(_ message: LoadMessage, _ role: LoadLeg.Role) {
        let method = message.method!
        guard let number = LoadMessage.legNumber(message.to) else {
            if method.equals("INVITE") {
                receiveInvite(message, role)
            } else if !method.equals("ACK") {
                phones.reply(message, role: role, status: "200 OK")
            }
            return
        }
        guard let leg = phones.leg(number) else {
            if !method.equals("ACK") {
                let gone = method.equals("BYE")
                phones.reply(message, role: role, status: gone ? "200 OK" : "481 Call/Transaction Does Not Exist")
            }
            return
        }
        if method.equals("ACK") {
            guard leg.pending?.cseq == -message.cseq else { return }
            leg.pending = nil
            guard leg.state == .answering else { return }
            leg.state = .talking
            confirmed(leg)
        } else if method.equals("BYE") {
            phones.reply(message, role: role, status: "200 OK")
            guard leg.state != .ended else { return }
            leg.released = true
            leg.state = .ended
            ended(leg)
        } else if let description = LoadDescription(message.body), method.equals("INVITE") || method.equals("UPDATE") {
            phones.agree(message, leg, answer: description.answer, event: description.event)
        } else {
            phones.reply(message, role: role, status: "200 OK")
        }
    }

    private func receiveInvite(_ message: LoadMessage, _ role: LoadLeg.Role) {
        let callID = Array(message.callID!)
        if let leg = placed[callID] {
            if let pending = leg.pending { phones.resend(leg, cseq: pending.cseq) }
            return
        }
        guard let description = LoadDescription(message.body), description.hasAlaw else {
            phones.reply(message, role: role, status: "488 Not Acceptable Here")
            tally.fail("an INVITE had no PCMA")
            return
        }
        guard let call = callOf(message), call.leg(role) == nil else {
            phones.reply(message, role: role, status: "404 Not Found")
            tally.fail("an INVITE could not be told to a call")
            return
        }
        let leg = phones.accept(message, role: role, call: call)
        placed[callID] = leg
        if role == .agent { call.agent = leg } else { call.target = leg }
        phones.agree(message, leg, answer: description.answer, event: description.event)
        if options.rtp {
            speak(leg, port: description.port, event: description.event)
        }
        placedBy(leg)
    }

    private func receiveResponse(_ message: LoadMessage, _ leg: LoadLeg) {
        let invite = message.cseqMethod!.equals("INVITE")
        if message.status < 200 {
            if invite && leg.state == .calling { leg.pending = nil }
            return
        }
        if leg.pending?.cseq == message.cseq { leg.pending = nil }
        if invite {
            let success = message.status < 300
            if leg.state == .calling && success {
                leg.remote = Array(message.to!)
                if let contact = message.contact { leg.peer = Array(contact) }
                leg.state = .talking
                if let description = LoadDescription(message.body), options.rtp {
                    if options.mode == .held {
                        hear(leg, port: description.port)
                    } else {
                        speak(leg, port: description.port, event: description.event)
                    }
                }
                phones.acknowledge(leg, cseq: message.cseq, success: true)
                answered(leg)
            } else {
                if !success { leg.remote = Array(message.to!) }
                phones.acknowledge(leg, cseq: message.cseq, success: success)
                if leg.state == .calling { rejected(leg, status: message.status) }
            }
        } else if message.cseqMethod!.equals("BYE") {
            guard leg.state != .ended else { return }
            leg.state = .ended
            ended(leg)
        } else if message.cseqMethod!.equals("INFO") && message.status >= 300 {
            leg.call.failure = leg.call.failure ?? "INFO got \(message.status)"
        }
    }
}
