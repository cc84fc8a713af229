/// Which sequence numbers of a node's log have been read, in memory that does not grow with the log.
///
/// Numbers are kept as intervals: of a log as its writer leaves it, one. A number is repeated only where it was really
/// read; where another event had it, that is told apart by a mark of the event, kept for the last numbers and for the
/// events that open a log.
struct SeenNumbers {
    /// What is known of a number.
    enum Verdict {
        case new
        /// This event has been read.
        case repeated
        /// Another event had the number.
        case taken
        /// So far back, and with so many gaps since, that it is not known any more.
        case forgotten
    }

    /// How many of the last numbers are told apart by their events: a power of two.
    private let remembered: Int
    /// More gaps than a log that can be put in order has.
    private static let mostRanges = 1 << 12
    /// A number farther than this from all others, alone, is no gap in the log but a wrong number.
    private static let far: UInt64 = 1 << 20

    init(remembered: Int = 1 << 14) { self.remembered = remembered }

    private var ranges: [ClosedRange<UInt64>] = []
    /// The interval that grew last.
    private var current = 0
    /// By number: the number's lower half, and the event's mark.
    private var marks: [UInt64] = []
    /// Marks of the events that open a log or a segment, by number.
    private var openings: [UInt64: UInt32] = [:]
    /// Up to here it is not known which numbers there were.
    private var floor: UInt64 = 0

    /// What is known of a number whose event has this mark.
    func verdict(_ seq: UInt64, mark: UInt32, opens: Bool) -> Verdict {
        guard holds(seq) else { return seq <= floor ? .forgotten : .new }
        if opens { return openings[seq].map { $0 == mark } ?? true ? .repeated : .taken }
        let kept = marks[slot(seq)]
        guard kept >> 32 == seq & 0xFFFF_FFFF else { return .repeated }
        return kept == Self.entry(seq, mark) ? .repeated : .taken
    }

    @inline(__always)
    private func slot(_ seq: UInt64) -> Int { Int(seq & UInt64(remembered - 1)) }

    @inline(__always)
    private static func entry(_ seq: UInt64, _ mark: UInt32) -> UInt64 { seq << 32 | UInt64(mark) }

    /// The numbers begin again; the events that opened logs are known for good.
    mutating func beginAnew() {
        ranges = []
        current = 0
        marks = []
        floor = 0
        missingBelow = 0
    }

    /// Notes a new number.
    @inline(__always)
    mutating func insert(_ seq: UInt64, mark: UInt32, opens: Bool) {
        if marks.isEmpty { marks = Array(repeating: 0, count: remembered) }
        marks[slot(seq)] = Self.entry(seq, mark)
        if opens, openings.count < Self.mostRanges { openings[seq] = mark }
        if current + 1 == ranges.count, ranges[current].upperBound + 1 == seq {
            ranges[current] = ranges[current].lowerBound...seq
        } else {
            insertElsewhere(seq)
        }
    }

    private mutating func insertElsewhere(_ seq: UInt64) {
        let next = firstRange(from: seq)
        let joinsLast = next > 0 && ranges[next - 1].upperBound + 1 == seq
        let joinsNext = next < ranges.count && ranges[next].lowerBound == seq + 1
        switch (joinsLast, joinsNext) {
        case (true, true):
            ranges[next - 1] = ranges[next - 1].lowerBound...ranges[next].upperBound
            ranges.remove(at: next)
            current = next - 1
        case (true, false):
            ranges[next - 1] = ranges[next - 1].lowerBound...seq
            current = next - 1
        case (false, true):
            ranges[next] = seq...ranges[next].upperBound
            current = next
        case (false, false):
            ranges.insert(seq...seq, at: next)
            current = next
            if ranges.count > Self.mostRanges {
                forget(ranges.count / 2)
            }
        }
    }

    private mutating func forget(_ count: Int) {
        for index in 0..<count { missingBelow += ranges[index + 1].lowerBound - ranges[index].upperBound - 1 }
        floor = ranges[count - 1].upperBound
        ranges.removeFirst(count)
        current = max(0, current - count)
    }

    /// Numbers that were missing between intervals that are kept no more.
    private var missingBelow: UInt64 = 0

    /// The first interval that lies wholly behind the number.
    private func firstRange(from seq: UInt64) -> Int {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].lowerBound > seq { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private func holds(_ seq: UInt64) -> Bool {
        let next = firstRange(from: seq)
        return next > 0 && ranges[next - 1].contains(seq)
    }

    /// Numbers between the first and the last that no event has, and single events whose numbers lie far from all
    /// others.
    var gaps: (missing: UInt64, odd: Int) {
        var (missing, odd) = (missingBelow, 0)
        var last: UInt64?
        for index in ranges.indices {
            if isAlone(index) {
                odd += 1
            } else {
                if let last { missing += ranges[index].lowerBound - last - 1 }
                last = ranges[index].upperBound
            }
        }
        return (missing, odd)
    }

    private func isAlone(_ index: Int) -> Bool {
        let range = ranges[index]
        guard ranges.count > 1, range.lowerBound == range.upperBound else { return false }
        if index > 0, range.lowerBound - ranges[index - 1].upperBound < Self.far { return false }
        return index + 1 == ranges.count || ranges[index + 1].lowerBound - range.upperBound >= Self.far
    }
}
