import CallEvents

/// What the log has said of one call-back, as far as its rules need it: asked for once, dialled so many times, each try
/// ended before the next, and with one end at most. What is still to be made when a log ends, the next run goes on with.
struct CallbackBook {
    /// Null where the log begins later.
    var opening: CallbackRequested?
    /// On the monotonic clock of that run.
    var requested: Int64 = 0
    var run: Int
    /// The try made last; null until one is seen of a call-back whose request is not in the log.
    var lastAttempt: Int?
    /// The try that is under way, and the call in which it is made.
    var attempt: (call: String, number: Int)?
    var isOver = false

    init(_ fields: CallbackRequested, at mono: Int64, run: Int) {
        opening = fields
        requested = mono
        lastAttempt = 0
        self.run = run
    }

    init(run: Int) { self.run = run }

    mutating func check(_ fields: CallbackStarted, call: String, at mono: Int64, run: Int, _ findings: inout Findings) {
        follows("callback.started", fields.group, fields.caller, &findings)
        if !call.hasPrefix("\(fields.request)-c") {
            findings.add(.envelope, "the call's id does not begin with that of its request \(fields.request)")
        }
        if let attempt { findings.add(.opening, "attempt \(attempt.number) of the call-back is still open") }
        CallBook.count("attempt", fields.attempt, after: &lastAttempt, &findings)
        attempt = (call, fields.attempt)
        checkLength(fields.sinceMs, at: mono, run, &findings)
    }

    mutating func check(_ fields: CallbackCompleted, call: String, at mono: Int64, run: Int, _ findings: inout Findings)
    {
        follows("callback.completed", fields.group, fields.caller, &findings)
        end(fields.attempt, of: call, &findings)
        checkLength(fields.sinceMs, at: mono, run, &findings)
        isOver = true
    }

    /// A try failed, or, said in the call in which it was asked for, no further one is made.
    mutating func check(_ fields: CallbackFailed, call: String, _ findings: inout Findings) {
        follows("callback.failed", fields.group, fields.caller, &findings)
        if call == fields.request {
            if !fields.isFinal { findings.add(.fields, "given up, but final is false") }
            if let attempt { findings.add(.closing, "given up while attempt \(attempt.number) is open") }
            if let lastAttempt {
                findings.equal(.numbering, "attempt", found: fields.attempt, expected: lastAttempt)
            }
        } else {
            end(fields.attempt, of: call, &findings)
        }
        if fields.isFinal { isOver = true }
    }

    /// The call in which a try was made is over.
    mutating func ended(_ cause: Cause, _ findings: inout Findings) {
        guard let attempt else { return }
        // Of a process that died nobody says how the try ended; the next run counts it.
        if cause != .lost { findings.add(.closing, "attempt \(attempt.number) of the call-back has no end") }
        self.attempt = nil
    }

    private mutating func end(_ number: Int, of call: String, _ findings: inout Findings) {
        if let attempt {
            if attempt.call != call { findings.add(.closing, "attempt \(attempt.number) was made in \(attempt.call)") }
            findings.equal(.numbering, "attempt", found: number, expected: attempt.number)
        } else if opening != nil {
            findings.add(.closing, "attempt \(number) of the call-back ended without being open")
        }
        attempt = nil
        lastAttempt = max(number, lastAttempt ?? number)
    }

    private func follows(_ type: String, _ group: String, _ caller: String?, _ findings: inout Findings) {
        if isOver { findings.add(.afterEnd, "\(type) after the call-back's end") }
        guard let opening else { return }
        findings.equal(.fields, "group", found: group, expected: opening.group)
        findings.equal(.fields, "caller", found: caller, expected: opening.caller)
    }

    /// A later run may be of another boot, and tells by the wall clock how long ago it was.
    private func checkLength(_ since: Int, at mono: Int64, _ run: Int, _ findings: inout Findings) {
        CallBook.length(
            "since_ms", since, from: opening != nil && run == self.run ? requested : nil, to: mono, &findings)
    }
}

/// The call-backs of one node.
struct CallbackBooks {
    private var books: [String: CallbackBook] = [:]
    /// The request of each call in which a try is under way.
    private var attempts: [String: String] = [:]

    /// - Parameter isWhole: the log begins with the node's first event.
    /// - Returns: whether the event needs no call that is known: a call-back may be given up long after its call.
    mutating func check(_ event: LoggedEvent, call: String, run: Int, isWhole: Bool, _ findings: inout Findings) -> Bool
    {
        let mono = event.time.monoMilliseconds
        switch event.event {
        case .callbackRequested(let fields):
            if books[call] != nil { findings.add(.opening, "a call-back was asked for twice") }
            books[call] = CallbackBook(fields, at: mono, run: run)
        case .callbackStarted(let fields):
            attempts[call] = fields.request
            find(fields.request, "callback.started", run, isWhole, &findings)
            books[fields.request]?.check(fields, call: call, at: mono, run: run, &findings)
        case .callbackCompleted(let fields):
            attempts[call] = nil
            find(fields.request, "callback.completed", run, isWhole, &findings)
            books[fields.request]?.check(fields, call: call, at: mono, run: run, &findings)
        case .callbackFailed(let fields):
            attempts[call] = nil
            // Refused at once: it was never promised.
            if call == fields.request, fields.attempt == 0, fields.cause == .notAllowed, books[call] == nil { break }
            find(fields.request, "callback.failed", run, isWhole, &findings)
            books[fields.request]?.check(fields, call: call, &findings)
            return true
        case .callEnded(let fields):
            if let request = attempts.removeValue(forKey: call) { books[request]?.ended(fields.cause, &findings) }
        default: break
        }
        return false
    }

    private mutating func find(
        _ request: String, _ type: String, _ run: Int, _ isWhole: Bool, _ findings: inout Findings
    ) {
        guard books[request] == nil else { return }
        if isWhole { findings.add(.opening, "\(type) of a call-back that was never asked for: \(request)") }
        books[request] = CallbackBook(run: run)
    }

    /// The call is long over: so is its call-back, unless this run still has to make it.
    mutating func forget(_ call: String, run: Int) {
        if let book = books[call], book.isOver || book.run < run { books[call] = nil }
    }
}
