import CallEvents
import EventLog
import EventLog

/// The figures of logs in one of the formats, brought up to date with what is written to the logs: each event is counted
/// once, however often the figures are asked for. Used by one thread at a time.
public final class MetricsFeed {
    private let format: MetricsCommand.Format
    private let refresh: Double?
    private var run: MetricsRun
    /// Lines so far that were no event.
    public private(set) var brokenCount = 0

    /// Whether every line could be put where it belongs.
    public var isInOrder: Bool { run.isInOrder }

    /// - Parameters:
    ///   - paths: directories of segments, or files, of any number of nodes.
    ///   - options: as `MetricsCommand` has them.
    ///   - refresh: seconds after which a browser loads a page again; null: never.
    public init(
        paths: [String], options: MetricsOptions, format: MetricsCommand.Format, refresh: Double? = nil
    ) {
        self.format = format
        self.refresh = refresh
        var options = options
        if format == .prometheus || format == .html { options.countsSeconds = true }
        if format == .html { options.by = [] }
        run =
            format == .html
            ? MetricsRun(
                paths: paths, options: options, others: HTMLReport.keys, slowest: HTMLReport.slowestShown)
            : MetricsRun(paths: paths, options: options)
    }

    /// Counts what there is and has not been counted.
    /// - Parameters:
    ///   - isGrowing: the logs are still being written: a line that has no newline yet is left for later.
    ///   - broken: is told, with file and line number, of each line that is no event.
    public func readOn(isGrowing: Bool = true, broken: (String) -> Void = { _ in }) throws(InputError) {
        try run.readOn(now: isGrowing ? EventTime.now().wall : nil) { place in
            brokenCount += 1
            broken(place)
        }
    }

    /// The figures as they stand, line by line without newlines.
    /// - Parameter colour: whether a table may use a terminal's colours.
    public func lines(colour: Bool = false) -> [String] {
        let report = run.report()
        switch format {
        case .table: return report.table(colour: colour)
        case .json: return [report.json()]
        case .csv: return report.csv()
        case .prometheus: return report.prometheus()
        case .html:
            let page = HTMLReport(total: report, others: run.otherReports(), slowest: run.slowestCalls)
            return [page.page(refresh: refresh)]
        }
    }

    /// Writes the figures to a file: who reads it finds the old content or the new, never a part.
    public func write(to path: String) throws(InputError) {
        try AtomicFile.write(lines().map { $0 + "\n" }.joined(), to: path)
    }
}
