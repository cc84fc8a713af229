import CallEvents
import EventLog
import Foundation

/// `warmline staffing [PATH…]`: how many agents it takes.
public struct StaffingCommand: Sendable {
    public var paths: [String]
    var staffing = Staffing()
    var options = MetricsOptions(by: [.halfHour])
    var json: Bool
    /// The one group whose calls count; null: all.
    var group: String?

    /// - Throws: `UsageError` for a target, shrinkage, moment, direction or time zone that is none.
    public init(
        paths: [String], since: String? = nil, until: String? = nil, group: String? = nil, direction: String? = nil,
        target: String? = nil, shrinkage: String? = nil, timeZone: String? = nil, json: Bool = false
    ) throws(UsageError) {
        self.paths = paths
        self.group = group
        options = try MetricsCommand(
            paths: [], since: since, until: until, by: group == nil ? "half-hour" : "half-hour,group",
            timeZone: timeZone, direction: direction
        ).options
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
    }

    /// - Returns: the exit status: 2 when a path is no log or the group is not in it.
    public func run(out: (String) -> Void, err: (String) -> Void) -> Int32 {
        do {
            var run = MetricsRun(paths: paths, options: options)
            try run.readOn()
            var report = run.report()
            if let group {
                if let mistake = try mistake(group, report) {
                    err("warmline staffing: \(mistake)")
                    return 2
                }
                report = report.only(group)
            }
            let patience = Staffing.patience(report)
            let rows = staffing.rows(report)
            if json { out(self.json(rows, patience)) } else { table(rows, patience).forEach(out) }
            let leftOut = staffing.leftOut(report)
            if leftOut > 0 {
                err("note: \(counted(leftOut, "call")) left out: the log was not being written around their time")
            }
            report.input.broken.forEach(err)
            return report.input.brokenCount == 0 && run.isInOrder ? 0 : 1
        } catch {
            err("warmline staffing: \(error)")
            return 2
        }
    }

    /// What is wrong with the group, where no event of the log names it. One that had no calls in the period asked for
    /// is none that is unknown, so that the log is read once more for it.
    private func mistake(_ group: String, _ report: MetricsReport) throws(InputError) -> String? {
        if report.input.events == 0 || report.rows.contains(where: { $0.key.last == group }) { return nil }
        var known: Set<String> = []
        var stream = EventStream()
        try stream.read(
            LogChain.find(paths),
            where: {
                if let name = $0.string("group") { known.insert(name) }
                return false
            }, err: { _ in }
        ) { _ in }
        if known.contains(group) { return nil }
        let unknown = "--group: no call of this log has the group \"\(group.printable)\""
        if known.isEmpty { return "\(unknown), or any" }
        let hint =
            group.nearest(of: known).map { "did you mean \($0.printable)?" }
            ?? "there are " + known.sorted().prefix(50).map(\.printable).joined(separator: ", ")
        return "\(unknown); \(hint)"
    }

    private func table(_ rows: [Staffing.Row], _ patience: Double?) -> [String] {
        var table = [["day", "from", "calls", "handle", "Erlang", "C", "A", "with shrinkage", "were there"]]
        for row in rows {
            table.append([
                row.slot.day, row.slot.time, Self.tenths(row.slot.arrivals), DurationText.short(row.handle * 1000),
                Self.tenths(row.load), String(row.erlangC), row.erlangA.map { String($0) } ?? "-",
                String(row.scheduled),
                group == nil ? Self.tenths(row.slot.present) : "-",
            ])
        }
        let widths = table[0].indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        let lines = table.map { row in
            row.enumerated().map { column, text in
                String(repeating: " ", count: widths[column] - text.count) + text
            }.joined(separator: "  ")
        }
        let patience = patience.map { "mean patience \(DurationText.short($0 * 1000))" } ?? "nobody lost patience"
        let scope =
            group.map { "group \($0.printable) alone" } ?? "all groups together, as if everybody took every call"
        return lines + ["\(patience); \(scope); were there: logged in and not paused"]
    }

    private static func tenths(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    private func json(_ rows: [Staffing.Row], _ patience: Double?) -> String {
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
            object.raw("present", group == nil ? Figure.decimal(row.slot.present) : "null")
            return object.closed()
        }
        object.raw("slots", "[" + slots.joined(separator: ",") + "]")
        return object.closed()
    }
}

extension MetricsReport {
    /// The rows of half hours and groups that are of one group, and their total.
    fileprivate func only(_ group: String) -> MetricsReport {
        var report = self
        report.rows = rows.filter { $0.key.last == group }
        var total = Cell()
        for row in report.rows { total.add(row.cell) }
        report.total = Row(key: [], cell: total)
        return report
    }
}
