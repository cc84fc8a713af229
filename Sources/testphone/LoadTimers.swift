/// What is to be done at an instant.
enum LoadTask {
    case launch
    case resend(LoadLeg, cseq: Int)
    case dial(LoadCall)
    case info(LoadLeg)
    case agentHangsUp(LoadCall)
    case callerHangsUp(LoadCall)
    case deadline(LoadCall)
    case stage
}

/// A binary heap of tasks by time.
struct LoadTimers {
    private var heap: [(at: Double, task: LoadTask)] = []

    var next: Double? { heap.first?.at }

    mutating func add(_ at: Double, _ task: LoadTask) {
        heap.append((at, task))
        var child = heap.count - 1
        while child > 0, heap[child].at < heap[(child - 1) / 2].at {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// The earliest task, where it is due.
    mutating func take(dueAt now: Double) -> LoadTask? {
        guard let first = heap.first, first.at <= now else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first.task }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].at < heap[least].at {
                least = child
            }
            guard least != parent else { return first.task }
            heap.swapAt(least, parent)
            parent = least
        }
    }
}
