import CallEvents

/// One caller's stay, from the INVITE to the end of its last leg.
struct Call: Codable, Sendable {
    /// Where a call is. Every leg's media follows from it (`Call+Routes.swift`), so that no state can leave an answered
    /// caller without a party, music or ringback. "party" is the leg that is with the caller, "attempt" the one other
    /// leg that has been placed for them.
    enum Phase: String, Codable, Sendable, CaseIterable {
        /// Nobody has answered yet. Caller: unanswered (180, 183), or answered by us and hearing music (queue mode).
        /// Attempt: whoever is being called, or nobody while a group has no free member. No party.
        /// → talking (answered), apologising, over.
        case arriving
        /// Caller and party talk; music while the party's own phone holds. No attempt, unless by the agent's second call.
        /// → held, dialling, ringing, seeking (party lost, or hung up while holding), over.
        case talking
        /// The agent holds the caller by code or command. → talking, dialling, ringing, seeking, over.
        case held
        /// The agent dials a target's digits. Caller: music. → talking, ringing, seeking (blind, or hung up), over.
        case dialling
        /// A target is being called; the agent hears ringback or early media. Caller: music.
        /// → consulting, ringing (next target), talking, seeking (agent left: semi-attended), over.
        case ringing
        /// Agent and target talk. Caller: music. → swapped, conference, talking (completed, cancelled, target gone), over.
        case consulting
        /// Agent and caller talk during a consult. Target: music. → consulting, conference, talking, over.
        case swapped
        /// Caller, agent and target talk, the target as `guest`. → talking (one of them left), over.
        case conference
        /// The answered caller is with nobody, and somebody is being looked for: the target that rang when the agent
        /// left, a blind target, the next step of the chain. No party. → talking, apologising, over.
        case seeking
        /// Nobody could be found: the answered caller hears a tone over the music, then BYE. → over.
        case apologising
        /// The caller has left or has been released; `call.ended` is logged. Legs are ending, or agent and target talk
        /// on. The call is forgotten with its last leg.
        case over
    }

    let id: String
    /// Order of arrival.
    let serial: UInt64
    var invitation: Invitation
    var direction: Direction
    let line: LineSettings?
    /// The number of the one who is with the controller to be looked after, in one form.
    let callerNumber: String?

    var phase = Phase.arriving
    var phaseSince: EventTime
    /// Every leg not yet ended, in the order of their beginning.
    var legs: [Leg] = []
    var caller: LegID
    var party: Party?
    var attempt: Attempt?
    /// Others who are being called at the same time as the attempt.
    var rivals: [Attempt] = []
    /// The target of a conference: its stay is open beside the party's.
    var guest: Party?
    var transfer: Transfer?
    /// The caller is back with the agent, who has not asked for it.
    var unasked: Unasked?
    var handOver: HandOver?
    /// Who is tried next for a caller who is with nobody.
    var search = Search()
    var queue: QueuePlace?
    var dialling: Dialling?
    var codes = CodeBuffer()
    /// The leg that has just dialled a number which is dialled without #: should one follow, it belongs to it.
    var terminated: LegID?
    /// The group through which the caller came to be served last.
    var group: String?
    /// The agent who was in charge last.
    var lastAgent: String?
    /// The first answer has come: from here on silence is a hold.
    var isAnswered = false
    /// A party's voice reaches the caller.
    var hasVoice = false
    /// Whose voice it was when the open hold began.
    var heldBy: LegID?
    var callerHolds = false
    /// The caller's tone before the BYE, or the agent's after the caller has gone.
    var farewell: Farewell?
    /// What the waiting caller is being told.
    var announcing: ReportID?
    var consults = 0
    var transfers = 0
    /// Whether the caller's matter is resolved, as said last.
    var verdict: Bool?
    var past = Past()
    /// The caller, whose agent has hung up, is being asked.
    var question: GroupSettings.Verdict?
    /// It was placed to call somebody back.
    var callback: CallbackCall?
    /// Steps of the fallback chain so far.
    var fallbacks = 0
    /// This number had not been seen before.
    var isNewCaller = false
    /// The service level has been breached, which is said once.
    var hasBreached = false
    /// The transferor, for as long as the caller may come back to them.
    var reserved: String?
    var timers: [CallTimer] = []
    var ledger: Ledger
    /// In this turn the caller's voice path was switched: what follows happened at that instant.
    var stamp: Ledger.Stamp?

    init(
        invitation: Invitation, leg: Leg, serial: UInt64, direction: Direction, line: LineSettings?,
        callerNumber: String?, at time: EventTime
    ) {
        id = invitation.call
        self.serial = serial
        self.invitation = invitation
        self.direction = direction
        self.line = line
        self.callerNumber = callerNumber
        phaseSince = time
        caller = leg.id
        legs = [leg]
        ledger = Ledger(call: invitation.call)
    }

    /// Nothing is left: the call can be forgotten.
    var isFinished: Bool { phase == .over && legs.isEmpty && ledger.isEmpty }
}

/// A timer of a call and what it is for.
struct CallTimer: Codable, Sendable {
    enum Purpose: Codable, Sendable, Equatable {
        /// The attempt has not been answered in time.
        case attempt
        /// Time to ring a group's members again.
        case round
        /// The caller has waited for a group as long as it allows.
        case maxWait
        /// The caller has waited longer than was agreed.
        case serviceLevel
        /// More of the group's members may be asked.
        case relax
        /// The caller is to be told how things stand.
        case announcement
        /// One of those rung together has not answered in time.
        case rival(LegID)
        /// No further digit of a target.
        case digits
        /// No further digit of a code.
        case code
        /// No # behind a number that needed none.
        case terminator
        /// The tone before a BYE should have been over.
        case farewell
        /// The caller's side should have taken the target over.
        case handOver
        /// The relay's last report should have come.
        case reports
    }

    var id: TimerID
    var purpose: Purpose
}

/// What a leg waits for before its BYE: the end of a tone, or the last word of its peer.
struct Farewell: Codable, Sendable {
    var leg: LegID
    var report: ReportID
}

// What every part of the state machine is made of.
extension Call {
    func leg(_ id: LegID?) -> Leg? { legs.first { $0.id == id } }

    func index(_ id: LegID?) -> Int? { legs.firstIndex { $0.id == id } }

    var callerLeg: Leg? { leg(caller) }

    /// Who is in charge of the caller: the agent with them.
    var agent: String? { party?.agent }

    mutating func enter(_ phase: Phase, _ context: inout Context) {
        guard phase != self.phase else { return }
        self.phase = phase
        phaseSince = context.now
        unasked = nil
    }

    /// Logs an event at this turn's instant, or behind the switch that the turn made. `measured`: the leg whose media
    /// figures belong to it.
    mutating func record(_ event: CallEvent, measured: LegID? = nil, _ context: inout Context) {
        for record in ledger.enter(event, stamp ?? .at(context.now), measured: measured) { context.emit(.log(record)) }
    }

    mutating func startTimer(_ purpose: CallTimer.Purpose, _ milliseconds: Int, _ context: inout Context) {
        stopTimer(purpose, &context)
        let id = context.newTimer()
        timers.append(CallTimer(id: id, purpose: purpose))
        context.timerCalls[id] = self.id
        context.emit(.startTimer(id, milliseconds: max(0, milliseconds)))
    }

    mutating func stopTimer(_ purpose: CallTimer.Purpose, _ context: inout Context) {
        guard let index = timers.firstIndex(where: { $0.purpose == purpose }) else { return }
        let id = timers.remove(at: index).id
        context.timerCalls[id] = nil
        context.emit(.stopTimer(id))
    }

    mutating func stopTimers(_ context: inout Context) {
        for purpose in timers.map(\.purpose) { stopTimer(purpose, &context) }
    }

    /// Ends a leg. Whatever else comes of it is ignored but its `legEnded`.
    mutating func release(_ id: LegID?, _ hangUp: HangUp = HangUp(), _ context: inout Context) {
        guard let index = index(id), legs[index].isAlive else { return }
        legs[index].state = .ending
        legs[index].since = context.now
        context.vacate(legs[index].agent)
        context.emit(.hangUp(legs[index].id, hangUp))
    }

    /// Makes a party's stay over.
    mutating func leave(
        endedBy: EndedBy, cause: Cause, end: LegEnd? = nil, _ context: inout Context
    ) {
        guard let party else { return }
        self.party = nil
        context.setPresent(party.agent, in: id, false)
        recordLeft(party, endedBy: endedBy, cause: cause, end: end, &context)
    }

    mutating func recordLeft(
        _ party: Party, endedBy: EndedBy, cause: Cause, end: LegEnd?, _ context: inout Context
    ) {
        record(
            .partyLeft(
                PartyLeft(
                    party: party.kind, agent: party.agent, group: party.group, line: line?.pattern, uri: party.uri,
                    sipCallID: party.sipCallID, role: party.role, endedBy: endedBy, cause: cause,
                    sipStatus: end?.sipStatus, q850: end?.q850)),
            measured: party.leg, &context)
        noteLeft(party, endedBy: endedBy, cause: cause, context)
        context.leftCaller(party.agent, call: id, group: party.group ?? group, line: line?.pattern)
        context.noteHandled(party.agent, party.group, milliseconds: Books.ms(party.since, context.now))
    }
}

extension HangUp {
    /// Passes on why another leg ended (RFC 3326).
    init(passing end: LegEnd) {
        self.init(sipStatus: end.sipStatus ?? 0, q850: end.q850, reason: end.reason)
    }
}
