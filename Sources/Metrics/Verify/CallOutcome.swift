import CallEvents

/// What became of an inbound call: each has exactly one.
public enum CallOutcome: String, CaseIterable, Sendable {
    /// Somebody answered it.
    case answered
    /// The caller left before that.
    case abandoned
    /// It left its last queue for a place outside and ended there unanswered.
    case overflowed
    /// The caller was promised a call-back.
    case callback
    /// The controller ended it: nobody was left to try, or it was stopped.
    case controllerEnded = "controller_ended"
    /// The process died; what became of it is not known.
    case lost

    /// The outcome as the log tells it. The first that holds counts, in the order written here.
    public init(answered: Bool, ended: CallEnded, lastQueue: QueueOutcome?) {
        if answered {
            self = .answered
        } else if ended.abandoned {
            self = .abandoned
        } else if ended.cause == .lost {
            self = .lost
        } else if ended.cause == .callback || lastQueue == .callback {
            self = .callback
        } else if lastQueue == .overflow {
            self = .overflowed
        } else {
            self = .controllerEnded
        }
    }
}

/// How many inbound calls had each outcome.
struct OutcomeCounts {
    var arrived = 0
    var open = 0
    private var ended: [CallOutcome: Int] = [:]

    mutating func add(_ outcome: CallOutcome) { ended[outcome, default: 0] += 1 }

    /// The sum of all outcomes, open calls included.
    var outcomes: Int { ended.values.reduce(open, +) }
}
