import CallEvents

/// What the log has said of one call, as far as its rules need it.
struct CallBook {
    struct Hold {
        var number: Int
        var reason: HoldReason
        var agent: String?
        /// Null where the log begins within it.
        var started: Int64?
    }

    struct Consult {
        var transfer: Int
        /// Null where the log begins within it.
        var opening: ConsultStarted?
        var started: Int64?
        var answered: Int64?
    }

    struct Transfer {
        /// Null where the log begins within it.
        var opening: TransferStarted?
        var targets: Set<String> = []
        var consultMs: Int64 = 0
        /// Whether a target of it was had: a consult ended in completion, merge, or the agent leaving it to ring.
        var reached = false
    }

    struct Stay {
        var opening: PartyJoined
        var joined: Int64
    }

    let arrived: WallTime
    /// When it arrived, on the monotonic clock.
    let start: Int64
    /// Its `call.arrived`; null where the log begins later.
    let arrival: CallArrived?
    /// Whether it is counted as received: direction inbound, its arrival in the log.
    var counts: Bool { arrival?.direction == .inbound }

    /// The run of the service in which it was last heard of.
    var lastRun: Int
    var answered: Int64?
    var waitMs: Int64?
    var waiting: Hold?
    var callerHold: Hold?
    var lastHold: Int?
    var holdMs: Int64 = 0
    var callerHoldMs: Int64 = 0
    var consults: [Int: Consult] = [:]
    var lastConsult: Int?
    var transfers: [Int: Transfer] = [:]
    var lastTransfer: Int?
    var queues: [String: Int64] = [:]
    var lastQueue: QueueOutcome?
    /// When the caller asked to be called back.
    var askedBack: Int64?
    var stays: [String: Stay] = [:]
    var conference: (transfer: Int, started: Int64)?
    var partyChanged = false
    /// The caller's stay is over, as a hold segment said; only closings may follow.
    var callerGone = false
    var verdict: Bool?
    var ended: CallEnded?
    var outcome: CallOutcome?

    init(_ fields: CallArrived, at time: EventTime, run: Int) {
        arrived = time.wallTime
        start = time.monoMilliseconds
        arrival = fields
        lastRun = run
        lastHold = 0
        lastConsult = 0
        lastTransfer = 0
    }

    /// A call that a log's first segment found open.
    init(_ fields: CallOpen, at time: EventTime, run: Int) {
        arrived = fields.arrived
        start = time.monoMilliseconds - Int64(fields.waitMs + fields.talkMs + fields.holdMs)
        arrival = nil
        lastRun = run
        if let hold = fields.hold {
            let open = Hold(number: hold, reason: fields.holdReason ?? .other, agent: nil, started: nil)
            if fields.holdReason == .callerPhone { callerHold = open } else { waiting = open }
        }
        if let number = fields.callerHold {
            callerHold = Hold(number: number, reason: .callerPhone, agent: nil, started: nil)
        }
        if let transfer = fields.transfer { transfers[transfer] = Transfer() }
        if let consult = fields.consult {
            consults[consult] = Consult(transfer: fields.transfer ?? 0, opening: nil, started: nil, answered: nil)
        }
    }

    /// A segment's opening says a known call again.
    mutating func checkOpen(_ fields: CallOpen, at time: EventTime, run: Int, _ findings: inout Findings) {
        lastRun = run
        if ended != nil { return findings.add(.segment, "call.open of a call that has ended") }
        findings.equal(.segment, "arrived", found: fields.arrived.microseconds, expected: arrived.microseconds)
        let held = waiting ?? callerHold
        let both = [waiting?.number, callerHold?.number]
        if !both.contains(fields.hold) {
            findings.equal(.segment, "hold", found: fields.hold, expected: held?.number)
        }
        if let transfer = fields.transfer, transfers[transfer] == nil {
            findings.add(.segment, "transfer \(transfer) is not open")
        }
        if let consult = fields.consult, consults[consult] == nil {
            findings.add(.segment, "consult \(consult) is not open")
        }
        findings.equal(
            .total, "wait_ms + talk_ms + hold_ms", found: Int64(fields.waitMs + fields.talkMs + fields.holdMs),
            expected: time.monoMilliseconds - start)
    }

    /// What the end of a finished log shows.
    func finish(id: String, _ findings: inout Findings) {
        if ended == nil { findings.add(.closing, call: id, "the call never ended") }
        // `call.ended` has reported what was open then; these may end after it, but must.
        for number in consults.keys.sorted() { findings.add(.closing, call: id, "consult \(number) never ended") }
        for stay in stays.values.map(\.opening.uri).sorted() {
            findings.add(.closing, call: id, "the stay of \(stay) never ended")
        }
        guard ended == nil else { return }
        for hold in [waiting, callerHold].compactMap({ $0 }) {
            findings.add(.closing, call: id, "hold \(hold.number) never ended")
        }
        for number in transfers.keys.sorted() { findings.add(.closing, call: id, "transfer \(number) never ended") }
        for group in queues.keys.sorted() { findings.add(.closing, call: id, "never left the queue of \(group)") }
    }

    /// The next number of a kind that counts from 1 in a call; `last` is null until the first is seen of a call whose
    /// beginning is not in the log.
    static func count(_ kind: String, _ number: Int, after last: inout Int?, _ findings: inout Findings) {
        if let last, number != last + 1 {
            findings.add(.numbering, "\(kind) \(number) follows \(last)")
        }
        last = max(number, last ?? number)
    }

    /// A length against the difference of the two instants; nothing where the log does not show the first.
    static func length(
        _ name: String, _ value: Int, from start: Int64?, to end: Int64, _ findings: inout Findings
    ) {
        if let start {
            findings.equal(.duration, name, found: Int64(value), expected: end - start)
        }
        if value < 0 { findings.add(.duration, "\(name) is negative") }
    }
}
