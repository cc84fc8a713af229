import LogGenerator
import Testing

@testable import Metrics

@Suite struct HistogramTests {
    /// Random and adversarial distributions.
    private static let distributions: [[Int64]] = {
        var random = SeededRandom(seed: 3)
        var sets: [[Int64]] = [[0], [1], [127, 128], [128, 129, 130], Array(0..<1000), [0, 86_400_000_000]]
        sets.append((0..<5000).map { _ in random.exponential(20) / 1000 })
        sets.append((0..<5000).map { _ in Int64(random.next() % 600_000) })
        // Two peaks far apart, so that a percentile stands at the edge.
        sets.append((0..<1000).map { $0 < 500 ? 3 : 3_600_000 })
        // All at the edges of buckets.
        sets.append((7..<40).flatMap { [(1 << $0) - 1, 1 << $0, (1 << $0) + 1] })
        // One value a million times.
        sets.append(Array(repeating: 12_345, count: 20_000))
        // Growing by less than a bucket's width.
        sets.append((0..<3000).map { Int64(1000 * 1.003.power($0)) })
        return sets
    }()

    private func histogram(_ values: some Sequence<Int64>) -> Histogram {
        var histogram = Histogram()
        for value in values { histogram.add(value) }
        return histogram
    }

    @Test func percentilesAreWithinOnePercentOfTheExactOnes() {
        for values in Self.distributions {
            let histogram = histogram(values)
            let sorted = values.sorted()
            for part in [0.0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0] {
                let rank = max(1, Int((part * Double(sorted.count)).rounded(.up)))
                let exact = Double(sorted[rank - 1])
                let found = Double(histogram.value(at: part) ?? -1)
                #expect(abs(found - exact) <= 0.01 * exact, "\(part) of \(sorted.count): \(found), exactly \(exact)")
            }
            #expect(histogram.sum == values.reduce(0, +))
            #expect(histogram.max == sorted.last)
            #expect(histogram.min == sorted.first)
        }
    }

    @Test func mergedPartsAreTheWhole() {
        var random = SeededRandom(seed: 4)
        for values in Self.distributions {
            let shuffled = values.shuffled(using: &random)
            let cut = Int(random.next() % UInt64(values.count + 1))
            var a = histogram(shuffled[..<cut])
            let b = histogram(shuffled[cut...])
            a.merge(b)
            #expect(a == histogram(values))
            var c = b
            c.merge(histogram(shuffled[..<cut]))
            #expect(c == a)
        }
    }

    @Test func everyValueIsInItsBucket() {
        for exponent in 0..<62 {
            for offset in [-1, 0, 1, 12_345] {
                let value = max(0, (Int64(1) << Int64(exponent)) + Int64(offset))
                let (low, width) = Histogram.range(of: Histogram.bucket(of: value))
                #expect(low <= value && value - low < width, "\(value)")
                #expect(width == 1 || width * 64 <= low, "\(value)")
            }
        }
    }

    @Test func anEmptyOneHasNoPercentile() {
        #expect(Histogram().value(at: 0.5) == nil)
        #expect(Histogram().mean == nil)
    }
}

extension Double {
    fileprivate func power(_ exponent: Int) -> Double { (0..<exponent).reduce(1) { value, _ in value * self } }
}
