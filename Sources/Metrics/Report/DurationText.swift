/// Lengths as a person reads them.
enum DurationText {
    /// `0.0 s`, `12.4 s`, `1 m 12.4 s`, `1 h 02 m 03 s`.
    static func short(_ milliseconds: Int64) -> String {
        if milliseconds < 0 { return "-" + short(-milliseconds) }
        // Rounded first, so that 59.96 s is one minute and not 60.0 s.
        let tenths = (milliseconds + 50) / 100
        if tenths < 600 { return "\(tenths / 10).\(tenths % 10) s" }
        if tenths < 36_000 { return "\(tenths / 600) m \(padded(tenths / 10 % 60)).\(tenths % 10) s" }
        let seconds = (milliseconds + 500) / 1000
        return "\(seconds / 3600) h \(padded(seconds / 60 % 60)) m \(padded(seconds % 60)) s"
    }

    static func short(_ milliseconds: Double) -> String { short(Int64(milliseconds.rounded())) }

    /// Seconds with three decimals: `14.250`.
    static func seconds(_ milliseconds: Int64) -> String {
        let part = String(abs(milliseconds) % 1000)
        let sign = milliseconds < 0 ? "-" : ""
        return "\(sign)\(abs(milliseconds) / 1000)." + String(repeating: "0", count: 3 - part.count) + part
    }

    private static func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
