import CallEvents
import TransferEngine

/// The engine thread: takes what has gathered in the inbox, hands it to the engine, carries the effects out in order.
/// Never touches the disk and never waits for anything but the inbox.
final class EngineLoop {
    /// In microseconds: how often a controller with open calls says that it lives.
    private static let aliveInterval: Int64 = 10_000_000

    private let inbox: Inbox<RunMessage>
    private let log: any EventSink
    private var settings: Settings
    private let trace: TraceWriter?
    private let happenings: Happenings?
    private let clock: () -> EventTime

    private var engine: TransferEngine
    private var switchboard: Switchboard
    private var timers = TimerHeap()
    private var outbox = Outbox()
    private var answers: [RequestID: ControlAnswer] = [:]
    private var requests: UInt64 = 0
    private var callNumbers: UInt64 = 0
    /// The calls that the INVITEs not yet decided on would become.
    private var arriving: (handle: UInt64, call: String)?
    private var openCalls: Set<String> = []
    private var aliveDue: Int64?
    private var accepting = true
    private var draining = false
    private var isStarted = false
    private var finished = false
    private var registered: [String: String] = [:]

    /// What the loop needs of the configuration beyond what the engine has.
    struct Settings {
        var lineFrom = Configuration.LineSource.requestURI
        /// Whether SIP messages wait for their call's lines.
        var waitsForLog = false
        /// `NODE-…-`: what call ids begin with.
        var callPrefix = ""
        /// User part of a REGISTER → agent.
        var users: [String: String] = [:]
        var admission = Admission()
    }

    init(
        engine: TransferEngine, settings: Settings, inbox: Inbox<RunMessage>, telephony: any Telephony,
        log: any EventSink, trace: TraceWriter? = nil, happenings: Happenings? = nil, clock: @escaping () -> EventTime
    ) {
        self.engine = engine
        self.settings = settings
        self.inbox = inbox
        self.log = log
        self.trace = trace
        self.happenings = happenings
        self.clock = clock
        switchboard = Switchboard(telephony: telephony)
    }

    /// Returns when the engine has finished: `terminate` came and the last call is over.
    func run() {
        var batch: [RunMessage] = []
        while !finished || !outbox.isEmpty { turn(&batch) }
        for message in inbox.close() {
            switch message {
            case .control(let request): request.answer.give(.stopped)
            case .configuration(let change): change.answer.give(.stopped)
            default: break
            }
        }
        for answer in answers.values { answer.give(.stopped) }
    }

    /// One round: at most until the next timer is due.
    func turn(_ batch: inout [RunMessage]) {
        if !isStarted {
            isStarted = true
            feed(.started, at: clock())
        }
        inbox.take(into: &batch, waitingAtMost: patience())
        // Commands that failed at once have their results as inputs of their own, in the turn after.
        for result in switchboard.takeResults() { feed(result, at: clock()) }
        for message in batch { take(message) }
        let now = clock()
        while let timer = timers.pop(now: now.mono) { feed(.timer(timer), at: now) }
        for effect in outbox.release(now: now.mono) { perform(effect, at: now) }
        sayAlive(at: now)
        log.wake()
    }

    private func patience() -> Int64? {
        if !switchboard.results.isEmpty { return 0 }
        guard let due = [timers.next, outbox.next, aliveDue].compactMap({ $0 }).min() else { return nil }
        return max(0, due - clock().mono)
    }

    // MARK: - what comes in

    private func take(_ message: RunMessage) {
        switch message {
        case .telephony(let event):
            if let input = input(of: event) { feed(input, at: event.time) }
        case .control(let request): take(request)
        case .terminate:
            draining = true
            feed(.terminate, at: clock())
        case .durable(let ticket): outbox.noteDurable(ticket)
        case .logHealth(let writable): feed(.logHealth(writable: writable), at: clock())
        case .remembered(let inputs): for input in inputs { feed(input, at: clock()) }
        case .configuration(let change): change.answer.give(.command(take(change)))
        }
    }

    private func take(_ change: ConfigurationChange) -> CommandResult {
        guard !draining else { return .refused("the controller is stopping") }
        if let reason = switchboard.admit(change.admission, insteadOf: settings.admission) { return .refused(reason) }
        settings.admission = change.admission
        settings.lineFrom = change.lineFrom
        // Phones that have registered stay registered; whose they are may have changed.
        let agents = settings.users
        settings.users = change.agentsByUser
        var moved: [(agent: String, contact: String)] = []
        for (user, agent) in agents.sorted(by: { $0.key < $1.key }) where settings.users[user] != agent {
            guard let contact = registered.removeValue(forKey: agent) else { continue }
            feed(.registered(agent: agent, contact: nil), at: clock())
            if let other = settings.users[user] { moved.append((other, contact)) }
        }
        feed(.configuration(change.engine), at: clock())
        for (agent, contact) in moved {
            registered[agent] = contact
            feed(.registered(agent: agent, contact: contact), at: clock())
        }
        return .done
    }

    private func take(_ request: ControlRequest) {
        switch request.wish {
        case .calls: request.answer.give(.calls(engine.calls()))
        case .call(let id):
            let detail = engine.call(id)
            let media = detail?.legs.map { switchboard.media(of: LegID($0.leg)) } ?? []
            request.answer.give(.call(detail, media))
        case .status: request.answer.give(.status(status))
        case .agents: request.answer.give(.agents(engine.agents()))
        case .groups: request.answer.give(.groups(engine.groups(at: clock())))
        case .agent(let name, let command):
            requests += 1
            answers[RequestID(requests)] = request.answer
            feed(.agent(RequestID(requests), agent: name, command), at: clock())
        case .command(let command):
            requests += 1
            let id = RequestID(requests)
            answers[id] = request.answer
            if settings.waitsForLog { outbox.noteRequest(id, of: command.call) }
            feed(.command(id, command), at: clock())
        }
    }

    private var status: RunStatus {
        let phones = registered.sorted { $0.key < $1.key }.map {
            RunStatus.Registered(agent: $0.key, contact: $0.value)
        }
        return RunStatus(
            openCalls: openCalls.count, accepting: accepting, draining: draining, late: outbox.late, registered: phones)
    }

    /// What a report means to the engine; null for legs that it does not know (any more).
    private func input(of event: TelephonyEvent) -> Input? {
        switch event.kind {
        case .incoming(let incoming): return .invite(invitation(incoming, handle: event.leg))
        case .refused(let from, let to, let status): return .inviteRefused(from: from, to: to, sipStatus: status)
        case .registered(let user, let contact):
            guard let agent = settings.users[user] else { return nil }
            registered[agent] = contact
            return .registered(agent: agent, contact: contact)
        case .routed(let token): return .routed(ReportID(token))
        case .toneEnded(let token): return .toneEnded(ReportID(token))
        case .refer(let referral, let replaces): return refer(referral, on: event.leg, replaces: replaces)
        default: break
        }
        guard let leg = switchboard.leg(event.leg) else { return nil }
        switch event.kind {
        case .progress(let status, let early): return .legProgress(leg, sipStatus: status, earlyMedia: early)
        case .answered(let codec): return .legAnswered(leg, codec: codec)
        case .ended(let end, let media):
            switchboard.forget(leg, media)
            return .legEnded(leg, end)
        case .media(let sends, let receives, let codec):
            return .legMedia(leg, peerSends: sends, peerReceives: receives, codec: codec)
        case .reoffered(let token, let status, let codec):
            return .reoffered(leg, ReportID(token), sipStatus: status, codec: codec)
        case .digit(let digit): return .digit(leg, digit)
        case .handedOver(let token, let status, let isFinal):
            return .handedOver(leg, ReportID(token), sipStatus: status, isFinal: isFinal)
        case .rtpTimeout: return .rtpTimeout(leg)
        case .identity(let identity): return .identity(leg, identity)
        case .incoming, .refused, .registered, .routed, .toneEnded, .refer: return nil
        }
    }

    /// A REFER is answered in any case.
    private func refer(_ referral: Referral, on handle: UInt64, replaces: UInt64) -> Input? {
        guard let leg = switchboard.leg(handle) else {
            switchboard.refer(referral.id, .reject(sipStatus: 481))
            return nil
        }
        var referral = referral
        referral.replaces = name(replaces)
        return .refer(leg, referral)
    }

    /// A leg that a peer names: none is left of one that has ended meanwhile.
    private func name(_ handle: UInt64) -> LegID? { handle == 0 ? nil : switchboard.leg(handle) ?? LegID(0) }

    private func invitation(_ incoming: TelephonyEvent.Incoming, handle: UInt64) -> Invitation {
        callNumbers += 1
        let call = settings.callPrefix + String(callNumbers)
        arriving = (handle, call)
        let dialled =
            switch settings.lineFrom {
            case .requestURI: incoming.requestURI
            case .to: incoming.to
            case .calledParty: incoming.calledParty ?? incoming.requestURI
            }
        return Invitation(
            handle: handle, call: call, sipCallID: incoming.sipCallID, requestURI: dialled, to: incoming.to,
            from: incoming.from, fromDisplay: incoming.fromDisplay,
            assertedIdentity: incoming.trusted ? incoming.assertedIdentity : nil,
            assertedDisplay: incoming.trusted ? incoming.assertedDisplay : nil, withheld: incoming.withheld,
            trusted: incoming.trusted, maxForwards: incoming.maxForwards, source: incoming.source,
            headers: incoming.headers, replaces: name(incoming.replaces), digestUser: incoming.digestUser)
    }

    // MARK: - what goes out

    private func feed(_ input: Input, at time: EventTime) {
        trace?.write(input, at: time)
        happenings?.note(input, arriving: arriving?.call, at: time)
        if case .legEnded(let leg, _) = input { outbox.forget(leg: leg) }
        for effect in engine.handle(input, at: time) {
            if settings.waitsForLog, outbox.holdsBack(effect, now: time.mono) { continue }
            perform(effect, at: time)
        }
    }

    private func perform(_ effect: Effect, at time: EventTime) {
        happenings?.note(effect, arriving: arriving?.call, at: time)
        switch effect {
        case .adopt(let leg, let handle, let call):
            switchboard.adopt(leg, handle: handle)
            if settings.waitsForLog, let call { outbox.noteLeg(leg, of: call) }
        case .refuse(let handle, let status, let retryAfter):
            switchboard.refuse(handle: handle, sipStatus: status, retryAfter: retryAfter)
        case .invite(let leg, let invite): switchboard.invite(leg, invite)
        case .ring(let leg, let status, let early): switchboard.ring(leg, sipStatus: status, early: early)
        case .answer(let leg, let codecOf): switchboard.answer(leg, codecOf: codecOf)
        case .hangUp(let leg, let how): switchboard.hangUp(leg, how)
        case .hold(let leg, let hold, let report): switchboard.hold(leg, hold, report)
        case .matchCodec(let leg, let other, let report): switchboard.matchCodec(leg, to: other, report)
        case .route(let routes, let report): switchboard.route(routes, report)
        case .tone(let leg, let tone, let report): switchboard.play(tone, on: leg, report)
        case .announce(let leg, let announcement, let report):
            switchboard.announce(announcement, on: leg, report)
        case .stopTone(let leg): switchboard.stopTone(leg)
        case .sendDigits(let leg, let digits): switchboard.sendDigits(leg, digits)
        case .refer(let id, _, let reply): switchboard.refer(id, reply)
        case .handOver(let leg, let other, let referredBy, let report):
            switchboard.handOver(leg, to: other, referredBy: referredBy, report)
        case .identify(let leg, let identity, let isEntitled):
            switchboard.identify(leg, identity, isEntitled: isEntitled)
        case .startTimer(let timer, let milliseconds): timers.start(timer, due: time.mono + Int64(milliseconds) * 1000)
        case .stopTimer(let timer): timers.stop(timer)
        case .log(let record): write(record)
        case .reply(let request, let result): answers.removeValue(forKey: request)?.give(.command(result))
        case .accepting(let accepting, let retryAfter):
            self.accepting = accepting
            switchboard.setAccepting(accepting, retryAfter: retryAfter)
        case .finished: finished = true
        }
    }

    private func write(_ record: CallRecord) {
        let record = measured(record)
        let ticket = log.enqueue(record)
        happenings?.note(record)
        guard let call = record.call else { return }
        switch record.event {
        case .callArrived: openCalls.insert(call)
        case .callEnded: openCalls.remove(call)
        default: break
        }
        if settings.waitsForLog { outbox.noteLine(of: call, ticket: ticket) }
    }

    /// Fills in the media figures of the leg that the record is about.
    private func measured(_ record: CallRecord) -> CallRecord {
        guard let leg = record.measured else { return record }
        var result = record
        result.measured = nil
        guard let media = switchboard.media(of: LegID(leg)) else { return result }
        switch record.event {
        case .partyLeft(var fields):
            fields.media = media.figures
            result.event = .partyLeft(fields)
        case .callEnded(var fields):
            fields.media = media.figures
            result.event = .callEnded(fields)
        default: break
        }
        return result
    }

    private func sayAlive(at now: EventTime) {
        guard !openCalls.isEmpty else {
            aliveDue = nil
            return
        }
        guard let due = aliveDue else {
            aliveDue = now.mono + Self.aliveInterval
            return
        }
        guard due <= now.mono else { return }
        aliveDue = now.mono + Self.aliveInterval
        log.enqueue(CallRecord(time: now, event: .serviceAlive(ServiceAlive())))
    }
}
