import CallEvents
import Foundation
import Testing

@testable import Metrics
@testable import TransferEngine

/// Days of a centre of fifty agents, held against the field's own yardsticks.
@Suite struct SimulationTests {
    private static func centre(
        agents: Int = 50, _ change: (inout EngineConfiguration) -> Void = { _ in }
    ) -> EngineConfiguration {
        var configuration = EngineConfiguration(node: "ctl-1", ownURI: "sip:ctl-1@h")
        configuration.agents = (1...agents).map { AgentSettings(name: "a\($0)", uri: "sip:\(1_000 + $0)@h") }
        configuration.groups = [
            GroupSettings(
                name: "front", members: configuration.agents.map(\.name), ringTimeout: 20_000, maxWait: 36_000_000,
                serviceLevel: Day.threshold / 1_000)
        ]
        configuration.lines = [LineSettings(pattern: "7000", to: .group("front"), answer: .queue)]
        change(&configuration)
        return configuration
    }

    /// A centre that begins its day empty is taken for one at work after so long, six calls' length.
    private static let opening: Int64 = 1_800_000_000

    /// A figure of days that the engine has served, and of those that the textbook's queue has.
    private struct Comparison {
        /// Of the engine's days alone.
        let engine: Estimate
        /// What the engine's callers met beyond what the same callers meet in the textbook's queue.
        let difference: Estimate
        /// The engine's by both: what many days of the textbook's queue come to, and the difference. Days that cost
        /// nothing make the interval narrow; a centre that is not the textbook's shows in the difference.
        let both: Estimate

        init(_ runs: Runs, _ figure: (Day) -> Double) {
            engine = Estimate(runs.pairs.map { figure($0.engine) })
            difference = Estimate(runs.pairs.map { figure($0.engine) - figure($0.textbook) })
            both = Estimate(runs.many.map(figure)) + difference
        }
    }

    private struct Runs {
        /// The same callers twice.
        var pairs: [(engine: Day, textbook: Day)] = []
        /// Other callers, many of them.
        var many: [Day] = []
    }

    /// How many days the engine serves, each of an hour and a half and its opening. `WARMLINE_SIMULATED_DAYS=700` makes the
    /// interval of the engine's days alone one of ±1.5 points, in half an hour.
    private static let days = ProcessInfo.processInfo.environment["WARMLINE_SIMULATED_DAYS"].flatMap(Int.init) ?? 4
    private static let length = 7_200.0

    private func runs(_ plan: Simulation.Plan) -> Runs {
        var runs = Runs()
        for seed in 1...max(2, Self.days) {
            let seed = UInt64(seed) &* 1_000_003
            var simulation = Simulation(seed: seed, plan, Self.centre())
            simulation.run()
            var pair = (engine: Day(), textbook: Day())
            var queue = TextbookQueue(servers: 50)
            var callers = Self.callers(seed, plan)
            var furthest = 0
            for number in 1... {
                let caller = callers.next()
                guard Double(caller.at) < plan.length * 1e6 else { break }
                let expected = queue.take(caller)
                guard let fate = simulation.fates["ctl-1-\(number)"] else {
                    Issue.record("caller \(number) of seed \(seed) was lost")
                    break
                }
                if fate.isServed != expected.isServed { furthest = .max }
                furthest = max(furthest, abs(fate.waitMs - expected.waitMs))
                guard caller.at >= Self.opening else { continue }
                pair.engine.add(fate)
                pair.textbook.add(expected)
            }
            // First come, first served, and at once: not on average, but every one of them.
            #expect(furthest <= 1, "milliseconds from the textbook's queue, seed \(seed)")
            if seed == 1_000_003 {
                let breaches = Verifier.breaches(in: simulation.log, node: "ctl-1", complete: true)
                #expect(breaches.isEmpty, "\(breaches.prefix(3).map(\.description))")
            }
            runs.pairs.append(pair)
        }
        for seed in 1...200 {
            var day = Day()
            var queue = TextbookQueue(servers: 50)
            var callers = Self.callers(UInt64(seed) &* 7_000_003, plan)
            while true {
                let caller = callers.next()
                guard caller.at < 72_000_000_000 else { break }
                let fate = queue.take(caller)
                if caller.at >= Self.opening { day.add(fate) }
            }
            runs.many.append(day)
        }
        return runs
    }

    private static func callers(_ seed: UInt64, _ plan: Simulation.Plan) -> Callers {
        Callers(seed: seed, interval: plan.interval, talk: plan.talk, patience: plan.patience)
    }

    private struct Row {
        var name: String
        var unit: String
        var figures: Comparison
        var formula: Double

        var text: String {
            func interval(_ estimate: Estimate) -> String {
                pad(String(format: "%.2f ± %.2f", estimate.mean, estimate.margin), 18)
            }
            return name.padding(toLength: 30, withPad: " ", startingAt: 0) + interval(figures.engine)
                + interval(figures.difference) + interval(figures.both) + pad(String(format: "%.2f", formula), 10)
                + " " + unit
        }

        static let header =
            "50 agents, calls of 300 s".padding(toLength: 30, withPad: " ", startingAt: 0)
            + pad("engine alone", 18) + pad("beyond textbook", 18) + pad("simulated", 18) + pad("formula", 10)

        private static func pad(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }

        private func pad(_ text: String, _ width: Int) -> String { Self.pad(text, width) }
    }

    @Test("fifty agents beside Erlang C and Erlang A")
    func erlang() {
        let servers = 50
        let talk = 300.0

        // Everybody waits: Erlang C.
        let interval = 7.1
        let load = talk / interval
        let patient = runs(Simulation.Plan(length: Self.length, interval: interval, talk: talk))
        let c = Erlang.c(servers: servers, load: load)
        let level = Erlang.serviceLevel(
            servers: servers, load: load, handle: talk, threshold: Double(Day.threshold) / 1_000)
        var rows = [
            Row(
                name: "Erlang C, \(String(format: "%.1f", load)) E: has to wait", unit: "%",
                figures: Comparison(patient, \.hadToWait), formula: c * 100),
            Row(
                name: "  answered within 20 s", unit: "%", figures: Comparison(patient, \.answeredWithin),
                formula: level * 100),
            Row(
                name: "  mean wait", unit: "s", figures: Comparison(patient, \.meanWait),
                formula: c * talk / (Double(servers) - load)),
        ]

        // More callers than the agents can serve, who lose patience: Erlang A.
        let busy = 5.8
        let patience = 90.0
        let impatient = runs(Simulation.Plan(length: Self.length, interval: busy, talk: talk, patience: patience))
        func levelA(_ threshold: Double) -> Double {
            Erlang.serviceLevelA(
                servers: servers, load: talk / busy, handle: talk, patience: patience, threshold: threshold)
        }
        // All who are ever served: the threshold lies beyond everybody's patience.
        let lost = 1 - levelA(1_500)
        rows += [
            Row(
                name: "Erlang A, \(String(format: "%.1f", talk / busy)) E: abandons", unit: "%",
                figures: Comparison(impatient, \.abandoned), formula: lost * 100),
            Row(
                name: "  answered within 20 s", unit: "%", figures: Comparison(impatient, \.answeredWithin),
                formula: levelA(Double(Day.threshold) / 1_000) * 100),
            // Who waits leaves at the rate 1 ÷ patience, so that P(abandons) = E(wait) ÷ patience.
            Row(
                name: "  mean wait", unit: "s", figures: Comparison(impatient, \.meanWait),
                formula: lost * patience),
        ]
        print(([Row.header] + rows.map(\.text)).joined(separator: "\n"))
        for row in rows {
            #expect(row.figures.both.holds(row.formula), "\(row.text)")
            #expect(row.figures.both.margin < 1, "\(row.text)")
            #expect(row.figures.engine.holds(row.formula), "\(row.text)")
        }
    }

    @Test("a day with refusals, wrap-up, impatience and transfers: every invariant holds", arguments: [1, 2])
    func wildDay(seed: Int) {
        let configuration = Self.centre {
            for index in $0.agents.indices {
                $0.agents[index].wrapUp = 30_000
                $0.agents[index].tier = index < 30 ? 1 : 2
                if index % 3 == 0 { $0.agents[index].skills = ["billing"] }
            }
            $0.groups[0].tierAfter = 10_000
            $0.groups[0].strategy = seed == 1 ? .roundRobin : .fewestCalls
            $0.groups[0].lastAgentDays = 30
            $0.agents += (1...5).map {
                AgentSettings(name: "b\($0)", uri: "sip:\(2_000 + $0)@h", wrapUp: 15_000, maxNoAnswer: 40)
            }
            $0.groups.append(
                GroupSettings(
                    name: "l2", members: (1...5).map { "b\($0)" }, ringTimeout: 15_000, maxWait: 60_000, maxQueue: 12))
            $0.transfer.fallback = [.next, .agent, .group("front")]
        }
        let plan = Simulation.Plan(
            length: 6_000, interval: 6.4, talk: 240, patience: 120, ring: 1...6, refuses: 8, transfers: 15,
            checkEvery: 37)
        var simulation = Simulation(seed: UInt64(seed) &* 77_003, plan, configuration)
        simulation.run()
        simulation.invariants.finish(simulation.engine)
        #expect(simulation.invariants.problems.isEmpty, "\(simulation.invariants.problems.joined(separator: "\n"))")

        // Every agent's states fill the day without a gap and without an overlap.
        var sums: [String: (first: Int64, last: Int64, sum: Int64)] = [:]
        var stays: [String: Int] = [:]
        var wrapUps: [String: Int] = [:]
        var types: Set<String> = []
        for record in simulation.log {
            types.insert(record.event.type)
            if case .partyLeft(let fields) = record.event, let agent = fields.agent { stays[agent, default: 0] += 1 }
            guard case .agentStateChanged(let fields) = record.event else { continue }
            let mono = record.time.monoMilliseconds
            if let known = sums[fields.agent] {
                sums[fields.agent] = (known.first, mono, known.sum + Int64(fields.inStateMs))
            } else {
                sums[fields.agent] = (mono, mono, 0)
            }
            if fields.new == .wrapUp { wrapUps[fields.agent, default: 0] += 1 }
        }
        #expect(sums.count == 55)
        for (agent, sum) in sums { #expect(sum.sum == sum.last - sum.first, "\(agent)") }
        // Of each stay one wrap-up, but where the caller came straight back, or the service ended in it.
        for (agent, count) in stays { #expect((count - 6...count).contains(wrapUps[agent] ?? 0), "\(agent): \(count)") }
        for type in ["transfer.completed", "transfer.failed", "call.dequeued", "sla.breached", "transfer.fallback"] {
            #expect(types.contains(type), "never came to \(type)")
        }
    }
}
