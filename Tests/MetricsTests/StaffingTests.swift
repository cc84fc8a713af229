import CallEvents
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

    /// Calls every 20 s for 20 minutes of one half hour, each of 100 ms, by an agent logged in throughout.
    private static func busy(_ minutes: Int64 = 20) -> [LoggedEvent] {
        var story = Story()
        story.add(.agentStateChanged(AgentStateChanged(agent: "anna", old: .offline, new: .available, inStateMs: 0)))
        for number in 0..<(minutes * 3) {
            story.call = "ctl-1-\(number)"
            story.now = number * 20_000
            story.add(.callArrived(CallArrived(from: "sip:a@h", to: "sip:7000@h", line: "7000", direction: .inbound)))
            let joined = PartyJoined(
                party: .agent, agent: "anna", group: number % 2 == 0 ? "support" : "sales", line: "7000",
                uri: "sip:anna@h", role: .first)
            story.add(
                .callAnswered(
                    CallAnswered(agent: "anna", group: joined.group, line: "7000", waitMs: 0, human: true)))
            story.add(.partyJoined(joined))
            story.now += 100
            story.add(
                .partyLeft(Story.leaving(joined, stay: 100, talk: 100, hold: 0, consult: 0, by: .caller)))
            story.add(
                .callEnded(
                    CallEnded(
                        endedBy: .caller, cause: .normal, arrived: story.time.wallTime, line: "7000",
                        group: joined.group, agent: "anna", waitMs: 0, talkMs: 100)))
        }
        story.now = minutes * 60_000
        story.add(
            .agentStateChanged(
                AgentStateChanged(
                    agent: "anna", old: .available, new: .offline, inStateMs: Int(minutes) * 60_000)))
        return story.events
    }

    private func rows(_ events: [LoggedEvent], group: String? = nil) throws -> (rows: [Staffing.Row], leftOut: Int) {
        let report = try MetricsReport.count(events, options: MetricsOptions(by: [.halfHour]))
        return (Staffing().rows(report), Staffing().leftOut(report))
    }

    /// Three calls a minute are 90 in a whole half hour, whatever part of one the log covers.
    @Test(arguments: [20, 50, 60]) func aHalfHourCoveredInPart(minutes: Int64) throws {
        let rows = try rows(Self.busy(minutes)).rows
        #expect(rows.count == (minutes > 30 ? 2 : 1))
        for row in rows {
            #expect(abs(row.slot.arrivals - 90) < 0.01)
            #expect(abs(row.load - 0.005) < 0.000_001)
            #expect(abs(row.slot.present - 1) < 0.001)
        }
    }

    /// One line whose clock was wrong by years changes nothing, and takes no time.
    @Test(arguments: [0, 4_102_444_800_000_000, 253_402_300_799_000_000]) func aClockThatWasWrong(wall: Int64) throws {
        let events = Self.busy()
        let right = try rows(events).rows
        var wrong = events
        wrong[50].time = EventTime(wall: wall, mono: wrong[50].time.monoMilliseconds * 1000)
        let found = try rows(wrong)
        #expect(found.rows.count == 1)
        #expect(abs(found.rows[0].slot.arrivals - right[0].slot.arrivals) <= 1.6)
        #expect(abs(found.rows[0].load - right[0].load) < 0.001)
        let log = try LogFixture()
        let path = try log.write(wrong)
        for format in ["html", "table"] {
            let command = try MetricsCommand(paths: [path], format: format)
            #expect(output { command.run(out: $0, err: $1) }.status == 0)
        }
    }

    @Test func aGroupThatTheLogDoesNotKnowIsNamed() throws {
        let log = try LogFixture()
        let path = try log.write(Self.busy(60))
        func run(_ group: String, since: String? = nil, in path: String) throws -> (status: Int32, err: [String]) {
            let command = try StaffingCommand(paths: [path], since: since, group: group)
            let result = output { command.run(out: $0, err: $1) }
            return (result.status, result.err)
        }
        let unknown = "warmline staffing: --group: no call of this log has the group"
        #expect(try run("nope", in: path) == (2, ["\(unknown) \"nope\"; there are sales, support"]))
        #expect(try run("suport", in: path) == (2, ["\(unknown) \"suport\"; did you mean support?"]))
        // Known, and without a call since then.
        #expect(try run("sales", since: "2026-03-03", in: path) == (0, []))
        #expect(try run("nope", since: "2026-03-03", in: path).status == 2)
        // A log that has not begun knows nothing yet.
        let empty = try LogFixture()
        #expect(try run("nope", in: empty.directory) == (0, []))
    }

    @Test func onlyAPeriodOrAGroup() throws {
        let log = try LogFixture()
        let path = try log.write(Self.busy(60))
        func table(_ command: StaffingCommand) -> [String] { output { command.run(out: $0, err: $1) }.out }
        #expect(table(try StaffingCommand(paths: [path])).count == 4)
        let first = table(try StaffingCommand(paths: [path], until: "2026-03-02T09:30"))
        #expect(first.count == 3 && first[1].contains("09:00") && first[1].contains(" 90.0 "))
        let last = table(try StaffingCommand(paths: [path], since: "2026-03-02T09:30"))
        #expect(last.count == 3 && last[1].contains("09:30"))
        let group = table(try StaffingCommand(paths: [path], group: "sales"))
        #expect(group.count == 4 && group[1].contains(" 45.0 ") && group[1].hasSuffix(" -"))
        #expect(group[3].contains("group sales alone"))
        #expect(table(try StaffingCommand(paths: [path], direction: "outbound"))[1].contains(" 0.0 "))
        let never = try StaffingCommand(paths: [path], since: "2026-03-02T09:00", until: "2026-03-02T09:00")
        #expect(table(never).count == 2)
        #expect(throws: UsageError.self) { try StaffingCommand(paths: [], since: "soon") }
    }
}
