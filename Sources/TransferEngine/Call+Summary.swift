import CallEvents

/// What `show` tells of a call's past: the newest entries of each kind.
struct History: Codable, Sendable {
    var holds: [CallDetail.Hold] = []
    var consults: [CallDetail.Consult] = []
    var transfers: [CallDetail.Transfer] = []

    /// An agent who swaps for hours must not fill the memory.
    private static var longest: Int { 100 }

    mutating func opened(_ fields: HoldStarted, at time: EventTime) {
        if holds.count >= Self.longest { holds.removeFirst() }
        holds.append(
            CallDetail.Hold(hold: fields.hold, reason: fields.reason, agent: fields.agent, started: time.wallTime))
    }

    mutating func closed(_ fields: HoldEnded) {
        guard let index = holds.firstIndex(where: { $0.hold == fields.hold }) else { return }
        holds[index].holdMs = fields.holdMs
        holds[index].outcome = fields.outcome
    }

    mutating func opened(_ fields: ConsultStarted, at time: EventTime) {
        if consults.count >= Self.longest { consults.removeFirst() }
        consults.append(
            CallDetail.Consult(
                consult: fields.consult, transfer: fields.transfer, target: fields.target, mode: fields.mode,
                started: time.wallTime, state: "dialling"))
    }

    mutating func consult(_ number: Int, _ state: String) {
        guard let index = consults.firstIndex(where: { $0.consult == number }) else { return }
        consults[index].state = state
    }

    mutating func opened(_ fields: TransferStarted, at time: EventTime) {
        if transfers.count >= Self.longest { transfers.removeFirst() }
        transfers.append(
            CallDetail.Transfer(
                transfer: fields.transfer, kind: fields.kind, agent: fields.agent, target: fields.target,
                started: time.wallTime, state: "open"))
    }

    mutating func closedTransfer(_ number: Int, _ state: String) {
        guard let index = transfers.firstIndex(where: { $0.transfer == number }) else { return }
        transfers[index].state = state
    }
}

extension Call {
    /// The state for a person.
    var words: String {
        switch phase {
        case .arriving: queue == nil ? "ringing" : "waiting"
        case .talking: hasVoice ? "talking" : "held"
        case .held: "held"
        case .dialling: "dialling"
        case .ringing: "target ringing"
        case .consulting: "consulting"
        case .swapped: "talking, target held"
        case .conference: "three-way"
        case .seeking: queue == nil ? "being transferred" : "waiting"
        case .apologising: "being released"
        case .over: attempt == nil ? "ended" : "agent and target talk, caller gone"
        }
    }

    var summary: CallSummary {
        CallSummary(
            call: id, state: words, since: phaseSince.wallTime,
            arrived: (ledger.books.arrived ?? phaseSince).wallTime, caller: callerNumber,
            from: invitation.assertedIdentity ?? invitation.from, direction: direction, line: line?.pattern,
            group: group, agent: party == nil ? nil : agent, target: attempt?.uri, holds: ledger.books.holds,
            transfers: transfers)
    }

    var detail: CallDetail {
        CallDetail(
            summary: summary, past: past.steps,
            legs: legs.map { leg in
                CallDetail.Leg(
                    leg: leg.id.number, role: role(of: leg), uri: leg.uri, agent: leg.agent, sipCallID: leg.sipCallID,
                    state: leg.early && leg.state == .ringing ? "early" : leg.state.rawValue, codec: leg.codec,
                    hears: leg.hears.words, since: leg.since.wallTime)
            },
            holds: ledger.books.history.holds, consults: ledger.books.history.consults,
            transfers: ledger.books.history.transfers)
    }

    private func role(of leg: Leg) -> String {
        if leg.id == caller { return "caller" }
        if leg.id == attempt?.leg { return attempt.map(isConsult) == true ? "target" : "agent" }
        return leg.agent == nil ? "target" : "agent"
    }

    /// `call.open`: what was logged up to now.
    func open(at time: EventTime) -> CallRecord {
        let books = ledger.books
        let hold = books.hold
        return CallRecord(
            time: time, call: id,
            event: .callOpen(
                CallOpen(
                    arrived: (books.arrived ?? time).wallTime, line: line?.pattern, group: group, agent: agent,
                    hold: hold?.number, holdReason: hold?.reason, consult: books.consults.last?.number,
                    transfer: books.transfer?.number, waitMs: books.waitMs(at: time), talkMs: books.talkMs(at: time),
                    holdMs: books.holdSum(at: time))))
    }
}

extension MediaSource {
    var words: String {
        switch self {
        case .silence: "silence"
        case .leg(let leg): "leg \(leg.number)"
        case .mix(let legs): "legs \(legs.map { String($0.number) }.joined(separator: ", "))"
        case .music, .file: "music"
        case .ringback: "ringback"
        case .dialTone: "dial tone"
        }
    }
}

extension TransferEngine {
    /// The open calls, oldest first.
    public func calls() -> [CallSummary] { inOrder.map(\.summary) }

    /// One open call; null when no call has this id.
    public func call(_ id: String) -> CallDetail? { byID[id]?.detail }

    /// One `call.open` record per open call, oldest first: what a new segment of the log begins with. They agree with
    /// what the engine has logged up to now, not with what it knows already and has yet to log.
    public func openCalls(at time: EventTime) -> [CallRecord] {
        inOrder.filter { $0.ledger.books.arrived != nil && $0.ledger.books.ended == nil }.map { $0.open(at: time) }
    }
}
