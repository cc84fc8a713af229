import CallEvents

/// One row for each call that ended: a call detail record with what was waited, talked, held and transferred.
struct CallRows {
    static let heading = [
        "call", "node", "direction", "arrived", "ended", "caller", "line", "group", "first_agent", "last_agent",
        "outcome", "wait_ms", "talk_ms", "hold_ms", "caller_hold_ms", "holds", "longest_hold_ms", "transfers",
        "transfers_completed", "transfers_failed", "consults", "consults_failed", "ended_by", "cause",
    ]

    private struct Call {
        var direction = "other"
        var firstAgent: String?
        var lastQueue: QueueOutcome?
        var answered = false
        var holds = 0
        var longestHold = 0
        var completed = 0
        var failed = 0
        var consults = 0
        var consultsFailed = 0
    }

    private var calls: [String: Call] = [:]

    mutating func row(_ event: LoggedEvent) -> [String]? {
        guard let id = event.call else { return nil }
        switch event.event {
        case .callArrived(let fields): calls[id, default: Call()].direction = fields.direction.rawValue
        case .callAnswered(let fields):
            calls[id, default: Call()].answered = true
            calls[id]?.firstAgent = fields.agent
        case .callDequeued(let fields):
            if calls[id]?.answered != true { calls[id, default: Call()].lastQueue = fields.outcome }
        case .holdEnded(let fields) where fields.reason != .callerPhone:
            var call = calls[id] ?? Call()
            call.holds += 1
            call.longestHold = max(call.longestHold, fields.holdMs)
            calls[id] = call
        case .transferCompleted: calls[id, default: Call()].completed += 1
        case .transferFailed: calls[id, default: Call()].failed += 1
        case .consultStarted: calls[id, default: Call()].consults += 1
        case .consultFailed: calls[id, default: Call()].consultsFailed += 1
        case .callEnded(let fields):
            return row(id, event, fields, calls.removeValue(forKey: id) ?? Call())
        default: break
        }
        return nil
    }

    private func row(_ id: String, _ event: LoggedEvent, _ end: CallEnded, _ call: Call) -> [String] {
        let outcome = CallOutcome(answered: call.answered, ended: end, lastQueue: call.lastQueue)
        func moment(_ wall: Int64) -> String {
            let time = CivilTime(wall: wall)
            return "\(time.date)T\(time.time).\(CivilTime.padded(time.millisecond, 3))Z"
        }
        let numbers = [
            end.waitMs, end.talkMs, end.holdMs, end.callerHoldMs, call.holds, call.longestHold, end.transfers,
            call.completed, call.failed, call.consults, call.consultsFailed,
        ].map { String($0) }
        return [
            id, event.node, call.direction, moment(end.arrived.microseconds), moment(event.time.wall),
            end.caller ?? "", end.line ?? "", end.group ?? "", call.firstAgent ?? "", end.agent ?? "",
            outcome.rawValue,
        ] + numbers + [end.endedBy.rawValue, end.cause.rawValue]
    }
}
