import CallEvents
import Foundation

/// `warmline staffing [PATH…]`: how many agents it takes.
public struct StaffingCommand: Sendable {
    public var paths: [String]
    var staffing = Staffing()
    var options = MetricsOptions(by: [.halfHour])
    var json: Bool

    /// - Throws: `UsageError` for a target, shrinkage or time zone that is none.
    public init(
        paths: [String], target: String? = nil, shrinkage: String? = nil, timeZone: String? = nil, json: Bool = false
    ) throws(UsageError) {
        self.paths = paths
        self.json = json
        if let target {
            let parts = target.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2, let percent = Double(parts[0]), percent > 0, percent < 100,
                let seconds = Double(parts[1]), seconds >= 0, seconds < 86_400
            else { throw UsageError("--target: \"\(target)\" is not like 80/20: percent below 100, seconds") }
            staffing.target = percent / 100
            staffing.threshold = seconds
        }
        if let shrinkage {
            guard let percent = Double(shrinkage), percent >= 0, percent < 100 else {
                throw UsageError("--shrinkage: \"\(shrinkage)\" is not a percentage below 100")
            }
            staffing.shrinkage = percent / 100
        }
        if let timeZone { options.timeZone = try MetricsCommand.zone(timeZone) }
    }

    /// - Returns: the exit status: 2 when a path is no log.
    public func run(out: (String) -> Void, err: (String) -> Void) -> Int32 {
        do {
            let report = try MetricsReport.read(paths: paths, options: options)
            let patience = Staffing.patience(report)
            let rows = staffing.rows(report)
            if json { out(Self.json(rows, patience)) } else { Self.table(rows, patience).forEach(out) }
            report.input.broken.forEach(err)
            return report.input.brokenCount == 0 ? 0 : 1
        } catch {
            err("warmline staffing: \(error)")
            return 2
        }
    }

    private static func table(_ rows: [Staffing.Row], _ patience: Double?) -> [String] {
        var table = [["day", "from", "calls", "handle", "Erlang", "C", "A", "with shrinkage", "were there"]]
        for row in rows {
            table.append([
                row.slot.day, row.slot.time, tenths(row.slot.arrivals), DurationText.short(row.handle * 1000),
                tenths(row.load), String(row.erlangC), row.erlangA.map { String($0) } ?? "-", String(row.scheduled),
                tenths(row.slot.present),
            ])
        }
        let widths = table[0].indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        let lines = table.map { row in
            row.enumerated().map { column, text in
                String(repeating: " ", count: widths[column] - text.count) + text
            }.joined(separator: "  ")
        }
        let patience = patience.map { "mean patience \(DurationText.short($0 * 1000))" } ?? "nobody lost patience"
        return lines + ["\(patience); all groups together, as if everybody took every call"]
    }

    private static func tenths(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func json(_ rows: [Staffing.Row], _ patience: Double?) -> String {
        var object = JSONText()
        object.raw("patience_s", patience.map(Figure.decimal) ?? "null")
        let slots = rows.map { row in
            var object = JSONText()
            object.field("weekday", row.slot.day)
            object.field("from", row.slot.time)
            object.raw("arrivals", Figure.decimal(row.slot.arrivals))
            object.raw("handle_s", Figure.decimal(row.handle))
            object.raw("load_erlang", Figure.decimal(row.load))
            object.field("erlang_c", row.erlangC)
            object.field("erlang_a", row.erlangA)
            object.field("scheduled", row.scheduled)
            object.raw("present", Figure.decimal(row.slot.present))
            return object.closed()
        }
        object.raw("slots", "[" + slots.joined(separator: ",") + "]")
        return object.closed()
    }
}
