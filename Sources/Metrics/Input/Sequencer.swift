/// Puts the lines of one node's log in the order of their numbers: each once, those that stand a little out of order in
/// their place, with no more held back than `reach`.
struct Sequencer<Item> {
    /// How many lines a line may stand behind its place.
    static var reach: Int { 4096 }

    enum Place {
        /// The next of the log, to be taken now.
        case next
        /// Held back until those before it have come; `pop` hands it over.
        case held
        /// Taken before, or not to be taken at all.
        case dropped
    }

    /// What was met beside lines in their order.
    struct Counts {
        var repeated = 0
        /// Lines that came so late that what follows them had been taken: taken where they stood.
        var late = 0
        /// Lines passed over: another event had their number, or it is not known any more.
        var dropped = 0
    }

    private struct Held {
        let seq: UInt64
        let item: Item
    }

    /// A line that was held back, in the order in which they came.
    private struct Arrival {
        let seq: UInt64
        /// How many lines had been read before it, and how many been taken in order.
        let read: Int
        let taken: Int
    }

    private(set) var counts = Counts()
    private var seen = SeenNumbers()
    /// Of logs of the same name that ended before this began.
    private var missingBefore: UInt64 = 0
    private var oddBefore = 0
    private var last: UInt64 = 0
    private var read = 0
    private var taken = 0
    /// In the order of their numbers.
    private var held = Queue<Held>()
    /// In the order in which they came; also those that have been taken since.
    private var arrivals = Queue<Arrival>()
    /// In the order in which they are to be taken.
    private var ready = Queue<Item>()

    /// - Parameters:
    ///   - mark: tells events apart that have the same number.
    ///   - opens: whether the event opens a log or a segment: there a node's log may begin anew.
    ///   - item: what is to be held back, if it is.
    @inline(__always)
    mutating func place(_ seq: UInt64, mark: UInt32, opens: Bool, _ item: @autoclosure () -> Item) -> Place {
        read += 1
        if seq == last + 1, held.isEmpty, !opens {
            seen.insert(seq, mark: mark, opens: false)
            last = seq
            taken += 1
            return .next
        }
        return placeElsewhere(seq, mark, opens, item())
    }

    private mutating func placeElsewhere(_ seq: UInt64, _ mark: UInt32, _ opens: Bool, _ item: Item) -> Place {
        switch seen.verdict(seq, mark: mark, opens: opens) {
        case .repeated:
            counts.repeated += 1
            return .dropped
        case .taken where opens: beginAnew()
        case .taken, .forgotten:
            counts.dropped += 1
            return .dropped
        case .new: break
        }
        seen.insert(seq, mark: mark, opens: opens)
        if seq > last {
            var index = held.end
            while index > held.start, held.items[index - 1].seq > seq { index -= 1 }
            held.items.insert(Held(seq: seq, item: item), at: index)
            arrivals.items.append(Arrival(seq: seq, read: read, taken: taken))
            release()
            return .held
        }
        counts.late += 1
        return .next
    }

    /// The node's log begins again: its directory was emptied, or another node has the same name.
    private mutating func beginAnew() {
        flush()
        let gaps = seen.gaps
        missingBefore += gaps.missing
        oddBefore += gaps.odd
        seen.beginAnew()
        last = 0
    }

    /// The next of those that were held back and have their turn.
    mutating func pop() -> Item? { ready.popFirst() }
    var hasReady: Bool { !ready.isEmpty }

    private mutating func release() {
        takeFollowing()
        while let oldest = arrivals.first {
            if oldest.seq <= last {
                arrivals.removeFirst()
            } else if read - oldest.read < Self.reach {
                return
            } else if oldest.taken < taken {
                // The log went on as if nothing was missing: the number is wrong.
                arrivals.removeFirst()
                if let index = (held.start..<held.end).first(where: { held.items[$0].seq == oldest.seq }) {
                    ready.items.append(held.items.remove(at: index).item)
                }
            } else {
                takeLowest()
            }
        }
    }

    /// Takes what is held back: nothing before it will come.
    mutating func flush() {
        while !held.isEmpty { takeLowest() }
        arrivals = Queue()
    }

    private mutating func takeLowest() {
        take()
        takeFollowing()
    }

    private mutating func takeFollowing() {
        while let next = held.first, next.seq == last + 1 { take() }
    }

    private mutating func take() {
        guard let first = held.popFirst() else { return }
        last = first.seq
        taken += 1
        ready.items.append(first.item)
    }

    /// Numbers that no line has, and lines whose number lies far from all others.
    var gaps: (missing: UInt64, odd: Int) {
        let gaps = seen.gaps
        return (missingBefore + gaps.missing, oddBefore + gaps.odd)
    }
}

/// An array that is taken from at its front.
private struct Queue<Element> {
    var items: [Element] = []
    private(set) var start = 0
    var end: Int { items.count }

    var isEmpty: Bool { start == items.count }
    var first: Element? { isEmpty ? nil : items[start] }

    mutating func removeFirst() { _ = popFirst() }

    mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let first = items[start]
        start += 1
        if start == items.count {
            items.removeAll(keepingCapacity: true)
            start = 0
        } else if start >= 4096 {
            items.removeFirst(start)
            start = 0
        }
        return first
    }
}
