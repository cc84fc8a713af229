import CallEvents

/// Who is tried next for a caller who is with nobody: at arrival, and again after the agent has left.
struct Search: Codable, Sendable {
    enum Step: Codable, Sendable, Equatable {
        /// The destination of the line.
        case line(Destination)
        /// The transferor, or the agent who was lost.
        case recall(String)
        /// A `group:` or `uri:` step of the fallback chain.
        case fallback(Destination)
        case overflow(Destination)

        /// A step of the fallback chain: not where the line leads, nor its last resort.
        var isFallback: Bool {
            switch self {
            case .recall, .fallback: true
            case .line, .overflow: false
            }
        }
    }

    var steps: [Step] = []
    /// Who is left of the present step.
    var candidates: [Candidate] = []
    /// The present step; null before the first.
    var step: Step?
    var attempts = 0
    /// Groups that have sent the caller on already: no circles.
    var groups: [String] = []
    /// How the last attempt failed.
    var cause = Cause.unreachable
    var sipStatus: Int?
    var redirects = 0
    var tried: [String] = []

    /// An answered caller hears ringback while an address is called; music while an agent or a group is.
    var ringsCaller: Bool {
        switch step {
        case .fallback(.uri), .overflow(.uri), .overflow(.agent): true
        default: false
        }
    }

    /// How whoever answers comes to be with the caller.
    func role(isAnswered: Bool) -> PartyRole {
        guard isAnswered else { return .first }
        if case .recall = step { return .recall }
        return .requeue
    }
}

extension Call {
    /// The steps for a caller whose agent is gone: the fallback chain without `next`, then the line's overflow.
    /// `recallFirst`: nobody was being called (rows 20, 21), so that the chain begins with the call-back.
    mutating func planSearch(agent: String?, recallFirst: Bool, _ context: Context) {
        var steps: [Search.Step] = []
        for step in context.directory.transfer.fallback {
            switch step {
            case .next: break
            case .agent: if let agent { steps.append(.recall(agent)) }
            case .group(let name): steps.append(.fallback(.group(name)))
            case .uri(let uri): steps.append(.fallback(.uri(uri)))
            }
        }
        if recallFirst, let agent, let index = steps.firstIndex(of: .recall(agent)) {
            steps.insert(steps.remove(at: index), at: 0)
        }
        if let overflow = line?.overflow { steps.append(.overflow(overflow)) }
        search = Search(steps: steps)
    }

    /// Tries the next candidate, the next step, or gives up. Every turn of the loop uses one of them up.
    mutating func advance(_ context: inout Context) {
        while attempt == nil {
            if !search.candidates.isEmpty {
                let candidate = search.candidates.removeFirst()
                if candidate.isGroup {
                    go(to: .group(candidate.name), skills: candidate.skills, &context)
                } else {
                    alert(candidate, &context)
                }
            } else if queue != nil {
                if offerNext(&context) { break }
                pauseQueue(&context)
                break
            } else if !search.steps.isEmpty {
                let step = search.steps.removeFirst()
                // A chain that leads back and forth has an end.
                if step.isFallback, fallbacks >= context.directory.transfer.maxFallbacks { continue }
                if case .fallback(.group(let name)) = step, search.groups.contains(name) { continue }
                begin(step, &context)
            } else {
                giveUp(&context)
                return
            }
        }
        reroute(.queue, &context)
    }

    private mutating func begin(_ step: Search.Step, _ context: inout Context) {
        search.step = step
        search.attempts = 0
        switch step {
        case .recall(let agent):
            recordFallback(.agent, to: agent, &context)
            search.candidates = context.directory.candidates(at: .agent(agent), trusted: true)
        case .line(let destination): go(to: destination, &context)
        case .fallback(let destination):
            recordFallback(destination.step, to: destination.text, &context)
            go(to: destination, &context)
        case .overflow(let destination):
            recordFallback(.overflow, to: destination.text, &context)
            go(to: destination, &context)
        }
    }

    private mutating func go(to destination: Destination, skills: [String]? = nil, _ context: inout Context) {
        if case .group(let name) = destination, let settings = context.directory.group(name), !settings.members.isEmpty
        {
            joinQueue(settings, skills: skills ?? line?.skills ?? [], &context)
            if mustNotWait(settings, context) {
                leaveForOverflow(
                    context.groups[name]?.isStaffed == true ? .busy : .unreachable, settings.overflow, &context)
            }
        } else {
            search.candidates = context.directory.candidates(at: destination, trusted: true)
        }
    }

    func fallback(_ step: FallbackStep, to: String) -> CallEvent? {
        guard let transfer else { return nil }
        return .transferFallback(
            TransferFallback(transfer: transfer.number, step: step, to: to, cause: transfer.cause))
    }

    mutating func recordFallback(_ step: FallbackStep, to: String, _ context: inout Context) {
        guard isAnswered, let event = fallback(step, to: to) else { return }
        fallbacks += 1
        record(event, &context)
    }

    /// Calls a candidate for the waiting caller.
    mutating func alert(_ candidate: Candidate, _ context: inout Context) {
        let unavailable = candidate.verdict ?? candidate.agent.flatMap { context.unavailability(of: $0) }
        search.attempts += 1
        guard unavailable == nil, let uri = candidate.agent.map({ context.address(of: $0) ?? "" }) ?? candidate.uri
        else {
            search.cause = unavailable ?? .unreachable
            search.sipStatus = nil
            noteFailed(candidate, search.cause)
            record(
                .callAlertFailed(
                    CallAlertFailed(
                        agent: candidate.agent, group: candidate.group, attempt: search.attempts, cause: search.cause)),
                &context)
            return
        }
        let leg = context.newLeg()
        record(recordAlert(search.attempts, candidate, leg), &context)
        let timeout = queue?.ringTimeout ?? context.directory.transfer.consultTimeout
        place(
            candidate, uri: uri, leg: leg, purpose: .alert(search.attempts), timeout: timeout, isRival: attempt != nil,
            &context)
    }

    /// Nobody can be had (row 24): an answered caller is told by a tone and released, another gets a final response.
    private mutating func giveUp(_ context: inout Context) {
        failTransfer(&context)
        guard callerLeg?.state == .answered else {
            let status = Causes.finalStatus(search.cause, sipStatus: search.sipStatus)
            finish(by: .controller, search.cause, hangUp: HangUp(sipStatus: status), &context)
            return
        }
        enter(.apologising, &context)
        reroute(.queue, &context)
        bid(farewell: .apology, to: caller, &context)
    }

    /// How long the tone before a BYE may take, should its end never be reported.
    private static var longestFarewell: Int { 5_000 }

    /// Plays a tone to a leg; its BYE follows.
    mutating func bid(farewell tone: Tone, to leg: LegID, _ context: inout Context) {
        let report = context.newReport(for: id)
        farewell = Farewell(leg: leg, report: report)
        context.emit(.tone(leg, tone, report))
        startTimer(.farewell, Self.longestFarewell, &context)
    }

    /// The tone is over.
    mutating func farewellDone(_ context: inout Context) {
        guard let farewell else { return }
        self.farewell = nil
        stopTimer(.farewell, &context)
        if phase == .apologising {
            finish(by: .controller, search.cause, hangUp: HangUp(), &context)
        } else {
            release(farewell.leg, HangUp(), &context)
        }
    }
}

extension Destination {
    var text: String {
        switch self {
        case .agent(let name), .group(let name), .uri(let name): name
        }
    }

    var step: FallbackStep {
        switch self {
        case .agent: .agent
        case .group: .group
        case .uri: .uri
        }
    }
}
