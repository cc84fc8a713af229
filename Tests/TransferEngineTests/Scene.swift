import CallEvents
import Metrics
import Testing

@testable import TransferEngine

/// The configuration most tests use: three agents, a group, a line each.
func testConfiguration(_ change: (inout EngineConfiguration) -> Void = { _ in }) -> EngineConfiguration {
    var transfer = TransferSettings()
    transfer.fallback = [.next, .agent]
    transfer.targets = [
        TransferSettings.Target(digits: "1002", destinations: [.agent("boris")]),
        TransferSettings.Target(digits: "1003", destinations: [.agent("clara")]),
        TransferSettings.Target(digits: "20", destinations: [.agent("boris"), .agent("clara")]),
        TransferSettings.Target(digits: "55", destinations: [.uri("sip:1555@127.0.0.1")]),
        TransferSettings.Target(digits: "99", destinations: [.uri("sip:evil@elsewhere.example")]),
        TransferSettings.Target(digits: "60", destinations: [.group("support")]),
    ]
    transfer.allow = ["sip:1[0-9]{3}@127\\.0\\.0\\.1(:[0-9]+)?"]
    var configuration = EngineConfiguration(
        node: "ctl-1", ownURI: "sip:ctl-1@127.0.0.1:5070",
        agents: [
            AgentSettings(name: "anna", uri: "sip:1001@127.0.0.1:5081", displayName: "Anna"),
            AgentSettings(name: "boris", uri: "sip:1002@127.0.0.1:5082", displayName: "Boris"),
            AgentSettings(name: "clara", uri: "sip:1003@127.0.0.1:5083", displayName: "Clara"),
        ],
        groups: [
            GroupSettings(name: "support", members: ["anna", "boris"], ringTimeout: 5_000, maxWait: 30_000)
        ],
        lines: [
            LineSettings(pattern: "7000", to: .agent("anna")),
            LineSettings(pattern: "7100", to: .group("support"), answer: .queue),
            LineSettings(pattern: "7200", to: .agent("anna"), overflow: .uri("sip:night@127.0.0.1:5099")),
            LineSettings(pattern: "7300", to: .uri("sip:bot@127.0.0.1:5090")),
            LineSettings(pattern: "+3120*", to: .agent("boris")),
        ],
        transfer: transfer)
    change(&configuration)
    return configuration
}

/// The engine with a telephony side made of variables: it reports switches, ends legs that are hung up, plays tones
/// and changes codecs as the real one would, in virtual time, and keeps what it is told.
final class Scene {
    struct LegState {
        var isIncoming: Bool
        var uri: String
        var sipCallID = ""
        var answered = false
        var ended = false
        var hungUp: HangUp?
        var rang: [Int] = []
        var hears = MediaSource.silence
        var told = false
        var codec: String?
        var digits = ""
        /// What it was told in mid-call.
        var shows: Identity?
        var tones: [Tone] = []
        /// How often what was being played to it was cut off.
        var stopped = 0
        var announced: [Announcement] = []
        var answerCodecOf: LegID?
        var invite: Invite?
    }

    var engine: TransferEngine
    /// Virtual milliseconds.
    var now: Int64 = 1_000_000
    var legs: [LegID: LegState] = [:]
    var order: [LegID] = []
    /// What was logged of calls and of the service.
    var log: [CallRecord] = []
    /// What was logged of agents.
    var states: [CallRecord] = []
    /// All of it, in its order.
    var whole: [CallRecord] = []
    var refusals: [(status: Int, retryAfter: Int?)] = []
    var replies: [CommandResult] = []
    /// What senders of REFERs were told, by REFER.
    var told: [ReferID: [ReferReply]] = [:]
    var accepting: Bool?
    var finished = 0
    /// What is due, in the order in which it was asked for.
    var due: [(at: Int64, input: Input)] = []
    var trace: [(input: Input, at: EventTime)] = []
    var effects: [[Effect]] = []
    var invariants = Invariants()
    /// What legs are being played, where its end is to be reported.
    private var playing: [LegID: ReportID] = [:]
    /// How long the relay takes to switch; null: it does not report until `report()`.
    var switchDelay: Int64? = 0
    var heldReports: [ReportID] = []
    /// What re-INVITEs to another codec get.
    var reofferStatus = 200
    var endsLegs = true
    /// The REFERs sent.
    var handOvers: [(leg: LegID, to: LegID, referredBy: String?, report: ReportID)] = []
    private var nextHandle: UInt64 = 0
    private var nextRequest: UInt64 = 0
    private var nextRefer: UInt64 = 0
    var adopted: [UInt64: LegID] = [:]
    private var invited: [UInt64: Invitation] = [:]

    init(_ configuration: EngineConfiguration = testConfiguration()) {
        engine = TransferEngine(configuration: configuration)
        feed(.started)
    }

    /// The same scene, to be continued in another way.
    func copy() -> Scene {
        Scene(self)
    }

    private init(_ other: Scene) {
        engine = other.engine
        now = other.now
        legs = other.legs
        order = other.order
        log = other.log
        states = other.states
        whole = other.whole
        accepting = other.accepting
        finished = other.finished
        due = other.due
        invariants = other.invariants
        switchDelay = other.switchDelay
        heldReports = other.heldReports
        reofferStatus = other.reofferStatus
        endsLegs = other.endsLegs
        handOvers = other.handOvers
        playing = other.playing
        nextHandle = other.nextHandle
        nextRequest = other.nextRequest
        nextRefer = other.nextRefer
        adopted = other.adopted
        invited = other.invited
    }

    var time: EventTime { EventTime(wall: 1_700_000_000_000_000 + now * 1000, mono: now * 1000) }

    // MARK: feeding

    @discardableResult
    func feed(_ input: Input, at time: EventTime? = nil) -> [Effect] {
        let instant = time ?? self.time
        if case .toneEnded(let report) = input, let leg = playing.first(where: { $0.value == report })?.key {
            playing[leg] = nil
        }
        trace.append((input, instant))
        let new = engine.handle(input, at: instant)
        effects.append(new)
        invariants.check(input, new, engine)
        for effect in new { carryOut(effect) }
        return new
    }

    /// Lets time pass, a millisecond at a time where something is due.
    func advance(_ milliseconds: Int64) {
        let end = now + milliseconds
        settle()
        while let next = due.map(\.at).min(), next <= end {
            now = max(now, next)
            settle()
        }
        now = end
    }

    /// Feeds everything that is due now.
    func settle() {
        while let index = due.firstIndex(where: { $0.at <= now }) { feed(due.remove(at: index).input) }
    }

    private func carryOut(_ effect: Effect) {
        switch effect {
        case .adopt(let leg, let handle, _):
            legs[leg] = LegState(isIncoming: true, uri: invited[handle]?.from ?? "")
            legs[leg]?.sipCallID = invited[handle]?.sipCallID ?? ""
            order.append(leg)
            adopted[handle] = leg
        case .refuse(_, let status, let retryAfter): refusals.append((status, retryAfter))
        case .invite(let leg, let invite):
            #expect(legs[leg] == nil, "leg ids are never reused")
            legs[leg] = LegState(isIncoming: false, uri: invite.uri)
            legs[leg]?.invite = invite
            legs[leg]?.sipCallID = invite.sipCallID
            order.append(leg)
        case .ring(let leg, let status, _):
            #expect(legs[leg]?.isIncoming == true && legs[leg]?.answered == false, "ring on a leg that does not wait")
            legs[leg]?.rang.append(status)
        case .answer(let leg, let codecOf):
            #expect(legs[leg]?.isIncoming == true && legs[leg]?.answered == false, "answered once")
            legs[leg]?.answered = true
            legs[leg]?.answerCodecOf = codecOf
            let codec = codecOf.flatMap { legs[$0]?.codec } ?? "PCMA"
            legs[leg]?.codec = codec
            schedule(0, .legAnswered(leg, codec: codec))
        case .hangUp(let leg, let hangUp):
            #expect(legs[leg]?.hungUp == nil && legs[leg]?.ended == false, "hung up once: \(leg)")
            legs[leg]?.hungUp = hangUp
            if endsLegs {
                legs[leg]?.ended = true
                schedule(0, .legEnded(leg, LegEnd(how: .local)))
            }
        case .hold(let leg, let on, let report):
            legs[leg]?.told = on
            schedule(0, .reoffered(leg, report, sipStatus: 200, codec: legs[leg]?.codec))
        case .matchCodec(let leg, let other, let report):
            let codec = legs[other]?.codec
            if reofferStatus < 300 { legs[leg]?.codec = codec }
            schedule(1, .reoffered(leg, report, sipStatus: reofferStatus, codec: legs[leg]?.codec))
        case .route(let routes, let report):
            for route in routes {
                #expect(legs[route.leg]?.ended == false, "routes of legs that are there: \(route)")
                legs[route.leg]?.hears = route.source
            }
            if let switchDelay { schedule(switchDelay, .routed(report)) } else { heldReports.append(report) }
        case .tone(let leg, let tone, let report):
            legs[leg]?.tones.append(tone)
            play(on: leg, report, lasting: 600)
        case .announce(let leg, let words, let report):
            legs[leg]?.announced.append(words)
            play(on: leg, report, lasting: 3_000)
        case .stopTone(let leg):
            #expect(legs[leg]?.ended == false, "stopped on a leg that is gone: \(leg)")
            legs[leg]?.stopped += playing[leg] == nil ? 0 : 1
            if let report = playing.removeValue(forKey: leg) { endPlaying(report) }
        case .sendDigits(let leg, let digits): legs[leg]?.digits += digits
        case .refer(let id, _, let reply): told[id, default: []].append(reply)
        case .handOver(let leg, let other, let referredBy, let report):
            handOvers.append((leg, other, referredBy, report))
        case .identify(let leg, let identity, _): legs[leg]?.shows = identity
        case .startTimer(let timer, let milliseconds): due.append((now + Int64(milliseconds), .timer(timer)))
        case .stopTimer(let timer):
            due.removeAll { $0.input == .timer(timer) }
        case .log(let record):
            whole.append(record)
            if case .agentStateChanged = record.event { states.append(record) } else { log.append(record) }
        case .reply(_, let result): replies.append(result)
        case .accepting(let on, _): accepting = on
        case .finished: finished += 1
        }
    }

    /// A leg plays one thing at a time, and says when it is over, or replaced.
    private func play(on leg: LegID, _ report: ReportID?, lasting milliseconds: Int64) {
        if let old = playing.removeValue(forKey: leg) { endPlaying(old) }
        guard let report else { return }
        playing[leg] = report
        schedule(milliseconds, .toneEnded(report))
    }

    private func endPlaying(_ report: ReportID) {
        due.removeAll { $0.input == .toneEnded(report) }
        schedule(0, .toneEnded(report))
    }

    func schedule(_ delay: Int64, _ input: Input) { due.append((now + delay, input)) }

    /// The relay reports what it has been told to switch.
    func report() {
        let reports = heldReports
        heldReports = []
        for report in reports { feed(.routed(report)) }
    }

    // MARK: what phones do

    /// A new INVITE; the leg it got, null when it was refused.
    @discardableResult
    func call(
        _ line: String, from: String = "sip:+37120000001@pbx.example", call: String? = nil,
        change: (inout Invitation) -> Void = { _ in }
    ) -> LegID? {
        nextHandle += 1
        var invitation = Invitation(
            handle: nextHandle, call: call ?? "ctl-1-\(nextHandle)", sipCallID: "in-\(nextHandle)",
            requestURI: "sip:\(line)@127.0.0.1:5070", to: "sip:\(line)@127.0.0.1:5070", from: from, maxForwards: 70)
        change(&invitation)
        invited[nextHandle] = invitation
        feed(.invite(invitation))
        settle()
        return adopted[nextHandle]
    }

    func ring(_ leg: LegID, early: Bool = false) {
        feed(.legProgress(leg, sipStatus: early ? 183 : 180, earlyMedia: early))
        settle()
    }

    func answer(_ leg: LegID, codec: String = "PCMA") {
        legs[leg]?.answered = true
        legs[leg]?.codec = codec
        feed(.legAnswered(leg, codec: codec))
        settle()
    }

    func end(_ leg: LegID, _ end: LegEnd = LegEnd(how: .bye)) {
        legs[leg]?.ended = true
        feed(.legEnded(leg, end))
        settle()
    }

    /// What the caller's side says of the REFER sent last.
    func handedOver(_ status: Int, final: Bool = false) {
        guard let last = handOvers.last else { return }
        feed(.handedOver(last.leg, last.report, sipStatus: status, isFinal: final))
        settle()
    }

    func reject(_ leg: LegID, _ status: Int, contacts: [String] = []) {
        end(leg, LegEnd(how: .rejected, sipStatus: status, reason: "no", contacts: contacts))
    }

    func media(_ leg: LegID, sends: Bool, receives: Bool, codec: String? = nil) {
        feed(.legMedia(leg, peerSends: sends, peerReceives: receives, codec: codec))
        settle()
    }

    func identity(_ leg: LegID, _ uri: String) {
        feed(.identity(leg, Identity(uri: uri)))
        settle()
    }

    func press(_ leg: LegID, _ digits: String) {
        for character in digits {
            if let digit = Digit(character) { feed(.digit(leg, digit)) }
            settle()
        }
    }

    /// A REFER by a phone: its number.
    @discardableResult
    func refer(_ leg: LegID, to target: String, replaces: LegID? = nil, header: String? = nil) -> ReferID {
        nextRefer += 1
        let id = ReferID(nextRefer)
        feed(
            .refer(
                leg,
                Referral(
                    id: id, referTo: target, replaces: replaces, replacesHeader: header,
                    referredBy: "sip:1001@127.0.0.1:5081")))
        settle()
        return id
    }

    @discardableResult
    func command(_ command: Command) -> CommandResult? {
        nextRequest += 1
        feed(.command(RequestID(nextRequest), command))
        settle()
        return replies.last
    }

    // MARK: looking

    /// The leg placed last.
    var newest: LegID { order.last ?? LegID(0) }

    func hears(_ leg: LegID) -> MediaSource { legs[leg]?.hears ?? .silence }

    var types: [String] { log.map(\.event.type) }

    /// The types logged since a place in the log.
    func types(since index: Int) -> [String] { log[index...].map(\.event.type) }

    func last<Fields>(_ pick: (CallEvent) -> Fields?) -> Fields? {
        for record in log.reversed() { if let fields = pick(record.event) { return fields } }
        return nil
    }

    func all<Fields>(_ pick: (CallEvent) -> Fields?) -> [Fields] { log.compactMap { pick($0.event) } }

    /// Legs that are neither hung up nor ended.
    var alive: [LegID] { order.filter { legs[$0]?.ended == false && legs[$0]?.hungUp == nil } }

    /// The log holds its own rules, and nothing is left.
    func expectClean(_ location: SourceLocation = #_sourceLocation) {
        advance(10_000)
        let breaches = Verifier.breaches(in: whole, node: "ctl-1", from: invariants.firstSeq, complete: true)
        #expect(breaches.isEmpty, "\(breaches.map(\.description).joined(separator: "\n"))", sourceLocation: location)
        #expect(alive.isEmpty, "legs are left: \(alive)", sourceLocation: location)
        #expect(engine.calls().isEmpty, "calls are left", sourceLocation: location)
        if alive.isEmpty, endsLegs { invariants.finish(engine) }
        #expect(invariants.problems.isEmpty, "\(invariants.problems)", sourceLocation: location)
    }
}

extension Scene {
    /// A caller with anna, on the line of that name.
    func talking(_ line: String = "7000") -> (caller: LegID, agent: LegID) {
        let caller = call(line) ?? LegID(0)
        let agent = newest
        advance(100)
        ring(agent)
        advance(2_000)
        answer(agent)
        advance(3_000)
        return (caller, agent)
    }

    /// Anna has asked for a target, which is being called.
    func dialled(_ digits: String = "1002", line: String = "7000") -> (caller: LegID, agent: LegID, target: LegID) {
        let (caller, agent) = talking(line)
        press(agent, "*2" + digits)
        return (caller, agent, newest)
    }

    /// Anna talks with the target.
    func consulting(_ digits: String = "1002", line: String = "7000") -> (caller: LegID, agent: LegID, target: LegID) {
        let (caller, agent, target) = dialled(digits, line: line)
        advance(200)
        ring(target)
        advance(1_500)
        answer(target)
        advance(2_500)
        return (caller, agent, target)
    }
}

// Short ways to the fields of an event.
func holdStarted(_ event: CallEvent) -> HoldStarted? {
    if case .holdStarted(let fields) = event { fields } else { nil }
}
func holdEnded(_ event: CallEvent) -> HoldEnded? { if case .holdEnded(let fields) = event { fields } else { nil } }
func consultStarted(_ event: CallEvent) -> ConsultStarted? {
    if case .consultStarted(let fields) = event { fields } else { nil }
}
func consultFailed(_ event: CallEvent) -> ConsultFailed? {
    if case .consultFailed(let fields) = event { fields } else { nil }
}
func consultEnded(_ event: CallEvent) -> ConsultEnded? {
    if case .consultEnded(let fields) = event { fields } else { nil }
}
func transferStarted(_ event: CallEvent) -> TransferStarted? {
    if case .transferStarted(let fields) = event { fields } else { nil }
}
func transferCompleted(_ event: CallEvent) -> TransferCompleted? {
    if case .transferCompleted(let fields) = event { fields } else { nil }
}
func transferFailed(_ event: CallEvent) -> TransferFailed? {
    if case .transferFailed(let fields) = event { fields } else { nil }
}
func transferCancelled(_ event: CallEvent) -> TransferCancelled? {
    if case .transferCancelled(let fields) = event { fields } else { nil }
}
func transferFallback(_ event: CallEvent) -> TransferFallback? {
    if case .transferFallback(let fields) = event { fields } else { nil }
}
func partyJoined(_ event: CallEvent) -> PartyJoined? {
    if case .partyJoined(let fields) = event { fields } else { nil }
}
func partyLeft(_ event: CallEvent) -> PartyLeft? { if case .partyLeft(let fields) = event { fields } else { nil } }
func callEnded(_ event: CallEvent) -> CallEnded? { if case .callEnded(let fields) = event { fields } else { nil } }
func callArrived(_ event: CallEvent) -> CallArrived? {
    if case .callArrived(let fields) = event { fields } else { nil }
}
func callAnswered(_ event: CallEvent) -> CallAnswered? {
    if case .callAnswered(let fields) = event { fields } else { nil }
}
func callRefused(_ event: CallEvent) -> CallRefused? {
    if case .callRefused(let fields) = event { fields } else { nil }
}
func callDequeued(_ event: CallEvent) -> CallDequeued? {
    if case .callDequeued(let fields) = event { fields } else { nil }
}
func alertFailed(_ event: CallEvent) -> CallAlertFailed? {
    if case .callAlertFailed(let fields) = event { fields } else { nil }
}
