import CallEvents
import Foundation
import LogGenerator
import Metrics
import Testing

@Suite struct GeneratedLogTests {
    /// Nodes' logs of whole calls, each node with agents of its own.
    private static func log(seed: UInt64, count: Int = 1500, change: (inout LogGenerator.Settings) -> Void = { _ in })
        -> [LoggedEvent]
    {
        var settings = LogGenerator.Settings()
        settings.seed = seed
        settings.meanBetweenCalls = [6, 12, 30][Int(seed % 3)]
        change(&settings)
        var generator = LogGenerator(settings: settings)
        return generator.wholeCalls(count)
    }

    @Test(arguments: 1...6) func aSimulatedLogHoldsItsRules(seed: UInt64) {
        let events = Self.log(seed: seed)
        #expect(Verifier.breaches(in: events, complete: true).prefix(5).map(\.description) == [])
        // Nearly everything that can happen has happened.
        #expect(Set(events.map(\.event.type)).count >= 18)
    }

    @Test(arguments: 1...6) func theTotalIsTheObviousOne(seed: UInt64) throws {
        let events = Self.log(seed: seed)
        let obvious = ObviousFigures(events).row { _ in true }
        expect(try MetricsReport.count(events).total, obvious, "seed \(seed)")
    }

    /// A log that ends anywhere: what is open is counted as such.
    @Test func aLogCutAnywhereIsTheObviousOne() throws {
        let events = Self.log(seed: 5)
        for end in stride(from: 1, to: events.count, by: 497) {
            let part = Array(events[..<end])
            expect(try MetricsReport.count(part).total, ObviousFigures(part).row { _ in true }, "first \(end)")
        }
    }

    @Test func eachPeriodIsTheObviousOne() throws {
        let events = Self.log(seed: 2)
        let first = events[0].time.wall
        let length = events[events.count - 1].time.wall - first
        for part in 0..<7 {
            let since = first + length * Int64(part) / 9
            let until = since + length / 3 + Int64(part)
            let report = try MetricsReport.count(events, options: MetricsOptions(since: since, until: until))
            let period = ((since + 999) / 1000)..<((until + 999) / 1000)
            let row = ObviousFigures(events, until: until).row(period: period) { $0.began >= since && $0.began < until }
            expect(report.total, row, "part \(part)")
        }
    }

    @Test func eachAgentGroupLineAndHourIsTheObviousOne() throws {
        let events = Self.log(seed: 3, count: 3000)
        let obvious = ObviousFigures(events)
        for row in try MetricsReport.count(events, options: MetricsOptions(by: [.agent])).rows {
            let agent = row.key[0]
            let expected = obvious.row(agent: agent, period: agent == nil ? nil : .min..<(.max)) { $0.agent == agent }
            expect(row, expected, "agent \(agent ?? "-")")
        }
        for row in try MetricsReport.count(events, options: MetricsOptions(by: [.group])).rows {
            let expected = obvious.row(groupsApart: true, period: nil) { $0.group == row.key[0] }
            expect(row, expected, "group \(row.key[0] ?? "-")")
        }
        let options = MetricsOptions(by: [.line, .group])
        for row in try MetricsReport.count(events, options: options).rows {
            let expected = obvious.row(groupsApart: true, period: nil) {
                $0.line == row.key[0] && $0.group == row.key[1]
            }
            expect(row, expected, "line and group \(row.key)")
        }
        let zone = try #require(TimeZone(identifier: "Asia/Kathmandu"))
        let hours = try MetricsReport.count(events, options: MetricsOptions(by: [.hour], timeZone: zone)).rows
        #expect(hours.count > 1)
        for row in hours {
            let text = try #require(row.key[0])
            let start = try #require(ISO8601DateFormatter().date(from: text)).timeIntervalSince1970
            let range = Int64(start * 1_000_000)..<Int64((start + 3600) * 1_000_000)
            let period = range.lowerBound / 1000..<range.upperBound / 1000
            expect(row, obvious.row(period: period) { range.contains($0.began) }, "hour \(text)")
        }
    }

    /// Callers come back over weeks.
    @Test func firstCallResolutionOverWeeks() throws {
        let events = Self.log(seed: 4, count: 3000) {
            $0.meanBetweenCalls = 14_400
            $0.callers = 150
        }
        let expected = ObviousFigures(events).row { _ in true }
        #expect((expected["first_call_resolution.percent"] ?? nil) ?? 0 > 0)
        expect(try MetricsReport.count(events).total, expected, "weeks")
    }

    /// The parts of a period add up to the whole, whatever the keys.
    @Test(arguments: [[GroupKey.agent], [.line], [.hour], [.day, .agent], [.quarterHour, .line], [.target], [.code]])
    func theRowsAddUpToTheTotal(by: [GroupKey]) throws {
        let report = try MetricsReport.count(Self.log(seed: 6), options: MetricsOptions(by: by))
        for key in [
            "received", "answered", "hold_time.total_ms", "hold.count", "talk_time.total_ms", "transfers.started",
            "call_resolution.resolved", "first_call_resolution.pending", "handle_time.wrap_up_ms",
        ] {
            let sum = report.rows.compactMap { $0[key].real }.reduce(0, +)
            #expect(sum == report.total[key].real, "\(key)")
        }
    }
}
