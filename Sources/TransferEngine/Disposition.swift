import CallEvents

/// What a verdict needs of a call that has ended.
struct EndedCall: Codable, Sendable {
    var agent: String?
    var group: String?
    var line: String?
    var arrived: WallTime
    var verdict: Bool?
    /// On the monotonic clock.
    var ended: Int64
}

/// The calls that ended within a day, for verdicts that come later.
struct EndedCalls: Codable, Sendable {
    /// How long a verdict is taken, in microseconds.
    static let verdictTime: Int64 = 86_400_000_000
    /// About 50 MB.
    private static var most: Int { 200_000 }

    private var calls: [String: EndedCall] = [:]
    /// In the order of their ends; those before `head` are forgotten.
    private var order: [String] = []
    private var head = 0

    subscript(id: String, at time: EventTime) -> EndedCall? {
        guard let call = calls[id], time.mono &- call.ended <= Self.verdictTime else { return nil }
        return call
    }

    mutating func add(_ id: String, _ call: EndedCall) {
        if calls.updateValue(call, forKey: id) == nil { order.append(id) }
        while head < order.count,
            order.count - head > Self.most
                || (calls[order[head]].map { call.ended &- $0.ended > Self.verdictTime } ?? true)
        {
            calls[order[head]] = nil
            head += 1
        }
        if head > 4096, head * 2 > order.count {
            order.removeFirst(head)
            head = 0
        }
    }

    mutating func setVerdict(_ id: String, _ verdict: Bool) { calls[id]?.verdict = verdict }
}

extension Context {
    /// Null when the group knows the code; else why it is refused. Where there is no group, or it has no dispositions,
    /// any group's code will do, and where none has any, every code.
    func refusal(ofCode code: String?, group: String?) -> String? {
        guard let code else { return nil }
        var known = group.flatMap(directory.group)?.dispositions ?? []
        if known.isEmpty { known = directory.configuration.groups.flatMap(\.dispositions) }
        guard !known.isEmpty, !known.contains(where: { $0.code == code }) else { return nil }
        var codes: [String] = []
        for code in known.map(\.code) where !codes.contains(code) { codes.append(code) }
        return "no such code: \(code) (\(codes.joined(separator: ", ")))"
    }

    /// What a digit means in a group.
    func disposition(_ digit: Character, group: String?) -> GroupSettings.Disposition? {
        group.flatMap(directory.group)?.dispositions.first { $0.digit == String(digit) }
    }
}

extension Call {
    /// A verdict while the call is on.
    mutating func resolve(
        _ resolved: Bool, code: String?, note: String?, by: DispositionBy = .agent, _ context: inout Context
    ) -> CommandResult {
        if let refusal = context.refusal(ofCode: code, group: group) { return .refused(refusal) }
        record(
            .callDisposition(
                CallDisposition(
                    agent: lastAgent, group: group, line: line?.pattern,
                    arrived: (ledger.books.arrived ?? phaseSince).wallTime, resolved: resolved, previous: verdict,
                    by: by, code: code, note: context.directory.configuration.logNotes ? note : nil)),
            &context)
        verdict = resolved
        return .done
    }

    /// What is kept of it when it is forgotten.
    func kept(at time: EventTime) -> EndedCall {
        EndedCall(
            agent: lastAgent, group: group, line: line?.pattern,
            arrived: (ledger.books.arrived ?? phaseSince).wallTime, verdict: verdict,
            ended: ledger.books.ended?.mono ?? time.mono)
    }
}

extension TransferEngine {
    /// A verdict on a call, on or ended.
    mutating func resolve(
        _ id: String, _ resolved: Bool, code: String?, note: String?, agent: String? = nil
    ) -> CommandResult {
        if byID[id] != nil {
            var result = CommandResult.done
            with(call: id) { result = $0.resolve(resolved, code: code, note: note, &$1) }
            return result
        }
        guard let call = ended[id, at: context.now] else { return .unknownCall(id) }
        if let refusal = context.refusal(ofCode: code, group: call.group) { return .refused(refusal) }
        context.emit(
            .log(
                CallRecord(
                    time: context.now, call: id,
                    event: .callDisposition(
                        CallDisposition(
                            agent: agent ?? call.agent, group: call.group, line: call.line, arrived: call.arrived,
                            resolved: resolved, previous: call.verdict, by: .agent, code: code,
                            note: context.directory.configuration.logNotes ? note : nil)))))
        ended.setVerdict(id, resolved)
        return .done
    }

    /// The group of a call, on or ended.
    func group(ofCall id: String) -> String? { byID[id]?.group ?? ended[id, at: context.now]?.group }
}
