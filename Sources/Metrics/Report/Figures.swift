import CallEvents

extension Figure {
    /// Every figure, in the order of printing.
    public static let all: [Figure] =
        calls + holdTime + kind("wait", "Wait", \.wait) + waitRatios + kind("hold", "Hold", \.hold) + holdParts
        + response + serviceLevel + callbacks + handling + transfers + agents + resolution

    private static let calls: [Figure] = [
        Figure(
            "received", .count, "Calls received",
            "inbound call.arrived = answered + abandoned + overflowed + callback + controller_ended + lost + open. "
                + "Callers refused by call.refused are not received. Told apart by group, a call is received by each "
                + "group whose queue it was in."
        ) { whole($0.received) },
        Figure("answered", .count, "  answered", "received calls with a call.answered.") { whole($0.answered) },
        Figure("abandoned", .count, "  abandoned", "received calls whose caller left before the first answer.") {
            whole($0.abandoned)
        },
        Figure(
            "overflowed", .count, "  overflowed",
            "received calls that left their last queue by overflow and were not answered afterwards; told apart by "
                + "group, also those that left the group for another."
        ) { whole($0.overflowed) },
        Figure("callback", .count, "  call-back", "received calls that ended in the promise of a call-back.") {
            whole($0.callback)
        },
        Figure(
            "controller_ended", .count, "  ended by us",
            "received calls that the controller ended before an answer: nobody was left to try, or it was stopped."
        ) { whole($0.controllerEnded) },
        Figure("lost", .count, "  lost", "received calls that were waiting when the process died.") { whole($0.lost) },
        Figure("open", .count, "  still waiting", "received calls neither answered nor ended at the log's end.") {
            whole($0.open)
        },
        Figure(
            "in_progress", .count, "  in progress", "answered calls that had not ended at the log's end."
        ) { whole($0.inProgress) },
        atEnd("waiting", "Waiting at the period's end", "neither answered nor ended") { $0.end.waiting },
        atEnd("in_progress", "  in progress", "answered and not ended") { $0.end.inProgress },
        atEnd("on_hold", "    of these on hold", "in a hold segment") { $0.end.onHold },
        atEnd("in_transfer", "    of these in a transfer", "in a transfer that was under way") { $0.end.inTransfer },
        Figure("refused", .count, "Calls refused", "call.refused events; these callers are not received.") {
            whole($0.refused)
        },
        Figure(
            "given_up", .count, "Calls given up",
            "received calls, answered before or not, that the controller ended because nobody could be had (call.ended by "
                + "controller with the cause of the last try): the last resort, when the fallback chain and the "
                + "overflow are used up. Those not answered before are in controller_ended or overflowed as well."
        ) { whole($0.givenUp) },
    ]

    private static let callbacks: [Figure] = [
        Figure(
            "callbacks.requested", .count, "Call-backs asked for",
            "callback.requested = completed + failed + open. What comes of them counts where they were asked for; waiting "
                + "after the request is nobody's waiting."
        ) { whole($0.callbacksRequested) },
        Figure("callbacks.attempts", .count, "  tries", "callback.started: how often callers were dialled.") {
            whole($0.callbackAttempts)
        },
        Figure("callbacks.completed", .count, "  completed", "callback.completed: caller and agent talked.") {
            whole($0.callbacksCompleted)
        },
        Figure("callbacks.failed", .count, "  failed for good", "callback.failed that are final.") {
            whole($0.callbacksFailed)
        },
        Figure("callbacks.open", .count, "  still to be made", "call-backs without an end at the log's end.") {
            whole($0.callbacksOpen)
        },
        Figure(
            "callbacks.success_percent", .percent, "  success", "completed ÷ (completed + failed for good) × 100."
        ) { percent($0.callbacksCompleted, $0.callbacksCompleted + $0.callbacksFailed) },
        Figure(
            "callbacks.mean_ms", .milliseconds, "  from request to conversation, mean",
            "since_ms of callback.completed: sum ÷ their number. In no wait and no hold."
        ) { ratio($0.callbackMs, $0.callbacksCompleted) },
    ]

    private static func atEnd(
        _ key: String, _ title: String, _ what: String, _ value: @escaping @Sendable (Cell) -> Int
    ) -> Figure {
        Figure(
            "at_end.\(key)", .count, title,
            "calls that were \(what) at the end of the period (--until, else the log's end), whenever they arrived. What "
                + "came of them later is counted where they began, so that periods add up. Of rows by time the last has "
                + "them."
        ) { whole(value($0)) }
    }

    private static let holdTime: [Figure] = [
        Figure(
            "hold_time.per_connection_ms", .milliseconds, "Hold time per connection",
            "hold time in the wide sense, the caller's waiting, queue and hold together: the sum of all waiting "
                + "episodes ÷ the episodes that connected. An episode is a call's first wait (arrival to first answer "
                + "or end) or a hold segment other than the caller's own; it connected when it ended in answered, "
                + "resumed, merged or transferred. The narrow sense, the queue alone, is wait.per_connection_ms."
        ) { ratio($0.wait.sum + $0.hold.sum, $0.waitConnected + $0.holdConnected) },
        Figure(
            "hold_time.per_attempt_ms", .milliseconds, "  per attempt",
            "the sum of all waiting episodes ÷ all episodes that ended. The narrow sense is wait.per_attempt_ms."
        ) { ratio($0.wait.sum + $0.hold.sum, $0.wait.count + $0.hold.count) },
        Figure(
            "hold_time.total_ms", .milliseconds, "  sum of waits and holds",
            "the sum of all waiting episodes that ended."
        ) {
            whole($0.wait.sum + $0.hold.sum)
        },
        Figure("hold_time.episodes", .count, "  waiting episodes", "first waits and hold segments that ended.") {
            whole($0.wait.count + $0.hold.count)
        },
        Figure("hold_time.connections", .count, "  that connected", "episodes that ended with a party's voice.") {
            whole($0.waitConnected + $0.holdConnected)
        },
    ]

    private static func kind(
        _ prefix: String, _ title: String, _ histogram: @escaping @Sendable (Cell) -> Histogram
    ) -> [Figure] {
        let what =
            prefix == "wait"
            ? "first waits (arrival to first answer, or to the end where nobody answered)"
            : "hold segments other than the caller's own"
        let nearest = ", by nearest rank, from a histogram with at most 0.8 % relative error (HdrHistogram's buckets)"
        func quantile(_ key: String, _ name: String, _ value: Double) -> Figure {
            Figure("\(prefix).\(key)", .milliseconds, "  \(name)", "\(name) of \(what)\(nearest).") {
                whole(histogram($0).value(at: value))
            }
        }
        return [
            Figure(
                "\(prefix).count", .count, "\(title)s\(prefix == "wait" ? " for the first answer" : "")",
                "number of \(what) that ended."
            ) {
                whole(histogram($0).count)
            },
            Figure("\(prefix).total_ms", .milliseconds, "  sum of \(title.lowercased())s", "sum of \(what).") {
                whole(histogram($0).sum)
            },
            Figure("\(prefix).mean_ms", .milliseconds, "  mean", "sum of \(what) ÷ their number.") {
                histogram($0).mean.map { .real($0) } ?? .none
            },
            quantile("median_ms", "median", 0.5), quantile("p90_ms", "90th percentile", 0.9),
            quantile("p95_ms", "95th percentile", 0.95), quantile("p99_ms", "99th percentile", 0.99),
            Figure("\(prefix).max_ms", .milliseconds, "  longest", "the longest of \(what), exact.") {
                histogram($0).count == 0 ? .none : .whole(histogram($0).max)
            },
        ]
    }

    private static let waitRatios: [Figure] = [
        Figure(
            "wait.per_connection_ms", .milliseconds, "  per connection",
            "hold time in the narrow, queue-only sense: the sum of first waits ÷ those that were answered."
        ) { ratio($0.wait.sum, $0.waitConnected) },
        Figure(
            "wait.per_attempt_ms", .milliseconds, "  per attempt",
            "hold time in the narrow, queue-only sense: the sum of first waits ÷ all that ended."
        ) { ratio($0.wait.sum, $0.wait.count) },
    ]

    private static let holdParts: [Figure] = [
        Figure("hold.connected", .count, "  connected", "hold segments that ended in resumed, merged or transferred.") {
            whole($0.holdConnected)
        },
        Figure("hold.abandoned", .count, "  abandoned", "hold segments in which the caller left.") {
            whole($0.holdAbandoned)
        },
        Figure(
            "hold.open", .count, "  still open",
            "hold segments other than the caller's own, open at the log's end; not in the other figures."
        ) {
            whole($0.holdOpen)
        },
    ]

    private static let response: [Figure] = [
        Figure(
            "first_response_time.mean_ms", .milliseconds, "First response time, mean",
            "arrival to first answer by a human: sum ÷ calls so answered. Music, announcements and automatic answers "
                + "never count."
        ) { $0.response.mean.map { .real($0) } ?? .none },
        Figure(
            "first_response_time.median_ms", .milliseconds, "  median",
            "median of arrival to first answer by a human, by nearest rank, at most 0.8 % off."
        ) { whole($0.response.value(at: 0.5)) },
        Figure(
            "first_response_time.per_request_ms", .milliseconds, "  per request",
            "the same sum ÷ calls received, answered or not."
        ) { ratio($0.response.sum, $0.received) },
        Figure("first_response_time.count", .count, "  answered by a human", "calls answered by a human.") {
            whole($0.response.count)
        },
    ]

    private static let serviceLevel: [Figure] = [
        Figure(
            "service_level.percent", .percent, "Service level",
            "answered within the threshold ÷ (answered + abandoned − short-abandoned) × 100. The threshold is the "
                + "call's own service_level_s, else --service-level (20 s). Told apart by group, a call that left the "
                + "group for another counts there as not within it. Whether a target was reached (target.met, against "
                + "target.percent): that of --target, else the service_target that the groups had (call.queued says "
                + "it), in rows whose answered and abandoned calls all had the same."
        ) { percent($0.answeredWithin, $0.answered + $0.abandoned - $0.shortAbandoned + $0.leftForOther) },
        Figure("service_level.answered_within", .count, "  answered in time", "answered within the threshold.") {
            whole($0.answeredWithin)
        },
        Figure(
            "service_level.short_abandoned", .count, "  hung up at once",
            "abandoned after no more than --short-abandon (5 s)."
        ) { whole($0.shortAbandoned) },
        Figure(
            "service_level.breached", .count, "  waited past it",
            "sla.breached: received calls that waited past the service level of their group, whatever came of them."
        ) { whole($0.breached) },
        Figure(
            "abandonment.percent", .percent, "Abandonment", "abandoned, short ones included ÷ received × 100."
        ) { percent($0.abandoned, $0.received) },
        Figure(
            "abandonment.on_hold_percent", .percent, "  on hold", "hold segments abandoned ÷ answered calls × 100."
        ) { percent($0.holdAbandoned, $0.answered) },
    ]

    private static let handling: [Figure] = [
        Figure("talk_time.mean_ms", .milliseconds, "Talk time, mean", "talk of agents' stays ÷ these stays.") {
            ratio($0.talkMs, $0.stays)
        },
        Figure("talk_time.total_ms", .milliseconds, "  sum of talk", "sum of talk_ms of agents' stays.") {
            .whole($0.talkMs)
        },
        Figure("talk_time.stays", .count, "  stays", "stays of agents with a caller (party.left with an agent).") {
            whole($0.stays)
        },
        Figure(
            "handle_time.mean_ms", .milliseconds, "Handle time, mean",
            "(talk + hold of agents' stays + wrap-up) ÷ agents' stays."
        ) { ratio($0.talkMs + $0.stayHoldMs + $0.wrapUpMs, $0.stays) },
        Figure(
            "handle_time.per_call_ms", .milliseconds, "  per call",
            "(talk + hold of agents' stays + wrap-up) ÷ answered calls."
        ) { ratio($0.talkMs + $0.stayHoldMs + $0.wrapUpMs, $0.answered) },
        Figure(
            "handle_time.wrap_up_ms", .milliseconds, "  wrap-up after these calls",
            "sum of agents' wrap-up after these calls."
        ) {
            .whole($0.wrapUpMs)
        },
    ]

    private static let transfers: [Figure] =
        [
            Figure("transfers.started", .count, "Transfers started", "transfer.started.") {
                whole($0.transfersStarted)
            },
            completed("attended", .attended), completed("semi_attended", .semiAttended), completed("blind", .blind),
        ]
        + Cause.allCases.filter { $0 != .other && $0 != .normal }.map { failed($0.rawValue, $0) } + [
            failed("other", .other),
            Figure("transfers.cancelled", .count, "  cancelled", "given up by the agent or the caller.") {
                whole($0.transfersCancelled)
            },
            Figure("transfers.open", .count, "  still open", "transfers open at the log's end.") {
                whole($0.transfersOpen)
            },
            Figure(
                "transfers.success_percent", .percent, "  success",
                "completed ÷ (started − cancelled) × 100; open ones count as started."
            ) { percent($0.transfersCompleted.total, $0.transfersStarted - $0.transfersCancelled) },
        ]
        + FallbackStep.allCases.map { step in
            Figure(
                "transfers.fallbacks.\(step.rawValue)", .count, "  fallback to \(step.rawValue)",
                "transfer.fallback steps to \(step.rawValue)."
            ) { .whole($0.fallbacks[step]) }
        }

    private static func completed(_ word: String, _ kind: TransferKind) -> Figure {
        Figure(
            "transfers.completed.\(word)", .count, "  completed, \(word.replacing("_", with: "-"))",
            "transfer.completed of kind \(word)."
        ) { .whole($0.transfersCompleted[kind]) }
    }

    private static func failed(_ word: String, _ cause: Cause) -> Figure {
        Figure(
            "transfers.failed.\(word)", .count, "  failed: \(word.replacing("_", with: " "))",
            "transfer.failed with cause \(word)."
        ) { .whole($0.transfersFailed[cause] + (cause == .other ? $0.transfersFailed[.normal] : 0)) }
    }

    private static let agents: [Figure] = [
        Figure(
            "agent_utilization.percent", .percent, "Agent utilization",
            "(talking + consulting + wrap-up) ÷ logged in × 100: utilization in the wide sense, all work. The sense of "
                + "calls alone is agent_utilization.calls_percent; agent_occupancy.percent leaves pauses out of the "
                + "time logged in."
        ) { percent($0.busyMs(.talking, .consulting, .wrapUp), $0.loggedInMs) },
        Figure(
            "agent_utilization.calls_percent", .percent, "  on calls",
            "(talking + consulting) ÷ logged in × 100: utilization in the narrow sense, calls alone."
        ) { percent($0.busyMs(.talking, .consulting), $0.loggedInMs) },
        Figure(
            "agent_occupancy.percent", .percent, "Agent occupancy",
            "(talking + consulting + wrap-up) ÷ (logged in − paused) × 100."
        ) { percent($0.busyMs(.talking, .consulting, .wrapUp), $0.loggedInMs - $0.busyMs(.paused)) },
        Figure(
            "agent_time.logged_in_ms", .milliseconds, "  logged in",
            "agents' time in any state but offline. An agent known to several nodes is there once, at each instant in the "
                + "busiest state of any node (--by node: on each node in that node's). Time is an agent's: by group, "
                + "line, target, skill or code there is none."
        ) {
            whole($0.loggedInMs)
        },
        agentTime("talking", .talking), agentTime("consulting", .consulting), agentTime("wrap_up", .wrapUp),
        agentTime("ringing", .ringing), agentTime("available", .available), agentTime("paused", .paused),
    ]

    private static func agentTime(_ word: String, _ state: AgentState) -> Figure {
        let title = word.replacing("_", with: "-")
        return Figure("agent_time.\(word)_ms", .milliseconds, "  \(title)", "agents' time \(title).") {
            .whole($0.agentTime[state])
        }
    }

    private static let resolution: [Figure] = [
        Figure(
            "call_resolution.percent", .percent, "Call resolution",
            "resolved, by the last call.disposition ÷ received × 100. A verdict counts where its call was received: by "
                + "agent, with the one who answered it first. None by code: no call is received with one.",
            isOfReceived: true
        ) { percent($0.resolved, $0.received) },
        Figure("call_resolution.resolved", .count, "  resolved", "calls whose last verdict is resolved.") {
            whole($0.resolved)
        },
        Figure(
            "call_resolution.undisposed", .count, "  without a verdict", "received calls that have no disposition.",
            isOfReceived: true
        ) { whole(max(0, $0.received - $0.disposed)) },
        Figure(
            "first_call_resolution.percent", .percent, "First-call resolution",
            "answered, resolved, without a transfer, and no other call of that caller within 7 days before or after ÷ "
                + "answered calls with none of that caller's in the 7 days before. From arrival to arrival; calls "
                + "whose 7 days are not over, whatever is known of them by now, and withheld numbers, are left out and "
                + "counted."
        ) { percent($0.firstCallsResolved, $0.firstCalls) },
        Figure("first_call_resolution.calls", .count, "  first calls", "answered calls judged.") {
            whole($0.firstCalls)
        },
        Figure("first_call_resolution.pending", .count, "  pending", "first calls whose 7 days are not over.") {
            whole($0.firstCallsPending)
        },
        Figure("first_call_resolution.withheld", .count, "  number withheld", "answered calls without a number.") {
            whole($0.callersWithheld)
        },
    ]
}

extension Cell {
    func busyMs(_ states: AgentState...) -> Int { states.reduce(0) { $0 + Int(agentTime[$1]) } }

    /// Offline time is never counted.
    var loggedInMs: Int { agentTime.total }
}
