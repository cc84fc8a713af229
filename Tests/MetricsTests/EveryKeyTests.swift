import CallEvents
import Foundation
import LogGenerator
import Testing

@testable import Metrics

/// Every figure by every key, against the obvious computation.
@Suite struct EveryKeyTests {
    private static func log(
        seed: UInt64, count: Int, start: String = "2026-03-02T09:00:00Z", between: Double = 10, node: String = "ctl-1"
    ) -> [LoggedEvent] {
        var settings = LogGenerator.Settings()
        settings.seed = seed
        settings.node = node
        settings.start = MomentParser.utc(start) ?? 0
        settings.meanBetweenCalls = between
        settings.agentsPerGroup = 5
        var generator = LogGenerator(settings: settings)
        return generator.wholeCalls(count)
    }

    @Test func theObviousComputationKnowsEveryFigure() {
        let known = ObviousFigures([]).row { _ in true }.keys.map { $0.hasPrefix("~") ? String($0.dropFirst()) : $0 }
        #expect(Set(known) == Set(Figure.all.map(\.key)))
    }

    /// The keys that the documentation promises, each with its formula.
    @Test func everyKeyIsExplained() throws {
        var keys = ["received", "answered", "abandoned", "overflowed", "callback", "controller_ended", "lost", "open"]
        keys += ["per_connection_ms", "per_attempt_ms", "total_ms", "episodes", "connections"].map { "hold_time.\($0)" }
        let kinds = ["count", "mean_ms", "median_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms"]
        keys += ["wait", "hold"].flatMap { kind in kinds.map { "\(kind).\($0)" } }
        keys += ["wait.per_connection_ms", "wait.per_attempt_ms"]
        keys += ["mean_ms", "median_ms", "per_request_ms"].map { "first_response_time.\($0)" }
        keys += ["service_level.percent", "abandonment.percent", "abandonment.on_hold_percent", "talk_time.mean_ms"]
        keys += ["handle_time.mean_ms", "handle_time.per_call_ms", "transfers.started", "transfers.cancelled"]
        keys += TransferKind.allCases.filter { $0 != .other }.map { "transfers.completed.\($0.rawValue)" }
        keys += Cause.allCases.filter { $0 != .normal }.map { "transfers.failed.\($0.rawValue)" }
        keys += FallbackStep.allCases.map { "transfers.fallbacks.\($0.rawValue)" }
        keys += ["transfers.success_percent", "agent_utilization.percent", "agent_utilization.calls_percent"]
        keys += ["agent_occupancy.percent", "call_resolution.percent", "call_resolution.undisposed"]
        keys += ["given_up", "service_level.breached", "callbacks.mean_ms", "callbacks.success_percent"]
        keys += ["requested", "attempts", "completed", "failed", "open"].map { "callbacks.\($0)" }
        keys += ["first_call_resolution.percent", "first_call_resolution.pending"]
        for key in keys { #expect(try MetricsCommand.explain(key).first?.hasPrefix("\(key): ") == true, "\(key)") }
        for figure in Figure.all {
            #expect(try MetricsCommand.explain(figure.key).first == "\(figure.key): \(figure.explanation)")
            #expect(figure.explanation.hasSuffix(".") && figure.explanation.count > 10, "\(figure.key)")
        }
        for key in ["", "no_such"] {
            #expect(throws: UsageError.self, "\(key)") { try MetricsCommand.explain(key) }
        }
        #expect(try MetricsCommand.explain("service").allSatisfy { $0.hasPrefix("service_level.") })
        #expect(try MetricsCommand.explain("utilization").first?.hasPrefix("agent_utilization.percent: ") == true)
        #expect(try MetricsCommand.explain("hung up at once").first?.hasPrefix("service_level.short_abandoned") == true)
    }

    @Test(arguments: [GroupKey.group, .agent, .line, .node, .target, .skill, .code]) func byName(key: GroupKey) throws {
        let events = (Self.log(seed: 3, count: 900) + Self.log(seed: 4, count: 900, node: "ctl-2"))
            .sorted { ($0.time.wall, $0.node, $0.seq) < ($1.time.wall, $1.node, $1.seq) }
        let obvious = ObviousFigures(events)
        let rows = try MetricsReport.count(events, options: MetricsOptions(by: [key])).rows
        #expect(rows.count > 1)
        #expect(rows.contains { $0.key[0] == nil } == (key != .node))
        for row in rows {
            let value = row.key[0]
            let isTimed = (key == .agent || key == .node) && value != nil
            var expected = obvious.row(
                groupsApart: key == .group, agent: key == .agent ? value : nil, node: key == .node ? value : nil,
                period: isTimed ? .min..<(.max) : nil
            ) { place in
                switch key {
                case .group: place.group == value
                case .agent: place.agent == value
                case .line: place.line == value
                case .node: place.node == value
                case .target: place.target == value
                case .code: place.code == value
                default: value.map { place.skills.contains($0) } ?? place.skills.isEmpty
                }
            }
            if key == .code {
                // No call is received with a verdict's code.
                expected["call_resolution.percent"] = .some(nil)
                expected["call_resolution.undisposed"] = .some(nil)
            } else if let percent = row["call_resolution.percent"].real {
                #expect(percent <= 100)
            }
            expect(row, expected, "\(key) \(value ?? "-")")
        }
    }

    /// Intervals of a zone whose clock is set in the middle of the log: once forward, once back.
    @Test(arguments: [
        (GroupKey.quarterHour, "2026-03-28T23:30:00Z", 150.0), (.halfHour, "2026-03-28T23:30:00Z", 150),
        (.hour, "2026-03-28T23:30:00Z", 240), (.quarterHour, "2026-10-24T22:30:00Z", 150),
        (.halfHour, "2026-10-24T22:30:00Z", 150), (.hour, "2026-10-24T22:30:00Z", 240),
        (.day, "2026-03-26T12:00:00Z", 6000), (.day, "2026-10-23T12:00:00Z", 6000),
        (.week, "2026-03-20T12:00:00Z", 14_400), (.month, "2026-10-20T12:00:00Z", 28_800),
        (.year, "2026-12-26T12:00:00Z", 14_400),
    ])
    func byInterval(key: GroupKey, start: String, between: Double) throws {
        let events = Self.log(seed: 7, count: 900, start: start, between: between)
        let obvious = ObviousFigures(events)
        let zone = try #require(TimeZone(identifier: "Europe/Amsterdam"))
        let rows = try MetricsReport.count(events, options: MetricsOptions(by: [key], timeZone: zone)).rows
        #expect(rows.count > 1)
        var offsets: Set<String> = []
        var last: Int64 = .min
        for row in rows {
            let text = try #require(row.key[0])
            let range = try Self.range(key, text, zone)
            #expect(range.lowerBound >= last, "\(text) begins before the one before it ends")
            last = range.upperBound
            offsets.insert(String(text.suffix(6)))
            let period = range.lowerBound / 1000..<range.upperBound / 1000
            expect(row, obvious.row(period: period) { range.contains($0.began) }, "\(key) \(text)")
        }
        let received = rows.reduce(0) { $0 + ($1["received"].real ?? 0) }
        #expect(received == (try MetricsReport.count(events).total["received"].real))
        #expect(offsets == (key == .year ? ["+01:00"] : ["+01:00", "+02:00"]))
    }

    /// From the beginning that the row names to the next one's, by Foundation's calendar; microseconds since 1970.
    private static func range(_ key: GroupKey, _ text: String, _ zone: TimeZone) throws -> Range<Int64> {
        var calendar = Calendar(identifier: .iso8601)
        calendar.timeZone = zone
        let start = try #require(ISO8601DateFormatter().date(from: text))
        let component: Calendar.Component? =
            switch key {
            case .day: .day
            case .week: .weekOfYear
            case .month: .month
            case .year: .year
            default: nil
            }
        let end: Date
        if let component {
            #expect(calendar.dateInterval(of: component, for: start)?.start == start, "\(text)")
            end = try #require(calendar.date(byAdding: component, value: 1, to: start))
        } else {
            let length = [GroupKey.quarterHour: 900, .halfHour: 1800, .hour: 3600][key] ?? 0
            #expect(calendar.component(.minute, from: start) * 60 % length == 0, "\(text)")
            #expect(calendar.component(.second, from: start) == 0)
            end = start + Double(length)
        }
        return Int64(start.timeIntervalSince1970) * 1_000_000..<Int64(end.timeIntervalSince1970) * 1_000_000
    }

    /// Half hours put together are what is counted by longer intervals at once.
    @Test(arguments: [GroupKey.hour, .day, .month]) func halfHoursAddUp(key: GroupKey) throws {
        let events = Self.log(seed: 8, count: 900, start: "2026-10-24T20:00:00Z", between: 120)
        let zone = try #require(TimeZone(identifier: "Europe/Amsterdam"))
        var options = MetricsOptions(by: [.halfHour], timeZone: zone)
        options.countsSeconds = true
        let joined = try MetricsReport.count(events, options: options).joined(key)
        options.by = [key]
        let whole = try MetricsReport.count(events, options: options)
        #expect(joined.csv() == whole.csv())
        #expect(
            joined.rows.map { $0.cell.waitSeconds.count(upTo: 20) }
                == whole.rows.map { $0.cell.waitSeconds.count(upTo: 20) })
    }

    /// Calls open at the end of a period that is over: counted as such, while the periods still add up.
    @Test func whatIsOpenAtThePeriodsEnd() throws {
        let events = Self.log(seed: 5, count: 1200)
        let first = events[0].time.wall
        let length = events[events.count - 1].time.wall - first
        var waiting = 0.0
        for part in 1...8 {
            let until = first + length * Int64(part) / 9
            let report = try MetricsReport.count(events, options: MetricsOptions(until: until))
            let period = Int64.min..<((until + 999) / 1000)
            expect(
                report.total, ObviousFigures(events, until: until).row(period: period) { $0.began < until }, "\(part)")
            waiting += report.total["at_end.waiting"].real ?? 0
            // As many as wait in a log that ends there.
            let cut = try MetricsReport.count(events.filter { $0.time.wall < until }).total
            for key in ["waiting", "in_progress", "on_hold", "in_transfer"] {
                #expect(report.total["at_end.\(key)"] == cut["at_end.\(key)"])
            }
            #expect(cut["at_end.waiting"] == cut["open"])
            let rest = try MetricsReport.count(events, options: MetricsOptions(since: until)).total
            let whole = try MetricsReport.count(events).total
            for key in ["received", "answered", "abandoned", "wait.total_ms", "hold.total_ms", "talk_time.total_ms"] {
                let sum = (report.total[key].real ?? 0) + (rest[key].real ?? 0)
                #expect(sum == whole[key].real, "\(key)")
            }
        }
        #expect(waiting > 0)
    }

    @Test(arguments: 1...4) func receivedIsTheSumOfItsOutcomes(seed: UInt64) throws {
        let events = Self.log(seed: seed, count: 1500)
        for end in stride(from: 7, to: events.count, by: 211) {
            for row in try MetricsReport.count(Array(events[..<end]), options: MetricsOptions(by: [.group])).rows {
                let outcomes = ["answered", "abandoned", "overflowed", "callback", "controller_ended", "lost", "open"]
                #expect(row["received"].real == outcomes.reduce(0.0) { $0 + (row[$1].real ?? 0) })
            }
        }
    }
}
