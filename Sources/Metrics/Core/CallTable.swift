/// The open calls by the hashes of their ids, in memory of their own: a call stays where it is while it is counted.
struct CallTable: ~Copyable {
    private struct Slot {
        var id: UInt64
        /// Place in `calls`; -1 where the slot is empty.
        var place: Int32
    }

    private var slots: [Slot]
    private var calls: UnsafeMutablePointer<OpenCall>
    private var capacity: Int
    private var used = 0
    /// Places that were given up.
    private var free: [Int32] = []
    private(set) var count = 0

    init() {
        slots = Array(repeating: Slot(id: 0, place: -1), count: 256)
        capacity = 128
        calls = .allocate(capacity: capacity)
    }

    deinit { calls.deallocate() }

    /// The call of that id; valid until the next insertion.
    func find(_ id: UInt64) -> UnsafeMutablePointer<OpenCall>? {
        var slot = Int(truncatingIfNeeded: id) & (slots.count - 1)
        while slots[slot].place >= 0 {
            if slots[slot].id == id { return calls + Int(slots[slot].place) }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// Puts in a call that is not there.
    mutating func insert(_ id: UInt64, _ call: OpenCall) -> UnsafeMutablePointer<OpenCall> {
        if (count + 1) * 2 > slots.count { grow() }
        let place: Int32
        if let last = free.popLast() {
            place = last
        } else {
            if used == capacity { moveCalls() }
            place = Int32(used)
            used += 1
        }
        (calls + Int(place)).initialize(to: call)
        put(Slot(id: id, place: place))
        count += 1
        return calls + Int(place)
    }

    mutating func remove(_ id: UInt64) {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: id) & mask
        while slots[slot].id != id || slots[slot].place < 0 {
            if slots[slot].place < 0 { return }
            slot = (slot + 1) & mask
        }
        free.append(slots[slot].place)
        count -= 1
        // Those behind that belong no later than here move up (Knuth, 6.4, algorithm R).
        var hole = slot
        var next = slot
        while true {
            next = (next + 1) & mask
            if slots[next].place < 0 { break }
            let home = Int(truncatingIfNeeded: slots[next].id) & mask
            if (next - home) & mask >= (next - hole) & mask {
                slots[hole] = slots[next]
                hole = next
            }
        }
        slots[hole].place = -1
    }

    /// Every call, in the order of ids.
    func sorted() -> [OpenCall] {
        slots.filter { $0.place >= 0 }.sorted { $0.id < $1.id }.map { calls[Int($0.place)] }
    }

    private mutating func put(_ entry: Slot) {
        var slot = Int(truncatingIfNeeded: entry.id) & (slots.count - 1)
        while slots[slot].place >= 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = entry
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(id: 0, place: -1), count: old.count * 2)
        for entry in old where entry.place >= 0 { put(entry) }
    }

    private mutating func moveCalls() {
        let larger = UnsafeMutablePointer<OpenCall>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: calls, count: used)
        calls.deallocate()
        calls = larger
        capacity *= 2
    }
}
