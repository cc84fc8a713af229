import CallEvents

// The monotonic clock may have begun anew since the last run: how long ago something was is told by the wall clock.
extension TransferEngine {
    /// So long ago, in microseconds; null for what is too long ago to matter. A clock that was set back says now.
    private func age(_ time: WallTime) -> Int64? {
        let (age, overflow) = context.now.wall.subtractingReportingOverflow(time.microseconds)
        return overflow || age > EndedCalls.verdictTime ? nil : max(0, age)
    }

    mutating func remember(_ call: RememberedCall) {
        guard byID[call.call] == nil, ended[call.call, at: context.now] == nil, let age = age(call.ended) else {
            return
        }
        ended.add(
            call.call,
            EndedCall(
                agent: call.agent, group: call.group, line: call.line, arrived: call.arrived, verdict: call.verdict,
                ended: context.now.mono &- age))
    }

    /// The caller has the place again that they had. Who can no longer be called back, is not; the log says so.
    mutating func remember(_ past: RememberedCallback) {
        guard service == .open || service == .draining, context.callbacks[past.request] == nil,
            byID[past.request] == nil
        else { return }
        let settings = context.directory.group(past.group)
        guard let settings, let rules = settings.callback, past.attempts < rules.attempts,
            let age = age(past.requested),
            let uri = context.directory.callbackAddress(of: past.caller)
        else {
            let failed = CallbackFailed(
                group: past.group, line: past.line, caller: past.caller, request: past.request,
                attempt: past.attempts, cause: settings?.callback == nil ? .cancelled : .notAllowed, isFinal: true)
            context.emit(.log(CallRecord(time: context.now, call: past.request, event: .callbackFailed(failed))))
            return
        }
        let requested = context.now.mono &- age
        var since = requested &- Int64(clamping: past.waitMs) &* 1_000
        if let worth = settings.raiseAfter { since = since &- Int64(clamping: past.priority) &* Int64(worth) &* 1_000 }
        let rank = Rank(
            level: settings.raiseAfter == nil ? 0 &- past.priority : 0, since: since, serial: context.newSerial())
        context.callbacks[past.request] = Callback(
            request: past.request, group: past.group, rank: rank, skills: past.skills, caller: past.caller, uri: uri,
            from: past.from ?? context.directory.configuration.ownURI, fromDisplay: nil,
            line: context.directory.configuration.lines.first { $0.pattern == past.line },
            requested: EventTime(wall: past.requested.microseconds, mono: requested), attempts: past.attempts,
            calls: past.calls)
        _ = context.enqueue(Waiter(call: past.request, rank: rank, skills: past.skills), past.group)
        retry(past.request)
    }
}
