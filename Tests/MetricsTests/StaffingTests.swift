import Foundation
import LogGenerator
import Testing

@testable import Metrics

@Suite struct StaffingTests {
    /// Erlang B by its definition, a sum of powers over factorials.
    private func definedB(_ servers: Int, _ load: Double) -> Double {
        var term = 1.0
        var sum = 1.0
        for server in stride(from: 1, through: servers, by: 1) {
            term *= load / Double(server)
            sum += term
        }
        return term / sum
    }

    @Test func erlangBIsItsDefinition() {
        for servers in [0, 1, 2, 5, 10, 40] {
            for load in [0.1, 1, 3.5, 12, 30] {
                #expect(abs(Erlang.b(servers: servers, load: load) - definedB(servers, load)) < 1e-12)
            }
        }
    }

    /// Published tables: Erlang B's offered load at 1 % blocking (ITU-T E.520 and every traffic handbook).
    @Test func erlangBTable() {
        for (servers, load) in [(1, 0.0101), (2, 0.153), (5, 1.36), (10, 4.46), (20, 12.0), (50, 37.9), (100, 84.1)] {
            #expect(abs(Erlang.b(servers: servers, load: load) - 0.01) < 0.0004, "\(servers)")
        }
    }

    @Test func erlangCOfOneServerIsItsLoad() {
        // M/M/1: the probability of waiting is the utilization.
        for load in [0.1, 0.5, 0.9] { #expect(abs(Erlang.c(servers: 1, load: load) - load) < 1e-12) }
        // M/M/2 has the closed form ρ² · 2 ÷ (1 + ρ).
        for load in [0.2, 1.0, 1.8] {
            let part = load / 2
            #expect(abs(Erlang.c(servers: 2, load: load) - 2 * part * part / (1 + part)) < 1e-12)
        }
        #expect(Erlang.c(servers: 3, load: 3) == 1)
    }

    /// The textbook example: 100 calls in half an hour of 3 minutes each, 80 % in 20 s, ask for 14 agents.
    @Test func aWellKnownExample() {
        let load = 100.0 / 1800 * 180
        #expect(abs(load - 10) < 1e-9)
        let servers = Erlang.servers(load: load, target: 0.8) {
            Erlang.serviceLevel(servers: $0, load: load, handle: 180, threshold: 20)
        }
        #expect(servers == 14)
        let level = Erlang.serviceLevel(servers: 14, load: load, handle: 180, threshold: 20)
        #expect(abs(level - 0.888) < 0.001)
    }

    /// Callers with all the patience of the world make Erlang A what Erlang C is; impatience needs fewer agents.
    @Test func erlangAGoesOverIntoErlangC() {
        for servers in [4, 8, 14] {
            let load = Double(servers) * 0.8
            let c = Erlang.serviceLevel(servers: servers, load: load, handle: 180, threshold: 20)
            let patient = Erlang.serviceLevelA(
                servers: servers, load: load, handle: 180, patience: 1e7, threshold: 20)
            #expect(abs(c - patient) < 1e-4, "\(servers): \(c), \(patient)")
        }
        func needed(_ patience: Double) -> Int {
            Erlang.servers(load: 10, target: 0.8) {
                Erlang.serviceLevelA(servers: $0, load: 10, handle: 180, patience: patience, threshold: 20)
            }
        }
        #expect(needed(60) < 14)
        #expect(needed(60) <= needed(600))
    }

    @Test func theCommandReadsALog() throws {
        let log = try LogFixture()
        var generator = LogGenerator()
        try log.write(generator.wholeCalls(2500))
        let command = try StaffingCommand(paths: [log.directory], target: "80/20", shrinkage: "30")
        let result = output { command.run(out: $0, err: $1) }
        #expect(result.status == 0)
        #expect(result.out.count > 2)
        #expect(result.out[1].contains("Mon"))
        #expect(result.out.last?.contains("all groups together") == true)
        let json = try StaffingCommand(paths: [log.directory], json: true)
        let text = output { json.run(out: $0, err: $1) }.out.joined()
        let object = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let slots = try #require(object["slots"] as? [[String: Any]])
        let need = try #require(slots.first?["erlang_c"] as? Int)
        let load = try #require(slots.first?["load_erlang"] as? Double)
        #expect(Double(need) > load)
        #expect(throws: UsageError.self) { try StaffingCommand(paths: [], target: "80") }
        #expect(throws: UsageError.self) { try StaffingCommand(paths: [], shrinkage: "100") }
    }
}
