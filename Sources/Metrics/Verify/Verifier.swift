import CallEvents

/// Holds a log against its rules, event by event in the order of each node's log. Memory grows with the calls that are
/// open, or ended within the last day (a verdict may still come), not with the log.
public struct Verifier {
    /// Whether the log is expected to be finished: what is still open at its end is a breach. A running controller's
    /// log has open calls.
    public var complete: Bool
    /// Events checked so far.
    public private(set) var events = 0
    /// Breaches found so far.
    public private(set) var breaches = 0
    private var nodes: [String: NodeBook] = [:]

    public init(complete: Bool = false) {
        self.complete = complete
    }

    /// Checks the next event of a node. `file` and `line` are where it stands, for the breaches.
    public mutating func check(_ event: LoggedEvent, file: String? = nil, line: Int? = nil) -> [Breach] {
        events += 1
        var findings = Findings()
        nodes[event.node, default: NodeBook()].check(event, &findings)
        return report(findings, node: event.node, event: event, file: file, line: line)
    }

    /// Checks what only the end of the log shows.
    public mutating func finish() -> [Breach] {
        var found: [Breach] = []
        for node in nodes.keys.sorted() {
            var findings = Findings()
            nodes[node]?.finish(complete: complete, &findings)
            found += report(findings, node: node, event: nil, file: nil, line: nil)
        }
        return found
    }

    private mutating func report(
        _ findings: Findings, node: String, event: LoggedEvent?, file: String?, line: Int?
    ) -> [Breach] {
        breaches += findings.list.count
        return findings.list.map {
            Breach(
                node: node, file: file, line: line, seq: event?.seq, call: $0.call ?? event?.call, rule: $0.rule,
                text: $0.text)
        }
    }

    /// Every breach of a log held in memory.
    public static func breaches(in events: [LoggedEvent], complete: Bool = true) -> [Breach] {
        var verifier = Verifier(complete: complete)
        var found: [Breach] = []
        for (index, event) in events.enumerated() { found += verifier.check(event, line: index + 1) }
        return found + verifier.finish()
    }

    /// Every breach of what an engine logged, numbered in the order given; what precedes the first number is not there.
    public static func breaches(
        in records: [CallRecord], node: String, from first: UInt64 = 1, complete: Bool = true
    ) -> [Breach] {
        breaches(
            in: records.enumerated().map { index, record in
                LoggedEvent(
                    seq: first + UInt64(index), node: node, time: record.time, call: record.call, event: record.event)
            }, complete: complete)
    }
}
