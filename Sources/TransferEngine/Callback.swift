import CallEvents

/// A caller who has hung up and is to be called back when their turn comes. The place in the group's queue is kept by
/// the name of the call in which it was asked for; each try is a call of its own.
struct Callback: Codable, Sendable {
    /// The call in which it was asked for.
    let request: String
    let group: String
    let rank: Rank
    let skills: [String]
    /// The caller's number, and the address to dial.
    let caller: String
    let uri: String
    let from: String
    let fromDisplay: String?
    let line: LineSettings?
    let requested: EventTime
    /// How often the caller has been dialled.
    var attempts = 0
    /// Calls made for it, those that reached no agent included.
    var calls = 0
    /// A call is under way, or a pause before the next.
    var isBusy = false
    var timer: TimerID?
}

/// In a call that calls somebody back.
struct CallbackCall: Codable, Sendable {
    var request: String
    var agent: String
    var attempt: Int
    var attempts: Int
    var uri: String
    /// The agent has answered; the caller is dialled.
    var isStarted = false
}

/// What became of a call that calls somebody back.
struct CallbackResult: Codable, Sendable {
    var request: String
    /// The caller was dialled.
    var isStarted: Bool
    var isReached: Bool
}

// In the call that asks for it, and in those that are made for it.
extension Call {
    /// The caller would rather be called back: keeps the place and hangs up.
    mutating func requestCallback(_ context: inout Context) {
        guard let queue, let number = callerNumber, let leg = callerLeg else { return }
        guard let uri = context.directory.callbackAddress(of: number) else {
            context.emit(.tone(leg.id, .error, nil))
            record(
                .callbackFailed(
                    CallbackFailed(
                        group: queue.group, line: line?.pattern, caller: number, request: id, cause: .notAllowed,
                        isFinal: true)), &context)
            return
        }
        cancelOffers(&context)
        record(
            .callbackRequested(
                CallbackRequested(
                    group: queue.group, line: line?.pattern, caller: number,
                    position: context.place(queue.group, queue.rank) + 1, priority: queue.priority)), &context)
        leaveQueue(.callback, to: nil, &context)
        _ = context.enqueue(Waiter(call: id, rank: queue.rank, skills: queue.skills), queue.group)
        context.callbacks[id] = Callback(
            request: id, group: queue.group, rank: queue.rank, skills: queue.skills, caller: number, uri: uri,
            from: invitation.assertedIdentity ?? invitation.from, fromDisplay: invitation.fromDisplay, line: line,
            requested: context.now)
        finish(by: .caller, .callback, hangUp: HangUp(), farewell: .comfort, &context)
    }

    /// The agent answered: the caller is dialled.
    mutating func callbackAnswered(_ context: inout Context) {
        guard let made = callback, !made.isStarted, let index = index(caller) else { return }
        callback?.isStarted = true
        legs[index].state = .answered
        legs[index].since = context.now
        stopTimer(.attempt, &context)
        record(
            .callbackStarted(
                CallbackStarted(
                    group: group ?? "", line: line?.pattern, caller: callerNumber, agent: made.agent,
                    request: made.request, attempt: made.attempt)),
            &context)
        search.candidates = [Candidate(uri: made.uri, name: made.uri)]
        advance(&context)
    }

    /// The agent did not take it.
    mutating func callbackRefused(_ cause: Cause, sipStatus: Int?, _ context: inout Context) {
        guard let made = callback, !made.isStarted else { return }
        record(
            .callAlertFailed(
                CallAlertFailed(agent: made.agent, group: group, attempt: 1, cause: cause, sipStatus: sipStatus)),
            &context)
        context.refused(Candidate(agent: made.agent, group: group, name: made.agent), cause)
        search.cause = cause
        search.sipStatus = sipStatus
        finish(by: .controller, cause, hangUp: HangUp(sipStatus: 408), &context)
    }

    /// Caller and agent talk.
    mutating func callbackCompleted(_ context: inout Context) {
        guard let made = callback else { return }
        record(
            .callbackCompleted(
                CallbackCompleted(
                    group: group ?? "", line: line?.pattern, caller: callerNumber, agent: made.agent,
                    request: made.request, attempt: made.attempt)),
            &context)
        context.callbackResults.append(CallbackResult(request: made.request, isStarted: true, isReached: true))
    }

    /// The call ends before caller and agent talked.
    mutating func callbackFailed(_ context: inout Context) {
        guard let made = callback, !isAnswered else { return }
        if made.isStarted {
            record(
                .callbackFailed(
                    CallbackFailed(
                        group: group ?? "", line: line?.pattern, caller: callerNumber, agent: made.agent,
                        request: made.request, attempt: made.attempt, cause: search.cause,
                        sipStatus: search.sipStatus, isFinal: made.attempt >= made.attempts)), &context)
        }
        context.callbackResults.append(
            CallbackResult(request: made.request, isStarted: made.isStarted, isReached: false))
    }
}

extension Directory {
    /// Where a caller is called back: their number by `transfer.dial`, where the allow-list lets it.
    func callbackAddress(of number: String) -> String? {
        guard let dial = transfer.dial, number.allSatisfy({ $0.isASCIIDigit || $0 == "+" }), !number.isEmpty else {
            return nil
        }
        let candidate = candidate(at: dial.replacing("{digits}", with: number), trusted: false)
        return candidate.verdict == nil ? candidate.uri : nil
    }
}

extension TransferEngine {
    /// Between two agents who are offered the same call-back.
    private static var pause: Int { 1_000 }

    func wants(_ callback: Callback, _ agent: String) -> Bool {
        service == .open && !callback.isBusy
            && context.suits(agent, Need(group: callback.group, skills: callback.skills))
    }

    /// Offers a call-back to an agent, as a call of its own.
    mutating func start(_ request: String, _ agent: String) {
        guard var callback = context.callbacks[request], let uri = context.address(of: agent) else { return }
        callback.isBusy = true
        callback.calls += 1
        let settings = context.directory.group(callback.group)
        let id = "\(request)-c\(callback.calls)"
        guard byID[id] == nil else { return }
        context.callbacks[request] = callback
        let leg = context.newLeg()
        let sipCallID = "\(id)-\(leg.number)"
        let ownURI = context.directory.configuration.ownURI
        let invitation = Invitation(
            handle: 0, call: id, sipCallID: sipCallID, requestURI: callback.uri, to: callback.uri, from: ownURI)
        var call = Call(
            invitation: invitation,
            leg: Leg(
                id: leg, uri: uri, sipCallID: sipCallID, agent: agent, isIncoming: false, state: .dialling,
                since: context.now),
            serial: context.newSerial(), direction: .callback, line: callback.line, callerNumber: callback.caller,
            at: context.now)
        call.ledger.books.asked = callback.requested
        call.group = callback.group
        call.lastAgent = agent
        call.callback = CallbackCall(
            request: request, agent: agent, attempt: callback.attempts + 1,
            attempts: settings?.callback?.attempts ?? 1, uri: callback.uri)
        call.record(
            .callArrived(
                CallArrived(
                    from: callback.from, to: callback.uri, line: callback.line?.pattern, sipCallID: sipCallID,
                    caller: callback.caller, direction: .callback)), &context)
        call.record(
            .callAlerting(CallAlerting(agent: agent, group: callback.group, attempt: 1, sipCallID: sipCallID)), &context
        )
        context.legCalls[leg] = id
        context.occupy(agent)
        context.offered(agent, of: callback.group)
        var invite = Invite(
            uri: uri, sipCallID: sipCallID, from: SIPAddress(callback.from)?.plain ?? ownURI,
            fromDisplay: "callback: \(callback.fromDisplay ?? callback.caller)", call: id)
        invite.noResponseTimeout = context.directory.transfer.noResponseTimeout
        context.emit(.invite(leg, invite))
        call.startTimer(
            .attempt, settings?.ringTimeout ?? context.directory.transfer.consultTimeout, &context)
        byID[id] = call
        with(call: id) { _, _ in }
    }

    /// What a call that was made for a call-back has come to.
    mutating func take(_ result: CallbackResult) {
        guard var callback = context.callbacks[result.request] else { return }
        if result.isStarted { callback.attempts += 1 }
        let settings = context.directory.group(callback.group)?.callback
        if result.isReached || callback.attempts >= settings?.attempts ?? 0 {
            drop(callback, result.isReached || result.isStarted ? nil : .cancelled)
            return
        }
        // The next run goes on with it.
        if service != .open { return drop(callback, nil) }
        let timer = context.newTimer()
        callback.timer = timer
        context.timerCallbacks[timer] = callback.request
        context.callbacks[callback.request] = callback
        context.emit(
            .startTimer(timer, milliseconds: result.isStarted ? settings?.retryAfter ?? Self.pause : Self.pause))
    }

    /// It may be tried again.
    mutating func retry(_ request: String) {
        context.callbacks[request]?.timer = nil
        context.callbacks[request]?.isBusy = false
        guard let callback = context.callbacks[request], service == .open,
            let agent = context.choose(for: Need(group: callback.group, skills: callback.skills))
        else { return }
        start(request, agent)
    }

    /// Forgets a call-back; `cause`: it was never made, which is said.
    mutating func drop(_ callback: Callback, _ cause: Cause?) {
        context.callbacks[callback.request] = nil
        if let timer = callback.timer {
            context.timerCallbacks[timer] = nil
            context.emit(.stopTimer(timer))
        }
        _ = context.dequeue(callback.group, callback.rank)
        guard let cause else { return }
        context.emit(
            .log(
                CallRecord(
                    time: context.now, call: callback.request,
                    event: .callbackFailed(
                        CallbackFailed(
                            group: callback.group, line: callback.line?.pattern, caller: callback.caller,
                            request: callback.request, attempt: callback.attempts, cause: cause, isFinal: true)))))
    }

    /// The service ends. The next run finds in the log who is still to be called back.
    mutating func dropCallbacks() {
        for request in context.callbacks.keys.sorted() {
            if let callback = context.callbacks[request] { drop(callback, nil) }
        }
    }
}
