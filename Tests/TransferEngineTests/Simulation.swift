import CallEvents
import Foundation

@testable import TransferEngine

/// A call centre in virtual time: callers come by chance, wait or lose patience, agents answer, refuse, transfer and hang
/// up. Everything is drawn from one seed.
struct Simulation {
    struct Plan {
        /// Seconds.
        var length = 36_000.0
        /// Between two callers, on average.
        var interval = 6.8
        var talk = 300.0
        /// On average, exponential; null: nobody hangs up while waiting.
        var patience: Double?
        /// How long a phone rings before it is answered.
        var ring = 0.0...0.0
        /// Percent of offers that are not taken.
        var refuses = 0
        /// Percent of calls that go on to the second level.
        var transfers = 0
        /// Percent of transfers that are blind.
        var blind = 50
        /// Every so many inputs all invariants are checked; 0: never.
        var checkEvery = 0
    }

    private enum Happening {
        case input(Input)
        case arrival
        case callerLeaves(LegID)
        case agentDone(String)
    }

    private struct Event {
        var at: Int64
        var serial: UInt64
        var what: Happening
    }

    var engine: TransferEngine
    var log: [CallRecord] = []
    var invariants = Invariants()
    private(set) var inputs = 0
    private let plan: Plan
    private var random: Random
    private var now: Int64 = 1_000_000
    private var serial: UInt64 = 0
    private var heap: [Event] = []
    private var stopped: Set<TimerID> = []
    private var callers: [String: LegID] = [:]
    private var callOf: [LegID: String] = [:]
    private var arriving = ""
    private var arrivals = 0
    private var gone: Set<LegID> = []
    private var agents: [String: LegID] = [:]

    init(seed: UInt64, _ plan: Plan, _ configuration: EngineConfiguration) {
        self.plan = plan
        random = Random(seed: seed)
        engine = TransferEngine(configuration: configuration)
    }

    private mutating func uniform() -> Double { (Double(random.next() >> 11) + 0.5) / Double(1 << 53) }

    private mutating func exponential(_ mean: Double) -> Double { -mean * log1p(-uniform()) }

    // MARK: the clock

    private mutating func later(_ seconds: Double, _ what: Happening) {
        serial += 1
        heap.append(Event(at: now + Int64(seconds * 1e6), serial: serial, what: what))
        var child = heap.count - 1
        while child > 0, precedes(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private func precedes(_ a: Int, _ b: Int) -> Bool {
        (heap[a].at, heap[a].serial) < (heap[b].at, heap[b].serial)
    }

    private mutating func next() -> Event? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, least) {
                least = child
            }
            if least == parent { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    /// One day: callers come until its end, and those who are there are served.
    mutating func run() {
        feed(.started)
        later(exponential(plan.interval), .arrival)
        let end = now + Int64(plan.length * 1e6)
        while let event = next() {
            now = event.at
            switch event.what {
            case .arrival:
                guard now < end else { break }
                arrive()
                later(exponential(plan.interval), .arrival)
            case .input(let input): feed(input)
            case .callerLeaves(let leg): leave(leg)
            case .agentDone(let call): agentDone(call)
            }
        }
        feed(.terminate)
    }

    private mutating func feed(_ input: Input) {
        if case .timer(let timer) = input, stopped.remove(timer) != nil { return }
        if case .legEnded(let leg, _) = input, !gone.insert(leg).inserted { return }
        let time = EventTime(wall: 1_772_442_000_000_000 + now, mono: now)
        inputs += 1
        let effects = engine.handle(input, at: time)
        if plan.checkEvery > 0 {
            invariants.note(input, effects)
            if inputs % plan.checkEvery == 0 { invariants.check(state: engine, input) }
        }
        for effect in effects { carryOut(effect) }
    }

    // MARK: people

    private mutating func arrive() {
        arrivals += 1
        arriving = "ctl-1-\(arrivals)"
        feed(
            .invite(
                Invitation(
                    handle: UInt64(arrivals), call: arriving, sipCallID: "in-\(arrivals)", requestURI: "sip:7000@h",
                    to: "sip:7000@h", from: "sip:+37120\(random.below(5_000))@h")))
        if let patience = plan.patience, let leg = callers[arriving] {
            later(exponential(patience), .callerLeaves(leg))
        }
    }

    /// Only while nobody has answered.
    private mutating func leave(_ leg: LegID) {
        guard !gone.contains(leg), let call = callOf[leg], agents[call] == nil else { return }
        feed(.legEnded(leg, LegEnd(how: .bye)))
    }

    /// The agent has talked enough: hangs up, or hands over.
    private mutating func agentDone(_ call: String) {
        guard let agent = agents[call], !gone.contains(agent) else { return }
        guard random.chance(plan.transfers), engine.byID[call]?.party?.agent?.hasPrefix("a") == true else {
            feed(.legEnded(agent, LegEnd(how: .bye)))
            return
        }
        // Should nothing come of it, the two talk on for a while.
        later(90, .agentDone(call))
        let isBlind = random.chance(plan.blind)
        feed(
            .command(
                RequestID(1),
                isBlind
                    ? .blind(call: call, targets: ["group:l2"])
                    : .consult(call: call, targets: ["group:l2"], note: nil)))
        // Half of those who consult leave before the answer.
        if !isBlind { later(random.chance(50) ? 0.5 : 20, .input(.command(RequestID(2), .complete(call: call)))) }
    }

    private mutating func carryOut(_ effect: Effect) {
        switch effect {
        case .adopt(let leg, _, _):
            callers[arriving] = leg
            callOf[leg] = arriving
        case .invite(let leg, _):
            guard !random.chance(plan.refuses) else {
                later(2, .input(.legEnded(leg, LegEnd(how: .rejected, sipStatus: 486))))
                return
            }
            let ring = plan.ring.lowerBound + (plan.ring.upperBound - plan.ring.lowerBound) * uniform()
            later(ring, .input(.legAnswered(leg, codec: "PCMA")))
        case .answer(let leg, _): later(0, .input(.legAnswered(leg, codec: "PCMA")))
        case .hangUp(let leg, _): later(0, .input(.legEnded(leg, LegEnd(how: .local))))
        case .route(_, let report): if report != .none { later(0, .input(.routed(report))) }
        case .tone(_, _, let report): if let report { later(0.5, .input(.toneEnded(report))) }
        case .startTimer(let timer, let milliseconds): later(Double(milliseconds) / 1e3, .input(.timer(timer)))
        case .stopTimer(let timer): stopped.insert(timer)
        case .log(let record):
            log.append(record)
            note(record)
        default: break
        }
    }

    private mutating func note(_ record: CallRecord) {
        guard let call = record.call else { return }
        switch record.event {
        case .partyJoined(let fields):
            guard let leg = engine.byID[call]?.legs.first(where: { $0.sipCallID == fields.sipCallID })?.id else {
                return
            }
            agents[call] = leg
            later(exponential(plan.talk), .agentDone(call))
        case .callEnded: agents[call] = nil
        default: break
        }
    }
}

/// The mean of independent runs, and how far the true one may be from it.
struct Estimate {
    let mean: Double
    /// Half the width of the 99 % confidence interval by Student's t.
    let margin: Double

    /// Two-sided 99 % of Student's t for 1, 2, … degrees of freedom.
    private static let student = [63.66, 9.92, 5.84, 4.60, 4.03, 3.71, 3.50, 3.36, 3.25, 3.17, 3.11, 3.05]

    init(_ values: [Double]) {
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(values.count - 1)
        self.mean = mean
        margin =
            Self.student[min(values.count - 2, Self.student.count - 1)] * (variance / Double(values.count)).squareRoot()
    }

    func holds(_ value: Double) -> Bool { abs(value - mean) <= margin }
}
