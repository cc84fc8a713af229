import CallEvents

/// The figures once more, slowly and obviously: every event in memory, every thing in a list, every figure a filter over
/// lists. Shares nothing with the core but the event types.
struct ObviousFigures {
    struct Place {
        var agent: String?
        var group: String?
        var line: String?
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
        var fallbacks: Int
    }

    struct AgentTime {
        var agent: String
        var state: AgentState
        /// Milliseconds since 1970.
        var from: Int64
        var to: Int64
    }

    struct FirstCall {
        var place: Place
        var end: String
    }

    struct Verdict {
        var place: Place
        var isResolved: Bool
    }

    private(set) var calls: [Call] = []
    private(set) var holds: [Hold] = []
    private(set) var stays: [Stay] = []
    private(set) var wrapUps: [Stay] = []
    private(set) var transfers: [Transfer] = []
    private(set) var agentTimes: [AgentTime] = []
    private(set) var firstCalls: [FirstCall] = []
    private(set) var verdicts: [Verdict] = []

    init(_ events: [LoggedEvent], shortAbandonMs: Int = 5000, serviceLevel: Int = 20) {
        let byCall = Dictionary(grouping: events.filter { $0.call != nil }) { $0.call ?? "" }
        for events in byCall.values {
            add(events.sorted { $0.seq < $1.seq }, shortAbandonMs, serviceLevel)
        }
        addAgents(events, inbound: Self.inbound(events))
        addFirstCalls(Array(byCall.values), end: events.map(\.time.wall).max() ?? 0)
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
        var left: [(group: String, began: Int64)] = []
        var threshold: Int?
        var lastQueue: CallDequeued?
        for event in events {
            switch event.event {
            case .callQueued(let fields) where answer == nil:
                if let last = lastQueue, last.outcome == .overflow, last.group != fields.group {
                    left.append((last.group, began(event.time.wall, last.queueMs)))
                }
                group = fields.group
                threshold = fields.serviceLevelS ?? threshold
            case .callDequeued(let fields) where answer == nil: lastQueue = fields
            case .callAnswered(let fields):
                answer = fields
                group = fields.group ?? group
            case .callEnded(let fields): end = fields
            default: break
            }
        }
        let place = Place(agent: answer?.agent, group: group, line: arrival.line, began: arrived)
        var call = Call(place: place, outcome: "open")
        if let answer {
            call.outcome = "answered"
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
            let place = Place(agent: nil, group: visit.group, line: arrival.line, began: visit.began)
            calls.append(Call(place: place, outcome: "overflowed", isLeft: true))
        }
        addParts(events, place)
    }

    private func began(_ wall: Int64, _ ms: Int) -> Int64 { wall - Int64(ms) * 1000 }

    private mutating func addParts(_ events: [LoggedEvent], _ callPlace: Place) {
        var started: [Int: (TransferStarted, Int64)] = [:]
        var fallbacks: [Int: Int] = [:]
        var verdict: CallDisposition?
        for event in events {
            let wall = event.time.wall
            func end(_ transfer: Int, _ how: String) {
                guard let (opening, began) = started.removeValue(forKey: transfer) else { return }
                var place = callPlace
                place.agent = opening.agent
                place.began = began
                transfers.append(Transfer(place: place, end: how, fallbacks: fallbacks[transfer] ?? 0))
            }
            switch event.event {
            case .holdEnded(let fields) where fields.reason != .callerPhone:
                let place = Place(
                    agent: fields.agent, group: fields.group, line: fields.line, began: began(wall, fields.holdMs))
                holds.append(Hold(place: place, ms: fields.holdMs, outcome: fields.outcome))
            case .partyLeft(let fields) where fields.agent != nil:
                let place = Place(
                    agent: fields.agent, group: fields.group, line: fields.line, began: began(wall, fields.stayMs))
                stays.append(Stay(place: place, talkMs: fields.talkMs, holdMs: fields.holdMs))
            case .transferStarted(let fields): started[fields.transfer] = (fields, wall)
            case .transferFallback(let fields): fallbacks[fields.transfer, default: 0] += 1
            case .transferCompleted(let fields): end(fields.transfer, "completed.\(fields.kind.rawValue)")
            case .transferFailed(let fields): end(fields.transfer, "failed.\(fields.cause.rawValue)")
            case .transferCancelled(let fields): end(fields.transfer, "cancelled")
            case .callDisposition(let fields): verdict = fields
            default: break
            }
        }
        for (number, (opening, began)) in started {
            var place = callPlace
            place.agent = opening.agent
            place.began = began
            transfers.append(Transfer(place: place, end: "open", fallbacks: fallbacks[number] ?? 0))
        }
        if let verdict {
            let place = Place(
                agent: verdict.agent, group: verdict.group, line: verdict.line, began: verdict.arrived.microseconds)
            verdicts.append(Verdict(place: place, isResolved: verdict.resolved))
        }
    }

    private mutating func addAgents(_ events: [LoggedEvent], inbound: Set<String>) {
        var open: [String: (state: AgentState, wall: Int64, mono: Int64)] = [:]
        var lastCall: [String: AgentStateChanged] = [:]
        for event in events {
            guard case .agentStateChanged(let fields) = event.event else { continue }
            let wall = event.time.wall / 1000
            if fields.old != .offline {
                agentTimes.append(
                    AgentTime(agent: fields.agent, state: fields.old, from: wall - Int64(fields.inStateMs), to: wall))
            }
            let call = fields.call != nil ? fields : lastCall[fields.agent]
            if fields.old == .wrapUp, let call, inbound.contains(call.call ?? "") {
                let place = Place(
                    agent: fields.agent, group: fields.group ?? call.group, line: fields.line ?? call.line,
                    began: began(event.time.wall, fields.inStateMs))
                wrapUps.append(Stay(place: place, talkMs: fields.inStateMs, holdMs: 0))
            }
            if fields.call != nil { lastCall[fields.agent] = fields }
            open[fields.agent] = (fields.new, wall, event.time.monoMilliseconds)
        }
        guard let last = events.last?.time else { return }
        for (agent, state) in open where state.state != .offline {
            let to = last.wall / 1000
            agentTimes.append(
                AgentTime(
                    agent: agent, state: state.state, from: to - (last.monoMilliseconds - state.mono), to: to))
        }
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
            for event in events {
                switch event.event {
                case .callQueued(let fields) where visit.place == nil: group = fields.group
                case .callAnswered(let fields):
                    visit.place = Place(
                        agent: fields.agent, group: fields.group ?? group, line: fields.line, began: visit.arrived)
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
                    if again { "not" } else if end - visit.arrived <= week {
                        "pending"
                    } else if visit.isResolved
                        && !visit.isTransferred
                    { "resolved" } else { "not" }
                firstCalls.append(FirstCall(place: place, end: how))
            }
        }
    }
}
