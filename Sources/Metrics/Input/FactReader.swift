import CallEvents
import EventLog

/// Takes lines of the log apart into facts.
struct FactReader {
    /// Whether targets and disposition codes are wanted: their number is not bounded by a configuration.
    var wantsTargets = false
    var wantsCodes = false
    var names = NameTable()
    /// Sets of skills by number; the first is empty.
    private(set) var skillSets: [[Name]] = [[]]
    private var parser = EventParser()

    /// What the line says.
    /// - Throws: where it is no event.
    mutating func read(_ line: UnsafeRawBufferPointer, into fact: inout Fact) throws(LineError) {
        try parser.parse(line)
        fact = Fact()
        fact.type = parser.type
        fact.seq = parser.seq
        fact.wall = parser.wall
        fact.mono = parser.monoMs
        fact.node = name("node").known
        fact.call = parser.withBytes("call", hash64) ?? 0
        switch fact.type {
        case .callOpen, .callArrived, .callAnswered, .callQueued, .callDequeued, .callEnded, .callDisposition:
            readCall(&fact)
        case .partyJoined, .partyLeft, .holdStarted, .holdEnded, .agentStateChanged: readParty(&fact)
        case .transferStarted, .transferCompleted, .transferFailed, .transferCancelled, .transferFallback:
            readTransfer(&fact)
        default: break
        }
    }

    /// The `type` of the line read last, as it stands there.
    var typeName: String { parser.typeName }

    private mutating func readCall(_ fact: inout Fact) {
        switch fact.type {
        case .callArrived:
            fact.line = name("line")
            fact.caller = parser.withBytes("caller", hash64) ?? 0
            fact.direction = word("direction")
        case .callOpen:
            fact.arrived = parser.wallTime("arrived")?.microseconds ?? 0
            readPlace(&fact)
            fact.number = parser.int("transfer") ?? 0
        case .callQueued:
            fact.group = name("group")
            fact.serviceLevel = serviceLevel
            fact.skills = skills
        case .callDequeued:
            fact.group = name("group")
            fact.length = parser.int("queue_ms") ?? 0
            fact.queueOutcome = word("outcome")
        case .callAnswered:
            readPlace(&fact)
            fact.length = parser.int("wait_ms") ?? 0
            fact.flag = parser.bool("human") ?? false
            fact.serviceLevel = serviceLevel
        case .callEnded:
            readPlace(&fact)
            fact.arrived = parser.wallTime("arrived")?.microseconds ?? 0
            fact.cause = word("cause")
            fact.length = parser.int("wait_ms") ?? 0
            fact.talkMs = parser.int("talk_ms") ?? 0
            fact.holdMs = parser.int("hold_ms") ?? 0
            fact.number = parser.int("transfers") ?? 0
            fact.flag = parser.bool("abandoned") ?? false
        case .callDisposition:
            readPlace(&fact)
            fact.arrived = parser.wallTime("arrived")?.microseconds ?? 0
            fact.flag = parser.bool("resolved") ?? false
            fact.previous = parser.bool("previous")
            if wantsCodes { fact.code = name("code") }
        default: break
        }
    }

    private mutating func readParty(_ fact: inout Fact) {
        switch fact.type {
        case .partyLeft:
            readPlace(&fact)
            fact.length = parser.int("stay_ms") ?? 0
            fact.talkMs = parser.int("talk_ms") ?? 0
            fact.holdMs = parser.int("hold_ms") ?? 0
        case .holdStarted:
            fact.agent = name("agent")
            fact.number = parser.int("hold") ?? 0
            fact.reason = holdReason
        case .holdEnded:
            readPlace(&fact)
            fact.number = parser.int("hold") ?? 0
            fact.reason = holdReason
            fact.length = parser.int("hold_ms") ?? 0
            fact.holdOutcome = word("outcome")
        case .agentStateChanged:
            readPlace(&fact)
            fact.old = word("old")
            fact.new = word("new")
            fact.length = parser.int("in_state_ms") ?? 0
        default: break
        }
    }

    private mutating func readTransfer(_ fact: inout Fact) {
        fact.number = parser.int("transfer") ?? 0
        if fact.type == .transferFallback {
            fact.step = word("step")
            return
        }
        fact.agent = name("agent")
        fact.kind = word("kind")
        fact.cause = word("cause")
        if wantsTargets { fact.target = name("target") }
    }

    private mutating func readPlace(_ fact: inout Fact) {
        fact.agent = name("agent")
        fact.group = name("group")
        fact.line = name("line")
    }

    private var serviceLevel: Int32 { parser.int("service_level_s").flatMap(Int32.init(exactly:)) ?? -1 }

    private var holdReason: HoldReason? { parser.string("reason").map(HoldReason.init(word:)) }

    private mutating func name(_ key: StaticString) -> Name {
        if let name = parser.withBytes(key, { names.number(of: $0) }) { return name }
        return parser.has(key) ? .null : .missing
    }

    private func word<Word: LogEnum>(_ key: StaticString) -> Word {
        parser.string(key).map(Word.init(word:)) ?? .other
    }

    private var skills: Int32 {
        mutating get {
            let set = (parser.strings("skills") ?? []).map { names.number($0) }
            if let index = skillSets.firstIndex(of: set) { return Int32(index) }
            skillSets.append(set)
            return Int32(skillSets.count - 1)
        }
    }
}
