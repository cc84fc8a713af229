/// How many values were no longer than each whole second up to an hour, exactly: what a Prometheus histogram needs of
/// whatever threshold a group has agreed.
struct SecondCounts: Sendable {
    static let limit = 3600
    /// By the least whole second that is no shorter; the last holds what is longer than the limit.
    private var counts: [Int] = []

    mutating func add(_ milliseconds: Int64) {
        let second = min(Self.limit + 1, Int((max(0, milliseconds) + 999) / 1000))
        if second >= counts.count { counts += repeatElement(0, count: second + 1 - counts.count) }
        counts[second] += 1
    }

    mutating func add(_ other: SecondCounts) {
        let missing = other.counts.count - counts.count
        if missing > 0 { counts += repeatElement(0, count: missing) }
        for (second, count) in other.counts.enumerated() { counts[second] += count }
    }

    func count(upTo second: Int) -> Int { counts.prefix(second + 1).reduce(0, +) }
}
