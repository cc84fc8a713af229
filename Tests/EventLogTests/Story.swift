import CallEvents

/// The events of a small day, as an engine states them: three calls that between them queue, hold, consult, transfer,
/// confer, and are held by the caller's own phone. Consistent in every field, so that the log's rules can be held
/// against any part of it.
struct Story {
    private(set) var records: [CallRecord] = []
    private var mono: Int64 = 5_000_000
    /// 2026-11-21T23:07:40Z
    static let wall: Int64 = 1_795_302_460_000_000

    /// The wall clock of a moment.
    static func time(_ mono: Int64) -> EventTime { EventTime(wall: wall + mono * 1000 + 7, mono: mono * 1000 + 7) }

    private mutating func pass(_ milliseconds: Int64) { mono += milliseconds }

    private mutating func say(_ event: CallEvent, _ call: String? = nil) {
        records.append(CallRecord(time: Self.time(mono), call: call, event: event))
    }

    private mutating func state(
        _ agent: String, _ old: AgentState, _ new: AgentState, since: Int64, call: String? = nil
    ) {
        let length = Int(mono - since)
        say(.agentStateChanged(AgentStateChanged(agent: agent, old: old, new: new, inStateMs: length, call: call)))
    }

    /// An attended transfer after a queue, a rejected target, and the target's own failed transfer.
    static func day() -> Story {
        var story = Story()
        story.say(.serviceStarted(ServiceStarted(version: "1", bootID: "boot-1")))
        let logins = story.mono
        for agent in ["anna", "boris"] { story.state(agent, .offline, .available, since: logins) }
        story.mainCall("ctl-1-a", logins: logins)
        story.conference("ctl-1-b")
        story.waitInVain("ctl-1-c")
        story.say(.serviceStopping(ServiceStopping(reason: "SIGTERM")))
        return story
    }

    private mutating func mainCall(_ call: String, logins: Int64) {
        let arrived = mono
        say(
            .callArrived(
                CallArrived(
                    from: "sip:31612345678@pbx", to: "sip:7000@127.0.0.1", line: "7000", sipCallID: "c1",
                    caller: "+31612345678", direction: .inbound)), call)
        say(.callQueued(CallQueued(group: "support", position: 1, skills: ["billing"], serviceLevelS: 20)), call)
        pass(40)
        state("anna", .available, .ringing, since: logins, call: call)
        let rang = mono
        say(.callAlerting(CallAlerting(agent: "anna", group: "support", attempt: 1, sipCallID: "a1")), call)
        pass(2100)
        say(
            .callAnswered(
                CallAnswered(
                    agent: "anna", group: "support", line: "7000", waitMs: Int(mono - arrived),
                    ringMs: Int(mono - rang), human: true, serviceLevelS: 20)), call)
        say(
            .callDequeued(
                CallDequeued(
                    group: "support", queueMs: Int(mono - arrived), position: 1, outcome: .answered, to: "anna")),
            call)
        let answered = mono
        let anna = stay(.agent, "anna", "a1", .first)
        say(.partyJoined(anna), call)
        state("anna", .ringing, .talking, since: rang, call: call)
        pass(300)
        let held = mono
        say(.holdStarted(HoldStarted(hold: 1, reason: .consult, agent: "anna")), call)
        say(
            .transferStarted(
                TransferStarted(transfer: 1, kind: .attended, agent: "anna", target: "sip:1003@pbx", by: .code)),
            call)
        consult(call, 1, "sip:1003@pbx", nil)
        pass(250)
        say(
            .consultFailed(
                ConsultFailed(
                    transfer: 1, consult: 1, target: "sip:1003@pbx", cause: .declined, sipStatus: 603, ringMs: 0)),
            call)
        say(.transferFallback(TransferFallback(transfer: 1, step: .next, to: "boris", cause: .declined)), call)
        consult(call, 2, "sip:1002@pbx", "boris")
        pass(700)
        say(.consultRinging(ConsultRinging(transfer: 1, consult: 2, target: "sip:1002@pbx")), call)
        pass(900)
        say(.consultAnswered(ConsultAnswered(transfer: 1, consult: 2, target: "sip:1002@pbx", ringMs: 900)), call)
        pass(500)
        say(
            .consultEnded(
                ConsultEnded(
                    transfer: 1, consult: 2, target: "sip:1002@pbx", consultMs: 500, outcome: .completed)), call)
        let hold1 = Int(mono - held)
        endHold(call, 1, .consult, "anna", "boris", hold1, .transferred)
        let boris = stay(.agent, "boris", "t2", .transfer)
        say(.partyJoined(boris), call)
        let joined = mono
        leave(call, anna, since: answered, hold: hold1, consult: 500, .agent)
        say(
            .transferCompleted(
                TransferCompleted(
                    transfer: 1, kind: .attended, agent: "anna", target: "sip:1002@pbx", targetAgent: "boris",
                    method: .bridge, consultMs: 500, holdMs: hold1)), call)
        pass(100)
        let ownHold = mono
        say(.holdStarted(HoldStarted(hold: 2, reason: .callerPhone, agent: "boris")), call)
        pass(50)
        let held3 = mono
        say(.holdStarted(HoldStarted(hold: 3, reason: .code, agent: "boris")), call)
        pass(30)
        endHold(call, 2, .callerPhone, "boris", "boris", Int(mono - ownHold), .resumed)
        let callerHold = Int(mono - ownHold)
        pass(120)
        let hold3 = Int(mono - held3)
        endHold(call, 3, .code, "boris", "boris", hold3, .resumed)
        pass(60)
        leave(call, boris, since: joined, hold: hold3, consult: 0, .caller)
        let wait = Int(answered - arrived)
        say(
            .callEnded(
                CallEnded(
                    endedBy: .caller, cause: .normal, arrived: Self.time(arrived).wallTime, line: "7000",
                    group: "support", agent: "boris", caller: "+31612345678", waitMs: wait,
                    talkMs: Int(mono - answered) - hold1 - hold3, holdMs: hold1 + hold3, callerHoldMs: callerHold,
                    transfers: 1, abandoned: false)), call)
        state("anna", .talking, .wrapUp, since: answered, call: call)
        let wrapUp = mono
        pass(10)
        state("anna", .wrapUp, .available, since: wrapUp)
    }

    /// Agent and target talk on without the caller.
    private mutating func conference(_ call: String) {
        let arrived = mono
        say(.callArrived(CallArrived(from: "sip:x@pbx", to: "sip:7@pbx", line: "7", direction: .inbound)), call)
        pass(15)
        say(.callAnswered(CallAnswered(agent: "anna", line: "7", waitMs: 15, ringMs: 15, human: true)), call)
        let answered = mono
        let anna = stay(.agent, "anna", "a2", .first, group: nil, line: "7")
        say(.partyJoined(anna), call)
        pass(20)
        say(.holdStarted(HoldStarted(hold: 1, reason: .command, agent: "anna")), call)
        say(
            .transferStarted(
                TransferStarted(transfer: 1, kind: .attended, agent: "anna", target: "sip:9@pbx", by: .command)), call)
        consult(call, 1, "sip:9@pbx", nil)
        pass(25)
        say(.consultAnswered(ConsultAnswered(transfer: 1, consult: 1, target: "sip:9@pbx", ringMs: 0)), call)
        pass(5)
        say(
            .consultEnded(
                ConsultEnded(transfer: 1, consult: 1, target: "sip:9@pbx", consultMs: 5, outcome: .merged)), call)
        endHold(call, 1, .command, "anna", "anna", 30, .merged, group: nil, line: "7")
        let target = stay(.target, nil, "t9", .merge, group: nil, line: "7")
        say(.partyJoined(target), call)
        let joined = mono
        say(.conferenceStarted(ConferenceStarted(transfer: 1)), call)
        pass(75)
        say(.conferenceEnded(ConferenceEnded(transfer: 1, conferenceMs: 75)), call)
        say(
            .transferCancelled(
                TransferCancelled(
                    transfer: 1, kind: .attended, agent: "anna", target: "sip:9@pbx", cause: .abandoned)), call)
        say(
            .callEnded(
                CallEnded(
                    endedBy: .caller, cause: .normal, arrived: Self.time(arrived).wallTime, line: "7", agent: "anna",
                    waitMs: 15, talkMs: Int(mono - answered) - 30, holdMs: 30, transfers: 1)), call)
        pass(35)
        leave(call, target, since: joined, hold: 0, consult: 0, .target)
        leave(call, anna, since: answered, hold: 30, consult: 5, .agent)
    }

    private mutating func waitInVain(_ call: String) {
        let arrived = mono
        say(.callArrived(CallArrived(from: "sip:y@pbx", to: "sip:7@pbx", line: "7", direction: .inbound)), call)
        say(.callQueued(CallQueued(group: "support", position: 1)), call)
        pass(5000)
        say(
            .callDequeued(
                CallDequeued(group: "support", queueMs: Int(mono - arrived), position: 1, outcome: .abandoned)), call)
        say(
            .callEnded(
                CallEnded(
                    endedBy: .caller, cause: .abandoned, arrived: Self.time(arrived).wallTime, line: "7",
                    group: "support", waitMs: Int(mono - arrived), abandoned: true)), call)
    }

    private func stay(
        _ party: Party, _ agent: String?, _ sipCallID: String, _ role: PartyRole, group: String? = "support",
        line: String = "7000"
    ) -> PartyJoined {
        PartyJoined(
            party: party, agent: agent, group: group, line: line, uri: "sip:\(sipCallID)@pbx", sipCallID: sipCallID,
            role: role)
    }

    private mutating func consult(_ call: String, _ number: Int, _ target: String, _ agent: String?) {
        say(
            .consultStarted(
                ConsultStarted(
                    transfer: 1, consult: number, agent: "anna", target: target, targetAgent: agent,
                    attempt: number, mode: .consult, sipCallID: "t\(number)")), call)
    }

    private mutating func endHold(
        _ call: String, _ number: Int, _ reason: HoldReason, _ agent: String, _ next: String, _ length: Int,
        _ outcome: HoldOutcome, group: String? = "support", line: String = "7000"
    ) {
        say(
            .holdEnded(
                HoldEnded(
                    hold: number, reason: reason, agent: agent, group: group, line: line, nextAgent: next,
                    holdMs: length, outcome: outcome)), call)
    }

    private mutating func leave(
        _ call: String, _ stay: PartyJoined, since joined: Int64, hold: Int, consult: Int, _ by: EndedBy
    ) {
        let length = Int(mono - joined)
        say(
            .partyLeft(
                PartyLeft(
                    party: stay.party, agent: stay.agent, group: stay.group, line: stay.line, uri: stay.uri,
                    sipCallID: stay.sipCallID, role: stay.role, stayMs: length, talkMs: length - hold, holdMs: hold,
                    consultMs: consult, endedBy: by, cause: .normal)), call)
    }
}
