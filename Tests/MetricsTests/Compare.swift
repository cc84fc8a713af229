import Metrics
import Testing

/// Compares a row with the obvious one: sums and counts exactly, percentiles (marked `~`) to one percent.
func expect(_ row: MetricsReport.Row, _ expected: [String: Double?], _ what: String) {
    #expect(expected.count == Figure.all.count)
    for (key, value) in expected {
        let isNear = key.hasPrefix("~")
        let name = isNear ? String(key.dropFirst()) : key
        let found = row[name].real
        guard let value, let found else {
            if value != nil || found != nil {
                Issue.record("\(what): \(name) is \(String(describing: found)), expected \(String(describing: value))")
            }
            continue
        }
        let tolerance = isNear ? 0.01 * value : 1e-9 * max(1, abs(value))
        if abs(found - value) > tolerance { Issue.record("\(what): \(name) is \(found), expected \(value)") }
    }
}
