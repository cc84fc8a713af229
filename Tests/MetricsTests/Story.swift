import CallEvents

/// Writes a log by hand: a clock in milliseconds, and events put down one after the other.
struct Story {
    /// 2026-03-02T09:00:00Z, a Monday.
    static let beginning: Int64 = 1_772_442_000_000_000

    var node = "ctl-1"
    var call: String? = "ctl-1-a"
    /// Milliseconds since the beginning.
    var now: Int64 = 0
    /// What the monotonic clock showed at the beginning.
    var boot: Int64 = 5_000
    /// The wall clock's offset, for steps.
    var step: Int64 = 0
    private(set) var events: [LoggedEvent] = []
    var seq: UInt64 = 1

    init(node: String = "ctl-1", call: String? = "ctl-1-a") {
        self.node = node
        self.call = call
    }

    var time: EventTime { EventTime(wall: Self.beginning + (now + step) * 1000, mono: (boot + now) * 1000) }

    mutating func add(_ event: CallEvent, call: String? = nil) {
        let ofCall: Bool =
            switch event {
            case .serviceStarted, .serviceStopping, .serviceRecovered, .serviceAlive, .logSegment, .callRefused,
                .agentStateChanged:
                false
            default: true
            }
        events.append(
            LoggedEvent(seq: seq, node: node, time: time, call: ofCall ? (call ?? self.call) : nil, event: event))
        seq += 1
    }

    /// Moves the clock on, then puts the event down.
    mutating func after(_ milliseconds: Int64, _ event: CallEvent) {
        now += milliseconds
        add(event)
    }

    /// The main story: a call is queued for 4 s, answered by Anna, talks for 10 s, is held while Boris declines and
    /// Clara answers, talks to Clara for 20 s, and ends. Hold: 12 s.
    static func attendedTransfer(call: String = "ctl-1-a") -> Story {
        var story = Story(call: call)
        let arrived = story.time.wallTime
        story.add(
            .callArrived(
                CallArrived(
                    from: "sip:+37120000001@127.0.0.1", to: "sip:7000@127.0.0.1", line: "7000", sipCallID: "A@x",
                    caller: "+37120000001", direction: .inbound)))
        story.add(.callQueued(CallQueued(group: "support", position: 1, skills: ["billing"], serviceLevelS: 20)))
        story.after(
            1000, .callAlerting(CallAlerting(agent: "anna", group: "support", attempt: 1, sipCallID: "B@x")))
        story.after(
            3000, .callDequeued(CallDequeued(group: "support", queueMs: 4000, position: 1, outcome: .answered)))
        story.add(
            .callAnswered(
                CallAnswered(
                    agent: "anna", group: "support", line: "7000", waitMs: 4000, ringMs: 3000, human: true,
                    serviceLevelS: 20)))
        let anna = PartyJoined(
            party: .agent, agent: "anna", group: "support", line: "7000", uri: "sip:1001@127.0.0.1", sipCallID: "B@x",
            role: .first)
        story.add(.partyJoined(anna))
        story.after(10_000, .holdStarted(HoldStarted(hold: 1, reason: .consult, agent: "anna")))
        story.after(
            1000,
            .transferStarted(
                TransferStarted(
                    transfer: 1, kind: .attended, agent: "anna", target: "sip:1002@127.0.0.1", by: .code)))
        story.add(
            .consultStarted(
                ConsultStarted(
                    transfer: 1, consult: 1, agent: "anna", target: "sip:1002@127.0.0.1", targetAgent: "boris",
                    attempt: 1, mode: .consult, sipCallID: "C@x")))
        story.after(
            500, .consultRinging(ConsultRinging(transfer: 1, consult: 1, target: "sip:1002@127.0.0.1")))
        story.after(
            1500,
            .consultFailed(
                ConsultFailed(
                    transfer: 1, consult: 1, target: "sip:1002@127.0.0.1", cause: .declined, sipStatus: 603,
                    ringMs: 1500)))
        story.add(
            .transferFallback(TransferFallback(transfer: 1, step: .next, to: "sip:1003@127.0.0.1", cause: .declined)))
        story.add(
            .consultStarted(
                ConsultStarted(
                    transfer: 1, consult: 2, agent: "anna", target: "sip:1003@127.0.0.1", targetAgent: "clara",
                    attempt: 2, mode: .consult, sipCallID: "D@x")))
        story.after(
            2000, .consultAnswered(ConsultAnswered(transfer: 1, consult: 2, target: "sip:1003@127.0.0.1", ringMs: 2000))
        )
        story.after(
            7000,
            .consultEnded(
                ConsultEnded(
                    transfer: 1, consult: 2, target: "sip:1003@127.0.0.1", consultMs: 7000, outcome: .completed)))
        story.add(
            .holdEnded(
                HoldEnded(
                    hold: 1, reason: .consult, agent: "anna", group: "support", line: "7000", nextAgent: "clara",
                    holdMs: 12_000, outcome: .transferred)))
        let clara = PartyJoined(
            party: .target, agent: "clara", group: "support", line: "7000", uri: "sip:1003@127.0.0.1",
            sipCallID: "D@x", role: .transfer)
        story.add(.partyJoined(clara))
        story.add(
            .partyLeft(leaving(anna, stay: 22_000, talk: 10_000, hold: 12_000, consult: 7000, by: .agent)))
        story.add(
            .transferCompleted(
                TransferCompleted(
                    transfer: 1, kind: .attended, agent: "anna", target: "sip:1003@127.0.0.1", targetAgent: "clara",
                    method: .bridge, consultMs: 7000, holdMs: 12_000)))
        story.after(20_000, .partyLeft(leaving(clara, stay: 20_000, talk: 20_000, hold: 0, consult: 0, by: .caller)))
        story.add(
            .callEnded(
                CallEnded(
                    endedBy: .caller, cause: .normal, arrived: arrived, line: "7000", group: "support", agent: "clara",
                    caller: "+37120000001", waitMs: 4000, talkMs: 30_000, holdMs: 12_000, callerHoldMs: 0,
                    transfers: 1, abandoned: false)))
        return story
    }

    static func leaving(
        _ joined: PartyJoined, stay: Int, talk: Int, hold: Int, consult: Int, by endedBy: EndedBy
    ) -> PartyLeft {
        PartyLeft(
            party: joined.party, agent: joined.agent, group: joined.group, line: joined.line, uri: joined.uri,
            sipCallID: joined.sipCallID, role: joined.role, stayMs: stay, talkMs: talk, holdMs: hold,
            consultMs: consult, endedBy: endedBy, cause: .normal)
    }
}
