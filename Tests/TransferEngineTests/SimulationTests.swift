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
                serviceLevel: 20)
        ]
        configuration.lines = [LineSettings(pattern: "7000", to: .group("front"), answer: .queue)]
        change(&configuration)
        return configuration
    }

    /// What the callers of one day met, those of its first half hour left out: the centre began it empty.
    private struct Day {
        var callers = 0
        var waited = 0
        var within = 0
        var abandoned = 0
        var waitMs = 0

        init(_ log: [CallRecord], from start: Int64) {
            var arrived: [String: Int64] = [:]
            for record in log {
                guard let call = record.call else { continue }
                switch record.event {
                case .callArrived:
                    if record.time.mono >= start {
                        arrived[call] = record.time.mono
                        callers += 1
                    }
                case .callAnswered(let fields) where arrived[call] != nil:
                    if fields.waitMs > 0 { waited += 1 }
                    if fields.waitMs <= 20_000 { within += 1 }
                    waitMs += fields.waitMs
                case .callEnded(let fields) where arrived[call] != nil && fields.abandoned:
                    abandoned += 1
                    waited += 1
                    waitMs += fields.waitMs
                default: break
                }
            }
        }

        func share(_ count: Int) -> Double { Double(count) / Double(callers) }
    }

    private func days(_ count: Int, _ plan: Simulation.Plan) -> [Day] {
        (1...count).map { seed in
            var simulation = Simulation(seed: UInt64(seed) &* 1_000_003, plan, Self.centre())
            simulation.run()
            // First come, first served: nobody was answered from behind another.
            for record in simulation.log {
                if case .callDequeued(let fields) = record.event, fields.outcome == .answered {
                    #expect(fields.position == 1)
                }
            }
            let breaches = Verifier.breaches(in: simulation.log, node: "ctl-1", complete: true)
            #expect(breaches.isEmpty, "\(breaches.prefix(3).map(\.description))")
            return Day(simulation.log, from: 1_800_000_000)
        }
    }

    private func row(_ name: String, _ estimate: Estimate, _ formula: Double, _ unit: String) -> String {
        func pad(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        return name.padding(toLength: 36, withPad: " ", startingAt: 0)
            + pad(String(format: "%.2f ± %.2f", estimate.mean, estimate.margin), 18)
            + pad(String(format: "%.2f", formula), 12) + " " + unit
    }

    @Test("fifty agents beside Erlang C and Erlang A")
    func erlang() {
        let servers = 50
        let talk = 300.0
        var lines = [
            "50 agents, calls of 300 s".padding(toLength: 36, withPad: " ", startingAt: 0)
                + "   simulated (99 %)     formula"
        ]

        // Everybody waits: Erlang C.
        let interval = 7.1
        let load = talk / interval
        let patient = days(7, Simulation.Plan(length: 14_400, interval: interval, talk: talk))
        let waits = Estimate(patient.map { $0.share($0.waited) * 100 })
        let level = Estimate(patient.map { $0.share($0.within) * 100 })
        let mean = Estimate(patient.map { Double($0.waitMs) / 1_000 / Double($0.callers) })
        let c = Erlang.c(servers: servers, load: load)
        let meanC = c * talk / (Double(servers) - load)
        let levelC = Erlang.serviceLevel(servers: servers, load: load, handle: talk, threshold: 20)
        lines.append(row("Erlang C, \(String(format: "%.1f", load)) E: has to wait", waits, c * 100, "%"))
        lines.append(row("  answered within 20 s", level, levelC * 100, "%"))
        lines.append(row("  mean wait", mean, meanC, "s"))
        #expect(waits.holds(c * 100) && waits.margin < 30)
        #expect(level.holds(levelC * 100))
        #expect(mean.holds(meanC))

        // More callers than the agents can serve, who lose patience: Erlang A.
        let busy = 5.8
        let impatient = days(7, Simulation.Plan(length: 14_400, interval: busy, talk: talk, patience: 90))
        let levelWithin = Estimate(impatient.map { $0.share($0.within) * 100 })
        let lost = Estimate(impatient.map { $0.share($0.abandoned) * 100 })
        let levelA = Erlang.serviceLevelA(
            servers: servers, load: talk / busy, handle: talk, patience: 90, threshold: 20)
        // All who are ever served: the threshold lies beyond everybody's patience.
        let lostA =
            1
            - Erlang.serviceLevelA(
                servers: servers, load: talk / busy, handle: talk, patience: 90, threshold: 1_500)
        lines.append(
            row(
                "Erlang A, \(String(format: "%.1f", talk / busy)) E: within 20 s", levelWithin,
                levelA * 100, "%"))
        lines.append(row("  abandoned", lost, lostA * 100, "%"))
        #expect(levelWithin.holds(levelA * 100) && levelWithin.margin < 30)
        #expect(lost.holds(lostA * 100))
        print(lines.joined(separator: "\n"))
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
            length: 7_200, interval: 6.4, talk: 240, patience: 120, ring: 1...6, refuses: 8, transfers: 15,
            checkEvery: 23)
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
