import Foundation

/// Finds the quarter-hour, day, month … of a time zone in which a moment lies. Things come nearly in the order of time,
/// so the interval found last is tried first, and the offset from UTC is asked for once in each quarter of an hour
/// (offsets change at no finer steps).
struct Intervals {
    let timeZone: TimeZone
    private var last: [GroupKey: Range<Int64>] = [:]
    private var offsets: [Int64: Int] = [:]

    init(timeZone: TimeZone) { self.timeZone = timeZone }

    /// Seconds east of UTC at a moment given in seconds since 1970.
    mutating func offset(at seconds: Int64) -> Int {
        let quarter = CivilTime.floor(seconds, 900)
        if let offset = offsets[quarter] { return offset }
        let offset = timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(quarter * 900)))
        // A year has 35,040 quarters of an hour: enough for any period, and bounded.
        if offsets.count > 40_000 { offsets = [:] }
        offsets[quarter] = offset
        return offset
    }

    /// The interval of the kind that holds a moment: seconds since 1970, from its beginning up to the next one's.
    mutating func range(_ key: GroupKey, at seconds: Int64) -> Range<Int64> {
        if let range = last[key], range.contains(seconds) { return range }
        let range = find(key, at: seconds)
        last[key] = range
        return range
    }

    private mutating func find(_ key: GroupKey, at seconds: Int64) -> Range<Int64> {
        let offset = Int64(offset(at: seconds))
        switch key {
        case .quarterHour: return clock(900, seconds, offset)
        case .halfHour: return clock(1800, seconds, offset)
        case .hour: return clock(3600, seconds, offset)
        default: break
        }
        let local = CivilTime(wall: seconds * 1_000_000, offset: Int(offset))
        var from = local.dayNumber
        var to = from + 1
        switch key {
        case .week:
            from -= local.weekday
            to = from + 7
        case .month:
            from = CivilTime.days(year: local.year, month: local.month, day: 1)
            let next = local.month == 12 ? (local.year + 1, 1) : (local.year, local.month + 1)
            to = CivilTime.days(year: next.0, month: next.1, day: 1)
        case .year:
            from = CivilTime.days(year: local.year, month: 1, day: 1)
            to = CivilTime.days(year: local.year + 1, month: 1, day: 1)
        default: break
        }
        return midnight(from)..<midnight(to)
    }

    /// An interval of the local clock. Where the clock is put back the hour comes twice, each with its own offset.
    private mutating func clock(_ length: Int64, _ seconds: Int64, _ offset: Int64) -> Range<Int64> {
        let start = CivilTime.floor(seconds + offset, length) * length - offset
        // Where the offset changes within it (by half an hour somewhere), it is cut there.
        var from = start
        var to = start + length
        for edge in stride(from: start + 900, to: start + length, by: 900) {
            if Int64(self.offset(at: edge - 1)) == Int64(self.offset(at: edge)) { continue }
            if edge <= seconds { from = edge } else { to = min(to, edge) }
        }
        return from..<to
    }

    /// When the local day of that number begins.
    private mutating func midnight(_ day: Int) -> Int64 {
        let local = Int64(day) * 86_400
        var guess = local - Int64(offset(at: local))
        guess = local - Int64(offset(at: guess))
        // Where midnight does not exist (the clock is put forward at it), the day begins after the gap.
        let before = local - Int64(offset(at: guess - 1))
        return guess + Int64(offset(at: guess)) == local ? guess : Swift.max(guess, before)
    }

    /// RFC 3339 with the offset in force: `2026-03-02T09:00:00+02:00`.
    mutating func text(_ seconds: Int64) -> String {
        let offset = offset(at: seconds)
        let local = CivilTime(wall: seconds * 1_000_000, offset: offset)
        return "\(local.date)T\(local.time)\(Self.offsetText(offset))"
    }

    static func offsetText(_ offset: Int) -> String {
        if offset == 0 { return "Z" }
        let minutes = abs(offset) / 60
        return "\(offset < 0 ? "-" : "+")\(CivilTime.padded(minutes / 60)):\(CivilTime.padded(minutes % 60))"
    }
}
