import CallEvents

/// The exposition text format (prometheus.io/docs/instrumenting/exposition_formats), version 0.0.4: base unit seconds,
/// counters end in `_total`, one series for each value of the keys, none for a call.
extension MetricsReport {
    /// Upper bounds that are always there, in seconds.
    private static let bounds = [1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600]

    public func prometheus() -> [String] {
        calls + callbacks + times + agents + transfers + judgements
    }

    private var series: [Row] { by.isEmpty ? [total] : rows }

    private func labels(_ row: Row, _ more: [(String, String)] = []) -> String {
        let keys = zip(by, row.key).map { ($0.rawValue.replacing("-", with: "_"), $1 ?? "") }
        let all = (keys + more).map { "\($0.0)=\"\(Self.escaped($0.1))\"" }
        return all.isEmpty ? "" : "{\(all.joined(separator: ","))}"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    private func family(
        _ name: String, _ type: String, _ help: String,
        _ samples: (Row) -> [(labels: [(String, String)], value: String)]
    ) -> [String] {
        let full = "warmline_\(name)"
        return ["# HELP \(full) \(help)", "# TYPE \(full) \(type)"]
            + series.flatMap { row in samples(row).map { "\(full)\(labels(row, $0.labels)) \($0.value)" } }
    }

    private func counter(_ name: String, _ help: String, _ value: @escaping (Cell) -> Int) -> [String] {
        family("\(name)_total", "counter", help) { [([], String(value($0.cell)))] }
    }

    private func seconds(_ name: String, _ help: String, _ value: @escaping (Cell) -> Int64) -> [String] {
        family("\(name)_seconds_total", "counter", help) { [([], Self.seconds(value($0.cell)))] }
    }

    private func gauge(_ name: String, _ help: String, _ value: @escaping (Cell) -> Int) -> [String] {
        family(name, "gauge", help) { [([], String(value($0.cell)))] }
    }

    private static func seconds(_ milliseconds: Int64) -> String { Figure.decimal(Double(milliseconds) / 1000) }

    private var calls: [String] {
        counter("calls_received", "Inbound calls that arrived.") { $0.received }
            + family("calls_ended_total", "counter", "Received calls by what came of them before an answer.") { row in
                let cell = row.cell
                return [
                    ("abandoned", cell.abandoned), ("overflowed", cell.overflowed), ("callback", cell.callback),
                    ("controller_ended", cell.controllerEnded), ("lost", cell.lost),
                ].map { ([("outcome", $0.0)], String($0.1)) }
            } + counter("calls_answered", "Received calls that were answered.") { $0.answered }
            + counter("calls_answered_within", "Calls answered within their service level's threshold.") {
                $0.answeredWithin
            }
            + counter("calls_short_abandoned", "Calls abandoned too soon to count against the service level.") {
                $0.shortAbandoned
            }
            + counter("calls_left_for_other_group", "Calls that overflowed to another group: here not in time.") {
                $0.leftForOther
            } + counter("calls_refused", "Calls refused before they arrived.") { $0.refused }
            + counter("calls_given_up", "Received calls that we ended because nobody could be had.") { $0.givenUp }
            + counter("service_level_breached", "Received calls that waited past their service level.") {
                $0.breached
            }
            + gauge("calls_waiting", "Received calls neither answered nor ended.") { $0.open }
            + gauge("calls_in_progress", "Answered calls that have not ended.") { $0.inProgress }
    }

    private var callbacks: [String] {
        counter("callbacks_requested", "Call-backs that callers asked for.") { $0.callbacksRequested }
            + counter("callback_attempts", "How often callers were called back.") { $0.callbackAttempts }
            + counter("callbacks_completed", "Call-backs in which caller and agent talked.") { $0.callbacksCompleted }
            + counter("callbacks_failed", "Call-backs that failed for good.") { $0.callbacksFailed }
            + gauge("callbacks_open", "Call-backs still to be made.") { $0.callbacksOpen }
            + seconds("callback", "From request to conversation, of completed call-backs.") { $0.callbackMs }
    }

    private var times: [String] {
        histogram("wait", "First waits: arrival to first answer, or to the end.", \.wait, \.waitSeconds)
            + histogram("hold", "Hold segments other than the caller's own.", \.hold, \.holdSeconds)
            + histogram(
                "first_response", "Arrival to first answer by a human.", \.response, \.responseSeconds)
            + family("waiting_connected_total", "counter", "Waiting episodes that ended with a party's voice.") {
                [
                    ([("kind", "wait")], String($0.cell.waitConnected)),
                    ([("kind", "hold")], String($0.cell.holdConnected)),
                ]
            } + counter("holds_abandoned", "Hold segments in which the caller left.") { $0.holdAbandoned }
            + gauge("holds_open", "Hold segments that have not ended.") { $0.holdOpen }
    }

    private func histogram(
        _ name: String, _ help: String, _ values: @escaping (Cell) -> Histogram,
        _ counts: @escaping (Cell) -> SecondCounts
    ) -> [String] {
        let full = "warmline_\(name)_seconds"
        let bounds = Set(Self.bounds + options.thresholds.filter { (1...SecondCounts.limit).contains($0) }).sorted()
        var lines = ["# HELP \(full) \(help)", "# TYPE \(full) histogram"]
        for row in series {
            let values = values(row.cell)
            for bound in bounds {
                let count = counts(row.cell).count(upTo: bound)
                lines.append("\(full)_bucket\(labels(row, [("le", String(bound))])) \(count)")
            }
            lines.append("\(full)_bucket\(labels(row, [("le", "+Inf")])) \(values.count)")
            lines.append("\(full)_sum\(labels(row)) \(Self.seconds(values.sum))")
            lines.append("\(full)_count\(labels(row)) \(values.count)")
        }
        return lines
    }

    private var agents: [String] {
        counter("agent_stays", "Stays of agents with a caller.") { $0.stays }
            + seconds("talk", "Talk of agents' stays.") { $0.talkMs }
            + seconds("stay_hold", "Hold within agents' stays.") { $0.stayHoldMs }
            + seconds("wrap_up", "Wrap-up after calls.") { $0.wrapUpMs }
            + family("agent_state_seconds_total", "counter", "Agents' time by state, offline left out.") { row in
                AgentState.allCases.filter { $0 != .offline && $0 != .other }.map {
                    ([("state", $0.rawValue)], Self.seconds(row.cell.agentTime[$0]))
                }
            }
    }

    private var transfers: [String] {
        family("transfers_completed_total", "counter", "Transfers completed, by kind.") { row in
            TransferKind.allCases.filter { $0 != .other }.map {
                ([("kind", $0.rawValue)], String(row.cell.transfersCompleted[$0]))
            }
        }
            + family("transfers_failed_total", "counter", "Transfers failed, by cause.") { row in
                Cause.allCases.map { ([("cause", $0.rawValue)], String(row.cell.transfersFailed[$0])) }
            } + counter("transfers_cancelled", "Transfers given up.") { $0.transfersCancelled }
            + gauge("transfers_open", "Transfers under way.") { $0.transfersOpen }
            + family("transfer_fallbacks_total", "counter", "Steps of the fallback chain.") { row in
                FallbackStep.allCases.map { ([("step", $0.rawValue)], String(row.cell.fallbacks[$0])) }
            }
    }

    private var judgements: [String] {
        gauge("calls_resolved", "Received calls whose last verdict is resolved.") { $0.resolved }
            + gauge("calls_disposed", "Received calls that have a verdict.") { $0.disposed }
            + counter("first_calls", "First calls of a caller within seven days, judged.") { $0.firstCalls }
            + counter("first_calls_resolved", "Of these, resolved without a transfer or another call.") {
                $0.firstCallsResolved
            } + gauge("first_calls_pending", "First calls whose seven days are not over.") { $0.firstCallsPending }
    }
}
