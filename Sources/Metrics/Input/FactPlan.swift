import CallEvents
import EventLog

/// Which field of a type's line goes where in a fact.
enum FactField: UInt8 {
    case skip
    case agent, group, line, target, code, call, caller, arrived, skills
    case length, talkMs, holdMs, number, serviceLevel, serviceTarget
    case flag, previous, endedBy
    case direction, reason, holdOutcome, queueOutcome, kind, cause, step, old, new
}

/// The fields of one type in the order in which the writer puts them, and what each is for.
struct FactPlan {
    struct Step {
        var key: StaticString
        var field: FactField
        /// What its value is.
        var kind: Kind
        /// The greatest number that it can be.
        var limit: Int64
        /// `,"key":`, for comparison with a line.
        var literal: Literal
    }

    /// What JSON a field has, where it is not null; only of some it can be.
    enum Kind {
        case text, number, truth, texts, time
        case optionalText, optionalNumber, optionalTruth
    }

    let steps: [Step]
    /// Whether `call` stands in the envelope.
    let hasCall: Bool

    init(_ type: EventType, wantsTargets: Bool, wantsCodes: Bool) {
        var visitor = KeyVisitor()
        var event = CallEvent(type: type.name)
        event.visit(&visitor)
        let wanted = Self.wanted(type)
        steps = visitor.keys.map { key, kind in
            var field = wanted["\(key)"] ?? .skip
            if field == .target, !wantsTargets || field == .code, !wantsCodes { field = .skip }
            return Step(
                key: key, field: field, kind: kind, limit: FieldLimits.range(of: key).upperBound,
                literal: Literal(",\"\(key)\":"))
        }
        switch type {
        case .serviceStarted, .serviceStopping, .serviceRecovered, .serviceAlive, .logSegment, .callRefused,
            .agentStateChanged, .other:
            hasCall = false
        default: hasCall = true
        }
    }

    /// The fields that counting needs of a type.
    private static func wanted(_ type: EventType) -> [String: FactField] {
        let place: [String: FactField] = ["agent": .agent, "group": .group, "line": .line]
        func with(_ fields: [String: FactField]) -> [String: FactField] { place.merging(fields) { $1 } }
        switch type {
        case .callArrived: return ["line": .line, "caller": .caller, "direction": .direction]
        case .callOpen: return with([:])
        case .callQueued:
            return [
                "group": .group, "skills": .skills, "service_level_s": .serviceLevel, "service_target": .serviceTarget,
            ]
        case .callDequeued: return ["group": .group, "queue_ms": .length, "outcome": .queueOutcome]
        case .callAnswered: return with(["wait_ms": .length, "human": .flag, "service_level_s": .serviceLevel])
        case .callEnded:
            return with([
                "ended_by": .endedBy, "cause": .cause, "arrived": .arrived, "wait_ms": .length, "hold_ms": .holdMs,
                "transfers": .number, "abandoned": .flag,
            ])
        case .slaBreached, .callbackRequested: return ["group": .group, "line": .line]
        case .callbackStarted: return ["group": .group, "line": .line, "request": .call]
        case .callbackCompleted: return ["group": .group, "line": .line, "request": .call, "since_ms": .length]
        case .callbackFailed: return ["group": .group, "line": .line, "request": .call, "final": .flag]
        case .callDisposition:
            return with(["arrived": .arrived, "resolved": .flag, "previous": .previous, "code": .code])
        case .partyLeft: return with(["stay_ms": .length, "talk_ms": .talkMs, "hold_ms": .holdMs])
        case .holdStarted: return ["hold": .number, "reason": .reason, "agent": .agent]
        case .holdEnded:
            return with(["hold": .number, "reason": .reason, "hold_ms": .length, "outcome": .holdOutcome])
        case .transferStarted, .transferCompleted, .transferFailed, .transferCancelled:
            return ["transfer": .number, "kind": .kind, "agent": .agent, "target": .target, "cause": .cause]
        case .transferFallback: return ["transfer": .number, "step": .step]
        case .agentStateChanged:
            return with(["old": .old, "new": .new, "in_state_ms": .length, "call": .call])
        default: return [:]
        }
    }
}

/// Collects the keys of an event and what stands there.
private struct KeyVisitor: FieldVisitor {
    var keys: [(StaticString, FactPlan.Kind)] = []

    mutating func field(_ key: StaticString, _ value: inout String) { keys.append((key, .text)) }
    mutating func field(_ key: StaticString, _ value: inout String?) { keys.append((key, .optionalText)) }
    mutating func field(_ key: StaticString, _ value: inout Int) { keys.append((key, .number)) }
    mutating func field(_ key: StaticString, _ value: inout Int?) { keys.append((key, .optionalNumber)) }
    mutating func field(_ key: StaticString, _ value: inout Bool) { keys.append((key, .truth)) }
    mutating func field(_ key: StaticString, _ value: inout Bool?) { keys.append((key, .optionalTruth)) }
    mutating func field(_ key: StaticString, _ value: inout [String]) { keys.append((key, .texts)) }
    mutating func field(_ key: StaticString, _ value: inout WallTime) { keys.append((key, .time)) }
    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value) { keys.append((key, .text)) }
    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value?) {
        keys.append((key, .optionalText))
    }
}

/// Up to 32 bytes of text, compared eight at a time. The bytes compared with must be readable eight beyond their end.
struct Literal {
    private let words: (UInt64, UInt64, UInt64, UInt64)
    private let masks: (UInt64, UInt64, UInt64, UInt64)
    let count: Int

    init(_ text: String) {
        let bytes = Array(text.utf8)
        precondition(bytes.count <= 32)
        func word(_ index: Int) -> (UInt64, UInt64) {
            var word: UInt64 = 0
            var mask: UInt64 = 0
            for offset in 0..<8 where index * 8 + offset < bytes.count {
                word |= UInt64(bytes[index * 8 + offset]) << UInt64(offset * 8)
                mask |= 0xFF << UInt64(offset * 8)
            }
            return (word, mask)
        }
        let (first, second, third, fourth) = (word(0), word(1), word(2), word(3))
        words = (first.0, second.0, third.0, fourth.0)
        masks = (first.1, second.1, third.1, fourth.1)
        count = bytes.count
    }

    @inline(__always)
    func matches(_ bytes: UnsafeRawPointer) -> Bool {
        if (load(bytes) ^ words.0) & masks.0 != 0 { return false }
        if count > 8, (load(bytes + 8) ^ words.1) & masks.1 != 0 { return false }
        if count > 16, (load(bytes + 16) ^ words.2) & masks.2 != 0 { return false }
        return count <= 24 || (load(bytes + 24) ^ words.3) & masks.3 == 0
    }
}

@inline(__always)
func load(_ bytes: UnsafeRawPointer) -> UInt64 { UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)) }

/// The words of a closed set by their bytes.
struct WordTable<Word: LogEnum> {
    private let literals: [(literal: Literal, word: Word)]

    /// - Parameter quoted: the words with the quotation mark that ends them, so that none is the beginning of another.
    init() { literals = Word.allCases.map { (Literal($0.rawValue + "\""), $0) } }

    @inline(__always)
    func word(_ bytes: UnsafeRawPointer) -> (word: Word, count: Int)? {
        for entry in literals where entry.literal.matches(bytes) { return (entry.word, entry.literal.count) }
        return nil
    }
}
