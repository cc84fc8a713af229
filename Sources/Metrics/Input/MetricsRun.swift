import CallEvents
import EventLog

/// Reads logs of any number of nodes in the order of time and counts them.
struct MetricsRun: ~Copyable {
    private static let brokenKept = 20

    private var core: MetricsCore
    private var reader: FactReader
    private var input = MetricsReport.Input()

    init(options: MetricsOptions) {
        core = MetricsCore(options: options)
        reader = FactReader(wantsTargets: options.by.contains(.target), wantsCodes: options.by.contains(.code))
    }

    /// A node's log, and the event it has come to.
    private final class Source {
        let chain: ChainReader
        var fact = Fact()
        var lastSeq: UInt64 = 0
        /// The latest moment so far: a clock that steps back does not put the other nodes' events first.
        var wall: Int64 = .min

        init(_ chain: LogChain) { self.chain = ChainReader(chain) }
    }

    /// Counts the logs at the paths.
    static func report(paths: [String], options: MetricsOptions) throws(InputError) -> MetricsReport {
        var run = MetricsRun(options: options)
        let chains = try LogChain.find(paths)
        run.input.nodes = chains.map(\.node)
        var sources: [Source] = []
        for chain in chains {
            let source = Source(chain)
            if try run.advance(source) { sources.append(source) } else { run.input.bytes += source.chain.bytes }
        }
        while !sources.isEmpty {
            var first = 0
            for index in sources.indices where sources[index].wall < sources[first].wall { first = index }
            // As long as it stays first, which is always where there is but one.
            let limit = sources.indices.filter { $0 != first }.map { sources[$0].wall }.min() ?? .max
            let source = sources[first]
            repeat {
                run.count(source.fact)
                if try !run.advance(source) {
                    run.input.bytes += source.chain.bytes
                    sources.remove(at: first)
                    break
                }
            } while source.wall <= limit
        }
        return run.finish()
    }

    /// Counts events held in memory, as if they had been read: node by node in their order, merged by time.
    static func report(events: [LoggedEvent], options: MetricsOptions) throws(LineError) -> MetricsReport {
        var run = MetricsRun(options: options)
        run.input.nodes = Set(events.map(\.node)).sorted()
        for event in events {
            let line = Array(LineEncoder.line(event).utf8)
            let bytes = UnsafeMutableRawBufferPointer.allocate(
                byteCount: line.count + CanonicalScanner.slack, alignment: 8)
            defer { bytes.deallocate() }
            bytes.initializeMemory(as: UInt8.self, repeating: 0)
            bytes.copyBytes(from: line)
            var fact = Fact()
            try run.reader.read(UnsafeRawBufferPointer(rebasing: bytes[..<line.count]), into: &fact)
            run.count(fact)
        }
        return run.finish()
    }

    private mutating func count(_ fact: Fact) {
        input.events += 1
        if core.skillSets.count != reader.skillSets.count { core.skillSets = reader.skillSets }
        core.add(fact)
    }

    /// Reads on to the next event that is new.
    private mutating func advance(_ source: Source) throws(InputError) -> Bool {
        while let line = try source.chain.next() {
            do {
                try reader.read(line, into: &source.fact)
            } catch {
                if !source.chain.isWhole || source.chain.isLeft(after: source.lastSeq) {
                    input.torn += 1
                    if source.chain.isWhole { try source.chain.leaveFile() }
                    continue
                }
                input.brokenCount += 1
                if input.broken.count < Self.brokenKept {
                    input.broken.append("\(source.chain.file):\(source.chain.number): not an event: \(error)")
                }
                continue
            }
            let seq = source.fact.seq
            if seq <= source.lastSeq {
                input.repeated += 1
                continue
            }
            if source.fact.type == .other { input.unknownTypes[reader.typeName, default: 0] += 1 }
            if source.lastSeq > 0 { input.missing += seq - source.lastSeq - 1 }
            source.lastSeq = seq
            source.wall = max(source.wall, source.fact.wall)
            return true
        }
        return false
    }

    private mutating func finish() -> MetricsReport {
        core.finish()
        var rows: [(order: CellKey, row: MetricsReport.Row)] = []
        for (key, cell) in zip(core.cellKeys, core.cells) {
            rows.append((key, MetricsReport.Row(key: text(key), cell: cell)))
        }
        rows.sort { before($0, $1) }
        var options = core.options
        options.thresholds = [options.serviceLevel] + core.thresholds.map(Int.init)
        let from = options.since ?? core.firstWall
        let to = options.until ?? (core.firstWall == nil ? nil : core.lastWall)
        return MetricsReport(
            options: options, total: MetricsReport.Row(key: [], cell: core.total), rows: rows.map(\.row), input: input,
            from: from.map { moment($0) }, to: to.map { moment($0) }, firstWall: core.firstWall ?? 0,
            lastWall: core.firstWall == nil ? 0 : core.lastWall)
    }

    private mutating func moment(_ wall: Int64) -> String {
        core.intervals.text(CivilTime.floor(wall, 1_000_000))
    }

    private mutating func text(_ key: CellKey) -> [String?] {
        var texts: [String?] = []
        for (index, by) in core.options.by.enumerated() {
            let value = key.values[index]
            texts.append(
                by.isInterval ? core.intervals.text(value) : reader.names.text(Name(number: Int32(value))))
        }
        return texts
    }

    /// Intervals in the order of time, names in that of the alphabet, none last.
    private func before(
        _ a: (order: CellKey, row: MetricsReport.Row), _ b: (order: CellKey, row: MetricsReport.Row)
    ) -> Bool {
        for (index, by) in core.options.by.enumerated() {
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
        try MetricsRun.report(paths: paths, options: options)
    }

    /// The figures of a log held in memory.
    public static func count(
        _ events: [LoggedEvent], options: MetricsOptions = MetricsOptions()
    ) throws(LineError) -> MetricsReport {
        try MetricsRun.report(events: events, options: options)
    }
}
