import CallEvents
import EventLog

/// Reads logs of any number of nodes in the order of time and counts them: what there is, and later what has come since.
struct MetricsRun: ~Copyable {
    private static let brokenKept = 20
    /// How long an event waits for older ones of nodes that have said nothing since, in microseconds. Files of a node that
    /// come later than that still count, but an agent known to several nodes may then be credited with a state too long.
    private static let patience: Int64 = 2_000_000
    /// By how much, in microseconds, one node's event may stand behind a later one of another's in a file: more, and the
    /// file was not put in the order of time.
    private static let mixedTime: Int64 = 60_000_000

    private let main: Counter
    /// The same events, counted by other keys.
    private let others: [Counter]
    private var slowest: SlowestCalls?
    private var reader: FactReader
    private var finder: LogFinder
    private var sources: [Source] = []
    private var logs: [NodeLog] = []
    private var input = MetricsReport.Input()
    private var coverage = Coverage()

    /// - Parameters:
    ///   - others: further keys to count by in the same pass; none of them a target, a code or a skill.
    ///   - slowest: how many of the calls whose callers waited longest are kept.
    init(paths: [String] = [], options: MetricsOptions, others: [GroupKey] = [], slowest: Int = 0) {
        main = Counter(options)
        self.others = others.map { key in
            var options = options
            options.by = [key]
            options.countsSeconds = false
            return Counter(options)
        }
        self.slowest = slowest > 0 ? SlowestCalls(slowest, options: options) : nil
        reader = FactReader(wantsTargets: options.by.contains(.target), wantsCodes: options.by.contains(.code))
        finder = LogFinder(paths: paths)
    }

    /// A core in a place of its own.
    private final class Counter {
        var core: MetricsCore

        init(_ options: MetricsOptions) { core = MetricsCore(options: options) }
    }

    /// A node's log, and the event it has come to.
    private final class Source {
        let chain: ChainReader
        var fact = Fact()
        /// Whether that event has yet to be counted.
        var isWaiting = false
        /// The number of the line read last.
        var lastSeq: UInt64 = 0
        /// The log of that line's node: a file may hold those of several.
        var log: NodeLog?
        /// Logs of which lines that were held back have their turn.
        var ready: [NodeLog] = []
        /// The latest moment so far: what happened a little earlier does not go before other nodes' events.
        var time: Int64 = .min
        /// The log whose event was taken last, and whether another's lay far before it.
        var lastLog: NodeLog?
        var isMixed = false

        init(_ chain: LogChain) { self.chain = ChainReader(chain) }
    }

    /// What one node said, in whatever files it stands.
    private final class NodeLog {
        /// An event that waits for those before it.
        struct Held {
            var fact: Fact
            /// For the slowest calls.
            var line: [UInt8]
        }

        let node: Name
        var order = Sequencer<Held>()
        var clock = StepClock()

        init(_ node: Name) { self.node = node }
    }

    /// Counts what there is and has not been counted.
    /// - Parameter now: the present moment, for a log that is still being written: what has no newline yet is left alone,
    ///   and what other nodes may still be older than waits a while. Null: the logs are taken as they are.
    /// - Parameter broken: is told of each line that is no event.
    mutating func readOn(now: Int64? = nil, broken: (String) -> Void = { _ in }) throws(InputError) {
        for chain in try finder.find() {
            if let source = sources.first(where: { $0.chain.node == chain.node }) {
                source.chain.add(chain.files)
            } else {
                sources.append(Source(chain))
            }
        }
        let isLast = now == nil
        for source in sources where !source.isWaiting {
            source.isWaiting = try advance(source, isLast, broken)
        }
        while let first = earliest() {
            // As long as it stays first, which is always where there is but one.
            var limit = Int64.max
            for source in sources where source !== first {
                if source.isWaiting {
                    limit = min(limit, source.time)
                } else if let now {
                    limit = min(limit, max(source.time, now - Self.patience))
                }
            }
            if first.time > limit { return }
            repeat {
                count(first.fact)
                first.isWaiting = try advance(first, isLast, broken)
            } while first.isWaiting && first.time <= limit
        }
    }

    private func earliest() -> Source? {
        var first: Source?
        for source in sources where source.isWaiting && source.time < first?.time ?? .max { first = source }
        return first
    }

    private mutating func count(_ fact: Fact) {
        input.events += 1
        coverage.add(fact.wall)
        if main.core.skillSets.count != reader.skillSets.count {
            main.core.skillSets = reader.skillSets
            for other in others { other.core.skillSets = reader.skillSets }
        }
        main.core.add(fact)
        for other in others { other.core.add(fact) }
    }

    /// Reads on to the next event that is new.
    private mutating func advance(
        _ source: Source, _ isLast: Bool, _ broken: (String) -> Void
    ) throws(InputError) -> Bool {
        // In a place of its own: what is reached through a class is checked for other uses each time.
        var fact = Fact()
        while true {
            if let log = source.ready.last {
                if let held = log.order.pop() {
                    fact = held.fact
                    held.line.withUnsafeBytes { take(source, log, &fact, $0) }
                    return true
                }
                source.ready.removeLast()
                continue
            }
            guard let line = try source.chain.next(isLast: isLast) else {
                // What is still missing will not come, or is not there.
                for log in logs { log.order.flush() }
                source.ready = logs.filter(\.order.hasReady)
                if source.ready.isEmpty { return false }
                continue
            }
            do {
                try reader.read(line, into: &fact)
            } catch {
                if !source.chain.isWhole || source.chain.isLeft(after: source.lastSeq) {
                    input.torn += 1
                    if source.chain.isWhole { try source.chain.leaveFile() }
                    continue
                }
                input.brokenCount += 1
                let place = "\(source.chain.file):\(source.chain.number): not an event: \(error)"
                if input.broken.count < Self.brokenKept { input.broken.append(place) }
                broken(place)
                continue
            }
            let log = log(of: source, fact.node)
            let type = fact.type
            source.lastSeq = fact.seq
            let place = log.order.place(
                fact.seq, mark: fact.mark, opens: type == .logSegment || type == .serviceStarted,
                NodeLog.Held(fact: fact, line: slowest == nil ? [] : Array(line)))
            if place == .dropped { continue }
            if type == .other { input.noteUnknown(reader.typeName) }
            if place == .next {
                take(source, log, &fact, line)
                return true
            }
            if log.order.hasReady { source.ready.append(log) }
        }
    }

    private mutating func log(of source: Source, _ node: Name) -> NodeLog {
        if let log = source.log, log.node == node { return log }
        let log = logs.first { $0.node == node } ?? NodeLog(node)
        if !logs.contains(where: { $0 === log }) { logs.append(log) }
        source.log = log
        return log
    }

    /// The event is the source's next.
    private mutating func take(_ source: Source, _ log: NodeLog, _ fact: inout Fact, _ line: UnsafeRawBufferPointer) {
        fact.time = log.clock.time(of: fact)
        if source.lastLog !== log {
            if source.lastLog != nil, fact.time < source.time - Self.mixedTime, !source.isMixed {
                source.isMixed = true
                input.mixed.append(source.chain.file)
            }
            source.lastLog = log
        }
        source.time = max(source.time, fact.time)
        slowest?.add(fact, line)
        source.fact = fact
    }

    /// Counts events held in memory, as if they had been read, in the order given.
    mutating func count(_ events: [LoggedEvent]) throws(LineError) {
        var clocks: [Name: StepClock] = [:]
        for event in events {
            let line = Array(LineEncoder.line(event).utf8)
            let bytes = UnsafeMutableRawBufferPointer.allocate(
                byteCount: line.count + CanonicalScanner.slack, alignment: 8)
            defer { bytes.deallocate() }
            bytes.initializeMemory(as: UInt8.self, repeating: 0)
            bytes.copyBytes(from: line)
            var fact = Fact()
            try reader.read(UnsafeRawBufferPointer(rebasing: bytes[..<line.count]), into: &fact)
            fact.time = clocks[fact.node, default: StepClock()].time(of: fact)
            count(fact)
        }
        input.nodes = Set(events.map(\.node)).sorted()
    }

    /// Whether every line could be put where it belongs.
    var isInOrder: Bool {
        logs.allSatisfy { $0.order.counts.late + $0.order.counts.dropped == 0 && $0.order.gaps.odd == 0 }
    }

    /// The figures as they stand.
    func report() -> MetricsReport { report(of: &main.core) }

    /// The same by the further keys, in their order.
    func otherReports() -> [MetricsReport] { others.map { report(of: &$0.core) } }

    /// The calls whose callers waited longest, the longest first.
    var slowestCalls: [Timeline] { slowest?.timelines ?? [] }

    private func report(of core: inout MetricsCore) -> MetricsReport {
        let counts = core.snapshot()
        var rows: [(order: CellKey, row: MetricsReport.Row)] = []
        for (key, cell) in zip(counts.keys, counts.cells) {
            let isOfCode = core.options.by.contains(.code)
            rows.append((key, MetricsReport.Row(key: text(key, &core), cell: cell, isOfCode: isOfCode)))
        }
        rows.sort { Self.before($0, $1, core.options.by) }
        var options = core.options
        options.thresholds = [options.serviceLevel] + core.thresholds.map(Int.init)
        // What was asked for, else the log's own; never an end before its beginning.
        let isEmpty = core.firstWall == nil
        let from = options.since ?? core.firstWall.flatMap { $0 < options.until ?? .max ? $0 : nil }
        let to = options.until ?? (isEmpty || core.lastWall < options.since ?? .min ? nil : core.lastWall)
        func moment(_ wall: Int64) -> String { core.intervals.text(CivilTime.floor(wall, 1_000_000)) }
        var input = input
        if !sources.isEmpty {
            input.nodes = Set(sources.map(\.chain.node) + logs.map { reader.names.text($0.node) ?? "" }).sorted()
        }
        for log in logs {
            input.repeated += log.order.counts.repeated
            input.late += log.order.counts.late
            input.dropped += log.order.counts.dropped
            input.missing += log.order.gaps.missing
            input.odd += log.order.gaps.odd
        }
        input.bytes = sources.reduce(0) { $0 + $1.chain.bytes }
        return MetricsReport(
            options: options, total: MetricsReport.Row(key: [], cell: counts.total), rows: rows.map(\.row),
            input: input,
            from: from.map { moment($0) }, to: to.map { moment($0) }, firstWall: core.firstWall ?? 0,
            lastWall: core.firstWall == nil ? 0 : core.lastWall, covered: coverage.times)
    }

    private func text(_ key: CellKey, _ core: inout MetricsCore) -> [String?] {
        var texts: [String?] = []
        for (index, by) in core.options.by.enumerated() {
            let value = key.values[index]
            texts.append(
                by.isInterval ? core.intervals.text(value) : reader.names.text(Name(number: Int32(value))))
        }
        return texts
    }

    /// Intervals in the order of time, names in that of the alphabet, none last.
    private static func before(
        _ a: (order: CellKey, row: MetricsReport.Row), _ b: (order: CellKey, row: MetricsReport.Row), _ by: [GroupKey]
    ) -> Bool {
        for (index, by) in by.enumerated() {
            if by.isInterval {
                let (x, y) = (a.order.values[index], b.order.values[index])
                if x != y { return x < y }
            } else {
                let (x, y) = (a.row.key[index], b.row.key[index])
                if x != y { return x.map { x in y.map { x < $0 } ?? true } ?? false }
            }
        }
        return false
    }
}

extension MetricsReport {
    /// The figures of the logs at the paths: directories of segments or files, of any number of nodes.
    public static func read(paths: [String], options: MetricsOptions = MetricsOptions()) throws(InputError)
        -> MetricsReport
    {
        var run = MetricsRun(paths: paths, options: options)
        try run.readOn()
        return run.report()
    }

    /// The figures of a log held in memory.
    public static func count(
        _ events: [LoggedEvent], options: MetricsOptions = MetricsOptions()
    ) throws(LineError) -> MetricsReport {
        var run = MetricsRun(options: options)
        try run.count(events)
        return run.report()
    }
}
