import CallEvents
import EventLog
import TransferEngine

/// How much `serve` says on stderr.
public enum LogLevel: String, CaseIterable, Sendable {
    /// Start, stop, the log's health.
    case notice
    /// And a line for each event of the log.
    case info
    /// And a line for everything that a leg does, or is told to do.
    case debug
}

/// Says on stderr what happens, a line each, with the call that it belongs to. The engine thread only queues; a thread
/// of its own makes text of it and writes, so that a terminal that stands still holds up nobody.
final class Happenings: @unchecked Sendable {
    /// What waits to be written; what comes on top of it is counted instead.
    private static let mostWaiting = 10_000

    private enum Item: Sendable {
        case event(CallRecord)
        case input(Input)
        case effect(Effect)
    }

    private struct Entry: Sendable {
        var time: EventTime
        var call: String?
        var item: Item
    }

    private let isDebug: Bool
    private let say: @Sendable (String) -> Void
    private let monitor = Monitor()
    // Guarded by `monitor`.
    private var entries: [Entry] = []
    private var dropped = 0
    private var isStopping = false
    private var thread: JoinableThread?
    // The engine thread's own: to which call a leg, or a report that is awaited, belongs.
    private var calls: [LegID: String] = [:]
    private var reports: [ReportID: String] = [:]

    /// Null for `notice`, which is said where it happens.
    init?(level: LogLevel, say: @escaping @Sendable (String) -> Void) {
        guard level != .notice else { return nil }
        isDebug = level == .debug
        self.say = say
        thread = startThread("happenings") { [self] in write() }
    }

    /// Returns when all has been written.
    func stop() {
        monitor.lock()
        isStopping = true
        monitor.broadcast()
        monitor.unlock()
        thread?.join()
    }

    func note(_ record: CallRecord) { add(Entry(time: record.time, call: record.call, item: .event(record))) }

    func note(_ input: Input, arriving: String?, at time: EventTime) {
        guard isDebug else { return }
        switch input {
        case .timer: return
        case .invite: add(Entry(time: time, call: arriving, item: .input(input)))
        case .legEnded(let leg, _):
            add(Entry(time: time, call: calls.removeValue(forKey: leg), item: .input(input)))
        case .routed(let report), .toneEnded(let report):
            add(Entry(time: time, call: reports.removeValue(forKey: report), item: .input(input)))
        case .command(_, let command): add(Entry(time: time, call: command.call, item: .input(input)))
        default: add(Entry(time: time, call: input.leg.flatMap { calls[$0] }, item: .input(input)))
        }
    }

    func note(_ effect: Effect, arriving: String?, at time: EventTime) {
        guard isDebug else { return }
        switch effect {
        case .startTimer, .stopTimer, .log, .reply, .accepting: return
        case .adopt(let leg, _, let call): calls[leg] = call ?? arriving
        case .invite(let leg, let invite): calls[leg] = invite.call
        case .route(_, let report) where report != .none: reports[report] = effect.leg.flatMap { calls[$0] }
        case .announce(let leg, _, let report): reports[report] = calls[leg]
        case .tone(let leg, _, let report?): reports[report] = calls[leg]
        default: break
        }
        add(Entry(time: time, call: effect.leg.flatMap { calls[$0] }, item: .effect(effect)))
    }

    private func add(_ entry: Entry) {
        monitor.lock()
        if entries.count < Self.mostWaiting {
            entries.append(entry)
            if entries.count == 1 { monitor.broadcast() }
        } else {
            dropped += 1
        }
        monitor.unlock()
    }

    private func write() {
        var batch: [Entry] = []
        while true {
            monitor.lock()
            while entries.isEmpty, !isStopping { monitor.wait(microseconds: nil) }
            swap(&batch, &entries)
            let lost = dropped
            dropped = 0
            monitor.unlock()
            if batch.isEmpty { return }
            for entry in batch { say(text(entry)) }
            if lost > 0 { say("\(lost) happenings were not written: stderr is too slow") }
            batch.removeAll(keepingCapacity: true)
        }
    }

    private func text(_ entry: Entry) -> String {
        let what =
            switch entry.item {
            case .event(let record): EventWords.text(of: record.event)
            case .input(let input): input.text
            case .effect(let effect): effect.text
            }
        return "\(entry.time.wallTime.timestamp) \(entry.call ?? "-") \(what)"
    }
}

/// An event's type and fields as words, without those that are null.
private struct EventWords: FieldVisitor {
    private var words: [String] = []

    static func text(of event: CallEvent) -> String {
        var event = event
        var visitor = EventWords()
        event.visit(&visitor)
        return ([event.type] + visitor.words).joined(separator: " ")
    }

    private mutating func add(_ key: StaticString, _ value: String) {
        let isPlain = !value.isEmpty && !value.contains { $0 == " " || $0 == "\"" || $0.isNewline }
        words.append("\(key)=\(isPlain ? value : JSONValue.string(value).line)")
    }

    mutating func field(_ key: StaticString, _ value: inout String) { add(key, value) }
    mutating func field(_ key: StaticString, _ value: inout String?) { if let value { add(key, value) } }
    mutating func field(_ key: StaticString, _ value: inout Int) { add(key, String(value)) }
    mutating func field(_ key: StaticString, _ value: inout Int?) { if let value { add(key, String(value)) } }
    mutating func field(_ key: StaticString, _ value: inout Bool) { add(key, String(value)) }
    mutating func field(_ key: StaticString, _ value: inout Bool?) { if let value { add(key, String(value)) } }
    mutating func field(_ key: StaticString, _ value: inout [String]) { add(key, value.joined(separator: ",")) }
    mutating func field(_ key: StaticString, _ value: inout WallTime) { add(key, value.timestamp) }
    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value) { add(key, value.rawValue) }
    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value?) {
        if let value { add(key, value.rawValue) }
    }
}
