/// Named figures, printed in the order in which they were added.
struct LoadReport {
    private var lines: [(name: String, value: String)] = []

    /// A figure with three digits after the point at most.
    mutating func add(_ name: String, _ value: Double) {
        let thousandths = (value * 1000).rounded()
        guard thousandths.isFinite, abs(thousandths) < 1e15 else {
            lines.append((name, "null"))
            return
        }
        if thousandths.truncatingRemainder(dividingBy: 1000) == 0 {
            lines.append((name, String(Int(thousandths / 1000))))
        } else {
            lines.append((name, String(thousandths / 1000)))
        }
    }

    /// Median and 99th percentile of delays in seconds, as milliseconds.
    mutating func add(_ name: String, delays: [Double]) {
        let sorted = delays.sorted()
        func percentile(_ part: Double) -> Double {
            guard !sorted.isEmpty else { return .nan }
            return sorted[min(sorted.count - 1, Int((Double(sorted.count) * part).rounded(.down)))] * 1000
        }
        add(name + "_p50_ms", percentile(0.5))
        add(name + "_p99_ms", percentile(0.99))
        add(name + "_max_ms", sorted.last.map { $0 * 1000 } ?? .nan)
    }

    func print(json: Bool) {
        if json {
            Swift.print("{" + lines.map { "\"\($0.name)\": \($0.value)" }.joined(separator: ", ") + "}")
            return
        }
        for line in lines {
            Swift.print(line.name + String(repeating: " ", count: max(1, 30 - line.name.count)) + line.value)
        }
    }
}
