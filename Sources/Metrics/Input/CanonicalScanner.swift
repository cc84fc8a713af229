import CallEvents
import EventLog

/// Reads lines exactly as the writer lays them out, several times as fast as any JSON can be read: each key is compared
/// where it must stand, and nothing is kept that counting does not need. Every byte is looked at; whatever is not as the
/// writer would have it, `scan` declines, and the line is read as JSON.
struct CanonicalScanner {
    /// Bytes that must be readable behind a line.
    static let slack = 32

    private let plans: [FactPlan]
    private let types: TypeTable
    private let start = Literal("{\"v\":1,\"seq\":")
    private let time = Literal(",\"time\":\"")
    private let mono = Literal("\",\"mono_ms\":")
    private let node = Literal(",\"node\":\"")
    private let type = Literal(",\"type\":\"")
    private let call = Literal(",\"call\":\"")
    private let null = Literal("null")
    private let yes = Literal("true")
    private let no = Literal("false")
    private let directions = WordTable<Direction>()
    private let reasons = WordTable<HoldReason>()
    private let holdOutcomes = WordTable<HoldOutcome>()
    private let queueOutcomes = WordTable<QueueOutcome>()
    private let kinds = WordTable<TransferKind>()
    private let causes = WordTable<Cause>()
    private let enders = WordTable<EndedBy>()
    private let steps = WordTable<FallbackStep>()
    private let states = WordTable<AgentState>()
    /// The date read last, as it stands, and its midnight.
    private var date: (UInt64, UInt16) = (0, 0)
    private var midnight: Int64 = 0
    /// The node read last.
    private var nodeHash: UInt64 = 0
    private var nodeName = Name.null
    /// Numbers of sets of skills by the hash of their JSON.
    private var skillSets: [UInt64: Int32] = [:]
    /// The hash of a set that the scanner has not met before; the reader tells its number.
    private(set) var unknownSkills: UInt64?

    private var at: UnsafeRawPointer
    private var end: UnsafeRawPointer

    init(plans: [FactPlan]) {
        self.plans = plans
        types = TypeTable()
        at = UnsafeRawPointer(bitPattern: 8)!
        end = at
    }

    mutating func learn(skills number: Int32) {
        if let hash = unknownSkills { skillSets[hash] = number }
        unknownSkills = nil
    }

    /// Fills `fact`, which has to be empty.
    /// - Returns: false when the line is not laid out as the writer does; `fact` is then partly filled.
    mutating func scan(_ line: UnsafeRawBufferPointer, _ fact: inout Fact, _ names: inout NameTable) -> Bool {
        unknownSkills = nil
        guard let base = line.baseAddress, line.count >= 80 else { return false }
        at = base
        end = base + line.count
        guard envelope(&fact, &names) else { return false }
        let plan = plans[Int(fact.type.rawValue)]
        if plan.hasCall {
            guard take(call), let text = string() else { return false }
            fact.call = hash64(text)
        }
        for step in plan.steps {
            guard take(step.literal), field(step, &fact, &names) else { return false }
        }
        return at + 1 == end && at.load(as: UInt8.self) == UInt8(ascii: "}")
    }

    private mutating func envelope(_ fact: inout Fact, _ names: inout NameTable) -> Bool {
        guard take(start), let seq = number(), seq > 0 else { return false }
        fact.seq = UInt64(seq)
        guard take(time), let wall = timestamp() else { return false }
        fact.wall = wall
        guard take(mono), let mono = number(), mono <= FieldLimits.uptime.upperBound else { return false }
        fact.mono = mono
        guard take(node), let name = string() else { return false }
        let hash = hash64(name)
        if hash != nodeHash {
            nodeHash = hash
            nodeName = names.number(of: name)
        }
        fact.node = nodeName
        guard take(type), let word = string() else { return false }
        fact.type = types.type(word)
        return fact.type != .other
    }

    private mutating func field(_ step: FactPlan.Step, _ fact: inout Fact, _ names: inout NameTable) -> Bool {
        switch step.field {
        case .skip: return skip(step)
        case .agent: return name(&fact.agent, &names)
        case .group: return name(&fact.group, &names)
        case .line: return name(&fact.line, &names)
        case .target: return name(&fact.target, &names)
        case .code: return name(&fact.code, &names)
        case .call: return hash(&fact.call)
        case .caller: return hash(&fact.caller)
        case .length: return number(&fact.length, step.limit)
        case .talkMs: return number(&fact.talkMs, step.limit)
        case .holdMs: return number(&fact.holdMs, step.limit)
        case .number: return number(&fact.number, step.limit)
        case .serviceLevel:
            if take(null) { return true }
            guard let value = number(), value <= step.limit else { return false }
            fact.serviceLevel = Int32(value)
            return true
        case .serviceTarget:
            if take(null) { return true }
            guard let value = number(), value <= step.limit else { return false }
            fact.serviceTarget = Fact.percent(value)
            return true
        case .flag:
            if take(yes) {
                fact.flag = true
                return true
            }
            return take(no)
        case .previous:
            if take(null) { return true }
            fact.previous = take(yes)
            return fact.previous == true || take(no)
        case .arrived:
            guard quote(), let wall = timestamp(), quote() else { return false }
            fact.arrived = wall
            return true
        case .skills: return skills(&fact)
        case .direction: return word(directions, &fact.direction)
        case .reason:
            var reason = HoldReason.other
            guard word(reasons, &reason) else { return false }
            fact.reason = reason
            return true
        case .holdOutcome: return word(holdOutcomes, &fact.holdOutcome)
        case .queueOutcome: return word(queueOutcomes, &fact.queueOutcome)
        case .kind: return word(kinds, &fact.kind)
        case .cause: return word(causes, &fact.cause)
        case .endedBy:
            var by = EndedBy.other
            guard word(enders, &by) else { return false }
            fact.isOurs = by == .controller
            return true
        case .step: return word(steps, &fact.step)
        case .old: return word(states, &fact.old)
        case .new: return word(states, &fact.new)
        }
    }
}

// Values.
extension CanonicalScanner {
    @inline(__always)
    private mutating func take(_ literal: Literal) -> Bool {
        guard at + literal.count <= end, literal.matches(at) else { return false }
        at += literal.count
        return true
    }

    @inline(__always)
    private mutating func quote() -> Bool {
        guard at < end, at.load(as: UInt8.self) == UInt8(ascii: "\"") else { return false }
        at += 1
        return true
    }

    /// A whole number of at most 18 digits, without a leading zero.
    @inline(__always)
    private mutating func number() -> Int64? {
        let first = at
        var value: Int64 = 0
        while at < end, case let digit = at.load(as: UInt8.self) &- UInt8(ascii: "0"), digit < 10 {
            value = value &* 10 &+ Int64(digit)
            at += 1
        }
        let count = at - first
        guard count > 0, count <= 18, count == 1 || first.load(as: UInt8.self) != UInt8(ascii: "0") else { return nil }
        return value
    }

    @inline(__always)
    private mutating func number(_ value: inout Int64, _ limit: Int64) -> Bool {
        guard let number = number(), number <= limit else { return false }
        value = number
        return true
    }

    /// Behind the opening quotation mark to behind the closing one; null where an escape is met.
    @inline(__always)
    private mutating func string() -> UnsafeRawBufferPointer? {
        let first = at
        at = Self.special(at, end)
        guard at < end, at.load(as: UInt8.self) == UInt8(ascii: "\"") else { return nil }
        let text = UnsafeRawBufferPointer(start: first, count: at - first)
        at += 1
        return text
    }

    /// The first quotation mark, backslash or control character, else the end. Eight bytes at a time: a byte equal to
    /// `c` is a zero in `x ^ cc…c`, and zeros are found by their borrow (Mycroft).
    @inline(__always)
    private static func special(_ from: UnsafeRawPointer, _ end: UnsafeRawPointer) -> UnsafeRawPointer {
        var at = from
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        while at < end {
            let word = load(at)
            let quote = word ^ (ones &* 0x22)
            let slash = word ^ (ones &* 0x5C)
            let found =
                ((quote &- ones) & ~quote | (slash &- ones) & ~slash | (word &- ones &* 0x20) & ~word) & tops
            if found != 0 {
                let place = at + found.trailingZeroBitCount / 8
                return place < end ? place : end
            }
            at += 8
        }
        return end
    }

    @inline(__always)
    private mutating func name(_ name: inout Name, _ names: inout NameTable) -> Bool {
        if take(null) {
            name = .null
            return true
        }
        guard quote(), let text = string() else { return false }
        name = names.number(of: text)
        return true
    }

    @inline(__always)
    private mutating func hash(_ hash: inout UInt64) -> Bool {
        if take(null) { return true }
        guard quote(), let text = string() else { return false }
        hash = hash64(text)
        return true
    }

    @inline(__always)
    private mutating func word<Word: LogEnum>(_ table: borrowing WordTable<Word>, _ word: inout Word) -> Bool {
        guard quote(), let (found, count) = table.word(at), at + count <= end else { return false }
        word = found
        at += count
        return true
    }

    /// Passes over a value that counting does not need, of the kind that the field has.
    private mutating func skip(_ step: FactPlan.Step) -> Bool {
        switch step.kind {
        case .text: return quote() && skipString()
        case .optionalText: return take(null) || quote() && skipString()
        case .number: return skipNumber(step.limit)
        case .optionalNumber: return take(null) || skipNumber(step.limit)
        case .truth: return take(yes) || take(no)
        case .optionalTruth: return take(null) || take(yes) || take(no)
        case .texts: return at < end && at.load(as: UInt8.self) == UInt8(ascii: "[") && skipArray() != nil
        case .time: return quote() && timestamp() != nil && quote()
        }
    }

    private mutating func skipNumber(_ limit: Int64) -> Bool {
        guard let number = number() else { return false }
        return number <= limit
    }

    private mutating func skipString() -> Bool {
        while true {
            at = Self.special(at, end)
            guard at + 1 < end else { return false }
            switch at.load(as: UInt8.self) {
            case UInt8(ascii: "\""):
                at += 1
                return true
            case UInt8(ascii: "\\"):
                // The writer escapes by one letter; control characters, which are rare, by their number.
                switch at.load(fromByteOffset: 1, as: UInt8.self) {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
                    at += 2
                default: return false
                }
            default: return false
            }
        }
    }

    /// An array of strings without escapes; returns its bytes.
    private mutating func skipArray() -> UnsafeRawBufferPointer? {
        let first = at
        at += 1
        guard at < end else { return nil }
        if at.load(as: UInt8.self) != UInt8(ascii: "]") {
            while true {
                guard quote(), string() != nil, at < end else { return nil }
                if at.load(as: UInt8.self) == UInt8(ascii: "]") { break }
                guard at.load(as: UInt8.self) == UInt8(ascii: ",") else { return nil }
                at += 1
            }
        }
        at += 1
        return UnsafeRawBufferPointer(start: first, count: at - first)
    }

    private mutating func skills(_ fact: inout Fact) -> Bool {
        guard at < end, at.load(as: UInt8.self) == UInt8(ascii: "["), let array = skipArray() else { return false }
        if array.count == 2 { return true }
        let hash = hash64(array)
        guard let number = skillSets[hash] else {
            unknownSkills = hash
            return false
        }
        fact.skills = number
        return true
    }

    /// `2026-03-02T09:00:00.000000Z`. The date is nearly always that of the line before.
    @inline(__always)
    private mutating func timestamp() -> Int64? {
        guard at + 27 <= end else { return nil }
        let date = (load(at), at.loadUnaligned(fromByteOffset: 8, as: UInt16.self))
        if date != self.date {
            guard let wall = Self.midnight(UnsafeRawBufferPointer(start: at, count: 10)) else { return nil }
            midnight = wall
            self.date = date
        }
        func digit(_ offset: Int) -> Int64 {
            Int64(at.load(fromByteOffset: offset, as: UInt8.self) &- UInt8(ascii: "0"))
        }
        func mark(_ offset: Int, _ byte: UInt8) -> Bool { at.load(fromByteOffset: offset, as: UInt8.self) == byte }
        guard mark(10, UInt8(ascii: "T")), mark(13, UInt8(ascii: ":")), mark(16, UInt8(ascii: ":")),
            mark(19, UInt8(ascii: ".")), mark(26, UInt8(ascii: "Z"))
        else { return nil }
        let digits = (
            digit(11), digit(12), digit(14), digit(15), digit(17), digit(18)
        )
        guard digits.0 < 3, digits.1 < 10, digits.2 < 6, digits.3 < 10, digits.4 < 6, digits.5 < 10 else { return nil }
        let hour = digits.0 * 10 + digits.1
        guard hour < 24 else { return nil }
        var micros: Int64 = 0
        for offset in 20..<26 {
            let digit = digit(offset)
            guard digit < 10 else { return nil }
            micros = micros * 10 + digit
        }
        at += 26
        // The `Z` is the last of the time; the quotation mark behind it belongs to what follows.
        at += 1
        let seconds = hour * 3600 + (digits.2 * 10 + digits.3) * 60 + digits.4 * 10 + digits.5
        return midnight + seconds * 1_000_000 + micros
    }

    private static func midnight(_ text: UnsafeRawBufferPointer) -> Int64? {
        var date = String(decoding: text, as: UTF8.self)
        date += "T00:00:00Z"
        return MomentParser.utc(date)
    }
}

/// The types of events by their words.
private struct TypeTable {
    private var slots: [EventType]
    private var words: [[UInt8]]

    init() {
        slots = Array(repeating: .other, count: 256)
        words = EventType.allCases.map { Array($0.name.utf8) }
        for type in EventType.allCases where type != .other {
            var slot = words[Int(type.rawValue)].withUnsafeBytes { Int(hash64($0) & 255) }
            while slots[slot] != .other { slot = (slot + 1) & 255 }
            slots[slot] = type
        }
    }

    func type(_ word: UnsafeRawBufferPointer) -> EventType {
        var slot = Int(hash64(word) & 255)
        while slots[slot] != .other {
            let known = words[Int(slots[slot].rawValue)]
            if known.count == word.count, known.withUnsafeBytes({ equalBytes($0, word) }) { return slots[slot] }
            slot = (slot + 1) & 255
        }
        return .other
    }
}
