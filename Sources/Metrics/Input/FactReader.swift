import CallEvents
import EventLog

/// Takes lines of the log apart into facts: by the layout of the writer where they have it, else as JSON.
struct FactReader {
    var names = NameTable()
    /// Sets of skills by number; the first is empty.
    private(set) var skillSets: [[Name]] = [[]]
    /// How many lines did not have the writer's layout.
    private(set) var foreignLines = 0
    private let plans: [FactPlan]
    private var scanner: CanonicalScanner
    private var parser = EventParser(isBounded: true)

    /// - Parameters:
    ///   - wantsTargets: whether targets are told apart: their number is not bounded by a configuration.
    ///   - wantsCodes: whether disposition codes are.
    init(wantsTargets: Bool = false, wantsCodes: Bool = false) {
        plans = EventType.allCases.map { FactPlan($0, wantsTargets: wantsTargets, wantsCodes: wantsCodes) }
        scanner = CanonicalScanner(plans: plans)
    }

    /// What the line says. The bytes behind it must be readable for `CanonicalScanner.slack` more.
    /// - Throws: where it is no event.
    mutating func read(_ line: UnsafeRawBufferPointer, into fact: inout Fact) throws(LineError) {
        fact = Fact()
        if scanner.scan(line, &fact, &names) { return }
        foreignLines += 1
        try readJSON(line, into: &fact)
        if scanner.unknownSkills != nil { scanner.learn(skills: fact.skills) }
    }

    /// As `read`, without regard to the writer's layout.
    mutating func readJSON(_ line: UnsafeRawBufferPointer, into fact: inout Fact) throws(LineError) {
        try parser.parse(line)
        // The same rule for every reader of the log: a field of another kind is not one of nothing.
        _ = try parser.event()
        fact = Fact()
        fact.type = parser.type
        fact.seq = parser.seq
        fact.wall = parser.wall
        fact.mono = parser.monoMs
        fact.node = name("node").known
        fact.call = parser.withBytes("call", hash64) ?? 0
        for step in plans[Int(fact.type.rawValue)].steps { read(step, &fact) }
    }

    /// The `type` of the line that was last read as JSON, as it stands there.
    var typeName: String { parser.typeName }

    private mutating func read(_ step: FactPlan.Step, _ fact: inout Fact) {
        let key = step.key
        switch step.field {
        case .skip: break
        case .call: fact.call = parser.withBytes(key, hash64) ?? fact.call
        case .endedBy: fact.isOurs = parser.string(key) == EndedBy.controller.rawValue
        case .agent: fact.agent = name(key)
        case .group: fact.group = name(key)
        case .line: fact.line = name(key)
        case .target: fact.target = name(key)
        case .code: fact.code = name(key)
        case .caller: fact.caller = parser.withBytes(key, hash64) ?? 0
        case .arrived: fact.arrived = parser.wallTime(key)?.microseconds ?? 0
        case .skills: fact.skills = skills(key)
        case .length: fact.length = parser.int(key) ?? 0
        case .talkMs: fact.talkMs = parser.int(key) ?? 0
        case .holdMs: fact.holdMs = parser.int(key) ?? 0
        case .number: fact.number = parser.int(key) ?? 0
        case .serviceLevel: fact.serviceLevel = parser.int(key).flatMap(Int32.init(exactly:)) ?? -1
        case .serviceTarget: fact.serviceTarget = parser.int(key).map(Fact.percent) ?? -1
        case .flag: fact.flag = parser.bool(key) ?? false
        case .previous: fact.previous = parser.bool(key)
        case .direction: fact.direction = word(key)
        case .reason: fact.reason = parser.string(key).map(HoldReason.init(word:))
        case .holdOutcome: fact.holdOutcome = word(key)
        case .queueOutcome: fact.queueOutcome = word(key)
        case .kind: fact.kind = word(key)
        case .cause: fact.cause = word(key)
        case .step: fact.step = word(key)
        case .old: fact.old = word(key)
        case .new: fact.new = word(key)
        }
    }

    private mutating func name(_ key: StaticString) -> Name {
        if let name = parser.withBytes(key, { names.number(of: $0) }) { return name }
        return parser.has(key) ? .null : .missing
    }

    private func word<Word: LogEnum>(_ key: StaticString) -> Word {
        parser.string(key).map(Word.init(word:)) ?? .other
    }

    private mutating func skills(_ key: StaticString) -> Int32 {
        let set = (parser.strings(key) ?? []).map { names.number($0) }
        if let index = skillSets.firstIndex(of: set) { return Int32(index) }
        skillSets.append(set)
        return Int32(skillSets.count - 1)
    }
}
