import CallEvents

// What concerns the service as a whole: its beginning to drain, its end, the log's health.
extension TransferEngine {
    /// Seconds after which a refused caller may try again: long enough for a restart, and for a disk to be cleared.
    private static var retryAfter: Int { 30 }

    /// SIGTERM (row 18). The first drains, the second ends at once, a third waits for nobody.
    mutating func terminate() {
        switch service {
        case .open:
            service = .draining
            context.emit(.accepting(false, retryAfter: Self.retryAfter))
            context.emit(
                .log(CallRecord(time: context.now, event: .serviceStopping(ServiceStopping(reason: "terminate")))))
            let timer = context.newTimer()
            drainTimer = timer
            context.emit(.startTimer(timer, milliseconds: max(0, context.directory.transfer.drainTimeout)))
        case .draining: endAll()
        case .ending:
            dropCallbacks()
            context.logEverybodyOut()
            service = .finished
            context.emit(.finished)
        case .finished: break
        }
    }

    mutating func endAll() {
        guard service == .draining else { return }
        service = .ending
        if let drainTimer {
            context.emit(.stopTimer(drainTimer))
            self.drainTimer = nil
        }
        for call in inOrder { with(call: call.id) { $0.shutDown(.normal, sipStatus: 503, &$1) } }
        endCodes()
    }

    mutating func finishIfDone() {
        guard service == .draining || service == .ending, byID.isEmpty, codeCalls.isEmpty else { return }
        dropCallbacks()
        context.logEverybodyOut()
        if let drainTimer { context.emit(.stopTimer(drainTimer)) }
        drainTimer = nil
        service = .finished
        context.emit(.finished)
    }

    mutating func setLogHealth(_ writable: Bool) {
        guard writable != isLogWritable else { return }
        isLogWritable = writable
        if service == .open { context.emit(.accepting(writable, retryAfter: writable ? nil : Self.retryAfter)) }
    }

    func refuse(_ invitation: Invitation, _ sipStatus: Int) -> (Effect, CallRecord?) {
        let effect = Effect.refuse(
            handle: invitation.handle, sipStatus: sipStatus, retryAfter: sipStatus == 503 ? Self.retryAfter : nil)
        let record = refusal(
            from: invitation.assertedIdentity ?? invitation.from, to: invitation.to, sipStatus: sipStatus)
        return (effect, record)
    }

    mutating func recordRefused(from: String, to: String, sipStatus: Int) {
        if let record = refusal(from: from, to: to, sipStatus: sipStatus) { context.emit(.log(record)) }
    }

    /// Null while the log cannot be written: refused INVITEs are only counted then.
    private func refusal(from: String, to: String, sipStatus: Int) -> CallRecord? {
        guard isLogWritable else { return nil }
        return CallRecord(
            time: context.now,
            event: .callRefused(
                CallRefused(from: from, to: to, sipStatus: sipStatus, cause: Causes.refusal(sipStatus))))
    }
}
