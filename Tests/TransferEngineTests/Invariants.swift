import CallEvents
import Metrics
import Testing

@testable import TransferEngine

/// What must hold after every input, whatever it was.
struct Invariants {
    private var ended: Set<LegID> = []
    private var hungUp: Set<LegID> = []
    private var known: Set<LegID> = []
    private var hears: [LegID: MediaSource] = [:]
    private var opened: Set<String> = []
    private(set) var problems: [String] = []
    var log: [CallRecord] = []
    /// REFERs accepted whose sender has not been told the outcome.
    private var openRefers: Set<ReferID> = []
    private var states: [String: AgentState] = [:]
    /// Where each call was after the input before.
    private var places: [String: Place] = [:]

    private struct Place {
        var phase: Call.Phase
        var party: LegID?
        var attempt: LegID?
        /// When the caller came back to this party by nothing that the party did, in microseconds.
        var unasked: Int64?
    }

    /// The log's first number: where an earlier run asked for call-backs, its lines come before.
    private(set) var firstSeq: UInt64 = 1

    /// Looks at what the engine answered to an input, and at its state.
    mutating func check(_ input: Input, _ effects: [Effect], _ engine: TransferEngine) {
        note(input, effects)
        checkOrder(effects, engine)
        check(state: engine, input)
    }

    /// What it answered.
    mutating func note(_ input: Input, _ effects: [Effect]) {
        if case .rememberedCallback = input { firstSeq = 1000 }
        if case .legEnded(let leg, _) = input, known.contains(leg) { ended.insert(leg) }
        if case .refer(_, let referral) = input { checkAnswer(to: referral, effects) }
        for effect in effects { check(effect, input) }
    }

    mutating func check(state engine: TransferEngine, _ input: Input) {
        let calls = engine.inOrder
        for call in calls { check(call, input) }
        checkUnasked(engine, calls, input)
        checkAgents(engine, calls, input)
    }

    /// Whoever hangs up when the consult has just come to nothing does not take the caller along.
    private mutating func checkUnasked(_ engine: TransferEngine, _ calls: [Call], _ input: Input) {
        let now = engine.context.now.mono
        if case .legEnded(let leg, _) = input {
            for (id, place) in places where place.party == leg {
                guard let since = place.unasked, now - since < 2_000_000, now >= since else { continue }
                if engine.byID[id].map({ $0.phase == .over }) ?? true {
                    problem("\(id): the caller is dropped with an agent who could not know that they are back")
                }
            }
        }
        var next: [String: Place] = [:]
        for call in calls {
            let old = places[call.id]
            var place = Place(phase: call.phase, party: call.party?.leg, attempt: call.attempt?.leg)
            if call.phase == .talking, call.handOver == nil, let old, old.party == place.party {
                place.unasked = isUnasked(old, input) ? now : old.phase == .talking ? old.unasked : nil
            }
            next[call.id] = place
        }
        places = next
    }

    private func isUnasked(_ old: Place, _ input: Input) -> Bool {
        guard [.dialling, .ringing, .consulting, .swapped].contains(old.phase) else { return false }
        return switch input {
        case .legEnded(let leg, _), .rtpTimeout(let leg): leg == old.attempt
        case .timer: true
        default: false
        }
    }

    /// Nobody is offered a member whom somebody would take who comes before them.
    mutating func checkOrder(_ effects: [Effect], _ engine: TransferEngine) {
        for case .log(let record) in effects {
            guard case .callAlerting(let fields) = record.event, let agent = fields.agent,
                let rank = record.call.flatMap({ engine.byID[$0]?.queue?.rank })
            else { continue }
            for membership in engine.context.directory.memberships(of: agent) {
                for waiter in engine.context.groups[membership.group]?.waiting ?? [] {
                    guard waiter.rank < rank else { break }
                    guard let call = engine.byID[waiter.call], call.attempt == nil, call.wants(agent, engine.context)
                    else { continue }
                    problem("\(agent) is offered to \(record.call ?? "") although \(waiter.call) comes before them")
                }
            }
        }
    }

    /// At once, and once.
    private mutating func checkAnswer(to referral: Referral, _ effects: [Effect]) {
        let answers = effects.filter { effect in
            guard case .refer(referral.id, _, let reply) = effect else { return false }
            if case .notify = reply { return false }
            return true
        }
        if answers.count != 1 { problem("\(referral.id) is answered \(answers.count) times") }
    }

    private mutating func check(_ reply: ReferReply, to id: ReferID, _ input: Input) {
        switch reply {
        case .accept: openRefers.insert(id)
        case .reject: break
        case .notify(_, let isFinal):
            if !openRefers.contains(id) { problem("\(id) is told something without being open, at \(input)") }
            if isFinal { openRefers.remove(id) }
        }
    }

    private mutating func problem(_ text: String) { if problems.count < 5 { problems.append(text) } }

    private mutating func check(_ effect: Effect, _ input: Input) {
        switch effect {
        case .adopt(let leg, _, _), .invite(let leg, _):
            if !known.insert(leg).inserted { problem("\(leg) is used twice") }
        case .hangUp(let leg, _):
            use(leg, input)
            if !hungUp.insert(leg).inserted { problem("\(leg) is hung up twice, at \(input)") }
        case .ring(let leg, _, _), .answer(let leg, _), .hold(let leg, _, _), .matchCodec(let leg, _, _),
            .tone(let leg, _, _), .announce(let leg, _, _), .stopTone(let leg), .sendDigits(let leg, _),
            .identify(let leg, _, _),
            .handOver(let leg, _, _, _):
            use(leg, input)
        case .route(let routes, _):
            for route in routes {
                use(route.leg, input)
                hears[route.leg] = route.source
            }
        case .refer(let id, _, let reply): check(reply, to: id, input)
        case .log(let record):
            log.append(record)
            count(record)
            if case .agentStateChanged(let fields) = record.event, fields.inStateMs < 0 {
                problem("\(fields.agent) was \(fields.old) for \(fields.inStateMs) ms, at \(input)")
            }
        default: break
        }
    }

    private mutating func use(_ leg: LegID, _ input: Input) {
        if !known.contains(leg) { problem("\(leg) is not known, at \(input)") }
        if ended.contains(leg) { problem("\(leg) has ended, at \(input)") }
        if hungUp.contains(leg) { problem("\(leg) has been hung up, at \(input)") }
    }

    private mutating func count(_ record: CallRecord) {
        switch record.event {
        case .holdStarted(let fields): open(record, "hold", fields.hold)
        case .holdEnded(let fields): close(record, "hold", fields.hold)
        case .consultStarted(let fields): open(record, "consult", fields.consult)
        case .consultFailed(let fields): close(record, "consult", fields.consult)
        case .consultEnded(let fields): close(record, "consult", fields.consult)
        case .transferStarted(let fields): open(record, "transfer", fields.transfer)
        case .transferCompleted(let fields): close(record, "transfer", fields.transfer)
        case .transferFailed(let fields): close(record, "transfer", fields.transfer)
        case .transferCancelled(let fields): close(record, "transfer", fields.transfer)
        case .agentStateChanged(let fields):
            if fields.old != states[fields.agent] ?? .offline { problem("\(fields.agent): old is \(fields.old)") }
            states[fields.agent] = fields.new
        case .conferenceStarted(let fields): open(record, "conference", fields.transfer)
        case .conferenceEnded(let fields): close(record, "conference", fields.transfer)
        case .partyJoined(let fields): open(record, "stay of \(fields.sipCallID)", 0)
        case .partyLeft(let fields): close(record, "stay of \(fields.sipCallID)", 0)
        case .callEnded(let fields):
            if min(fields.waitMs, fields.talkMs, fields.holdMs) < 0 { problem("negative sums: \(fields)") }
        default: break
        }
    }

    private mutating func open(_ record: CallRecord, _ kind: String, _ number: Int) {
        let key = "\(record.call ?? "") \(kind) \(number)"
        if !opened.insert(key).inserted { problem("opened twice: \(key)") }
    }

    private mutating func close(_ record: CallRecord, _ kind: String, _ number: Int) {
        let key = "\(record.call ?? "") \(kind) \(number)"
        if opened.remove(key) == nil { problem("closed, but not open: \(key)") }
    }

    private mutating func check(_ call: Call, _ input: Input) {
        let where_ = "\(call.id) in \(call.phase), at \(input)"
        let living = call.legs.filter(\.isAlive)
        for leg in call.legs where ended.contains(leg.id) { problem("\(leg.id) is gone but kept: \(where_)") }
        guard call.phase != .over else {
            // Nobody outlives the caller but agent and target who talk, and an agent who hears the tone.
            let spared = [call.attempt?.leg, call.attempt?.agentLeg, call.farewell?.leg]
            for leg in living where !spared.contains(leg.id) { problem("\(leg.id) outlives the caller: \(where_)") }
            return
        }
        guard let caller = call.callerLeg, caller.isAlive else {
            problem("no caller: \(where_)")
            return
        }
        if let party = call.party, call.leg(party.leg)?.isAlive != true { problem("the party is gone: \(where_)") }
        if let attempt = call.attempt, call.leg(attempt.leg)?.isAlive != true {
            problem("the attempt is gone: \(where_)")
        }
        let roles =
            [call.caller, call.party?.leg, call.attempt?.leg, call.attempt?.agentLeg] + call.rivals.map(\.leg)
        for leg in living where !roles.contains(leg.id) { problem("\(leg.id) has no role: \(where_)") }
        let transferring: [Call.Phase] = [.ringing, .consulting, .swapped, .conference]
        if (call.transfer == nil) == transferring.contains(call.phase), call.phase != .seeking,
            call.handOver == nil
        {
            problem("transfer \(call.transfer == nil ? "missing" : "left over"): \(where_)")
        }
        if (call.handOver != nil) != call.timers.contains(where: { $0.purpose == .handOver }) {
            problem("handed over without an end, or an end of nothing: \(where_)")
        }
        if call.handOver != nil, call.transfer == nil || call.phase != .talking {
            problem("handed over without a transfer: \(where_)")
        }
        if caller.state == .answered {
            switch hears[caller.id] ?? .silence {
            case .silence, .dialTone: problem("the caller hears nothing: \(where_)")
            case .mix(let legs):
                for leg in legs where call.leg(leg)?.isAlive != true {
                    problem("the caller hears a dead leg: \(where_)")
                }
                if legs.contains(caller.id) || legs.count < 2 { problem("a mix of \(legs): \(where_)") }
            case .leg(let leg):
                if call.leg(leg)?.isAlive != true { problem("the caller hears a dead leg: \(where_)") }
            case .music, .file, .ringback: break
            }
        }
        if (call.phase == .conference) != (call.guest != nil) { problem("guest: \(where_)") }
        // Somebody is being looked for, or there is an end to it.
        if [.arriving, .seeking].contains(call.phase), call.attempt == nil, call.callback?.isStarted != false,
            call.queue == nil || !call.timers.contains(where: { $0.purpose == .maxWait })
        {
            problem("nobody is looked for: \(where_)")
        }
        if call.attempt != nil, call.attempt?.answered == false,
            !call.timers.contains(where: { $0.purpose == .attempt })
        {
            problem("an attempt without an end: \(where_)")
        }
    }

    /// Who is free, who waits, and that the two have nothing to do with each other.
    private mutating func checkAgents(_ engine: TransferEngine, _ calls: [Call], _ input: Input) {
        let context = engine.context
        if !context.callbackResults.isEmpty { problem("call-backs are left to look at, at \(input)") }
        if !context.touched.isEmpty || !context.freed.isEmpty || !context.deserted.isEmpty {
            problem("left to do: \(context.touched), \(context.freed), \(context.deserted), at \(input)")
        }
        var legs: [String: Int] = [:]
        var offers: [String: Int] = [:]
        var waiting: [String: [String]] = [:]
        for call in calls {
            for leg in call.legs where leg.isAlive { if let agent = leg.agent { legs[agent, default: 0] += 1 } }
            for attempt in [call.attempt].compactMap(\.self) + call.rivals where !attempt.answered {
                if attempt.candidate.group != nil, let agent = attempt.candidate.agent {
                    offers[agent, default: 0] += 1
                }
            }
            guard let queue = call.queue else { continue }
            waiting[queue.group, default: []].append(call.id)
            if call.attempt == nil, engine.service == .open, let need = call.need(context),
                let agent = context.choose(for: need)
            {
                problem("\(call.id) waits for \(queue.group) although \(agent) is free, at \(input)")
            }
        }
        for call in engine.codeCalls.values where !call.isEnding { legs[call.agent, default: 0] += 1 }
        for (agent, count) in offers where count > 1 { problem("\(agent) has \(count) offers, at \(input)") }
        for agent in context.agents.values {
            if agent.legs != legs[agent.name] ?? 0 {
                problem("\(agent.name) has \(legs[agent.name] ?? 0) legs, not \(agent.legs), at \(input)")
            }
            if agent.state != agent.derived { problem("\(agent.name) is \(agent.state), should be \(agent.derived)") }
            if states[agent.name] ?? .offline != agent.state { problem("\(agent.name): the log says another state") }
            for membership in context.directory.memberships(of: agent.name) {
                let isListed = context.groups[membership.group]?.free.contains { $0.agent == agent.name } ?? false
                if isListed != agent.isFree { problem("\(agent.name) free: \(agent.isFree), listed: \(isListed)") }
            }
        }
        for callback in context.callbacks.values { waiting[callback.group, default: []].append(callback.request) }
        for (name, group) in context.groups {
            if group.waiting.map(\.call).sorted() != (waiting[name] ?? []).sorted() {
                problem("\(name) is waited for by \(waiting[name] ?? []), not \(group.waiting), at \(input)")
            }
            if zip(group.waiting, group.waiting.dropFirst()).contains(where: { $0.rank >= $1.rank }) {
                problem("\(name): callers out of order: \(group.waiting)")
            }
            if zip(group.free, group.free.dropFirst()).contains(where: { $0 > $1 }) {
                problem("\(name): members out of order: \(group.free)")
            }
        }
    }

    /// At the end of a walk that ended every call.
    mutating func finish(_ engine: TransferEngine) {
        if !engine.calls().isEmpty { problem("calls are left: \(engine.calls())") }
        if !opened.isEmpty { problem("left open: \(opened.sorted())") }
        if !openRefers.isEmpty { problem("REFERs are left without an outcome: \(openRefers)") }
        let left = known.subtracting(ended)
        if !left.isEmpty { problem("legs are left: \(left.sorted())") }
        for agent in engine.context.agents.values
        where agent.legs != 0 || !agent.occupations.isEmpty || agent.pending != 0 {
            problem("\(agent.name) is busy: \(agent)")
        }
        if !engine.context.timerAgents.isEmpty { problem("wrap-ups are left: \(engine.context.timerAgents)") }
        if !engine.context.present.isEmpty { problem("agents are present: \(engine.context.present)") }
        for (name, group) in engine.context.groups where !group.waiting.isEmpty {
            problem("\(name) is still waited for: \(group.waiting)")
        }
        if !engine.context.legCalls.isEmpty { problem("legs are known: \(engine.context.legCalls)") }
        if !engine.context.timerCalls.isEmpty { problem("timers are known: \(engine.context.timerCalls)") }
        let breaches = Verifier.breaches(in: log, node: "ctl-1", from: firstSeq, complete: true)
        for breach in breaches.prefix(3) { problem(breach.description) }
    }
}
