/// How many agents it takes to hold a service level, for each half hour of the week, beside those who were there.
struct Staffing {
    /// The part to be answered in time, 0…1, and the time in seconds.
    var target = 0.8
    var threshold = 20.0
    /// The part of paid time in which nobody takes calls, 0…1.
    var shrinkage = 0.0

    /// One half hour of a weekday, over all weeks of the log.
    struct Slot {
        /// 0 is Monday.
        var weekday: Int
        /// Minutes since midnight.
        var minute: Int
        /// How long the log was being written in it, in milliseconds.
        var coveredMs: Int64 = 0
        var received = 0
        var abandoned = 0
        var waitMs: Int64 = 0
        var answered = 0
        var handleMs: Int64 = 0
        var loggedInMs = 0

        /// How often it came, a part of it as such.
        var occurrences: Double { Double(coveredMs) / 1_800_000 }
        /// Mean arrivals in a whole half hour.
        var arrivals: Double { coveredMs > 0 ? Double(received) / occurrences : 0 }
        /// Mean seconds of work for an answered call.
        var handle: Double? { answered == 0 ? nil : Double(handleMs) / Double(answered) / 1000 }
        /// Mean number of agents logged in and not paused.
        var present: Double { coveredMs > 0 ? Double(loggedInMs) / Double(coveredMs) : 0 }
        /// `Mon`.
        var day: String { ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][weekday] }
        /// `09:30`.
        var time: String { "\(CivilTime.padded(minute / 60)):\(CivilTime.padded(minute % 60))" }
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
        /// The smaller need.
        var needed: Int { erlangA ?? erlangC }
    }

    /// What each half hour needs.
    /// - Parameter report: the figures by half hour.
    func rows(_ report: MetricsReport) -> [Row] {
        let patience = Self.patience(report)
        return slots(report).slots.map { row($0, patience: patience, all: report.total.cell) }
    }

    /// Mean patience in seconds: the maximum-likelihood estimate for exponential patience, all waiting ÷ those who left.
    static func patience(_ report: MetricsReport) -> Double? {
        let cell = report.total.cell
        return cell.abandoned == 0 ? nil : Double(cell.wait.sum) / Double(cell.abandoned) / 1000
    }

    /// Calls that came in half hours in which the log was not being written, by what its clock said.
    func leftOut(_ report: MetricsReport) -> Int { slots(report).leftOut }

    /// A half hour of which less is covered counts only where none is covered better, in microseconds: a call in the
    /// first second of a log is not 1800 calls in the half hour.
    private static let leastCovered: Int64 = 300 * 1_000_000

    private func slots(_ report: MetricsReport) -> (slots: [Slot], leftOut: Int) {
        var slots: [Int: Slot] = [:]
        var leftOut = 0
        var intervals = Intervals(timeZone: report.options.timeZone)
        let parser = MomentParser(timeZone: report.options.timeZone)
        /// The half hour's place in the week.
        func place(_ wall: Int64) -> (key: Int, slot: Slot) {
            let offset = intervals.offset(at: CivilTime.floor(wall, 1_000_000))
            let local = CivilTime(wall: wall, offset: offset)
            // Where the clock is set in the middle of a half hour, each part is part of that half hour.
            let minute = local.secondOfDay / 1800 * 30
            return (local.weekday * 1440 + minute, Slot(weekday: local.weekday, minute: minute))
        }
        let (since, until) = (report.options.since ?? .min, report.options.until.map { $0 - 1 } ?? .max)
        let times =
            since > until
            ? []
            : report.covered.filter { $0.upperBound >= since && $0.lowerBound <= until }
                .map { $0.clamped(to: since...until) }
        /// How much of a half hour, which begins at a second, the log covers.
        func covered(_ half: Range<Int64>) -> Int64 {
            times.reduce(0) { sum, time in
                let from = max(time.lowerBound, half.lowerBound * 1_000_000)
                return sum + max(0, min(time.upperBound, half.upperBound * 1_000_000) - from)
            }
        }
        func halves(_ time: ClosedRange<Int64>, _ body: (Range<Int64>) -> Bool) {
            var at = CivilTime.floor(time.lowerBound, 1_000_000)
            while at * 1_000_000 <= time.upperBound {
                let half = intervals.range(.halfHour, at: at)
                guard body(half) else { return }
                at = half.upperBound
            }
        }
        var least: Int64 = 1
        for time in times {
            halves(time) { half in
                least = max(least, min(Self.leastCovered, covered(half)))
                return least < Self.leastCovered
            }
        }
        for row in report.rows {
            guard let text = row.key.first.flatMap({ $0 }), let wall = parser.parse(text) else { continue }
            let cell = row.cell
            guard covered(intervals.range(.halfHour, at: CivilTime.floor(wall, 1_000_000))) >= least else {
                leftOut += cell.received
                continue
            }
            let (key, empty) = place(wall)
            var slot = slots[key] ?? empty
            slot.received += cell.received
            slot.abandoned += cell.abandoned
            slot.answered += cell.answered
            slot.waitMs += cell.wait.sum
            slot.handleMs += cell.talkMs + cell.stayHoldMs + cell.wrapUpMs
            slot.loggedInMs += cell.loggedInMs - cell.busyMs(.paused)
            slots[key] = slot
        }
        // A half hour in which nothing happened has no row, but it was one.
        var last: Int64 = .min
        for time in times {
            halves(time) { half in
                let length = covered(half)
                if half.lowerBound > last, length >= least {
                    slots[place(half.lowerBound * 1_000_000).key]?.coveredMs += length / 1000
                }
                last = max(last, half.lowerBound)
                return true
            }
        }
        return (slots.keys.sorted().compactMap { slots[$0] }, leftOut)
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
}
