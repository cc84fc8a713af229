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

    /// - Returns: the exit status: 1 when a line was no event, 2 when a path is no log.
    public func run(out: (String) -> Void, err: (String) -> Void) -> Int32 {
        do {
            var broken = 0
            var queue = QueueLog()
            var rows = CallRows()
            let chains = try LogChain.find(paths)
            if format == .csv { out(MetricsReport.line(CallRows.heading)) }
            for chain in chains {
                broken += try Self.read(chain, err) { event in
                    switch format {
                    case .queueLog: queue.lines(event).forEach(out)
                    case .csv: if let row = rows.row(event) { out(MetricsReport.line(row)) }
                    }
                }
            }
            return broken == 0 ? 0 : 1
        } catch {
            err("warmline export: \(error)")
            return 2
        }
    }

    /// Hands over each event once; returns how many lines were none.
    private static func read(
        _ chain: LogChain, _ err: (String) -> Void, _ body: (LoggedEvent) -> Void
    ) throws(InputError) -> Int {
        let reader = ChainReader(chain)
        var parser = EventParser()
        var last: UInt64 = 0
        var broken = 0
        while let line = try reader.next() {
            do {
                try parser.parse(line)
                guard parser.seq > last else { continue }
                last = parser.seq
                body(try parser.logged())
            } catch {
                if !reader.isWhole || reader.isLeft(after: last) {
                    if reader.isWhole { try reader.leaveFile() }
                    continue
                }
                broken += 1
                err("\(reader.file):\(reader.number): not an event: \(error)")
            }
        }
        return broken
    }
}
