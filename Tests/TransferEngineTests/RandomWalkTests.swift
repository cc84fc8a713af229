import CallEvents
import Foundation
import Testing

@testable import TransferEngine

/// Long random walks from a seed: once with phones that behave like phones, once with inputs that make no sense at all.
@Suite struct RandomWalkTests {
    @Test("a walk among phones: every invariant holds, the log keeps its rules", arguments: 1...8)
    func phones(seed: Int) {
        var model = PhoneModel(seed: UInt64(seed), configuration: walkConfiguration(seed))
        model.walk(4_000)
        #expect(model.invariants.problems.isEmpty, "seed \(seed): \(model.invariants.problems.joined(separator: "\n"))")
        #expect(model.finished == 1)
        // A walk that never gets anywhere would prove nothing.
        let types = Set(model.invariants.log.map(\.event.type))
        for type in [
            "transfer.completed", "transfer.failed", "transfer.cancelled", "hold.ended", "call.dequeued",
        ] {
            #expect(types.contains(type), "seed \(seed) never came to \(type)")
        }
    }

    @Test("a walk of arbitrary inputs: nothing traps, and all of it can be ended", arguments: 1...8)
    func arbitrary(seed: Int) {
        var walk = ArbitraryWalk(seed: UInt64(seed), configuration: walkConfiguration(seed))
        walk.walk(4_000)
        #expect(walk.invariants.problems.isEmpty, "seed \(seed): \(walk.invariants.problems.joined(separator: "\n"))")
    }

    @Test("walks come to conferences")
    func conferences() {
        let come = (1...8).contains { seed in
            var model = PhoneModel(seed: UInt64(seed), configuration: walkConfiguration(seed))
            model.walk(4_000)
            return model.invariants.log.contains { $0.event.type == "conference.ended" }
        }
        #expect(come)
    }

    @Test("a naive count of the log agrees with itself: waiting and talking add up over all calls")
    func naiveCount() {
        var model = PhoneModel(seed: 2, configuration: walkConfiguration(2))
        model.walk(4_000)
        var began: [String: Int64] = [:]
        var held: [String: Int] = [:]
        var stays: [String: (talk: Int, hold: Int)] = [:]
        var calls = 0
        // In a conference two stays are open at once.
        var conferences: Set<String> = []
        for record in model.invariants.log {
            guard let call = record.call else { continue }
            switch record.event {
            case .callArrived: began[call] = record.time.monoMilliseconds
            case .holdEnded(let fields) where fields.reason != .callerPhone: held[call, default: 0] += fields.holdMs
            case .partyLeft(let fields):
                stays[call, default: (0, 0)].talk += fields.talkMs
                stays[call, default: (0, 0)].hold += fields.holdMs
            case .conferenceStarted: conferences.insert(call)
            case .callEnded(let fields):
                calls += 1
                let length = record.time.monoMilliseconds - (began[call] ?? 0)
                #expect(Int64(fields.waitMs + fields.talkMs + fields.holdMs) == length)
                #expect(fields.holdMs == held[call] ?? 0)
                // All talk is somebody's stay; holds after an agent has left are nobody's.
                let talk = stays[call]?.talk ?? 0
                #expect(conferences.contains(call) ? fields.talkMs <= talk : fields.talkMs == talk)
                #expect(fields.holdMs >= stays[call]?.hold ?? 0)
            default: break
            }
        }
        #expect(calls > 20)
    }

    @Test("the same inputs give the same effects, also from a state that was stored and read", arguments: [3, 4])
    func determinism(seed: Int) throws {
        var model = PhoneModel(seed: UInt64(seed), configuration: walkConfiguration(seed), keepsTrace: true)
        model.walk(1_500)
        var replay = TransferEngine(configuration: walkConfiguration(seed))
        for (index, step) in model.trace.enumerated() {
            if index % 97 == 0 {
                replay = try JSONDecoder().decode(TransferEngine.self, from: JSONEncoder().encode(replay))
            }
            let effects = replay.handle(step.input, at: step.at)
            #expect(effects == model.effects[index], "step \(index)")
            if effects != model.effects[index] { break }
        }
        // Inputs themselves can be stored: a recorded trace is a file.
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        for step in model.trace.prefix(300) {
            let data = try encoder.encode(step.input)
            #expect(try JSONDecoder().decode(Input.self, from: data) == step.input)
        }
    }
}

/// Inputs drawn from a hat: legs, reports and timers that are there, were there, or never were; times out of order.
struct ArbitraryWalk {
    private var engine: TransferEngine
    var invariants = Invariants()
    private var random: Random
    private var legs: [LegID] = []
    private var ended: Set<LegID> = []
    private var reports: [ReportID] = []
    private var timers: [TimerID] = []
    private var calls = 0

    init(seed: UInt64, configuration: EngineConfiguration) {
        engine = TransferEngine(configuration: configuration)
        random = Random(seed: seed &* 7919)
        feed(.started)
    }

    mutating func walk(_ count: Int) {
        for _ in 0..<count {
            feed(draw())
            if engine.byID.count > 6, let oldest = engine.inOrder.first { end(oldest) }
        }
        feed(.terminate)
        feed(.terminate)
        for leg in legs where !ended.contains(leg) { feed(.legEnded(leg, LegEnd(how: .local))) }
        for timer in timers { feed(.timer(timer)) }
        invariants.finish(engine)
    }

    /// So that calls nobody asks for any more do not pile up.
    private mutating func end(_ call: Call) {
        feed(.command(RequestID(0), .hangup(call: call.id)))
        for leg in call.legs { feed(.legEnded(leg.id, LegEnd(how: .local))) }
        for timer in engine.byID[call.id]?.timers ?? [] { feed(.timer(timer.id)) }
    }

    private mutating func feed(_ input: Input) {
        if case .legEnded(let leg, _) = input { ended.insert(leg) }
        let effects = engine.handle(input, at: EventTime(wall: Int64(random.below(1 << 36)), mono: instant()))
        invariants.check(input, effects, engine)
        for effect in effects {
            switch effect {
            case .adopt(let leg, _, _), .invite(let leg, _): legs.append(leg)
            case .route(_, let report), .hold(_, _, let report), .matchCodec(_, _, let report),
                .handOver(_, _, _, let report):
                reports.append(report)
            case .announce(_, _, let report): reports.append(report)
            case .tone(_, _, let report?): reports.append(report)
            case .startTimer(let timer, _): timers.append(timer)
            default: break
            }
        }
    }

    private mutating func instant() -> Int64 {
        switch random.below(400) {
        case 0: .min
        case 1: .max / 2
        default: Int64(random.below(1 << 40))
        }
    }

    private mutating func leg() -> LegID {
        random.chance(3) ? LegID(random.next()) : random.pick(legs.suffix(12)) ?? LegID(1)
    }

    private mutating func report() -> ReportID { random.pick(reports.suffix(10)) ?? ReportID(1) }

    private mutating func draw() -> Input {
        let codec = random.pick(["PCMA", "opus", "", nil]) ?? nil
        switch random.below(100) {
        case 0..<9: return invite()
        case 9..<18: return .legProgress(leg(), sipStatus: random.below(300), earlyMedia: random.chance(30))
        case 18..<30: return .legAnswered(leg(), codec: codec)
        case 30..<37:
            let how = random.pick(LegEnd.How.allCases) ?? .bye
            let end = LegEnd(
                how: how, sipStatus: random.chance(50) ? random.below(700) : nil,
                q850: random.chance(30) ? random.below(128) : nil,
                contacts: random.chance(30) ? ["sip:1777@127.0.0.1", "x"] : [])
            return .legEnded(leg(), end)
        case 37..<44:
            return .legMedia(leg(), peerSends: random.chance(50), peerReceives: random.chance(60), codec: codec)
        case 44..<45: return .rtpTimeout(leg())
        case 45..<46:
            return .identity(leg(), Identity(uri: random.pick(["sip:3999@pbx", "sip:1001@h", "x"]) ?? ""))
        case 46..<66:
            return Digit(random.pick(Array("12450*#")) ?? "1").map { .digit(leg(), $0) } ?? .timer(TimerID(0))
        case 66..<72: return .routed(report())
        case 72..<74:
            return .handedOver(
                leg(), report(), sipStatus: random.pick([0, 100, 202, 200, 603]) ?? 0, isFinal: random.chance(60))
        case 74..<77: return .toneEnded(report())
        case 77..<81:
            return .reoffered(leg(), report(), sipStatus: random.pick([200, 488, 0, -5]) ?? 200, codec: codec)
        case 81..<88: return .timer(random.pick(timers.suffix(8)) ?? TimerID(random.next()))
        case 88..<95: return command()
        case 95:
            calls += 1
            let referral = Referral(
                id: ReferID(UInt64(calls)), referTo: random.pick(["sip:1002@h", "sip:x@y", "tel:55", ""]) ?? "",
                replaces: random.chance(40) ? leg() : nil, replacesHeader: random.chance(20) ? "a;to-tag=b" : nil)
            return .refer(leg(), referral)
        case 96:
            let command: AgentCommand =
                random.pick([.login, .ready, .pause(reason: nil), .logout, .login, .ready]) ?? .ready
            return .agent(
                RequestID(random.next()), agent: random.pick(["anna", "boris", "clara", "x"]) ?? "", command)
        case 97:
            return random.chance(10)
                ? .started
                : .remembered(
                    caller: random.pick(["a", "zz", ""]) ?? "", agent: random.pick(["anna", nil]) ?? nil,
                    WallTime(microseconds: Int64(random.below(1 << 50))))
        case 98:
            return .registered(
                agent: random.pick(["anna", "boris", "x"]) ?? "", contact: random.chance(50) ? "sip:1001@h" : nil)
        default:
            return random.chance(50)
                ? .logHealth(writable: random.chance(70)) : .configuration(walkConfiguration(random.below(6)))
        }
    }

    private mutating func invite() -> Input {
        calls += 1
        let user = random.pick(["7000", "7100", "7200", "7300", "1002", "55", "60", "", "*", "zz"]) ?? ""
        // Now and then an id that is in use.
        let id = random.chance(5) ? engine.inOrder.last?.id : nil
        let from = random.pick(["sip:1001@h", "sip:1002@h", "sip:a@b", "", "sip:%@"]) ?? ""
        return .invite(
            Invitation(
                handle: UInt64(calls), call: id ?? "ctl-1-\(calls)", sipCallID: "c\(calls)",
                requestURI: "sip:\(user)@h", to: "", from: from, withheld: random.chance(20),
                trusted: random.chance(90),
                maxForwards: random.chance(10) ? random.below(3) - 1 : nil,
                replaces: random.chance(15) ? leg() : nil))
    }

    private mutating func command() -> Input {
        let call = "ctl-1-\(max(1, calls - random.below(6)))"
        let targets = random.pick([["1002"], ["20"], ["99"], [], ["sip:x"], ["support"], ["55", "clara"]]) ?? []
        let command: Command =
            switch random.below(10) {
            case 8:
                .resolve(call: call, resolved: random.chance(50), code: random.pick(["sold", nil]) ?? nil, note: nil)
            case 9: .merge(call: call)
            case 0: .hold(call: call)
            case 1: .resume(call: call)
            case 2: .complete(call: call)
            case 3: .cancel(call: call)
            case 4: .swap(call: call)
            case 5: random.chance(20) ? .hangup(call: call) : .swap(call: call)
            case 6: .blind(call: call, targets: targets)
            default: .consult(call: call, targets: targets, note: "n")
            }
        return .command(RequestID(random.next()), command)
    }
}
