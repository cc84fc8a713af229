/// When logs were being written, so far as their events tell: a line whose clock was wrong stretches nothing.
struct Coverage: Sendable {
    /// What a log may be without any event, in microseconds: a week, for places that close over holidays. Longer than
    /// that the service was not there.
    private static let longestGap: Int64 = 7 * 24 * 3600 * 1_000_000
    /// Of the events of the longest stretch, the part that another must have to be more than a clock that was wrong.
    private static let leastPart = 100
    private static let mostStretches = 1000

    private struct Stretch {
        var range: ClosedRange<Int64>
        var events: Int
    }

    private var stretches: [Stretch] = []
    private var current = 0

    /// An event at a moment, microseconds since 1970.
    @inline(__always)
    mutating func add(_ wall: Int64) {
        if current < stretches.count, wall >= stretches[current].range.lowerBound,
            wall - stretches[current].range.upperBound <= Self.longestGap
        {
            stretches[current].events += 1
            if wall > stretches[current].range.upperBound {
                stretches[current].range = stretches[current].range.lowerBound...wall
            }
        } else {
            addElsewhere(wall)
        }
    }

    private mutating func addElsewhere(_ wall: Int64) {
        let near = stretches.firstIndex {
            wall >= $0.range.lowerBound - Self.longestGap && wall <= $0.range.upperBound + Self.longestGap
        }
        if let near {
            let range = stretches[near].range
            stretches[near].range = min(range.lowerBound, wall)...max(range.upperBound, wall)
            stretches[near].events += 1
            current = near
        } else if stretches.count < Self.mostStretches {
            current = stretches.count
            stretches.append(Stretch(range: wall...wall, events: 1))
        }
    }

    /// The stretches of time, in their order, microseconds since 1970; those of a few events beside many others are left
    /// out.
    var times: [ClosedRange<Int64>] {
        let most = stretches.map(\.events).max() ?? 0
        var times: [ClosedRange<Int64>] = []
        for stretch in stretches.filter({ $0.events * Self.leastPart >= most }).map(\.range)
            .sorted(by: { $0.lowerBound < $1.lowerBound })
        {
            if let last = times.last, stretch.lowerBound - last.upperBound <= Self.longestGap {
                times[times.count - 1] = last.lowerBound...max(last.upperBound, stretch.upperBound)
            } else {
                times.append(stretch)
            }
        }
        return times
    }
}
