import CallEvents

@testable import TransferEngine

/// Phones, a relay and a network made of chance: they answer, reject, hold, press keys, vanish and hang up when they
/// like, and everything the engine asks for takes its time. What is reported obeys the contract of `Input`.
struct PhoneModel {
    private struct Pending {
        var at: Int64
        var serial: UInt64
        var input: Input
    }

    private struct Phone {
        var isIncoming: Bool
        var answered = false
        var early = false
        /// Its `legEnded` is on its way: nothing else will come of it.
        var ending = false
        var ended = false
        var codec: String?
        var agent = false
    }

    var engine: TransferEngine
    var invariants = Invariants()
    var trace: [(input: Input, at: EventTime)] = []
    var effects: [[Effect]] = []
    private(set) var steps = 0
    private(set) var finished = 0
    private var random: Random
    private var now: Int64 = 5_000_000
    private var serial: UInt64 = 0
    private var pending: [Pending] = []
    private var phones: [LegID: Phone] = [:]
    private var order: [LegID] = []
    private var invited: [UInt64: Bool] = [:]
    private var adopted: [UInt64: LegID] = [:]
    private var calls = 0
    private var requests: UInt64 = 0
    /// No new callers; everybody hangs up.
    private var closing = false
    let keepsTrace: Bool
    private let configuration: EngineConfiguration
    private var isReduced = false

    init(seed: UInt64, configuration: EngineConfiguration, keepsTrace: Bool = false) {
        engine = TransferEngine(configuration: configuration)
        random = Random(seed: seed)
        self.keepsTrace = keepsTrace
        self.configuration = configuration
        feed(.started, at: now)
    }

    private func time(_ instant: Int64) -> EventTime {
        EventTime(wall: 1_700_000_000_000_000 + instant, mono: instant)
    }

    /// Walks for so many inputs, then lets everybody hang up and waits until nothing is left.
    mutating func walk(_ count: Int) {
        while steps < count { step() }
        closing = true
        let limit = steps + 20_000
        while steps < limit, !engine.calls().isEmpty || !pending.isEmpty { step() }
        feed(.terminate, at: now)
        invariants.finish(engine)
    }

    private mutating func step() {
        // Now and then somebody does something; otherwise the next thing due happens.
        if random.chance(closing ? 25 : 30) || pending.isEmpty { act() }
        guard
            let index = pending.indices.min(by: {
                (pending[$0].at, pending[$0].serial) < (pending[$1].at, pending[$1].serial)
            })
        else {
            now += 1_000
            steps += 1
            return
        }
        let next = pending.remove(at: index)
        now = max(now, next.at)
        if case .legEnded(let leg, _) = next.input { phones[leg]?.ended = true }
        // A report of the relay's carries the instant of the switch, and may come late.
        feed(next.input, at: next.at)
    }

    private mutating func feed(_ input: Input, at instant: Int64) {
        steps += 1
        let at = time(instant)
        if keepsTrace { trace.append((input, at)) }
        let new = engine.handle(input, at: at)
        if keepsTrace { effects.append(new) }
        invariants.check(input, new, engine)
        for effect in new { carryOut(effect) }
    }

    private mutating func later(_ milliseconds: ClosedRange<Int>, _ input: Input) {
        let delay =
            Int64(milliseconds.lowerBound + random.below(milliseconds.count)) * 1_000 + Int64(random.below(1_000))
        serial += 1
        pending.append(Pending(at: now + delay, serial: serial, input: input))
    }

    /// The leg's last word; only one is said.
    private mutating func end(_ leg: LegID, _ end: LegEnd, within: ClosedRange<Int> = 0...5) {
        guard phones[leg]?.ending == false else { return }
        phones[leg]?.ending = true
        later(within, .legEnded(leg, end))
    }

    // MARK: what the engine asks for

    private mutating func carryOut(_ effect: Effect) {
        switch effect {
        case .adopt(let leg, let handle, _):
            phones[leg] = Phone(isIncoming: true, agent: invited[handle] ?? false)
            order.append(leg)
        case .invite(let leg, let invite):
            phones[leg] = Phone(isIncoming: false, agent: invite.uri.contains("508"))
            order.append(leg)
            fate(of: leg)
        case .answer(let leg, let codecOf):
            phones[leg]?.answered = true
            let codec = codecOf.flatMap { phones[$0]?.codec } ?? random.pick(Self.codecs)
            phones[leg]?.codec = codec
            later(0...3, .legAnswered(leg, codec: codec))
        case .hangUp(let leg, _): end(leg, LegEnd(how: .local), within: 0...60)
        case .hold(let leg, _, let report):
            later(1...80, .reoffered(leg, report, sipStatus: random.chance(90) ? 200 : 488, codec: phones[leg]?.codec))
        case .matchCodec(let leg, let other, let report):
            let accepted = random.chance(85)
            let codec = phones[other]?.codec
            if accepted { phones[leg]?.codec = codec }
            later(1...120, .reoffered(leg, report, sipStatus: accepted ? 200 : 488, codec: phones[leg]?.codec))
        case .route(_, let report): later(0...(random.chance(3) ? 500 : 2), .routed(report))
        case .tone(_, _, let report): if let report { later(100...700, .toneEnded(report)) }
        case .announce(_, _, let report): later(500...4_000, .toneEnded(report))
        case .startTimer(let timer, let milliseconds): later(milliseconds...milliseconds, .timer(timer))
        case .stopTimer(let timer):
            // One that has fired already may still be on its way.
            if random.chance(95) { pending.removeAll { $0.input == .timer(timer) } }
        case .finished: finished += 1
        case .handOver(let leg, let other, _, let report): takeOver(leg, other, report)
        case .refuse, .ring, .stopTone, .sendDigits, .identify, .refer, .log, .reply, .accepting: break
        }
    }

    /// What the caller's side makes of a REFER.
    private mutating func takeOver(_ leg: LegID, _ target: LegID, _ report: ReportID) {
        func said(_ status: Int, _ final: Bool) -> Input {
            .handedOver(leg, report, sipStatus: status, isFinal: final)
        }
        switch random.below(8) {
        case 0: later(5...50, said(603, true))
        case 1: later(0...0, said(405, true))
        case 2: later(5...50, said(202, false))
        case 3:
            later(5...50, said(202, false))
            later(60...900, said(random.pick([481, 486, 0, 503]) ?? 0, true))
        case 4:
            later(5...50, said(202, false))
            end(leg, LegEnd(how: .bye), within: 50...60)
        case 5:
            later(5...50, said(202, false))
            end(target, LegEnd(how: .bye), within: 60...300)
            later(200...600, said(200, true))
        default:
            later(5...50, said(202, false))
            later(60...300, said(200, true))
            end(target, LegEnd(how: .bye), within: 290...310)
        }
    }

    private static let codecs = ["PCMA", "PCMA", "PCMA", "PCMU", "opus"]

    /// What becomes of a call placed.
    private mutating func fate(of leg: LegID) {
        switch random.below(20) {
        case 0: end(leg, LegEnd(how: .transport))
        case 1: end(leg, LegEnd(how: .noResponse), within: 4_000...4_000)
        case 2: end(leg, LegEnd(how: .invalid), within: 0...0)
        case 3: end(leg, LegEnd(how: .rejected, sipStatus: 302, contacts: contacts()), within: 10...50)
        case 4, 5:
            end(leg, LegEnd(how: .rejected, sipStatus: random.pick([486, 603, 404, 480, 488, 503])), within: 10...900)
        case 6: later(20...100, .legProgress(leg, sipStatus: 180, earlyMedia: false))
        case 7:
            later(20...100, .legProgress(leg, sipStatus: 183, earlyMedia: true))
            willAnswer(leg, 200...6_000)
        case 8:
            later(20...100, .legProgress(leg, sipStatus: 180, earlyMedia: false))
            end(leg, LegEnd(how: .rejected, sipStatus: 486, q850: random.chance(50) ? 17 : nil), within: 500...8_000)
        case 9: willAnswer(leg, 0...5)
        case 10: end(leg, LegEnd(how: .noCodec), within: 100...600)
        default:
            later(20...100, .legProgress(leg, sipStatus: 180, earlyMedia: false))
            willAnswer(leg, 200...6_000)
        }
    }

    private mutating func contacts() -> [String] {
        let all = ["sip:1002@127.0.0.1:5082", "sip:1777@127.0.0.1", "sip:evil@elsewhere.example", "sip:1778@127.0.0.1"]
        return all.filter { _ in random.chance(60) }
    }

    private mutating func willAnswer(_ leg: LegID, _ range: ClosedRange<Int>) {
        let codec = random.pick(Self.codecs)
        phones[leg]?.codec = codec
        later(range, .legAnswered(leg, codec: codec))
    }

    // MARK: what people do

    private mutating func act() {
        let open = order.suffix(60).filter { phones[$0]?.ending == false }
        if closing {
            if let leg = random.pick(open) { end(leg, LegEnd(how: .bye)) }
            return
        }
        if open.isEmpty || (random.chance(8) && engine.byID.count < 6) {
            arrive()
            return
        }
        guard let leg = random.pick(open), let phone = phones[leg] else { return }
        switch random.below(100) {
        case 0..<6: end(leg, LegEnd(how: phone.isIncoming && !phone.answered ? .cancelled : .bye))
        case 6..<8: end(leg, LegEnd(how: random.pick([.vanished, .transport]) ?? .vanished))
        case 8..<9: later(0...2, .rtpTimeout(leg))
        case 9..<16:
            let holds = random.chance(45)
            later(0...2, .legMedia(leg, peerSends: random.chance(50), peerReceives: !holds, codec: phone.codec))
        case 16..<17:
            phones[leg]?.codec = random.pick(Self.codecs)
            later(0...2, .legMedia(leg, peerSends: true, peerReceives: true, codec: phones[leg]?.codec))
        case 17..<19:
            let user = random.pick(["1001", "1002", "1003", "1400", "+37120000001"]) ?? ""
            later(0...2, .identity(leg, Identity(uri: "sip:\(user)@pbx.example")))
        case 19..<70: press(leg)
        case 70..<90: command()
        case 90..<94: refer(leg)
        case 94..<95: if random.chance(50) { arrive(replacing: leg) } else { reconfigure() }
        default: later(0...400, .legProgress(leg, sipStatus: 180, earlyMedia: random.chance(10)))
        }
    }

    private mutating func refer(_ leg: LegID) {
        requests += 1
        let target = random.pick([
            "sip:1002@127.0.0.1:5070", "sip:20@pbx", "sip:1777@127.0.0.1", "sip:evil@elsewhere.example", "tel:1003",
        ])
        let id = ReferID(requests)
        switch random.below(4) {
        case 0:
            // The phone's other call, if it has one.
            let other = engine.inOrder.lazy.compactMap { $0.attempt?.agentLeg }.last ?? random.pick(order.suffix(8))
            feed(.refer(leg, Referral(id: id, referTo: target ?? "", replaces: other)), at: now)
        case 1:
            feed(.refer(leg, Referral(id: id, referTo: target ?? "", replacesHeader: "a;to-tag=b;from-tag=c")), at: now)
        default: feed(.refer(leg, Referral(id: id, referTo: target ?? "")), at: now)
        }
        // Many a phone hangs up on the 202.
        if random.chance(30) { end(leg, LegEnd(how: .bye), within: 0...20) }
    }

    /// Takes away from the configuration, and gives back.
    private mutating func reconfigure() {
        var changed = configuration
        if !isReduced {
            switch random.below(4) {
            case 0:
                let name = random.pick(changed.agents)?.name ?? ""
                changed.agents.removeAll { $0.name == name }
                for index in changed.groups.indices { changed.groups[index].members.removeAll { $0 == name } }
            case 1: changed.groups[0].members = random.chance(50) ? [] : ["clara"]
            case 2: changed.groups = []
            default: changed.lines.removeAll { _ in random.chance(50) }
            }
        }
        isReduced.toggle()
        feed(.configuration(changed), at: now)
    }

    private mutating func arrive(replacing leg: LegID? = nil) {
        calls += 1
        let handle = UInt64(calls)
        let isAgent = random.chance(20)
        let from = isAgent ? random.pick(["sip:1001@h", "sip:1002@h", "sip:1003@h"]) : "sip:+3712000\(calls)@pbx"
        let line = random.pick(["7000", "7100", "7200", "7300", "+31201", "1002", "55", "8888"]) ?? ""
        invited[handle] = isAgent
        let invitation = Invitation(
            handle: handle, call: "ctl-1-\(calls)", sipCallID: "in-\(calls)", requestURI: "sip:\(line)@h",
            to: "sip:\(line)@h", from: from ?? "", withheld: random.chance(10), trusted: random.chance(97),
            maxForwards: 70, replaces: leg)
        feed(.invite(invitation), at: now)
    }

    private mutating func press(_ leg: LegID) {
        let codes = [
            "*2", "*21002", "*220", "*260", "*255#", "*299#", "*1", "*3", "*4", "#1", "#11003", "#120", "*5", "7", "*",
            "#",
        ]
        for character in random.pick(codes) ?? "" {
            if let digit = Digit(character) { later(0...30, .digit(leg, digit)) }
        }
    }

    private mutating func command() {
        requests += 1
        if random.chance(10) {
            let agent = random.pick(["anna", "boris", "clara", "nobody"]) ?? ""
            let command: AgentCommand =
                random.pick([.login, .login, .login, .ready, .ready, .ready, .pause(reason: "lunch"), .logout])
                ?? .ready
            feed(.agent(RequestID(requests), agent: agent, command), at: now)
            return
        }
        let call = random.pick(engine.inOrder.map(\.id)) ?? "none"
        let targets = [random.pick(["1002", "1003", "20", "55", "99", "clara", "support"]) ?? ""]
        let command: Command =
            switch random.below(13) {
            case 12: .merge(call: call)
            case 0: .hold(call: call)
            case 1: .resume(call: call)
            case 2: .complete(call: call)
            case 3: .cancel(call: call)
            case 4, 5: .swap(call: call)
            case 6: .hangup(call: call)
            case 7:
                .resolve(call: call, resolved: random.chance(50), code: random.pick(["sold", nil]) ?? nil, note: "n")
            case 8, 9: .blind(call: call, targets: targets)
            default: .consult(call: call, targets: targets, note: nil)
            }
        feed(.command(RequestID(requests), command), at: now)
    }
}

/// The configuration of the walks: everything in use, times short.
func walkConfiguration(_ variant: Int = 0) -> EngineConfiguration {
    testConfiguration {
        $0.transfer.fallback =
            variant % 2 == 0
            ? [.next, .agent, .group("support")] : [.group("support"), .uri("sip:1999@127.0.0.1"), .agent]
        $0.transfer.completion = variant % 4 == 1 ? .refer : .bridge
        $0.transfer.callerID = variant % 5 == 0 ? .caller : .agent
        $0.transfer.holdSignalling = variant % 3 == 0 ? .reinvite : .media
        $0.groups[0].overflow = .agent("clara")
        $0.groups[0].maxWait = 9_000
        if variant % 3 == 1 {
            $0.groups[0].strategy = .ringAll
            $0.groups[0].members = ["anna", "boris", "clara"]
        }
        $0.groups[0].music = variant % 2 == 0 ? "music.wav" : nil
        $0.groups[0].announcements = GroupSettings.Announcements(
            every: 2_000, after: variant % 3 * 500, sounds: variant % 4 == 0 ? nil : "sounds")
        $0.agents[0].maxCalls = 3
        $0.agents[1].maxCalls = 2
        $0.lines[1].overflow = .group("support")
    }
}
