import TransferEngine

/// The engine's timers, soonest first; equal instants in the order in which they were set.
struct TimerHeap {
    private struct Entry {
        var due: Int64
        var order: UInt64
        var id: TimerID

        static func < (a: Entry, b: Entry) -> Bool { (a.due, a.order) < (b.due, b.order) }
    }

    private var heap: [Entry] = []
    private var order: UInt64 = 0
    /// Set and not yet due or stopped; a stopped one stays in the heap until it comes up.
    private var active: Set<TimerID> = []

    var count: Int { heap.count }

    /// When the next one is due, in microseconds of CLOCK_BOOTTIME; a stopped one counts, and is dropped then.
    var next: Int64? { heap.first?.due }

    mutating func start(_ id: TimerID, due: Int64) {
        active.insert(id)
        order += 1
        heap.append(Entry(due: due, order: order, id: id))
        var child = heap.count - 1
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func stop(_ id: TimerID) {
        active.remove(id)
        // Long timers that are mostly stopped (every consult has one) must not pile up.
        if heap.count > 64, heap.count > 4 * active.count { compact() }
    }

    /// The next timer that is due by `now`; null when there is none.
    mutating func pop(now: Int64) -> TimerID? {
        while let first = heap.first, first.due <= now {
            removeFirst()
            if active.remove(first.id) != nil { return first.id }
        }
        return nil
    }

    private mutating func removeFirst() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] < heap[least] {
                least = child
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    /// A sorted array is a heap.
    private mutating func compact() {
        heap = heap.filter { active.contains($0.id) }.sorted(by: <)
    }
}
