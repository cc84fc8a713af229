/// What a verdict on a call that has ended has to know. A verdict is taken until a day after the call's end, so entries
/// are kept in two generations of 26 hours and forgotten with the older one.
struct VerdictBook {
    struct Entry {
        /// Hash of the caller's number; 0 where it is withheld.
        var caller: UInt64 = 0
        /// Where the last verdict was counted; null before the first.
        var place: LatePlace?
        var resolved = false
        /// Where the call was received; null where no rows are asked for.
        var received: Attributes?
        /// The call is of a direction that is not counted.
        var isLeftOut = false
    }

    private static let generation: Int64 = 26 * 3600 * 1_000_000

    private var young: [UInt64: Entry] = [:]
    private var old: [UInt64: Entry] = [:]
    private var since: Int64?

    mutating func leaveOut(_ call: UInt64, now: Int64) {
        set(call, Entry(isLeftOut: true), now)
    }

    mutating func ended(_ call: UInt64, caller: UInt64, received: Attributes?, now: Int64) {
        guard caller != 0 || received != nil, young[call] == nil, old[call] == nil else { return }
        set(call, Entry(caller: caller, received: received), now)
    }

    /// What is known of the call; null where its verdicts are not counted.
    func entry(_ call: UInt64) -> Entry? {
        let entry = young[call] ?? old[call] ?? Entry()
        return entry.isLeftOut ? nil : entry
    }

    mutating func set(_ call: UInt64, _ entry: Entry, _ now: Int64) {
        let start = since ?? now
        since = start
        if now - start > Self.generation {
            old = now - start > 2 * Self.generation ? [:] : young
            young = [:]
            since = now
        }
        young[call] = entry
    }
}

/// Where something will be counted that is known later: small enough to be kept for each caller.
struct LatePlace: Hashable {
    /// The number of a cell; -1 where only the total counts it; below, -2 less the number of a list of cells.
    var cell: Int32
}
