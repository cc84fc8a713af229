import CallEvents
import EventLog

/// Keeps the calls whose callers spent most time without a voice, waits and holds together. Of every call that is open it
/// keeps the lines, until it is known how long its caller waited.
struct SlowestCalls {
    private struct Kept {
        var call: UInt64
        var ms: Int64
        var lines: [[UInt8]]
    }

    private let limit: Int
    private let options: MetricsOptions
    /// The lines of calls that are open and will count.
    private var open: [UInt64: [[UInt8]]] = [:]
    /// The longest first.
    private var longest: [Kept] = []

    init(_ limit: Int, options: MetricsOptions) {
        self.limit = limit
        self.options = options
    }

    mutating func add(_ fact: Fact, _ line: UnsafeRawBufferPointer) {
        guard fact.call != 0, fact.type != .agentStateChanged else { return }
        if fact.type == .callArrived, fact.direction == options.direction, options.includes(fact.wall) {
            open[fact.call] = [Array(line)]
        } else if let index = open.index(forKey: fact.call) {
            open.values[index].append(Array(line))
            if fact.type == .callEnded { ended(fact, open.remove(at: index).value) }
        } else if let index = longest.firstIndex(where: { $0.call == fact.call }) {
            // What comes behind the end: a verdict, the end of a consult.
            longest[index].lines.append(Array(line))
        }
    }

    private mutating func ended(_ fact: Fact, _ lines: [[UInt8]]) {
        let ms = fact.length + fact.holdMs
        let place = longest.firstIndex { $0.ms < ms } ?? longest.count
        guard place < limit else { return }
        longest.insert(Kept(call: fact.call, ms: ms, lines: lines), at: place)
        if longest.count > limit { longest.removeLast() }
    }

    var timelines: [Timeline] {
        var parser = EventParser(isBounded: true)
        return longest.compactMap { kept in
            var events: [LoggedEvent] = []
            for line in kept.lines {
                let event = line.withUnsafeBytes { bytes in
                    (try? parser.parse(bytes)) == nil ? nil : try? parser.logged()
                }
                if let event { events.append(event) }
            }
            guard let id = events.first?.call else { return nil }
            return Timeline(call: id, events: events)
        }
    }
}
