/// Counts of non-negative values, from which any percentile can be told with at most 1/128 (0.8 %) relative error.
///
/// The buckets are HdrHistogram's (Gil Tene, hdrhistogram.org): values below 128 each have their own; above, every power
/// of two is cut into 64 buckets of equal width. A bucket's middle is at most half a width from each of its values, and
/// its width is at most 1/64 of them. Two histograms are merged by adding their counts, so the parts of a log give what
/// the whole does.
struct Histogram: Hashable, Sendable {
    /// Values below this have a bucket each.
    private static let exact = 128
    /// log2 of the number of buckets to a power of two above that.
    private static let bits = 6

    private(set) var count = 0
    private(set) var sum: Int64 = 0
    private(set) var min: Int64 = .max
    private(set) var max: Int64 = 0
    /// Counts of the buckets from `first` on.
    private var counts: [Int] = []
    private var first = 0

    /// Counts a value; a negative one as 0.
    mutating func add(_ value: Int64) {
        let value = Swift.max(0, value)
        count += 1
        sum += value
        min = Swift.min(min, value)
        max = Swift.max(max, value)
        grow(to: Self.bucket(of: value))
        counts[Self.bucket(of: value) - first] += 1
    }

    /// Adds all that another histogram has counted.
    mutating func merge(_ other: Histogram) {
        guard other.count > 0 else { return }
        count += other.count
        sum += other.sum
        min = Swift.min(min, other.min)
        max = Swift.max(max, other.max)
        grow(to: other.first)
        grow(to: other.first + other.counts.count - 1)
        for (index, count) in other.counts.enumerated() { counts[other.first - first + index] += count }
    }

    /// The value of the given rank, by nearest rank: the smallest of which at least `quantile` of all are no greater.
    /// Null where nothing was counted.
    func value(at quantile: Double) -> Int64? {
        guard count > 0 else { return nil }
        let rank = Swift.max(1, Int((quantile * Double(count)).rounded(.up)))
        if rank >= count { return max }
        var seen = 0
        for (index, count) in counts.enumerated() {
            seen += count
            if seen >= rank {
                let (low, width) = Self.range(of: first + index)
                return Swift.max(min, Swift.min(max, low + (width - 1) / 2))
            }
        }
        return max
    }

    /// The mean of all values, exact.
    var mean: Double? { count > 0 ? Double(sum) / Double(count) : nil }

    /// The buckets that hold anything, in rising order: their least value, their width, their count.
    var buckets: [(low: Int64, width: Int64, count: Int)] {
        counts.enumerated().compactMap { index, count in
            guard count > 0 else { return nil }
            let (low, width) = Self.range(of: first + index)
            return (low, width, count)
        }
    }

    static func == (a: Histogram, b: Histogram) -> Bool {
        (a.count, a.sum, a.min, a.max) == (b.count, b.sum, b.min, b.max)
            && a.buckets.elementsEqual(b.buckets, by: ==)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        hasher.combine(sum)
    }

    private mutating func grow(to bucket: Int) {
        if counts.isEmpty {
            first = bucket
            counts = [0]
        } else if bucket < first {
            counts.insert(contentsOf: repeatElement(0, count: first - bucket), at: 0)
            first = bucket
        } else if bucket >= first + counts.count {
            counts.append(contentsOf: repeatElement(0, count: bucket - first - counts.count + 1))
        }
    }

    static func bucket(of value: Int64) -> Int {
        if value < Int64(exact) { return Int(value) }
        let exponent = 63 - value.leadingZeroBitCount
        let part = Int(value >> Int64(exponent - bits)) - (1 << bits)
        return exact + (exponent - 7) << bits + part
    }

    static func range(of bucket: Int) -> (low: Int64, width: Int64) {
        if bucket < exact { return (Int64(bucket), 1) }
        let exponent = (bucket - exact) >> bits + 7
        let part = (bucket - exact) & (1 << bits - 1)
        let width = Int64(1) << Int64(exponent - bits)
        return (Int64(part + 1 << bits) * width, width)
    }
}
