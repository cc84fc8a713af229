import CallEvents

/// RFC 3339 in UTC with six decimals, without a formatter: the log writes one for every line.
enum Timestamp {
    private static let microsecondsPerDay: Int64 = 86_400_000_000
    /// 0000-01-01 and 9999-12-31T23:59:59.999999Z: RFC 3339 has four digits for the year.
    static let range: ClosedRange<Int64> = -62_167_219_200_000_000...253_402_300_799_999_999

    /// Days since 1970-01-01, rounded towards the past.
    static func day(ofMicroseconds microseconds: Int64) -> Int64 {
        let day = microseconds / microsecondsPerDay
        return microseconds % microsecondsPerDay < 0 ? day - 1 : day
    }

    /// `2026-11-21T23:07:40.000123Z`; what RFC 3339 cannot say is clamped to what it can.
    static func append(_ microseconds: Int64, to bytes: inout [UInt8]) {
        let clamped = min(max(microseconds, range.lowerBound), range.upperBound)
        let day = day(ofMicroseconds: clamped)
        let inDay = clamped - day * microsecondsPerDay
        let (year, month, dayOfMonth) = civil(fromDays: day)
        let seconds = inDay / 1_000_000
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 27) { text in
            digits(year, at: 0, 4, text)
            text[4] = UInt8(ascii: "-")
            digits(month, at: 5, 2, text)
            text[7] = UInt8(ascii: "-")
            digits(dayOfMonth, at: 8, 2, text)
            text[10] = UInt8(ascii: "T")
            digits(seconds / 3600, at: 11, 2, text)
            text[13] = UInt8(ascii: ":")
            digits(seconds / 60 % 60, at: 14, 2, text)
            text[16] = UInt8(ascii: ":")
            digits(seconds % 60, at: 17, 2, text)
            text[19] = UInt8(ascii: ".")
            digits(inDay % 1_000_000, at: 20, 6, text)
            text[26] = UInt8(ascii: "Z")
            bytes.append(contentsOf: text)
        }
    }

    private static func digits(_ value: Int64, at start: Int, _ count: Int, _ text: UnsafeMutableBufferPointer<UInt8>) {
        var rest = UInt32(truncatingIfNeeded: value)
        for index in (start..<(start + count)).reversed() {
            text[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    /// The proleptic Gregorian calendar: eras of 400 years, which begin on 1 March so that the leap day comes last.
    private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    private static func days(fromYear year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static let daysInMonth: [Int64] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

    /// Microseconds since 1970 of an RFC 3339 date-time, whatever its offset and number of decimals (more than six are
    /// cut); null where it is none.
    static func microseconds(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard text.count >= 20 else { return nil }
        func number(_ from: Int, _ count: Int) -> Int64? {
            var value: Int64 = 0
            for index in from..<(from + count) {
                guard index < text.count, case let digit = text[index] &- UInt8(ascii: "0"), digit < 10 else {
                    return nil
                }
                value = value * 10 + Int64(digit)
            }
            return value
        }
        guard let year = number(0, 4), text[4] == UInt8(ascii: "-"), let month = number(5, 2), (1...12).contains(month),
            text[7] == UInt8(ascii: "-"), let day = number(8, 2), day >= 1, text[10] | 0x20 == UInt8(ascii: "t"),
            let hour = number(11, 2), hour < 24, text[13] == UInt8(ascii: ":"), let minute = number(14, 2), minute < 60,
            text[16] == UInt8(ascii: ":"), let second = number(17, 2), second <= 60
        else { return nil }
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        guard day <= daysInMonth[Int(month) - 1] + (leap && month == 2 ? 1 : 0) else { return nil }
        var index = 19
        var fraction: Int64 = 0
        if text[index] == UInt8(ascii: ".") {
            index += 1
            var scale: Int64 = 100_000
            let first = index
            while index < text.count, case let digit = text[index] &- UInt8(ascii: "0"), digit < 10 {
                fraction += Int64(digit) * scale
                scale /= 10
                index += 1
            }
            guard index > first, index < text.count else { return nil }
        }
        var offset: Int64 = 0
        switch text[index] {
        case UInt8(ascii: "Z"), UInt8(ascii: "z"):
            index += 1
        case UInt8(ascii: "+"), UInt8(ascii: "-"):
            guard let hours = number(index + 1, 2), hours < 24, index + 3 < text.count,
                text[index + 3] == UInt8(ascii: ":"), let minutes = number(index + 4, 2), minutes < 60
            else { return nil }
            offset = (hours * 60 + minutes) * (text[index] == UInt8(ascii: "-") ? -60 : 60)
            index += 6
        default: return nil
        }
        guard index == text.count else { return nil }
        let seconds = days(fromYear: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60 + second
        return (seconds - offset) * 1_000_000 + fraction
    }
}

extension WallTime {
    /// RFC 3339 in UTC with six decimals, as in the log.
    public var timestamp: String {
        var bytes: [UInt8] = []
        Timestamp.append(microseconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads a time stamp of the log; null for anything else.
    public init?(timestamp: String) {
        var timestamp = timestamp
        guard let microseconds = timestamp.withUTF8({ Timestamp.microseconds(UnsafeRawBufferPointer($0)) }) else {
            return nil
        }
        self.init(microseconds: microseconds)
    }
}
