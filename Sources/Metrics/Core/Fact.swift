import CallEvents
import EventLog

/// What counting needs of one event, in numbers: strings are names' numbers, ids are hashes.
struct Fact: Equatable {
    var type = EventType.other
    var seq: UInt64 = 0
    /// Microseconds since 1970.
    var wall: Int64 = 0
    /// The same moment without the steps of its node's clock.
    var time: Int64 = 0
    /// Milliseconds of the monotonic clock.
    var mono: Int64 = 0
    var node = Name.null
    /// Hash of the call's id; 0 where there is none.
    var call: UInt64 = 0
    var agent = Name.missing
    var group = Name.missing
    var line = Name.missing
    var target = Name.missing
    var code = Name.missing
    /// A set of skills' number; 0 for none.
    var skills: Int32 = 0
    /// Hash of the caller's number; 0 where it is withheld.
    var caller: UInt64 = 0
    /// When the call arrived, microseconds since 1970; 0 where the line does not say.
    var arrived: Int64 = 0
    /// The event's own length: `wait_ms`, `queue_ms`, `hold_ms`, `stay_ms`, `in_state_ms`.
    var length: Int64 = 0
    var talkMs: Int64 = 0
    var holdMs: Int64 = 0
    /// The hold's or the transfer's number; of `call.ended` the number of transfers.
    var number: Int64 = 0
    /// The service level's threshold in seconds; -1 where none is said.
    var serviceLevel: Int32 = -1
    /// The percentage that the group is to reach; -1 where none is said.
    var serviceTarget: Int8 = -1
    var direction = Direction.other
    var reason: HoldReason?
    var holdOutcome = HoldOutcome.other
    var queueOutcome = QueueOutcome.other
    var kind = TransferKind.other
    var cause = Cause.other
    var step = FallbackStep.other
    var old = AgentState.other
    var new = AgentState.other
    /// `human` of an answer, `abandoned` of an end, `resolved` of a verdict.
    var flag = false
    /// We ended the call.
    var isOurs = false
    /// The earlier verdict.
    var previous: Bool?

    /// When what the event closes began, by its own length.
    var began: Int64 { wall - length * 1000 }

    /// What is no percentage says none.
    static func percent(_ value: Int64) -> Int8 { (0...100).contains(value) ? Int8(value) : -1 }

    /// Tells events apart that have the same number.
    var mark: UInt32 { Self.mark(wall: wall, mono: mono, type: type, call: call) }

    @inline(__always)
    static func mark(wall: Int64, mono: Int64, type: EventType, call: UInt64) -> UInt32 {
        var mark = UInt64(bitPattern: wall) ^ call
        mark = (mark ^ UInt64(bitPattern: mono) << 20) &* 0x9E37_79B9_7F4A_7C15
        return UInt32(truncatingIfNeeded: mark >> 32) ^ UInt32(type.rawValue)
    }
}
