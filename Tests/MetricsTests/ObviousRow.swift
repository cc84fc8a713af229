import CallEvents

/// One row of figures over lists, for what a filter lets through.
extension ObviousFigures {
    typealias Filter = (Place) -> Bool

    /// - Parameters:
    ///   - groupsApart: whether the row is one of several told apart by group.
    ///   - agent: whose time counts; null: everybody's.
    ///   - node: where it counts, on its own; null: on all nodes together.
    ///   - period: when agents' time counts, milliseconds since 1970; null: not at all.
    func row(
        groupsApart: Bool = false, agent: String? = nil, node: String? = nil,
        period: Range<Int64>? = .min..<(.max), _ belongs: Filter
    ) -> [String: Double?] {
        var figures: [String: Double?] = [:]
        func ratio(_ a: Double, _ b: Double) -> Double? { b == 0 ? nil : a / b }
        func count(_ number: Int) -> Double { Double(number) }

        let visits = self.calls.filter { belongs($0.place) && (groupsApart || !$0.isLeft) }
        let calls = visits.filter { !$0.isLeft }
        figures["received"] = count(visits.count)
        for outcome in ["answered", "abandoned", "overflowed", "callback", "controller_ended", "lost", "open"] {
            figures[outcome] = count(visits.filter { $0.outcome == outcome }.count)
        }
        figures["refused"] = count(refused.filter(belongs).count)
        figures["given_up"] = count(givenUp.filter(belongs).count)
        figures["service_level.breached"] = count(breaches.filter(belongs).count)
        let callbacks = self.callbacks.values.filter { belongs($0.place) }
        let reached = callbacks.filter { $0.isCompleted == true }
        let failed = callbacks.filter { $0.isCompleted == false }.count
        figures["callbacks.requested"] = count(callbacks.count)
        figures["callbacks.attempts"] = count(callbacks.reduce(0) { $0 + $1.attempts })
        figures["callbacks.completed"] = count(reached.count)
        figures["callbacks.failed"] = count(failed)
        figures["callbacks.open"] = count(callbacks.filter { $0.isCompleted == nil }.count)
        figures["callbacks.success_percent"] = ratio(100 * count(reached.count), count(reached.count + failed))
        figures["callbacks.mean_ms"] = ratio(count(reached.reduce(0) { $0 + $1.ms }), count(reached.count))
        figures["in_progress"] = count(calls.filter(\.isInProgress).count)
        let open = openCalls.filter { belongs($0.place) }
        figures["at_end.waiting"] = count(open.filter { !$0.isAnswered }.count)
        figures["at_end.in_progress"] = count(open.filter(\.isAnswered).count)
        figures["at_end.on_hold"] = count(open.filter(\.isHeld).count)
        figures["at_end.in_transfer"] = count(open.filter(\.isInTransfer).count)
        let answered = calls.filter { $0.outcome == "answered" }
        let abandoned = calls.filter { $0.outcome == "abandoned" }
        let waits = calls.compactMap(\.waitMs).map(Double.init)
        let human = answered.filter(\.isHuman).compactMap(\.waitMs).map(Double.init)
        let holds = self.holds.filter { belongs($0.place) }
        let lengths = holds.map { Double($0.ms) }
        let connected = holds.filter { [.resumed, .transferred, .merged].contains($0.outcome) }.count
        let total = waits.reduce(0, +) + lengths.reduce(0, +)
        figures["hold_time.total_ms"] = total
        figures["hold_time.episodes"] = count(waits.count + holds.count)
        figures["hold_time.connections"] = count(answered.count + connected)
        figures["hold_time.per_connection_ms"] = ratio(total, count(answered.count + connected))
        figures["hold_time.per_attempt_ms"] = ratio(total, count(waits.count + holds.count))
        for (key, values) in [("wait", waits), ("hold", lengths)] {
            figures["\(key).count"] = count(values.count)
            figures["\(key).total_ms"] = values.reduce(0, +)
            figures["\(key).mean_ms"] = ratio(values.reduce(0, +), count(values.count))
            figures["\(key).max_ms"] = values.max()
            for (name, part) in [("median_ms", 0.5), ("p90_ms", 0.9), ("p95_ms", 0.95), ("p99_ms", 0.99)] {
                figures["~\(key).\(name)"] = Self.nearestRank(values, part)
            }
        }
        figures["wait.per_connection_ms"] = ratio(waits.reduce(0, +), count(answered.count))
        figures["wait.per_attempt_ms"] = ratio(waits.reduce(0, +), count(waits.count))
        figures["hold.connected"] = count(connected)
        figures["hold.open"] = count(openHolds.filter { belongs($0.place) }.count)
        figures["hold.abandoned"] = count(holds.filter { $0.outcome == .abandoned }.count)
        figures["first_response_time.count"] = count(human.count)
        figures["first_response_time.mean_ms"] = ratio(human.reduce(0, +), count(human.count))
        figures["~first_response_time.median_ms"] = Self.nearestRank(human, 0.5)
        figures["first_response_time.per_request_ms"] = ratio(human.reduce(0, +), count(visits.count))
        let short = abandoned.filter(\.isShort).count
        let left = visits.filter(\.isLeft).count
        figures["service_level.answered_within"] = count(answered.filter(\.isWithin).count)
        figures["service_level.short_abandoned"] = count(short)
        figures["service_level.percent"] = ratio(
            100 * count(answered.filter(\.isWithin).count), count(answered.count + abandoned.count - short + left))
        figures["abandonment.percent"] = ratio(100 * count(abandoned.count), count(visits.count))
        figures["abandonment.on_hold_percent"] = ratio(
            100 * count(holds.filter { $0.outcome == .abandoned }.count), count(answered.count))

        let stays = self.stays.filter { belongs($0.place) }
        let talk = count(stays.reduce(0) { $0 + $1.talkMs })
        let wrapUp = count(wrapUps.filter { belongs($0.place) }.reduce(0) { $0 + $1.talkMs })
        let handle = talk + count(stays.reduce(0) { $0 + $1.holdMs }) + wrapUp
        figures["talk_time.total_ms"] = talk
        figures["talk_time.stays"] = count(stays.count)
        figures["handle_time.wrap_up_ms"] = wrapUp
        figures["talk_time.mean_ms"] = ratio(talk, count(stays.count))
        figures["handle_time.mean_ms"] = ratio(handle, count(stays.count))
        figures["handle_time.per_call_ms"] = ratio(handle, count(answered.count))

        let transfers = self.transfers.filter { belongs($0.place) }
        figures["transfers.started"] = count(transfers.count)
        let ends =
            ["completed.attended", "completed.semi_attended", "completed.blind", "cancelled", "open"]
            + Cause.allCases.filter { $0 != .normal }.map { "failed.\($0.rawValue)" }
        for end in ends { figures["transfers.\(end)"] = count(transfers.filter { $0.end == end }.count) }
        let completed = transfers.filter { $0.end.hasPrefix("completed") }.count
        figures["transfers.success_percent"] = ratio(
            100 * count(completed), count(transfers.count - transfers.filter { $0.end == "cancelled" }.count))
        for step in FallbackStep.allCases {
            figures["transfers.fallbacks.\(step.rawValue)"] = count(
                transfers.reduce(0) { $0 + $1.fallbacks.filter { $0 == step }.count })
        }

        let verdicts = self.verdicts.filter { belongs($0.place) }
        figures["call_resolution.resolved"] = count(verdicts.filter(\.isResolved).count)
        figures["call_resolution.undisposed"] = count(max(0, visits.count - verdicts.count))
        figures["call_resolution.percent"] = ratio(
            100 * count(verdicts.filter(\.isResolved).count), count(visits.count))
        let first = firstCalls.filter { belongs($0.place) }
        let judged = first.filter { $0.end != "pending" }
        figures["first_call_resolution.percent"] = ratio(
            100 * count(judged.filter { $0.end == "resolved" }.count), count(judged.count))
        figures["first_call_resolution.calls"] = count(judged.count)
        figures["first_call_resolution.withheld"] = count(answered.filter(\.isWithheld).count)
        figures["first_call_resolution.pending"] = count(first.count - judged.count)
        addAgentTime(to: &figures, agent, node, period)
        return figures
    }

    /// The smallest value of which at least that part of all are no greater.
    static func nearestRank(_ values: [Double], _ part: Double) -> Double? {
        let sorted = values.sorted()
        return sorted.indices.first { Double($0 + 1) >= part * Double(sorted.count) }.map { sorted[$0] }
    }
}
