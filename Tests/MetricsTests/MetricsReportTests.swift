import CallEvents
import Foundation
import Metrics
import Testing

@Suite struct MetricsReportTests {
    /// The main story, and a caller who leaves after 7 s unanswered.
    private var twoCalls: [LoggedEvent] {
        var story = Story.attendedTransfer()
        story.now += 3_600_000
        story.call = "ctl-1-b"
        let arrived = story.time.wallTime
        story.add(
            .callArrived(
                CallArrived(
                    from: "sip:anonymous@127.0.0.1", to: "sip:7000@127.0.0.1", line: "7000", sipCallID: "Z@x",
                    direction: .inbound)))
        story.add(.callQueued(CallQueued(group: "support", position: 1, serviceLevelS: 20)))
        story.after(
            7000, .callDequeued(CallDequeued(group: "support", queueMs: 7000, position: 1, outcome: .abandoned)))
        story.add(
            .callEnded(
                CallEnded(
                    endedBy: .caller, cause: .abandoned, arrived: arrived, line: "7000", group: "support",
                    waitMs: 7000, abandoned: true)))
        return story.events
    }

    private func report(_ options: MetricsOptions = MetricsOptions()) throws -> MetricsReport {
        let events = twoCalls
        #expect(Verifier.breaches(in: events) == [])
        return try MetricsReport.count(events, options: options)
    }

    @Test func holdTimeIsWaitingQueueAndHoldTogether() throws {
        let total = try report().total
        // Waits of 4 s (answered) and 7 s (abandoned), one hold of 12 s that reached Clara.
        #expect(total["hold_time.total_ms"] == .whole(23_000))
        #expect(total["hold_time.episodes"] == .whole(3))
        #expect(total["hold_time.connections"] == .whole(2))
        #expect(total["hold_time.per_connection_ms"] == .real(11_500))
        #expect(total["hold_time.per_attempt_ms"] == .real(23_000.0 / 3))
        #expect(total["wait.per_connection_ms"] == .real(11_000))
        #expect(total["wait.count"] == .whole(2))
        #expect(total["wait.max_ms"] == .whole(7000))
        #expect(total["hold.mean_ms"] == .real(12_000))
    }

    /// Two callers ask to be called back: one is reached at the second try, one never, and a third still waits for it.
    @Test func callBacks() throws {
        var story = Story(call: nil)
        for name in ["a", "b", "c"] {
            story.call = "ctl-1-\(name)"
            let arrived = story.time.wallTime
            story.add(
                .callArrived(
                    CallArrived(
                        from: "sip:1@h", to: "sip:7000@h", line: "7000", sipCallID: name, caller: "+1",
                        direction: .inbound)))
            story.add(.callQueued(CallQueued(group: "support", position: 1, serviceLevelS: 20)))
            story.after(
                30_000,
                .slaBreached(
                    SLABreached(group: "support", line: "7000", position: 1, waitMs: 30_000, serviceLevelS: 20)))
            story.add(.callbackRequested(CallbackRequested(group: "support", line: "7000", caller: "+1")))
            story.add(.callDequeued(CallDequeued(group: "support", queueMs: 30_000, position: 1, outcome: .callback)))
            story.add(
                .callEnded(
                    CallEnded(
                        endedBy: .caller, cause: .callback, arrived: arrived, line: "7000", group: "support",
                        caller: "+1", waitMs: 30_000, abandoned: false)))
        }
        let requests = [("ctl-1-a", 1, false), ("ctl-1-b", 1, true), ("ctl-1-a", 2, false)]
        for (index, (request, attempt, isFinal)) in requests.enumerated() {
            story.call = "\(request)-c\(index)"
            let arrived = story.time.wallTime
            story.add(
                .callArrived(
                    CallArrived(
                        from: "sip:1@h", to: "sip:1@h", line: "7000", sipCallID: "\(index)", caller: "+1",
                        direction: .callback)))
            story.add(.callbackStarted(CallbackStarted(group: "support", request: request, attempt: attempt)))
            if attempt == 2 {
                story.after(
                    5_000,
                    .callbackCompleted(
                        CallbackCompleted(
                            group: "support", agent: "anna", request: request, attempt: 2, sinceMs: 125_000)))
            } else {
                story.after(
                    5_000,
                    .callbackFailed(
                        CallbackFailed(
                            group: "support", request: request, attempt: attempt, cause: .busy, isFinal: isFinal)))
            }
            story.add(
                .callEnded(
                    CallEnded(
                        endedBy: .controller, cause: .busy, arrived: arrived, line: "7000", group: "support",
                        caller: "+1", waitMs: 5_000, abandoned: false)))
        }
        let report = try MetricsReport.count(story.events, options: MetricsOptions(by: [.group]))
        for row in [report.total] + report.rows {
            #expect(row["received"] == .whole(3))
            #expect(row["callback"] == .whole(3))
            #expect(row["wait.total_ms"] == .whole(90_000), "waiting after the request is nobody's")
            #expect(row["service_level.breached"] == .whole(3))
            #expect(row["given_up"] == .whole(0), "our own calls are not received")
            #expect(row["callbacks.requested"] == .whole(3))
            #expect(row["callbacks.attempts"] == .whole(3))
            #expect(row["callbacks.completed"] == .whole(1))
            #expect(row["callbacks.failed"] == .whole(1))
            #expect(row["callbacks.open"] == .whole(1))
            #expect(row["callbacks.success_percent"] == .real(50))
            #expect(row["callbacks.mean_ms"] == .real(125_000))
        }
        let lines = report.prometheus()
        #expect(lines.contains("warmline_callbacks_completed_total{group=\"support\"} 1"))
        #expect(lines.contains("warmline_callback_seconds_total{group=\"support\"} 125"))
        let obvious = ObviousFigures(story.events).row { _ in true }
        for key in Figure.all.map(\.key) where key.hasPrefix("callbacks.") {
            #expect(report.total[key].real == obvious[key] ?? nil, "\(key)")
        }
    }

    @Test func receivedIsTheSumOfItsOutcomes() throws {
        let total = try report().total
        #expect(total["received"] == .whole(2))
        #expect(total["answered"] == .whole(1))
        #expect(total["abandoned"] == .whole(1))
        #expect(total["abandonment.percent"] == .real(50))
        #expect(total["service_level.percent"] == .real(50))
        #expect(total["first_response_time.mean_ms"] == .real(4000))
        #expect(total["first_response_time.per_request_ms"] == .real(2000))
        #expect(total["transfers.started"] == .whole(1))
        #expect(total["transfers.completed.attended"] == .whole(1))
        #expect(total["transfers.fallbacks.next"] == .whole(1))
        // Anna's 10 s and Clara's 20 s.
        #expect(total["talk_time.mean_ms"] == .real(15_000))
        #expect(total["handle_time.per_call_ms"] == .real(42_000))
        #expect(total["first_call_resolution.withheld"] == .whole(0))
    }

    @Test func shortAbandonedCallsAreNoMissOfTheServiceLevel() throws {
        var options = MetricsOptions()
        options.shortAbandonMs = 7000
        #expect(try report(options).total["service_level.percent"] == .real(100))
    }

    @Test func emptyDenominatorsAreNull() throws {
        let total = try MetricsReport.count([]).total
        for figure in Figure.all {
            let empty: Figure.Value = figure.unit == .count || figure.key.hasSuffix("total_ms") ? .whole(0) : .none
            if figure.key.hasPrefix("agent_time.") || figure.key == "handle_time.wrap_up_ms" { continue }
            #expect(total[figure] == empty, "\(figure.key)")
        }
    }

    @Test func callsStillOpenAreCountedAsSuch() throws {
        let events = Story.attendedTransfer().events
        let waiting = try MetricsReport.count(Array(events[..<2])).total
        #expect(waiting["received"] == .whole(1))
        #expect(waiting["open"] == .whole(1))
        #expect(waiting["hold_time.episodes"] == .whole(0))
        let held = try MetricsReport.count(Array(events[..<9])).total
        #expect(held["answered"] == .whole(1))
        #expect(held["in_progress"] == .whole(1))
        #expect(held["hold.open"] == .whole(1))
        #expect(held["transfers.open"] == .whole(1))
    }

    @Test func thingsBelongToTheirAgent() throws {
        let report = try report(MetricsOptions(by: [.agent]))
        #expect(report.rows.map(\.key) == [["anna"], ["clara"], [nil]])
        #expect(report.rows[0]["hold.count"] == .whole(1))
        #expect(report.rows[0]["received"] == .whole(1))
        #expect(report.rows[0]["talk_time.total_ms"] == .whole(10_000))
        #expect(report.rows[1]["talk_time.total_ms"] == .whole(20_000))
        #expect(report.rows[1]["received"] == .whole(0))
        #expect(report.rows[2]["abandoned"] == .whole(1))
    }

    @Test func thingsBelongToTheHourInWhichTheyBegan() throws {
        let zone = try #require(TimeZone(identifier: "Asia/Kolkata"))
        let report = try report(MetricsOptions(by: [.hour], timeZone: zone))
        #expect(report.rows.map(\.key) == [["2026-03-02T14:00:00+05:30"], ["2026-03-02T15:00:00+05:30"]])
        #expect(report.rows.map { $0["received"] } == [.whole(1), .whole(1)])
    }

    @Test func thePeriodHoldsWhatBeganInIt() throws {
        let second = Story.beginning + 3_600_000_000
        let late = try report(MetricsOptions(since: second)).total
        #expect(late["received"] == .whole(1))
        #expect(late["abandoned"] == .whole(1))
        #expect(late["hold.count"] == .whole(0))
        let early = try report(MetricsOptions(until: second)).total
        #expect(early["received"] == .whole(1))
        #expect(early["answered"] == .whole(1))
    }

    @Test func outboundCallsAreLeftOut() throws {
        var events = Story.attendedTransfer().events
        if case .callArrived(var fields) = events[0].event {
            fields.direction = .outbound
            events[0].event = .callArrived(fields)
        }
        #expect(try MetricsReport.count(events).total["received"] == .whole(0))
        #expect(try MetricsReport.count(events).total["hold.count"] == .whole(0))
        var options = MetricsOptions()
        options.direction = .outbound
        #expect(try MetricsReport.count(events, options: options).total["received"] == .whole(1))
    }

    @Test func agentsTimeByState() throws {
        var story = Story(call: nil)
        func state(_ old: AgentState, _ new: AgentState, _ length: Int) -> CallEvent {
            .agentStateChanged(AgentStateChanged(agent: "anna", old: old, new: new, inStateMs: length))
        }
        story.add(state(.offline, .available, 0))
        story.after(10_000, state(.available, .talking, 10_000))
        story.after(30_000, state(.talking, .wrapUp, 30_000))
        story.after(10_000, state(.wrapUp, .paused, 10_000))
        story.after(50_000, state(.paused, .offline, 50_000))
        let total = try MetricsReport.count(story.events).total
        #expect(total["agent_utilization.percent"] == .real(40))
        #expect(total["agent_utilization.calls_percent"] == .real(30))
        #expect(total["agent_occupancy.percent"] == .real(80))
        // Cut at the edge: of the 30 s of talk the last 5.
        let cut = try MetricsReport.count(
            story.events, options: MetricsOptions(since: Story.beginning + 35_000_000))
        #expect(cut.total["agent_time.talking_ms"] == .whole(5000))
        #expect(cut.total["agent_time.available_ms"] == .whole(0))
    }
}

@Suite struct MetricsCommandTests {
    private func command(_ log: LogFixture, format: String? = nil, by: String? = nil) throws -> MetricsCommand {
        try MetricsCommand(paths: [log.directory], by: by, format: format)
    }

    @Test func jsonIsOneObjectWithTheKeysOfTheTable() throws {
        let log = try LogFixture()
        try log.write(Story.attendedTransfer().events)
        let result = try output { out, err in try command(log, format: "json", by: "agent,hour").run(out: out, err: err)
        }
        #expect(result.status == 0)
        #expect(result.out.count == 1)
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(result.out[0].utf8)) as? [String: Any])
        let total = try #require(object["total"] as? [String: Any])
        #expect(total["hold_time.per_connection_ms"] as? Double == 8000)
        #expect(total["call_resolution.percent"] as? Double == 0)
        #expect(total["agent_utilization.percent"] is NSNull)
        let by = try #require(object["by"] as? [[String: Any]])
        let key = try #require(by.first?["key"] as? [String: Any])
        #expect(key["agent"] as? String == "anna")
        #expect(key["hour"] as? String == "2026-03-02T09:00:00Z")
        #expect(object["from"] as? String == "2026-03-02T09:00:00Z")
    }

    @Test func theTableReadsWell() throws {
        let log = try LogFixture()
        try log.write(Story.attendedTransfer().events)
        let text = try output { out, err in try command(log).run(out: out, err: err) }.out
        #expect(text.contains { $0.hasPrefix("Hold time per connection") && $0.hasSuffix(" 8.0 s") })
        #expect(text.contains { $0.hasPrefix("Service level") && $0.hasSuffix("100.0 %") })
        let rows = try output { out, err in try command(log, by: "agent").run(out: out, err: err) }.out
        #expect(rows.map(\.count).dropFirst().min() == rows.map(\.count).dropFirst().max())
    }

    @Test func aLineThatIsNoEventIsNamedAndTheFiguresPrinted() throws {
        let log = try LogFixture()
        let lines = Story.attendedTransfer().events.map(LogFixture.line)
        let path = try log.write(text: lines[0] + "{\"a\":\n" + lines[1...].joined() + "{\"v\":1,", name: "x.jsonl")
        let command = try MetricsCommand(paths: [path])
        let result = output { command.run(out: $0, err: $1) }
        #expect(result.status == 1)
        #expect(result.err.count == 1)
        #expect(result.err.first?.hasPrefix("\(path):2: not an event") == true)
        #expect(result.out.contains { $0.hasPrefix("Hold time per connection") && $0.hasSuffix(" 8.0 s") })
        #expect(result.out.contains("note: 1 torn end of a file passed over"))
    }

    @Test func repeatedSegmentsUnknownTypesAndGapsAreSaid() throws {
        let log = try LogFixture()
        var events = Story.attendedTransfer().events
        events.insert(
            LoggedEvent(seq: 6, node: "ctl-1", time: events[5].time, call: nil, event: .other(type: "call.sung")), at: 5
        )
        for index in 6..<events.count { events[index].seq += 1 }
        for index in 12..<events.count { events[index].seq += 2 }
        try log.write(events)
        let command = try MetricsCommand(paths: [log.directory, log.directory])
        let result = output { command.run(out: $0, err: $1) }
        #expect(result.status == 0)
        #expect(result.out.contains("note: \(events.count) repeated events counted once"))
        #expect(result.out.contains("note: 2 events missing from the log"))
        #expect(result.out.contains("note: 1 event of unknown type call.sung passed over"))
        #expect(result.out.contains { $0.hasPrefix("Calls received") && $0.hasSuffix(" 1") })
    }

    @Test func wrongUseIsSaidInOneLine() throws {
        #expect(throws: UsageError.self) { try MetricsCommand(paths: [], by: "colour") }
        #expect(throws: UsageError.self) { try MetricsCommand(paths: [], format: "xml") }
        #expect(throws: UsageError.self) { try MetricsCommand(paths: [], since: "2026-03-03", until: "2026-03-02") }
        #expect(throws: UsageError.self) { try MetricsCommand(paths: [], since: "2026-02-30") }
        #expect(throws: UsageError.self) { try MetricsCommand(paths: [], timeZone: "Mars/Olympus") }
        #expect(throws: UsageError.self) { try MetricsCommand.explain("holding") }
        let log = try LogFixture()
        let path = try log.write(text: "nothing\n", name: "notes.txt")
        let command = try MetricsCommand(paths: [path])
        let result = output { command.run(out: $0, err: $1) }
        #expect(result.status == 2)
        #expect(result.err.count == 1)
    }

    @Test func explainNamesBothMeanings() throws {
        let hold = try MetricsCommand.explain("hold_time.per_connection_ms").joined()
        #expect(hold.contains("wide sense") && hold.contains("narrow sense"))
        let utilization = try MetricsCommand.explain("agent_utilization").joined()
        #expect(utilization.contains("wide sense") && utilization.contains("narrow sense"))
        #expect(try MetricsCommand.explain(nil).count == Figure.all.count)
    }
}
