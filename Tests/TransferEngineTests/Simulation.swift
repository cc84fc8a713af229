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
        case arrival(Callers.Caller)
        case callerLeaves(LegID)
        case agentDone(String)
    }

    /// When the day begins, in microseconds.
    static let start: Int64 = 1_000_000

    var engine: TransferEngine
    var log: [CallRecord] = []
    /// By call.
    private(set) var fates: [String: Fate] = [:]
    var invariants = Invariants()
    private(set) var inputs = 0
    private let plan: Plan
    /// Of all that the callers do not bring with them.
    private var random: Random
    private var callers: Callers
    private var now: Int64 = Self.start
    private var agenda = Agenda()
    /// What is on the agenda, by number.
    private var happenings: [Happening?] = []
    private var stopped: Set<TimerID> = []
    private var legs: [String: LegID] = [:]
    private var callOf: [LegID: String] = [:]
    /// How long a caller will talk with whoever answers first.
    private var talks: [String: Int64] = [:]
    private var arriving = ""
    private var arrivals = 0
    private var gone: Set<LegID> = []
    private var agents: [String: LegID] = [:]

    init(seed: UInt64, _ plan: Plan, _ configuration: EngineConfiguration) {
        self.plan = plan
        random = Random(seed: ~seed)
        callers = Callers(seed: seed, interval: plan.interval, talk: plan.talk, patience: plan.patience)
        engine = TransferEngine(configuration: configuration)
    }

    private mutating func uniform() -> Double { (Double(random.next() >> 11) + 0.5) / Double(1 << 53) }

    private mutating func exponential(_ mean: Double) -> Double { -mean * log1p(-uniform()) }

    // MARK: the clock

    private mutating func later(_ seconds: Double, _ what: Happening) {
        later(microseconds: Int64(seconds * 1e6), what)
    }

    private mutating func later(microseconds: Int64, _ what: Happening) {
        agenda.add(at: now + microseconds, happenings.count)
        happenings.append(what)
    }

    /// One day: callers come until its end, and those who are there are served.
    mutating func run() {
        feed(.started)
        awaitCaller()
        while let due = agenda.next() {
            now = due.at
            guard let what = happenings[due.number] else { continue }
            happenings[due.number] = nil
            switch what {
            case .arrival(let caller):
                arrive(caller)
                awaitCaller()
            case .input(let input): feed(input)
            case .callerLeaves(let leg): leave(leg)
            case .agentDone(let call): agentDone(call)
            }
        }
        feed(.terminate)
    }

    private mutating func awaitCaller() {
        let caller = callers.next()
        guard Double(caller.at) < plan.length * 1e6 else { return }
        later(microseconds: Self.start + caller.at - now, .arrival(caller))
    }

    private mutating func feed(_ input: Input) {
        if case .timer(let timer) = input, stopped.remove(timer) != nil { return }
        if case .legEnded(let leg, _) = input, !gone.insert(leg).inserted { return }
        let time = EventTime(wall: 1_772_442_000_000_000 + now, mono: now)
        inputs += 1
        let effects = engine.handle(input, at: time)
        if plan.checkEvery > 0 {
            invariants.note(input, effects)
            invariants.checkOrder(effects, engine)
            if inputs % plan.checkEvery == 0 { invariants.check(state: engine, input) }
        }
        for effect in effects { carryOut(effect) }
    }

    // MARK: people

    private mutating func arrive(_ caller: Callers.Caller) {
        arrivals += 1
        arriving = "ctl-1-\(arrivals)"
        talks[arriving] = caller.talk
        feed(
            .invite(
                Invitation(
                    handle: UInt64(arrivals), call: arriving, sipCallID: "in-\(arrivals)", requestURI: "sip:7000@h",
                    to: "sip:7000@h", from: "sip:+37120\(random.below(5_000))@h")))
        if let patience = caller.patience, let leg = legs[arriving] {
            later(microseconds: patience, .callerLeaves(leg))
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
            legs[arriving] = leg
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
        case .callAnswered(let fields): fates[call] = Fate(waitMs: fields.waitMs, isServed: true)
        case .partyJoined(let fields):
            guard let leg = engine.byID[call]?.legs.first(where: { $0.sipCallID == fields.sipCallID })?.id else {
                return
            }
            agents[call] = leg
            if let talk = talks.removeValue(forKey: call) {
                later(microseconds: talk, .agentDone(call))
            } else {
                // With the second one, or again.
                later(exponential(plan.talk), .agentDone(call))
            }
        case .callEnded(let fields):
            agents[call] = nil
            talks[call] = nil
            legs[call] = nil
            if fields.abandoned { fates[call] = Fate(waitMs: fields.waitMs, isServed: false) }
        default: break
        }
    }
}

/// What is due when, the earliest first; of two at one instant the one that was put down first. A heap.
private struct Agenda {
    struct Due {
        var at: Int64
        var number: Int
    }

    private var heap: [Due] = []

    mutating func add(at time: Int64, _ number: Int) {
        let due = Due(at: time, number: number)
        var child = heap.count
        heap.append(due)
        while child > 0 {
            let parent = (child - 1) / 2
            guard Self.precedes(due, heap[parent]) else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = due
    }

    mutating func next() -> Due? {
        guard let last = heap.popLast() else { return nil }
        guard let first = heap.first else { return last }
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, Self.precedes(heap[child + 1], heap[child]) { child += 1 }
            guard Self.precedes(heap[child], last) else { break }
            heap[parent] = heap[child]
            parent = child
        }
        heap[parent] = last
        return first
    }

    private static func precedes(_ a: Due, _ b: Due) -> Bool { a.at != b.at ? a.at < b.at : a.number < b.number }
}
