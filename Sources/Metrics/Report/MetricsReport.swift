/// The figures of a log: in total, and by the keys asked for.
public struct MetricsReport: Sendable {
    public struct Row: Sendable {
        /// The values of the keys, in the order asked; null where a thing belongs to none.
        public var key: [String?]
        var cell: Cell
        /// The row is of a verdict's code: no call is received with one.
        var isOfCode = false

        public subscript(_ figure: Figure) -> Figure.Value {
            isOfCode && figure.isOfReceived ? .none : figure.compute(cell)
        }
        /// A figure by its key; none also for an unknown one.
        public subscript(_ key: String) -> Figure.Value { Figure.named(key).map { self[$0] } ?? .none }
    }

    /// What reading the log met beside events of known types.
    public struct Input: Sendable {
        public var events = 0
        public var bytes = 0
        public var nodes: [String] = []
        /// Lines whose `seq` had been read before.
        public var repeated = 0
        /// Lines that came too late to be put in order: counted where they stood.
        public var late = 0
        /// Lines passed over whose number another event had, or of whose number nothing is known any more.
        public var dropped = 0
        /// Lines whose number lies far from all others.
        public var odd = 0
        /// Numbers that no line has: part of the log is missing.
        public var missing: UInt64 = 0
        /// Ends of files that hold no whole event.
        public var torn = 0
        /// Lines that are no event: where, and why. Only the first of them are kept.
        public var broken: [String] = []
        public var brokenCount = 0
        /// Event types of later versions: those met first by name, all others as `other`.
        public private(set) var unknownTypes: [String: Int] = [:]
        /// Files with the logs of several nodes that are not in the order of time.
        public var mixed: [String] = []

        private static let mostTypes = 100

        public init() {}

        mutating func noteUnknown(_ type: String) {
            let isKept = unknownTypes[type] != nil || unknownTypes.count < Self.mostTypes
            unknownTypes[isKept ? type : "other", default: 0] += 1
        }
    }

    public var options: MetricsOptions
    public var by: [GroupKey] { options.by }
    /// The percentage that a row's service level is to reach: the one asked for, else what the log says of the groups,
    /// where that is the same for all calls of the row.
    func target(of row: Row) -> Double? { options.target ?? row.cell.target.percent }
    /// Whether a row's service level reached its target; null without a target or a service level.
    func meetsTarget(_ row: Row) -> Bool? {
        guard let target = target(of: row) else { return nil }
        return row["service_level.percent"].real.map { $0 >= target }
    }
    /// The same in a format's words.
    func targetVerdict(_ row: Row, met: String = "true", missed: String = "false", none: String) -> String {
        meetsTarget(row).map { $0 ? met : missed } ?? none
    }
    /// Whether any row has a target.
    var isJudged: Bool { options.target != nil || ([total] + rows).contains { target(of: $0) != nil } }
    public var total: Row
    public var rows: [Row]
    public var input: Input
    /// The period: what was asked for, else the first and the last event; null for an empty log.
    public var from: String?
    public var to: String?
    /// The first and the last event, microseconds since 1970; 0 for an empty log.
    var firstWall: Int64 = 0
    var lastWall: Int64 = 0
    /// When the logs were being written, microseconds since 1970.
    var covered: [ClosedRange<Int64>] = []
}

extension MetricsReport {
    /// The rows of half hours put together to longer intervals: each thing counts where it began, so they add up.
    func joined(_ key: GroupKey) -> MetricsReport {
        var intervals = Intervals(timeZone: options.timeZone)
        let parser = MomentParser(timeZone: options.timeZone)
        var rows: [(start: Int64, cell: Cell)] = []
        for row in self.rows {
            guard let text = row.key.first.flatMap({ $0 }), let wall = parser.parse(text) else { continue }
            let start = intervals.range(key, at: CivilTime.floor(wall, 1_000_000)).lowerBound
            if let last = rows.last, last.start == start {
                rows[rows.count - 1].cell.add(row.cell)
            } else {
                rows.append((start, row.cell))
            }
        }
        var report = self
        report.options.by = [key]
        report.rows = rows.map { Row(key: [intervals.text($0.start)], cell: $0.cell) }
        return report
    }
}
