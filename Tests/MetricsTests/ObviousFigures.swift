import CallEvents

/// The figures once more, slowly and obviously: every event in memory, every thing in a list, every figure a filter over
/// lists. Shares nothing with the core but the event types.
struct ObviousFigures {
    struct Place {
        var node: String?
        var agent: String?
        var group: String?
        var line: String?
        var target: String?
        var code: String?
        var skills: [String] = []
        /// Microseconds since 1970.
        var began: Int64
    }

    struct Call {
        var place: Place
        var outcome: String
        var waitMs: Int?
        var isHuman = false
        var isWithin = false
        var isShort = false
        var isWithheld = false
        var isInProgress = false
        /// Only its group counts it: it left that group for another.
        var isLeft = false
    }

    struct Hold {
        var place: Place
        var ms: Int
        var outcome: HoldOutcome
    }

    struct Stay {
        var place: Place
        var talkMs: Int
        var holdMs: Int
    }

    struct Transfer {
        var place: Place
        var end: String
        /// Where it fell back to, step by step.
        var fallbacks: [FallbackStep]
    }

    struct OpenHold {
        var place: Place
    }

    /// A call that was open at the end of the period, and what it was doing.
    struct OpenCall {
        var place: Place
        var isAnswered: Bool
        var isHeld: Bool
        var isInTransfer: Bool
    }

    struct AgentTime {
        var node: String
        var agent: String
        var state: AgentState
        /// Milliseconds since 1970.
        var from: Int64
        var to: Int64
        /// It went on when the node's log ended.
        var isOpen = false
    }

    struct FirstCall {
        var place: Place
        var end: String
    }

    struct Verdict {
        var place: Place
        var isResolved: Bool
    }

    struct Callback {
        var place: Place
        var attempts = 0
        /// Null: it is still to be made.
        var isCompleted: Bool?
        var ms = 0
    }

    private(set) var calls: [Call] = []
    private(set) var breaches: [Place] = []
    private(set) var givenUp: [Place] = []
    /// By the call in which each was asked for.
    private(set) var callbacks: [String: Callback] = [:]
    private(set) var holds: [Hold] = []
    private(set) var stays: [Stay] = []
    var wrapUps: [Stay] = []
    private(set) var transfers: [Transfer] = []
    /// Of each agent on each node.
    var nodeTimes: [AgentTime] = []
    /// Of each agent: on several nodes, the busiest of its states there.
    var agentTimes: [AgentTime] = []
    private(set) var refused: [Place] = []
    private(set) var openHolds: [OpenHold] = []
    private(set) var openCalls: [OpenCall] = []
    private(set) var firstCalls: [FirstCall] = []
    private(set) var verdicts: [Verdict] = []

    /// - Parameter until: the period's end, microseconds since 1970; null: the last event.
    init(_ events: [LoggedEvent], shortAbandonMs: Int = 5000, serviceLevel: Int = 20, until: Int64? = nil) {
        let byCall = Dictionary(grouping: events.filter { $0.call != nil }) { $0.call ?? "" }
        let last = events.map(\.time.wall).max() ?? 0
        for events in byCall.values {
            let events = events.sorted { $0.seq < $1.seq }
            add(events, shortAbandonMs, serviceLevel)
            addOpen(events.filter { $0.time.wall < until ?? .max }, at: min(last, until.map { $0 - 1 } ?? .max))
        }
        for event in events {
            if case .callRefused = event.event { refused.append(Place(node: event.node, began: event.time.wall)) }
        }
        for event in events.sorted(by: { ($0.time.wall, $0.seq) < ($1.time.wall, $1.seq) }) {
            switch event.event {
            case .callbackStarted(let fields): callbacks[fields.request]?.attempts += 1
            case .callbackCompleted(let fields):
                callbacks[fields.request]?.isCompleted = true
                callbacks[fields.request]?.ms = fields.sinceMs
            case .callbackFailed(let fields) where fields.isFinal: callbacks[fields.request]?.isCompleted = false
            default: break
            }
        }
        addAgents(events, inbound: Self.inbound(events))
        addFirstCalls(Array(byCall.values), end: last)
    }

    private static func inbound(_ events: [LoggedEvent]) -> Set<String> {
        Set(
            events.compactMap { event in
                if case .callArrived(let fields) = event.event, fields.direction == .inbound { event.call } else { nil }
            })
    }

    private mutating func add(_ events: [LoggedEvent], _ shortAbandonMs: Int, _ serviceLevel: Int) {
        guard case .callArrived(let arrival)? = events.first?.event, arrival.direction == .inbound else { return }
        let arrived = events[0].time.wall
        var answer: CallAnswered?
        var end: CallEnded?
        var group: String?
        var left: [(group: String, began: Int64, skills: [String])] = []
        var threshold: Int?
        var skills: [String] = []
        var lastQueue: CallDequeued?
        var lastLeft: Int64 = 0
        for event in events {
            switch event.event {
            case .callQueued(let fields) where answer == nil:
                if let last = lastQueue, last.outcome == .overflow, last.group != fields.group {
                    left.append((last.group, lastLeft - Int64(last.queueMs) * 1000, skills))
                }
                group = fields.group
                skills = fields.skills
                threshold = fields.serviceLevelS ?? threshold
            case .callDequeued(let fields) where answer == nil:
                lastQueue = fields
                lastLeft = event.time.wall
            case .callAnswered(let fields):
                answer = fields
                group = fields.group ?? group
            case .callEnded(let fields): end = fields
            case .slaBreached(let fields):
                breaches.append(
                    Place(
                        node: event.node, group: fields.group, line: arrival.line, skills: skills, began: arrived))
            case .callbackRequested(let fields):
                callbacks[event.call ?? ""] = Callback(
                    place: Place(
                        node: event.node, group: fields.group, line: arrival.line, skills: skills,
                        began: event.time.wall))
            default: break
            }
        }
        let place = Place(
            node: events[0].node, agent: answer?.agent, group: group, line: arrival.line, skills: skills, began: arrived
        )
        let wants: [Cause] = [.busy, .declined, .noAnswer, .unreachable, .noCodec, .notAllowed, .rejected]
        if let end, end.endedBy == .controller, wants.contains(end.cause) { givenUp.append(place) }
        var call = Call(place: place, outcome: "open")
        if let answer {
            call.outcome = "answered"
            call.isInProgress = end == nil
            call.waitMs = answer.waitMs
            call.isHuman = answer.human
            call.isWithin = answer.waitMs <= (answer.serviceLevelS ?? threshold ?? serviceLevel) * 1000
            call.isWithheld = arrival.caller == nil
        } else if let end {
            call.waitMs = end.waitMs
            call.isShort = end.abandoned && end.waitMs <= shortAbandonMs
            call.outcome =
                if end.abandoned { "abandoned" } else if end.cause == .lost {
                    "lost"
                } else if end.cause == .callback
                    || lastQueue?.outcome == .callback
                { "callback" } else if lastQueue?.outcome == .overflow { "overflowed" } else { "controller_ended" }
        }
        calls.append(call)
        for visit in left {
            let place = Place(
                node: events[0].node, agent: nil, group: visit.group, line: arrival.line, skills: visit.skills,
                began: visit.began)
            calls.append(Call(place: place, outcome: "overflowed", isLeft: true))
        }
        addParts(events, place)
    }

    private func began(_ wall: Int64, _ ms: Int) -> Int64 { wall - Int64(ms) * 1000 }

    private mutating func addParts(_ events: [LoggedEvent], _ callPlace: Place) {
        var started: [Int: (TransferStarted, Int64)] = [:]
        var fallbacks: [Int: [FallbackStep]] = [:]
        var holding: [Int: (HoldStarted, Int64)] = [:]
        var verdict: CallDisposition?
        for event in events {
            let wall = event.time.wall
            func end(_ transfer: Int, _ how: String, _ target: String) {
                guard let (opening, began) = started.removeValue(forKey: transfer) else { return }
                var place = callPlace
                place.agent = opening.agent
                place.began = began
                place.target = target
                transfers.append(Transfer(place: place, end: how, fallbacks: fallbacks[transfer] ?? []))
            }
            switch event.event {
            case .holdStarted(let fields) where fields.reason != .callerPhone: holding[fields.hold] = (fields, wall)
            case .holdEnded(let fields) where fields.reason != .callerPhone:
                holding[fields.hold] = nil
                var place = callPlace
                (place.agent, place.group, place.line) = (fields.agent, fields.group, fields.line)
                place.began = began(wall, fields.holdMs)
                holds.append(Hold(place: place, ms: fields.holdMs, outcome: fields.outcome))
            case .partyLeft(let fields) where fields.agent != nil:
                var place = callPlace
                (place.agent, place.group, place.line) = (fields.agent, fields.group, fields.line)
                place.began = began(wall, fields.stayMs)
                stays.append(Stay(place: place, talkMs: fields.talkMs, holdMs: fields.holdMs))
            case .transferStarted(let fields): started[fields.transfer] = (fields, wall)
            case .transferFallback(let fields): fallbacks[fields.transfer, default: []].append(fields.step)
            case .transferCompleted(let fields):
                end(fields.transfer, "completed.\(fields.kind.rawValue)", fields.target)
            case .transferFailed(let fields): end(fields.transfer, "failed.\(fields.cause.rawValue)", fields.target)
            case .transferCancelled(let fields): end(fields.transfer, "cancelled", fields.target)
            case .callDisposition(let fields): verdict = fields
            default: break
            }
        }
        for (number, (opening, began)) in started {
            var place = callPlace
            place.agent = opening.agent
            place.began = began
            place.target = opening.target
            transfers.append(Transfer(place: place, end: "open", fallbacks: fallbacks[number] ?? []))
        }
        for (opening, began) in holding.values {
            var place = callPlace
            place.agent = opening.agent
            place.began = began
            openHolds.append(OpenHold(place: place))
        }
        if let verdict {
            var place = callPlace
            place.code = verdict.code
            place.began = verdict.arrived.microseconds
            verdicts.append(Verdict(place: place, isResolved: verdict.resolved))
        }
    }

    private mutating func addOpen(_ events: [LoggedEvent], at end: Int64) {
        guard case .callArrived(let arrival)? = events.first?.event, arrival.direction == .inbound else { return }
        var place = Place(node: events[0].node, line: arrival.line, began: end)
        var answer: CallAnswered?
        var holds: Set<Int> = []
        var transfers: Set<Int> = []
        for event in events {
            switch event.event {
            case .callQueued(let fields) where answer == nil:
                place.group = fields.group
                place.skills = fields.skills
            case .callAnswered(let fields):
                answer = fields
                place.agent = fields.agent
                place.group = fields.group ?? place.group
            case .holdStarted(let fields) where fields.reason != .callerPhone: holds.insert(fields.hold)
            case .holdEnded(let fields): holds.remove(fields.hold)
            case .transferStarted(let fields): transfers.insert(fields.transfer)
            case .transferCompleted(let fields): transfers.remove(fields.transfer)
            case .transferFailed(let fields): transfers.remove(fields.transfer)
            case .transferCancelled(let fields): transfers.remove(fields.transfer)
            case .callEnded: return
            default: break
            }
        }
        openCalls.append(
            OpenCall(place: place, isAnswered: answer != nil, isHeld: !holds.isEmpty, isInTransfer: !transfers.isEmpty))
    }

    private mutating func addFirstCalls(_ calls: [[LoggedEvent]], end: Int64) {
        struct Visit {
            var arrived: Int64
            var place: Place?
            var isResolved = false
            var isTransferred = false
        }
        var visits: [String: [Visit]] = [:]
        for events in calls {
            let events = events.sorted { $0.seq < $1.seq }
            guard case .callArrived(let arrival)? = events.first?.event, arrival.direction == .inbound,
                let caller = arrival.caller
            else { continue }
            var visit = Visit(arrived: events[0].time.wall)
            var group: String?
            var skills: [String] = []
            for event in events {
                switch event.event {
                case .callQueued(let fields) where visit.place == nil:
                    group = fields.group
                    skills = fields.skills
                case .callAnswered(let fields):
                    visit.place = Place(
                        node: event.node, agent: fields.agent, group: fields.group ?? group, line: fields.line,
                        skills: skills, began: visit.arrived)
                case .callEnded(let fields): visit.isTransferred = fields.transfers > 0
                case .callDisposition(let fields): visit.isResolved = fields.resolved
                default: break
                }
            }
            visits[caller, default: []].append(visit)
        }
        let week: Int64 = 7 * 86_400 * 1_000_000
        for visits in visits.values {
            for visit in visits {
                guard let place = visit.place else { continue }
                let others = visits.filter { $0.arrived != visit.arrived }
                if others.contains(where: { $0.arrived < visit.arrived && visit.arrived - $0.arrived <= week }) {
                    continue
                }
                let again = others.contains { $0.arrived > visit.arrived && $0.arrived - visit.arrived <= week }
                let how =
                    if end - visit.arrived <= week {
                        "pending"
                    } else if !again, visit.isResolved, !visit.isTransferred { "resolved" } else { "not" }
                firstCalls.append(FirstCall(place: place, end: how))
            }
        }
    }
}
