import CallEvents

/// Follows one call's events and draws the spans of its lanes.
struct TimelineBuilder {
    private struct Consult {
        var number: Int
        var agent: Int?
        var target: Int
        var answered = false
    }

    private var timeline: Timeline
    private var now: Int64 = 0
    /// What each lane shows, and since when.
    private var current: [Int: (kind: Timeline.Kind, from: Int64, with: [Int])] = [:]
    private var answered = false
    private var over = false
    private var hold: Int?
    private var callerHolds = false
    private var joined: [Int] = []
    private var alerting: Set<Int> = []
    private var consults: [Consult] = []
    private var conference = false

    init(call: String, at time: EventTime) {
        timeline = Timeline(call: call, arrived: time)
    }

    mutating func add(_ event: LoggedEvent) {
        // A verdict comes up to a day later: it is told, but draws no lane out.
        if case .callDisposition(let fields) = event.event {
            let by = fields.by == .caller ? "the caller" : fields.agent ?? "an agent"
            mark(0, 0, "\(fields.resolved ? "resolved" : "not resolved"), says \(by)")
            noteLanes(from: timeline.marks.count - 1)
            return
        }
        now = max(now, event.time.monoMilliseconds - timeline.arrived.monoMilliseconds)
        timeline.length = now
        let before = timeline.marks.count
        apply(event.event)
        redraw()
        noteLanes(from: before)
    }

    /// What each lane shows after the event that these marks tell of.
    private mutating func noteLanes(from first: Int) {
        let shown = timeline.lanes.indices.map { current[$0]?.kind }
        for index in first..<timeline.marks.count { timeline.marks[index].lanes = shown }
    }

    mutating func finish() -> Timeline {
        for lane in current.keys.sorted() { close(lane) }
        timeline.spans.sort { ($0.lane, $0.from) < ($1.lane, $1.from) }
        return timeline
    }

    private mutating func apply(_ event: CallEvent) {
        switch event {
        case .callArrived, .callOpen, .callQueued, .callDequeued, .callAlerting, .callAlertFailed, .callAnswered,
            .callEnded:
            applyCall(event)
        case .partyJoined, .partyLeft, .partyChanged, .holdStarted, .holdEnded, .conferenceStarted, .conferenceEnded:
            applyParty(event)
        case .consultStarted, .consultRinging, .consultAnswered, .consultFailed, .consultEnded:
            applyConsult(event)
        case .transferStarted(let fields):
            let agent = lane(fields.agent)
            mark(agent, agent, "\(fields.kind.rawValue) transfer \(fields.transfer) asked for")
        case .transferCompleted(let fields):
            let kind = fields.kind.rawValue.replacing("_", with: "-")
            let target = lane(fields.targetAgent ?? Timeline.name(of: fields.target))
            mark(lane(fields.agent), target, "transfer \(fields.transfer) completed (\(kind))")
        case .transferFailed(let fields):
            mark(0, 0, "transfer \(fields.transfer) failed: \(Self.reason(fields.cause, nil))", failure: true)
        case .transferCancelled(let fields):
            mark(0, 0, "transfer \(fields.transfer) cancelled", failure: true)
        case .transferFallback(let fields):
            mark(0, 0, "falls back to \(fields.step.rawValue): \(Timeline.name(of: fields.to))")
        default: break
        }
    }

    private mutating func applyCall(_ event: CallEvent) {
        switch event {
        case .callArrived(let fields):
            timeline.arrival = fields
            let line = fields.line.map { " on line \($0)" } ?? ""
            mark(0, 0, "\(fields.caller ?? Timeline.name(of: fields.from)) calls\(line)")
        case .callOpen(let fields):
            guard timeline.marks.isEmpty else { break }
            // The log begins within the call.
            answered = fields.talkMs + fields.holdMs > 0
            if fields.holdReason != .callerPhone { hold = fields.hold }
            if let agent = fields.agent { joined = [lane(agent)] }
            mark(0, 0, "was open when this log began")
        case .callQueued(let fields): mark(0, 0, "queued in \(fields.group), position \(fields.position)")
        case .callDequeued(let fields):
            let waited = DurationText.short(Int64(fields.queueMs))
            mark(0, 0, "leaves the queue of \(fields.group) after \(waited): \(fields.outcome.rawValue)")
        case .callAlerting(let fields):
            let agent = lane(fields.agent ?? fields.group)
            alerting.insert(agent)
            mark(0, agent, "\(timeline.lanes[agent]) is called")
        case .callAlertFailed(let fields):
            let agent = lane(fields.agent ?? fields.group)
            alerting.remove(agent)
            mark(
                agent, 0, "\(timeline.lanes[agent]): \(Self.reason(fields.cause, fields.sipStatus))", failure: true)
        case .callAnswered(let fields):
            answered = true
            let agent = fields.agent.map { lane($0) }
            if let agent { alerting.remove(agent) } else { alerting = [] }
            let by = fields.agent.map { " by \($0)" } ?? ""
            mark(agent ?? 0, 0, "answered\(by) after \(DurationText.short(Int64(fields.waitMs)))")
        case .callEnded(let fields):
            timeline.ended = fields
            over = true
            alerting = []
            let how = fields.abandoned ? ", unanswered" : ""
            mark(0, 0, "the call ends, by \(fields.endedBy.rawValue)\(how) (\(fields.cause.rawValue))")
        default: break
        }
    }

    private mutating func applyParty(_ event: CallEvent) {
        switch event {
        case .partyJoined(let fields):
            let party = lane(fields.agent ?? Timeline.name(of: fields.uri))
            if !joined.contains(party) { joined.append(party) }
            alerting.remove(party)
            mark(party, 0, "\(timeline.lanes[party]) is with the caller")
        case .partyLeft(let fields):
            let party = lane(fields.agent ?? Timeline.name(of: fields.uri))
            joined.removeAll { $0 == party }
            let talked = "talked \(DurationText.short(Int64(fields.talkMs)))"
            let held = fields.holdMs > 0 ? ", held \(DurationText.short(Int64(fields.holdMs)))" : ""
            mark(party, party, "\(timeline.lanes[party]) leaves: \(talked)\(held)")
        case .partyChanged(let fields):
            mark(0, 0, "the PBX put \(Timeline.name(of: fields.uri)) behind the leg")
        case .holdStarted(let fields):
            if fields.reason == .callerPhone { callerHolds = true } else { hold = fields.hold }
            let by = fields.agent.map { ", \($0) in charge" } ?? ""
            mark(fields.agent.map { lane($0) } ?? 0, 0, "hold \(fields.hold) begins (\(fields.reason.rawValue)\(by))")
        case .holdEnded(let fields):
            if fields.hold == hold { hold = nil } else { callerHolds = false }
            let next = fields.nextAgent.map { " to \($0)" } ?? ""
            let held = DurationText.short(Int64(fields.holdMs))
            mark(0, 0, "hold \(fields.hold) ends after \(held): \(fields.outcome.rawValue)\(next)")
        case .conferenceStarted:
            conference = true
            mark(0, 0, "three-way: all hear all")
        case .conferenceEnded(let fields):
            conference = false
            mark(0, 0, "three-way ends after \(DurationText.short(Int64(fields.conferenceMs)))")
        default: break
        }
    }

    private mutating func applyConsult(_ event: CallEvent) {
        switch event {
        case .consultStarted(let fields):
            let target = lane(fields.targetAgent ?? Timeline.name(of: fields.target))
            let agent = fields.mode == .consult ? fields.agent.map { lane($0) } : nil
            consults.append(Consult(number: fields.consult, agent: agent, target: target))
            let mode = fields.mode == .consult ? "consult" : fields.mode.rawValue.replacing("_", with: "-")
            let note = fields.note.map { ": “\($0)”" } ?? ""
            mark(agent ?? 0, target, "\(mode) \(fields.consult) calls \(timeline.lanes[target])\(note)")
        case .consultRinging(let fields):
            let target = consults.first { $0.number == fields.consult }?.target ?? 0
            mark(target, target, "\(timeline.lanes[target]) rings")
        case .consultAnswered(let fields):
            guard let index = consults.firstIndex(where: { $0.number == fields.consult }) else { break }
            consults[index].answered = true
            let consult = consults[index]
            mark(consult.target, consult.agent ?? 0, "\(timeline.lanes[consult.target]) answers")
        case .consultFailed(let fields):
            guard let index = consults.firstIndex(where: { $0.number == fields.consult }) else { break }
            let consult = consults.remove(at: index)
            let reason = Self.reason(fields.cause, fields.sipStatus)
            mark(consult.target, consult.agent ?? 0, "consult \(fields.consult): \(reason)", failure: true)
        case .consultEnded(let fields):
            guard let index = consults.firstIndex(where: { $0.number == fields.consult }) else { break }
            let consult = consults.remove(at: index)
            let talked = fields.consultMs > 0 ? " after \(DurationText.short(Int64(fields.consultMs)))" : ""
            let outcome = fields.outcome.rawValue.replacing("_", with: "-")
            mark(
                consult.agent ?? consult.target, consult.target, "consult \(fields.consult) ends\(talked): \(outcome)",
                failure: fields.outcome == .targetHangup || fields.outcome == .callerHangup)
        default: break
        }
    }

    private static func reason(_ cause: Cause, _ sipStatus: Int?) -> String {
        let word = cause.rawValue.replacing("_", with: " ")
        return sipStatus.map { "\(word) (\($0))" } ?? word
    }

    private mutating func lane(_ name: String?) -> Int {
        guard let name, !name.isEmpty else { return 0 }
        // A party may be named as the caller's lane is.
        if let index = timeline.lanes.dropFirst().firstIndex(of: name) { return index }
        timeline.lanes.append(name)
        return timeline.lanes.count - 1
    }

    private mutating func mark(_ from: Int, _ to: Int, _ text: String, failure: Bool = false) {
        timeline.marks.append(Timeline.Mark(at: now, from: from, to: to, text: text, isFailure: failure))
    }

    /// Closes the spans of lanes that show something else now, and opens the new ones.
    private mutating func redraw() {
        for lane in timeline.lanes.indices {
            let shown = show(lane)
            if let open = current[lane], let shown, open.kind == shown.kind, open.with == shown.with { continue }
            close(lane)
            if let shown { current[lane] = (shown.kind, now, shown.with) }
        }
    }

    private mutating func close(_ lane: Int) {
        guard let open = current.removeValue(forKey: lane), now > open.from else { return }
        timeline.spans.append(
            Timeline.Span(lane: lane, kind: open.kind, from: open.from, to: now, with: open.with))
    }

    private func show(_ lane: Int) -> (kind: Timeline.Kind, with: [Int])? {
        if lane == 0 {
            if over { return nil }
            if !answered { return (.waiting, []) }
            if let hold { return (.hold(hold), []) }
            if conference { return (.conference, joined) }
            return (callerHolds ? .callerHold : .talk, joined)
        }
        let isJoined = joined.contains(lane)
        let talksToCaller = isJoined && hold == nil && !over
        if conference, isJoined { return (.conference, [0] + joined.filter { $0 != lane }) }
        if talksToCaller { return (.talk, [0]) }
        for consult in consults where consult.answered {
            // While the agent is with the caller (swap), the target waits.
            let agentIsAway = consult.agent.map { joined.contains($0) && hold == nil && !over } ?? false
            if consult.target == lane {
                return agentIsAway ? (.idle, []) : (.consult(consult.number), [consult.agent ?? 0])
            }
            if consult.agent == lane, !agentIsAway { return (.consult(consult.number), [consult.target]) }
        }
        if consults.contains(where: { $0.target == lane && !$0.answered }) { return (.ringing, []) }
        if isJoined { return (.idle, []) }
        if alerting.contains(lane) { return (.ringing, []) }
        return nil
    }
}
