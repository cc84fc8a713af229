/// Date and time of day of a moment, in UTC or at an offset from it.
struct CivilTime: Hashable, Sendable {
    var year: Int
    var month: Int
    var day: Int
    /// Seconds since midnight.
    var secondOfDay: Int
    /// Milliseconds within the second.
    var millisecond: Int
    /// Days since 1970-01-01, of the date.
    var dayNumber: Int

    /// - Parameters:
    ///   - wall: microseconds since 1970-01-01T00:00:00Z.
    ///   - offset: seconds east of UTC.
    init(wall: Int64, offset: Int = 0) {
        let local = wall + Int64(offset) * 1_000_000
        let seconds = Self.floor(local, 1_000_000)
        let days = Self.floor(seconds, 86_400)
        secondOfDay = Int(seconds - days * 86_400)
        millisecond = Int((local - seconds * 1_000_000) / 1000)
        dayNumber = Int(days)
        (year, month, day) = Self.civil(fromDays: Int(days))
    }

    /// `2026-03-02`.
    var date: String { "\(year)-\(Self.padded(month))-\(Self.padded(day))" }
    /// `09:00:00`.
    var time: String {
        "\(Self.padded(secondOfDay / 3600)):\(Self.padded(secondOfDay / 60 % 60)):\(Self.padded(secondOfDay % 60))"
    }

    /// 0 is Monday.
    var weekday: Int { ((dayNumber + 3) % 7 + 7) % 7 }

    static func padded(_ number: Int, _ width: Int = 2) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    static func floor(_ value: Int64, _ divisor: Int64) -> Int64 {
        value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor)
    }

    /// The proleptic Gregorian calendar by eras of 400 years that begin in March.
    static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
