import CallEvents

/// What counting needs to know of a call until it has ended.
struct OpenCall {
    struct Transfer {
        var number: Int64
        var kind: TransferKind
        var agent: Name
        var target: Name
        var began: Int64
        var fallbacks: [FallbackStep] = []
    }

    var node: Name
    /// Microseconds since 1970; null where its arrival is not in the log.
    var arrived: Int64?
    var direction: Direction
    var line = Name.null
    /// The last group of its first wait, later of the call.
    var group = Name.null
    /// Who answered it first.
    var agent = Name.null
    var skills: Int32 = 0
    /// In seconds; -1 where none was said.
    var serviceLevel: Int32 = -1
    /// The last group's, in percent; -1 where it has none.
    var serviceTarget: Int8 = -1
    var caller: UInt64 = 0
    var answered = false
    var ended = false
    /// No other call of this caller in the seven days before it.
    var isFirst = false
    var lastQueue: QueueOutcome?
    /// The group it left for another place, until that place is known.
    var leftGroup: (group: Name, began: Int64)?
    /// The open hold segment, not the caller's own.
    var hold: (number: Int64, reason: HoldReason, agent: Name, began: Int64)?
    /// The caller's own hold's number.
    var callerHold: Int64?
    var transfer: Transfer?
    /// Parties that have joined and not left.
    var stays = 0
}
