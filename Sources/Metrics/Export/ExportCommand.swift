import CallEvents
import EventLog

/// `warmline export [PATH…]`: logs in the formats of other tools.
public struct ExportCommand: Sendable {
    public enum Format: String, CaseIterable, Sendable {
        case queueLog = "queue_log"
        case csv
    }

    public var paths: [String]
    public var format: Format

    /// - Throws: `UsageError` for an unknown format.
    public init(paths: [String], format: String? = nil) throws(UsageError) {
        self.paths = paths
        self.format = try MetricsCommand.word(format, "--format", .csv)
    }

    /// - Returns: the exit status: 1 when a line was no event or too far out of order, 2 when a path is no log.
    public func run(out: (String) -> Void, err: (String) -> Void) -> Int32 {
        do {
            var queue = QueueLog()
            var rows = CallRows()
            let chains = try LogChain.find(paths)
            if format == .csv { out(MetricsReport.line(CallRows.heading)) }
            var stream = EventStream()
            try stream.read(chains, err: err) { event in
                switch format {
                case .queueLog: queue.lines(event).forEach(out)
                case .csv: if let row = rows.row(event) { out(MetricsReport.line(row)) }
                }
            }
            return stream.broken == 0 ? 0 : 1
        } catch {
            err("warmline export: \(error)")
            return 2
        }
    }
}
