import CallEvents

/// What the log has said of a call so far: enough to open a segment with it, and to close it should the process die.
/// All instants and lengths are in milliseconds of the monotonic clock, as the log counts them.
struct OpenCall {
    struct Hold {
        var number: Int
        var reason: HoldReason
        var agent: String?
        var began: Int64
    }

    struct Consult {
        var opening: ConsultStarted
        var began: Int64
        var answered: Int64?
    }

    struct Queue {
        var group: String
        var position: Int
        var began: Int64
    }

    struct Stay {
        var opening: PartyJoined
        var began: Int64
        var holdMs: Int64 = 0
        var consultMs: Int64 = 0
    }

    let id: String
    /// In the order of the log.
    let order: UInt64
    let arrived: WallTime
    let arrivedMono: Int64
    /// False where only a segment's opening told of it.
    let isWhole: Bool
    let line: String?
    let caller: String?
    private(set) var group: String?
    /// Who is in charge, null once nobody is.
    private(set) var agent: String?
    private var lastAgent: String?

    private var answered: Int64?
    private var holdMs: Int64 = 0
    private var callerHoldMs: Int64 = 0
    private var hold: Hold?
    private var callerHold: Hold?
    private var consults: [Consult] = []
    private var transfer: TransferStarted?
    private var transfers = 0
    private var conference: (opening: ConferenceStarted, began: Int64)?
    private var queues: [Queue] = []
    private var stays: [Stay] = []
    /// The queue or the hold has said that the caller left, `call.ended` not yet.
    private var callerLeft = false
    /// The caller's stay is over; a consult and stays may outlive it.
    private(set) var hasEnded = false

    init(_ id: String, _ event: CallArrived, at time: EventTime, order: UInt64) {
        self.id = id
        self.order = order
        arrived = time.wallTime
        arrivedMono = time.monoMilliseconds
        isWhole = true
        line = event.line
        caller = event.caller
    }

    init(_ id: String, _ event: CallOpen, at time: EventTime, order: UInt64) {
        self.id = id
        self.order = order
        let mono = time.monoMilliseconds
        let wait = Int64(event.waitMs)
        arrived = event.arrived
        arrivedMono = mono - wait - Int64(event.talkMs) - Int64(event.holdMs)
        isWhole = false
        line = event.line
        caller = nil
        group = event.group
        agent = event.agent
        lastAgent = event.agent
        transfers = event.transfer ?? 0
        if event.talkMs > 0 || event.holdMs > 0 || event.agent != nil || event.hold != nil {
            answered = arrivedMono + wait
        }
        holdMs = Int64(event.holdMs)
        if let number = event.hold {
            let open = Hold(number: number, reason: event.holdReason ?? .other, agent: event.agent, began: mono)
            if open.reason == .callerPhone { callerHold = open } else { hold = open }
        }
        if let number = event.callerHold {
            callerHold = Hold(number: number, reason: .callerPhone, agent: event.agent, began: mono)
        }
        if let number = event.transfer { transfer = TransferStarted(transfer: number, agent: event.agent) }
        if let number = event.consult {
            let opening = ConsultStarted(transfer: event.transfer ?? 0, consult: number, agent: event.agent)
            consults = [Consult(opening: opening, began: mono)]
        }
    }

    /// Whether nothing of the call can follow any more, a verdict aside.
    var isClosed: Bool { hasEnded && consults.isEmpty && stays.isEmpty }

    /// Applies an event; true when it was the call's last.
    mutating func close(by event: CallEvent, at mono: Int64) -> Bool {
        apply(event, at: mono)
        return isClosed
    }

    mutating func apply(_ event: CallEvent, at mono: Int64) {
        switch event {
        case .callQueued(let fields):
            group = fields.group
            queues.append(Queue(group: fields.group, position: fields.position, began: mono))
        case .callDequeued(let fields):
            queues.removeAll { $0.group == fields.group }
            if fields.outcome == .abandoned { callerLeft = true }
        case .callAnswered(let fields):
            answered = mono
            agent = fields.agent
            lastAgent = fields.agent
            group = fields.group ?? group
        case .partyJoined(let fields):
            stays.append(Stay(opening: fields, began: mono))
            // In a conference the agent stays in charge.
            if fields.role != .merge { charge(fields.agent) }
        case .partyLeft(let fields): leave(fields)
        case .holdStarted(let fields):
            let began = Hold(number: fields.hold, reason: fields.reason, agent: fields.agent, began: mono)
            if fields.reason == .callerPhone { callerHold = began } else { hold = began }
        case .holdEnded(let fields):
            endHold(fields.hold, at: mono)
            if fields.outcome == .abandoned { callerLeft = true }
        case .transferStarted(let fields):
            transfer = fields
            transfers = max(transfers, fields.transfer)
        case .transferCompleted, .transferFailed, .transferCancelled: transfer = nil
        case .consultStarted(let fields): consults.append(Consult(opening: fields, began: mono))
        case .consultAnswered(let fields):
            for index in consults.indices where consults[index].opening.consult == fields.consult {
                consults[index].answered = mono
            }
        case .consultFailed(let fields): endConsult(fields.consult, at: mono)
        case .consultEnded(let fields): endConsult(fields.consult, at: mono)
        case .conferenceStarted(let fields): conference = (fields, mono)
        case .conferenceEnded: conference = nil
        case .callEnded: hasEnded = true
        default: break
        }
    }

    private mutating func charge(_ next: String?) {
        agent = next
        lastAgent = next ?? lastAgent
    }

    private mutating func leave(_ event: PartyLeft) {
        let index =
            stays.firstIndex { !event.sipCallID.isEmpty && $0.opening.sipCallID == event.sipCallID }
            ?? stays.firstIndex { $0.opening.uri == event.uri && $0.opening.agent == event.agent }
            ?? stays.firstIndex { $0.opening.agent == event.agent && $0.opening.party == event.party }
        if let index { stays.remove(at: index) }
        // The one left behind is in charge if configured as an agent; otherwise nobody is.
        if event.agent == agent { charge(stays.last?.opening.agent) }
    }

    private mutating func endHold(_ number: Int, at mono: Int64) {
        if let open = callerHold, open.number == number {
            callerHoldMs += mono - open.began
            callerHold = nil
        } else if let open = hold, open.number == number {
            holdMs += mono - open.began
            for index in stays.indices { stays[index].holdMs += mono - max(stays[index].began, open.began) }
            hold = nil
        }
    }

    private mutating func endConsult(_ number: Int, at mono: Int64) {
        guard let index = consults.firstIndex(where: { $0.opening.consult == number }) else { return }
        let consult = consults.remove(at: index)
        guard let answered = consult.answered else { return }
        for index in stays.indices where stays[index].opening.agent == consult.opening.agent {
            stays[index].consultMs += mono - max(answered, stays[index].began)
        }
    }

    /// How long the caller has waited, talked and been held until `mono`; together the call's length.
    private func parts(at mono: Int64) -> (wait: Int64, talk: Int64, hold: Int64) {
        guard let answered else { return (mono - arrivedMono, 0, 0) }
        let held = holdMs + (hold.map { mono - $0.began } ?? 0)
        return (answered - arrivedMono, mono - answered - held, held)
    }
}

extension OpenCall {
    /// The line of a segment's opening.
    func opening(at time: EventTime) -> CallRecord {
        let parts = parts(at: time.monoMilliseconds)
        let open = hold ?? callerHold
        let event = CallOpen(
            arrived: arrived, line: line, group: group, agent: agent, hold: open?.number, holdReason: open?.reason,
            consult: consults.last?.opening.consult, transfer: transfer?.transfer, waitMs: Int(parts.wait),
            talkMs: Int(parts.talk), holdMs: Int(parts.hold), callerHold: hold == nil ? nil : callerHold?.number
        )
        return CallRecord(time: time, call: id, event: .callOpen(event))
    }

    /// The events that close everything that is open, in the order in which the log closes it otherwise.
    func closings(at time: EventTime) -> [CallRecord] {
        var open = self
        let mono = time.monoMilliseconds
        var records: [CallRecord] = []
        func close(_ event: CallEvent) {
            open.apply(event, at: mono)
            records.append(CallRecord(time: time, call: id, event: event))
        }
        for consult in consults { close(lost(consult, at: mono)) }
        for hold in [hold, callerHold].compactMap({ $0 }) {
            close(
                .holdEnded(
                    HoldEnded(
                        hold: hold.number, reason: hold.reason, agent: hold.agent, group: group, line: line,
                        nextAgent: nil, holdMs: Int(mono - hold.began), outcome: .lost)))
        }
        if let (opening, began) = conference {
            close(
                .conferenceEnded(ConferenceEnded(transfer: opening.transfer, conferenceMs: Int(mono - began))))
        }
        for stay in open.stays { close(lost(stay, at: mono)) }
        if let transfer {
            close(
                .transferFailed(
                    TransferFailed(
                        transfer: transfer.transfer, kind: transfer.kind, agent: transfer.agent,
                        target: transfer.target, cause: .lost)))
        }
        for queue in queues {
            close(
                .callDequeued(
                    CallDequeued(
                        group: queue.group, queueMs: Int(mono - queue.began), position: queue.position,
                        outcome: .lost)))
        }
        if !hasEnded { close(lost(at: mono, after: open)) }
        return records
    }

    private func lost(_ consult: Consult, at mono: Int64) -> CallEvent {
        let opening = consult.opening
        guard let answered = consult.answered else {
            return .consultFailed(
                ConsultFailed(
                    transfer: opening.transfer, consult: opening.consult, target: opening.target, cause: .lost,
                    ringMs: Int(mono - consult.began)))
        }
        return .consultEnded(
            ConsultEnded(
                transfer: opening.transfer, consult: opening.consult, target: opening.target,
                consultMs: Int(mono - answered), outcome: .lost))
    }

    private func lost(_ stay: Stay, at mono: Int64) -> CallEvent {
        let opening = stay.opening
        let length = mono - stay.began
        return .partyLeft(
            PartyLeft(
                party: opening.party, agent: opening.agent, group: opening.group, line: opening.line,
                uri: opening.uri, sipCallID: opening.sipCallID, role: opening.role, stayMs: Int(length),
                talkMs: Int(length - stay.holdMs), holdMs: Int(stay.holdMs), consultMs: Int(stay.consultMs),
                endedBy: .controller, cause: .lost))
    }

    private func lost(at mono: Int64, after closed: OpenCall) -> CallEvent {
        let parts = closed.parts(at: mono)
        let abandoned = callerLeft && answered == nil
        let cause: Cause = !callerLeft ? .lost : abandoned ? .abandoned : .normal
        return .callEnded(
            CallEnded(
                endedBy: callerLeft ? .caller : .controller, cause: cause, arrived: arrived, line: line, group: group,
                agent: lastAgent,
                caller: caller, waitMs: Int(parts.wait), talkMs: Int(parts.talk), holdMs: Int(parts.hold),
                callerHoldMs: Int(closed.callerHoldMs), transfers: transfers, abandoned: abandoned))
    }
}
