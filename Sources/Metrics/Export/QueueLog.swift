import CallEvents
import EventLog

/// Asterisk's queue_log: `epoch|call|queue|agent|event|data…` (docs.asterisk.org, Queue Logs).
///
/// What the format cannot say: times are whole seconds, so what ended within one lasts 0; a call has one queue at a time
/// and one agent at its end; hold segments, consults and refused targets have no event; a caller who is queued again after
/// an answer enters anew.
struct QueueLog {
    private struct Call {
        var group: String?
        var caller = ""
        var queued: Int64 = 0
        var answered: Int64?
        var agent: String?
        var position = 1
        var waited = 0
    }

    private var calls: [String: Call] = [:]

    mutating func lines(_ event: LoggedEvent) -> [String] {
        guard let id = event.call else { return [] }
        var call = calls[id] ?? Call()
        let mono = event.time.monoMilliseconds
        var result: [String] = []
        func say(_ queue: String?, _ agent: String?, _ word: String, _ data: [String]) {
            let epoch = CivilTime.floor(event.time.wall, 1_000_000)
            let fields = [String(epoch), id, queue ?? "NONE", agent ?? "NONE", word] + data
            // The format knows no quoting.
            result.append(
                fields.map { $0.replacing("|", with: "/").replacing("\n", with: " ").printable }.joined(separator: "|"))
        }
        switch event.event {
        case .callArrived(let fields): call.caller = fields.caller ?? ""
        case .callQueued(let fields):
            call.group = fields.group
            call.queued = mono
            call.position = fields.position
            say(fields.group, nil, "ENTERQUEUE", ["", call.caller, String(fields.position)])
        case .callAlertFailed(let fields) where call.group != nil:
            say(call.group, fields.agent, "RINGNOANSWER", [String(fields.ringMs)])
        case .callAnswered(let fields):
            call.answered = mono
            call.agent = fields.agent
            call.waited = call.group == nil ? fields.waitMs / 1000 : Int(mono - call.queued) / 1000
            call.group = fields.group ?? call.group
            say(call.group, fields.agent, "CONNECT", [String(call.waited), id, String(fields.ringMs / 1000)])
        case .callDequeued(let fields): leave(fields, call, mono, say)
        case .transferCompleted(let fields):
            let talked = Int(mono - (call.answered ?? mono)) / 1000
            let to = Timeline.name(of: fields.target)
            if fields.kind == .blind {
                say(
                    call.group, fields.agent, "BLINDTRANSFER",
                    [to, "warmline", String(call.waited), String(talked), String(call.position)])
            } else {
                say(
                    call.group, fields.agent, "ATTENDEDTRANSFER",
                    ["APP", to, String(call.waited), String(talked), String(call.position)])
            }
            call.agent = fields.targetAgent
        case .callEnded(let fields):
            // A call that a transfer took to somebody outside was ended, for the queue, by the transfer.
            if let answered = call.answered, let agent = call.agent {
                let word = fields.endedBy == .caller ? "COMPLETECALLER" : "COMPLETEAGENT"
                let talked = Int(mono - answered) / 1000
                say(call.group, agent, word, [String(call.waited), String(talked), String(call.position)])
            }
        default: break
        }
        if case .callEnded = event.event { calls[id] = nil } else { calls[id] = call }
        return result
    }

    private func leave(
        _ fields: CallDequeued, _ call: Call, _ mono: Int64,
        _ say: (String?, String?, String, [String]) -> Void
    ) {
        let waited = String(fields.queueMs / 1000)
        let position = String(fields.position)
        let first = String(call.position)
        switch fields.outcome {
        case .abandoned: say(fields.group, nil, "ABANDON", [position, first, waited])
        case .overflow, .released: say(fields.group, nil, "EXITWITHTIMEOUT", [position, first, waited])
        case .callback: say(fields.group, nil, "EXITWITHKEY", ["", position, first, waited])
        case .answered, .lost, .other: break
        }
    }
}
