import CallEvents
import EventLog

/// Hands over the events of logs one by one: each node's in the order of their numbers, each once.
struct EventStream {
    /// Lines that were no event, or could not be put where they belong.
    private(set) var broken = 0
    /// By node; what is not wanted has its place in the order too.
    private var orders: [String: Sequencer<LoggedEvent?>] = [:]
    private var parser = EventParser(isBounded: true)

    /// - Parameters:
    ///   - wants: whether an event is needed; what is not is not taken apart.
    ///   - err: is told of each line that is no event, with file and line number.
    mutating func read(
        _ chains: [LogChain], where wants: (borrowing EventParser) -> Bool = { _ in true }, err: (String) -> Void,
        _ body: (LoggedEvent) -> Void
    ) throws(InputError) {
        for chain in chains {
            try read(chain, wants, err, body)
            for node in orders.keys.sorted() {
                orders[node]?.flush()
                handOver(node, body)
            }
        }
        let late = orders.values.reduce(0) { $0 + $1.counts.late }
        let dropped = orders.values.reduce(0) { $0 + $1.counts.dropped }
        let odd = orders.values.reduce(0) { $0 + $1.gaps.odd }
        guard late + dropped + odd > 0 else { return }
        broken += late + dropped + odd
        if late > 0 { err("\(counted(late, "event")) too far out of order, taken where they stood") }
        if dropped > 0 { err("\(counted(dropped, "event")) passed over: the seq was that of another event") }
        if odd > 0 { err("\(counted(odd, "event")) with a seq far from all others") }
    }

    private mutating func read(
        _ chain: LogChain, _ wants: (borrowing EventParser) -> Bool, _ err: (String) -> Void,
        _ body: (LoggedEvent) -> Void
    ) throws(InputError) {
        let reader = ChainReader(chain)
        var last: UInt64 = 0
        while let line = try reader.next() {
            do {
                try parser.parse(line)
                last = parser.seq
                try place(wants(parser) ? parser.logged() : nil, body)
            } catch {
                if !reader.isWhole || reader.isLeft(after: last) {
                    if reader.isWhole { try reader.leaveFile() }
                    continue
                }
                broken += 1
                err("\(reader.file):\(reader.number): not an event: \(error)")
            }
        }
    }

    private mutating func place(_ event: LoggedEvent?, _ body: (LoggedEvent) -> Void) {
        let node = parser.node
        let mark = Fact.mark(
            wall: parser.wall, mono: parser.monoMs, type: parser.type, call: parser.withBytes("call", hash64) ?? 0)
        let opens = parser.type == .logSegment || parser.type == .serviceStarted
        switch orders[node, default: Sequencer()].place(parser.seq, mark: mark, opens: opens, event) {
        case .next: if let event { body(event) }
        case .held: handOver(node, body)
        case .dropped: break
        }
    }

    private mutating func handOver(_ node: String, _ body: (LoggedEvent) -> Void) {
        while let event = orders[node]?.pop() { if let event { body(event) } }
    }
}
