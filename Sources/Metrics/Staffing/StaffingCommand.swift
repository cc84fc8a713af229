import CallEvents
import Foundation

/// `warmline staffing [PATH…]`: how many agents it takes.
public struct StaffingCommand: Sendable {
    public var paths: [String]
    /// The part to be answered in time, 0…1, and the time in seconds.
    var target = 0.8
    var threshold = 20.0
    /// The part of paid time in which nobody takes calls, 0…1.
    var shrinkage = 0.0
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
            self.target = percent / 100
            threshold = seconds
        }
        if let shrinkage {
            guard let percent = Double(shrinkage), percent >= 0, percent < 100 else {
                throw UsageError("--shrinkage: \"\(shrinkage)\" is not a percentage below 100")
            }
            self.shrinkage = percent / 100
        }
        if let timeZone { options.timeZone = try MetricsCommand.zone(timeZone) }
    }

    /// One half hour of a weekday, over all weeks of the log.
    struct Slot {
        /// 0 is Monday.
        var weekday: Int
        /// Minutes since midnight.
        var minute: Int
        var occurrences = 0
        var received = 0
        var abandoned = 0
        var waitMs: Int64 = 0
        var answered = 0
        var handleMs: Int64 = 0
        var loggedInMs = 0

        /// Mean arrivals in the half hour.
        var arrivals: Double { Double(received) / Double(max(1, occurrences)) }
        /// Mean seconds of work for an answered call.
        var handle: Double? { answered == 0 ? nil : Double(handleMs) / Double(answered) / 1000 }
        /// Mean number of agents logged in.
        var present: Double { Double(loggedInMs) / 1_800_000 / Double(max(1, occurrences)) }
    }

    /// - Returns: the exit status: 2 when a path is no log.
    public func run(out: (String) -> Void, err: (String) -> Void) -> Int32 {
        do {
            let report = try MetricsReport.read(paths: paths, options: options)
            let patience = Self.patience(report.total.cell)
            let rows = slots(report).map { row($0, patience: patience, all: report.total.cell) }
            if json { out(Self.json(rows, patience)) } else { Self.table(rows, patience).forEach(out) }
            report.input.broken.forEach(err)
            return report.input.brokenCount == 0 ? 0 : 1
        } catch {
            err("warmline staffing: \(error)")
            return 2
        }
    }

    private func slots(_ report: MetricsReport) -> [Slot] {
        var slots: [Int: Slot] = [:]
        let parser = MomentParser(timeZone: options.timeZone)
        for row in report.rows {
            guard let text = row.key.first.flatMap({ $0 }), let wall = parser.parse(text) else { continue }
            let seconds = Int(options.timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(wall) / 1e6)))
            let local = CivilTime(wall: wall, offset: seconds)
            let minute = local.secondOfDay / 60
            let key = local.weekday * 1440 + minute
            var slot = slots[key] ?? Slot(weekday: local.weekday, minute: minute)
            let cell = row.cell
            slot.occurrences += 1
            slot.received += cell.received
            slot.abandoned += cell.abandoned
            slot.answered += cell.answered
            slot.waitMs += cell.wait.sum
            slot.handleMs += cell.talkMs + cell.stayHoldMs + cell.wrapUpMs
            slot.loggedInMs += cell.loggedInMs - cell.busyMs(.paused)
            slots[key] = slot
        }
        return slots.keys.sorted().compactMap { slots[$0] }
    }

    /// Mean patience in seconds: the maximum-likelihood estimate for exponential patience, all waiting ÷ those who left.
    static func patience(_ cell: Cell) -> Double? {
        cell.abandoned == 0 ? nil : Double(cell.wait.sum) / Double(cell.abandoned) / 1000
    }

    struct Row {
        var slot: Slot
        var handle: Double
        var load: Double
        var erlangC: Int
        /// Null where nobody lost patience.
        var erlangA: Int?
        /// With shrinkage, by the smaller need.
        var scheduled: Int
    }

    private func row(_ slot: Slot, patience: Double?, all: Cell) -> Row {
        let whole = all.talkMs + all.stayHoldMs + all.wrapUpMs
        let mean = all.answered == 0 ? 0 : Double(whole) / Double(all.answered) / 1000
        let handle = slot.handle ?? mean
        let load = slot.arrivals / 1800 * handle
        let c = Erlang.servers(load: load, target: target) {
            Erlang.serviceLevel(servers: $0, load: load, handle: handle, threshold: threshold)
        }
        let a = patience.map { patience in
            Erlang.servers(load: load, target: target) {
                Erlang.serviceLevelA(
                    servers: $0, load: load, handle: handle, patience: patience, threshold: threshold)
            }
        }
        let scheduled = Int((Double(a ?? c) / (1 - shrinkage)).rounded(.up))
        return Row(slot: slot, handle: handle, load: load, erlangC: c, erlangA: a, scheduled: scheduled)
    }

    private static let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

    private static func time(_ slot: Slot) -> String {
        "\(CivilTime.padded(slot.minute / 60)):\(CivilTime.padded(slot.minute % 60))"
    }

    private static func table(_ rows: [Row], _ patience: Double?) -> [String] {
        var table = [["day", "from", "calls", "handle", "Erlang", "C", "A", "with shrinkage", "were there"]]
        for row in rows {
            table.append([
                days[row.slot.weekday], time(row.slot), tenths(row.slot.arrivals),
                DurationText.short(row.handle * 1000), tenths(row.load), String(row.erlangC),
                row.erlangA.map { String($0) } ?? "-", String(row.scheduled), tenths(row.slot.present),
            ])
        }
        let widths = table[0].indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        let lines = table.map { row in
            row.enumerated().map { column, text in
                String(repeating: " ", count: widths[column] - text.count) + text
            }.joined(separator: "  ")
        }
        let note = patience.map { "mean patience \(DurationText.short($0 * 1000))" } ?? "nobody lost patience"
        return lines + [note]
    }

    private static func tenths(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func json(_ rows: [Row], _ patience: Double?) -> String {
        var object = JSONText()
        object.raw("patience_s", patience.map(Figure.decimal) ?? "null")
        let slots = rows.map { row in
            var object = JSONText()
            object.field("weekday", days[row.slot.weekday])
            object.field("from", time(row.slot))
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
