import CallEvents

/// The sums of one call, kept from its events alone: every duration is a difference of two `mono_ms` that the log
/// states, or a sum of such.
struct Books: Codable, Sendable {
    struct Span: Codable, Sendable {
        var number = 0
        var reason = HoldReason.other
        var agent: String?
        var began: EventTime
    }

    /// A party's stay, with the sums as they stood at its beginning.
    struct Stay: Codable, Sendable {
        var sipCallID: String
        var began: EventTime
        var hold: Int
        var consult: Int
    }

    struct Alert: Codable, Sendable {
        var attempt: Int
        var agent: String?
        var began: EventTime
    }

    struct Consult: Codable, Sendable {
        var number: Int
        var rang: EventTime?
        var answered: EventTime?
    }

    struct Transfer: Codable, Sendable {
        var number: Int
        /// The hold sum of the segments that were over when it began.
        var hold: Int
        var consult: Int
    }

    private(set) var arrived: EventTime?
    private(set) var answered: EventTime?
    private(set) var queued: EventTime?
    /// The members of staff who ring, and since when.
    private(set) var alerts: [Alert] = []
    private(set) var hold: Span?
    private(set) var callerHold: Span?
    private(set) var stays: [Stay] = []
    /// Several while a group's members ring together.
    private(set) var consults: [Consult] = []
    private(set) var transfer: Transfer?
    private(set) var conference: EventTime?
    private(set) var ended: EventTime?
    /// In a call that calls somebody back: when that was asked for.
    var asked: EventTime?
    private(set) var holds = 0
    private(set) var transfers = 0
    private(set) var holdMs = 0
    private(set) var callerHoldMs = 0
    private(set) var consultMs = 0
    var history = History()

    /// From `start` to `end` in whole milliseconds as the log counts them.
    static func ms(_ start: EventTime?, _ end: EventTime) -> Int {
        guard let start else { return 0 }
        return Int(clamping: end.monoMilliseconds &- start.monoMilliseconds)
    }

    /// Waiting after the first answer, up to now.
    func holdSum(at time: EventTime) -> Int { holdMs + (hold.map { Self.ms($0.began, time) } ?? 0) }

    private func consultSum(at time: EventTime) -> Int {
        consults.reduce(consultMs) { $0 + Self.ms($1.answered ?? time, time) }
    }

    /// Takes an open consult out of the books.
    private mutating func endConsult(_ number: Int) -> Consult? {
        consults.firstIndex { $0.number == number }.map { consults.remove(at: $0) }
    }

    func waitMs(at time: EventTime) -> Int { Self.ms(arrived, answered ?? time) }

    func talkMs(at time: EventTime) -> Int { Self.ms(arrived, time) - waitMs(at: time) - holdSum(at: time) }

    /// Fills in what only the books know. Null for an event that says nothing new: a hold that is open already, the
    /// end of one that is not.
    mutating func complete(_ event: CallEvent, at time: EventTime) -> CallEvent? {
        switch event {
        case .callArrived, .callQueued, .callDequeued, .callAlerting, .callAlertFailed, .callAnswered, .callEnded:
            return completeLife(event, at: time)
        case .holdStarted(let fields): return start(fields, at: time)
        case .holdEnded(let fields): return end(fields, at: time)
        case .partyJoined(let fields):
            alerts = []
            stays.append(
                Stay(
                    sipCallID: fields.sipCallID, began: time, hold: holdSum(at: time), consult: consultSum(at: time)))
            return event
        case .partyLeft(let fields): return leave(fields, at: time)
        case .callbackRequested(var fields):
            fields.waitMs = waitMs(at: time)
            return .callbackRequested(fields)
        case .callbackStarted(var fields):
            fields.sinceMs = Self.ms(asked, time)
            return .callbackStarted(fields)
        case .callbackCompleted(var fields):
            fields.sinceMs = Self.ms(asked, time)
            return .callbackCompleted(fields)
        default: return completeTransfer(event, at: time)
        }
    }

    private mutating func completeLife(_ event: CallEvent, at time: EventTime) -> CallEvent? {
        switch event {
        case .callArrived: arrived = time
        case .callQueued: queued = time
        case .callDequeued(var fields):
            fields.queueMs = Self.ms(queued, time)
            queued = nil
            return .callDequeued(fields)
        case .callAlerting(let fields):
            alerts.append(Alert(attempt: fields.attempt, agent: fields.agent, began: time))
        case .callAlertFailed(var fields):
            if let index = alerts.firstIndex(where: { $0.attempt == fields.attempt && $0.agent == fields.agent }) {
                fields.ringMs = Self.ms(alerts.remove(at: index).began, time)
            }
            return .callAlertFailed(fields)
        case .callAnswered(var fields):
            fields.waitMs = Self.ms(arrived, time)
            fields.ringMs = Self.ms((alerts.last { $0.agent == fields.agent } ?? alerts.last)?.began, time)
            answered = time
            alerts = []
            return .callAnswered(fields)
        case .callEnded(var fields):
            fields.arrived = arrived?.wallTime ?? time.wallTime
            fields.waitMs = waitMs(at: time)
            fields.talkMs = talkMs(at: time)
            fields.holdMs = holdSum(at: time)
            fields.callerHoldMs = callerHoldMs
            fields.transfers = transfers
            fields.abandoned = answered == nil && fields.endedBy == .caller && fields.cause != .callback
            ended = time
            return .callEnded(fields)
        default: break
        }
        return event
    }

    private mutating func start(_ event: HoldStarted, at time: EventTime) -> CallEvent? {
        var fields = event
        let isTrack = fields.reason == .callerPhone
        guard answered != nil, ended == nil, (isTrack ? callerHold : hold) == nil else { return nil }
        holds += 1
        fields.hold = holds
        let span = Span(number: holds, reason: fields.reason, agent: fields.agent, began: time)
        if isTrack { callerHold = span } else { hold = span }
        history.opened(fields, at: time)
        return .holdStarted(fields)
    }

    private mutating func end(_ event: HoldEnded, at time: EventTime) -> CallEvent? {
        var fields = event
        let isTrack = fields.reason == .callerPhone
        guard let span = isTrack ? callerHold : hold else { return nil }
        fields.hold = span.number
        fields.reason = span.reason
        fields.agent = span.agent
        fields.holdMs = Self.ms(span.began, time)
        // The same agent's voice again, or somebody else's.
        if fields.outcome == .transferred, let agent = span.agent, agent == fields.nextAgent {
            fields.outcome = .resumed
        }
        if isTrack {
            callerHold = nil
            callerHoldMs += fields.holdMs
        } else {
            hold = nil
            holdMs += fields.holdMs
        }
        history.closed(fields)
        return .holdEnded(fields)
    }

    private mutating func leave(_ event: PartyLeft, at time: EventTime) -> CallEvent? {
        guard let index = stays.firstIndex(where: { $0.sipCallID == event.sipCallID }) else { return nil }
        let stay = stays.remove(at: index)
        var fields = event
        fields.stayMs = Self.ms(stay.began, time)
        fields.holdMs = holdSum(at: time) - stay.hold
        fields.talkMs = fields.stayMs - fields.holdMs
        fields.consultMs = consultSum(at: time) - stay.consult
        return .partyLeft(fields)
    }

    private mutating func completeTransfer(_ event: CallEvent, at time: EventTime) -> CallEvent? {
        switch event {
        case .transferStarted(let fields):
            transfers += 1
            transfer = Transfer(number: fields.transfer, hold: holdMs, consult: consultMs)
            history.opened(fields, at: time)
        case .transferCompleted(var fields):
            fields.holdMs = holdMs - (transfer?.hold ?? holdMs)
            fields.consultMs = consultMs - (transfer?.consult ?? consultMs)
            transfer = nil
            history.closedTransfer(fields.transfer, "completed")
            return .transferCompleted(fields)
        case .transferFailed(let fields):
            transfer = nil
            history.closedTransfer(fields.transfer, "failed")
        case .transferCancelled(let fields):
            transfer = nil
            history.closedTransfer(fields.transfer, "cancelled")
        case .conferenceStarted: conference = time
        case .conferenceEnded(var fields):
            guard let began = conference else { return nil }
            conference = nil
            fields.conferenceMs = Self.ms(began, time)
            return .conferenceEnded(fields)
        case .consultStarted(let fields):
            consults.append(Consult(number: fields.consult))
            history.opened(fields, at: time)
        case .consultRinging(let fields):
            for index in consults.indices where consults[index].number == fields.consult { consults[index].rang = time }
            history.consult(fields.consult, "ringing")
        case .consultAnswered(var fields):
            for index in consults.indices where consults[index].number == fields.consult {
                fields.ringMs = Self.ms(consults[index].rang, time)
                consults[index].answered = time
            }
            history.consult(fields.consult, "answered")
            return .consultAnswered(fields)
        case .consultFailed(var fields):
            fields.ringMs = Self.ms(endConsult(fields.consult)?.rang, time)
            history.consult(fields.consult, "failed: \(fields.cause.rawValue)")
            return .consultFailed(fields)
        case .consultEnded(var fields):
            fields.consultMs = Self.ms(endConsult(fields.consult)?.answered, time)
            consultMs += fields.consultMs
            history.consult(fields.consult, fields.outcome.rawValue)
            return .consultEnded(fields)
        default: break
        }
        return event
    }
}
