import CallEvents

/// From what SIP says to the log's `cause`. A Q.850 Reason (RFC 3326) beats the status; 0 and unknown values say nothing.
enum Causes {
    /// Why an INVITE of ours did not become a conversation. `rang`: a provisional response over 100 had come.
    static func failure(_ end: LegEnd, rang: Bool) -> Cause {
        if let cause = end.q850.flatMap(q850) { return cause }
        switch end.how {
        case .rejected: return status(end.sipStatus ?? 0, rang: rang)
        case .noCodec: return .noCodec
        case .noResponse, .transport, .invalid: return .unreachable
        case .vanished: return rang ? .noAnswer : .unreachable
        case .bye, .cancelled, .local: return .rejected
        }
    }

    /// Our own timeout: it rang and nobody came, or nothing was there at all.
    static func timeout(rang: Bool) -> Cause { rang ? .noAnswer : .unreachable }

    /// Why an answered leg ended.
    static func ending(_ end: LegEnd, isAgent: Bool) -> Cause {
        isLoss(end) ? (isAgent ? .agentLost : .lost) : end.how == .noCodec ? .noCodec : .normal
    }

    /// Whether a party is gone without having hung up.
    static func isLoss(_ end: LegEnd) -> Bool {
        switch end.how {
        case .vanished, .transport, .noResponse, .invalid: true
        case .local, .bye, .cancelled, .rejected, .noCodec: false
        }
    }

    static func q850(_ value: Int) -> Cause? {
        switch value {
        case 17: .busy
        case 21: .declined
        case 18, 19: .noAnswer
        case 1, 3, 20, 27, 38: .unreachable
        default: nil
        }
    }

    static func status(_ status: Int, rang: Bool) -> Cause {
        switch status {
        case 486, 600: .busy
        case 603: .declined
        case 408, 480: rang ? .noAnswer : .unreachable
        case 404, 410, 484, 604, 500...599: .unreachable
        case 415, 488, 606: .noCodec
        default: .rejected
        }
    }

    /// Why a call goes to somebody else than whom it was for (RFC 4458 §2).
    static func retargeting(_ cause: Cause) -> Int {
        switch cause {
        case .busy: 486
        case .declined, .rejected: 480
        case .noAnswer: 408
        default: 503
        }
    }

    /// Of an INVITE that was refused before it became a call.
    static func refusal(_ sipStatus: Int) -> Cause {
        sipStatus == 403 ? .notAllowed : status(sipStatus, rang: false)
    }

    /// What a caller who has not been answered is told when nobody can be had.
    static func finalStatus(_ cause: Cause, sipStatus: Int?) -> Int {
        switch cause {
        case .busy: 486
        case .declined: 603
        case .noCodec: 488
        case .notAllowed: 403
        // Not 503, which would make the peer avoid this controller altogether (RFC 3261 §21.5.4).
        case .noAnswer, .unreachable: sipStatus == 404 ? 404 : 480
        case .rejected:
            // 401, 407 and 481 belong to the other dialog.
            if let sipStatus, (400...699).contains(sipStatus), ![401, 407, 481].contains(sipStatus) {
                sipStatus
            } else {
                480
            }
        default: 480
        }
    }

    /// The tone that tells an agent why a target cannot be had.
    static func tone(_ cause: Cause) -> Tone {
        switch cause {
        case .noAnswer: .noAnswer
        case .unreachable, .noCodec, .lost: .unreachable
        default: .rejected
        }
    }
}
