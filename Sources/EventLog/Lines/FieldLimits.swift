/// Which numbers a line can hold that is counted or drawn; one that holds another is no event. What counts and draws may
/// then add, subtract and multiply without asking.
public enum FieldLimits {
    /// Times, microseconds since 1970: the years 1970 to 9999.
    public static let times: ClosedRange<Int64> = 0...253_402_300_799_999_999
    /// `mono_ms`: a hundred years since the machine was started.
    public static let uptime: ClosedRange<Int64> = 0...3_155_760_000_000
    /// Durations, whose keys end in `_ms`: ten years.
    public static let durations: ClosedRange<Int64> = 0...315_576_000_000
    /// Thresholds, whose keys end in `_s`: ten years.
    public static let seconds: ClosedRange<Int64> = 0...315_576_000
    /// Any other number: what every JSON reader holds exactly (RFC 7493 §2.2).
    public static let numbers: ClosedRange<Int64> = -9_007_199_254_740_991...9_007_199_254_740_991

    /// What the field of a key can hold.
    public static func range(of key: StaticString) -> ClosedRange<Int64> {
        isDuration(key) ? durations : ends(key, "_s") ? seconds : numbers
    }

    static func isDuration(_ key: StaticString) -> Bool { ends(key, "_ms") }

    private static func ends(_ key: StaticString, _ ending: StaticString) -> Bool {
        let (count, length) = (key.utf8CodeUnitCount, ending.utf8CodeUnitCount)
        guard count > length else { return false }
        for index in 0..<length where key.utf8Start[count - length + index] != ending.utf8Start[index] { return false }
        return true
    }

    /// Why a field cannot hold this; null where it can.
    static func objection(_ value: Int64, _ key: StaticString, _ range: ClosedRange<Int64>) -> LineError? {
        range.contains(value)
            ? nil : LineError("\(key): \(value) is not between \(range.lowerBound) and \(range.upperBound)")
    }
}
