import CallEvents

/// Which lines of a log have been read, told by the numbers of each node: a line that was written again comes once, one
/// that stands out of order is not lost. Memory does not grow with the log: the numbers are kept as intervals, of a log as
/// its writer leaves it one.
struct ReadNumbers {
    /// More gaps than any log of ours has.
    private static let mostGaps = 4096

    private struct Log {
        var ranges: [ClosedRange<UInt64>] = []
        /// When the events that open a log or a segment happened, by number.
        var openings: [UInt64: Int64] = [:]

        /// Notes a number.
        /// - Returns: false where it is known.
        mutating func insert(_ seq: UInt64) -> Bool {
            var next = ranges.count
            while next > 0, ranges[next - 1].lowerBound > seq { next -= 1 }
            if next > 0, ranges[next - 1].upperBound >= seq { return false }
            let joinsLast = next > 0 && ranges[next - 1].upperBound + 1 == seq
            let joinsNext = next < ranges.count && ranges[next].lowerBound == seq + 1
            if joinsLast, joinsNext {
                ranges[next - 1] = ranges[next - 1].lowerBound...ranges[next].upperBound
                ranges.remove(at: next)
            } else if joinsLast {
                ranges[next - 1] = ranges[next - 1].lowerBound...seq
            } else if joinsNext {
                ranges[next] = seq...ranges[next].upperBound
            } else {
                ranges.insert(seq...seq, at: next)
                // Rather a line twice than one not at all.
                if ranges.count > ReadNumbers.mostGaps { ranges.removeFirst() }
            }
            return true
        }
    }

    /// The number of the line noted last.
    private(set) var last: UInt64 = 0
    private var node = ""
    private var log = Log()
    /// The other nodes: a file may hold the logs of several.
    private var others: [String: Log] = [:]

    /// Notes the line.
    /// - Returns: whether it has not been read before.
    mutating func isNew(_ parser: borrowing EventParser) -> Bool {
        if parser.node != node {
            others[node] = log
            node = parser.node
            log = others.removeValue(forKey: node) ?? Log()
        }
        let seq = parser.seq
        let opens = parser.type == .logSegment || parser.type == .serviceStarted
        var isNew = log.insert(seq)
        if !isNew, opens, let wall = log.openings[seq], wall != parser.wall {
            // The node's log begins again: its directory was emptied, or another node has the same name.
            log = Log()
            isNew = log.insert(seq)
        }
        if opens, log.openings.count < Self.mostGaps { log.openings[seq] = parser.wall }
        if isNew { last = seq }
        return isNew
    }
}
