import CallEvents

/// A call's books: gives each event its instant, its numbers and its durations, in the order in which things were done.
///
/// When an event happened is either the instant of the input that caused it or, where the relay switched, the instant
/// of the switch, which only its report tells (`Input.routed`). **Rule:** events of a call are logged in the order in
/// which they were entered; one that waits for a report holds up those behind it; and none is ever earlier than the one
/// before it. The caller never waits for a report, only the log does.
struct Ledger: Codable, Sendable {
    /// When an entry happened.
    enum Stamp: Codable, Sendable, Equatable {
        case at(EventTime)
        /// At the instant of this report, which is still awaited; the switch was commanded at `asked`.
        case report(ReportID, asked: EventTime)
    }

    private struct Entry: Codable, Sendable {
        var event: CallEvent
        var stamp: Stamp
        var measured: LegID?
    }

    /// What `openCalls` and the books of the call need.
    var books: Books
    private var entries: [Entry] = []
    private let call: String
    private var last: EventTime?

    init(call: String) {
        self.call = call
        books = Books()
    }

    var isEmpty: Bool { entries.isEmpty }

    /// Enters an event whose durations and numbers the books fill in; returns what can be logged now.
    mutating func enter(_ event: CallEvent, _ stamp: Stamp, measured: LegID? = nil) -> [CallRecord] {
        entries.append(Entry(event: event, stamp: stamp, measured: measured))
        return drain()
    }

    /// A report came: its entries have their instant.
    mutating func resolve(_ report: ReportID, at time: EventTime) -> [CallRecord] {
        for index in entries.indices {
            if case .report(report, _) = entries[index].stamp { entries[index].stamp = .at(time) }
        }
        return drain()
    }

    /// A report that was due never came: its entries take the instant of the command.
    mutating func flush() -> [CallRecord] {
        for index in entries.indices {
            if case .report(_, let asked) = entries[index].stamp { entries[index].stamp = .at(asked) }
        }
        return drain()
    }

    private mutating func drain() -> [CallRecord] {
        guard let first = entries.first, case .at = first.stamp else { return [] }
        var records: [CallRecord] = []
        var done = 0
        for entry in entries {
            guard case .at(let time) = entry.stamp else { break }
            done += 1
            let instant = if let last, last.mono > time.mono { last } else { time }
            guard let event = books.complete(entry.event, at: instant) else { continue }
            last = instant
            records.append(CallRecord(time: instant, call: call, event: event, measured: entry.measured?.number))
        }
        entries.removeFirst(done)
        return records
    }
}
