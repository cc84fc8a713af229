import Foundation

/// Reads moments as people write them.
struct MomentParser {
    let timeZone: TimeZone

    /// Microseconds since 1970 of `2026-03-02`, `2026-03-02T09:00`, `2026-03-02 09:00:30.5`, each with or without `Z` or
    /// `+02:00`; without, the time zone's own clock is meant.
    func parse(_ text: String) -> Int64? {
        var rest = text[...]
        guard let date = Self.date(&rest) else { return nil }
        var micros: Int64 = 0
        if let mark = rest.first, mark == "T" || mark == "t" || mark == " " {
            rest = rest.dropFirst()
            guard let time = Self.time(&rest) else { return nil }
            micros = time
        }
        let local = Int64(date) * 86_400 * 1_000_000 + micros
        if rest.isEmpty { return toUTC(local) }
        guard let offset = Self.offset(rest) else { return nil }
        return local - Int64(offset) * 1_000_000
    }

    /// A moment with `Z` or an offset.
    static func utc(_ text: String) -> Int64? { MomentParser(timeZone: TimeZone(secondsFromGMT: 0)!).parse(text) }

    /// The moment at which the zone's clock shows this; where it shows it twice, the first.
    private func toUTC(_ local: Int64) -> Int64 {
        func offset(_ wall: Int64) -> Int64 {
            let seconds = CivilTime.floor(wall, 1_000_000)
            return Int64(timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds)))) * 1_000_000
        }
        let day: Int64 = 86_400 * 1_000_000
        for candidate in [offset(local - day), offset(local + day)] where offset(local - candidate) == candidate {
            return local - candidate
        }
        return local - offset(local)
    }

    private static func number(_ text: inout Substring, _ digits: Int, _ range: ClosedRange<Int>) -> Int? {
        let part = text.prefix(digits)
        guard part.count == digits, part.allSatisfy({ $0.isASCII && $0.isNumber }), let value = Int(part),
            range.contains(value)
        else { return nil }
        text = text.dropFirst(digits)
        return value
    }

    private static func skip(_ text: inout Substring, _ mark: Character) -> Bool {
        guard text.first == mark else { return false }
        text = text.dropFirst()
        return true
    }

    private static func date(_ text: inout Substring) -> Int? {
        guard let year = number(&text, 4, 1970...9999), skip(&text, "-"), let month = number(&text, 2, 1...12),
            skip(&text, "-"), let day = number(&text, 2, 1...31)
        else { return nil }
        let days = CivilTime.days(year: year, month: month, day: day)
        // 30 February becomes a day of March: no such date.
        return CivilTime.civil(fromDays: days).month == month ? days : nil
    }

    private static func time(_ text: inout Substring) -> Int64? {
        guard let hour = number(&text, 2, 0...23), skip(&text, ":"), let minute = number(&text, 2, 0...59) else {
            return nil
        }
        var micros = Int64(hour * 3600 + minute * 60) * 1_000_000
        guard skip(&text, ":") else { return micros }
        guard let second = number(&text, 2, 0...59) else { return nil }
        micros += Int64(second) * 1_000_000
        guard skip(&text, ".") else { return micros }
        var scale: Int64 = 100_000
        var digits = 0
        while let digit = number(&text, 1, 0...9) {
            micros += Int64(digit) * scale
            scale /= 10
            digits += 1
        }
        return digits > 0 ? micros : nil
    }

    private static func offset(_ text: Substring) -> Int? {
        if text == "Z" || text == "z" { return 0 }
        var rest = text.dropFirst()
        guard let sign = text.first, sign == "+" || sign == "-", let hours = number(&rest, 2, 0...23),
            skip(&rest, ":"), let minutes = number(&rest, 2, 0...59), rest.isEmpty
        else { return nil }
        return (hours * 3600 + minutes * 60) * (sign == "-" ? -1 : 1)
    }
}
