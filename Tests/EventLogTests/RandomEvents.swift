import CallEvents

@testable import EventLog

/// A generator that gives the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Gives every field of an event a random value.
struct RandomFields: FieldVisitor {
    var generator: SeededGenerator
    private static let texts = [
        "", "anna", "sip:1001@127.0.0.1:5081", "\"quoted\" \\ back", "line\nbreak\ttab\r", "\u{0}\u{1}\u{1F}\u{7F}",
        "naïve ćevapi 日本語 👩‍👩‍👧 \u{2028}\u{FFFD}", "</script>", "a/b", String(repeating: "x", count: 300),
    ]

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func text() -> String { Self.texts.randomElement(using: &generator) ?? "" }

    mutating func number() -> Int {
        let numbers = [
            0, 1, -1, 486, 86_400_000, Int.max, Int.min, Int.random(in: -1_000_000...1_000_000, using: &generator),
        ]
        return numbers.randomElement(using: &generator) ?? 0
    }

    mutating func wall() -> Int64 { Int64.random(in: Timestamp.range, using: &generator) }

    private mutating func isNull() -> Bool { Int.random(in: 0..<3, using: &generator) == 0 }

    mutating func field(_ key: StaticString, _ value: inout String) { value = text() }
    mutating func field(_ key: StaticString, _ value: inout String?) { value = isNull() ? nil : text() }
    mutating func field(_ key: StaticString, _ value: inout Int) { value = number() }
    mutating func field(_ key: StaticString, _ value: inout Int?) { value = isNull() ? nil : number() }
    mutating func field(_ key: StaticString, _ value: inout Bool) { value = Bool.random(using: &generator) }
    mutating func field(_ key: StaticString, _ value: inout Bool?) {
        value = isNull() ? nil : Bool.random(using: &generator)
    }
    mutating func field(_ key: StaticString, _ value: inout [String]) {
        value = (0..<Int.random(in: 0..<4, using: &generator)).map { _ in text() }
    }
    mutating func field(_ key: StaticString, _ value: inout WallTime) { value = WallTime(microseconds: wall()) }
    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value) {
        value = Value.allCases.randomElement(using: &generator) ?? .other
    }
    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value?) {
        value = isNull() ? nil : Value.allCases.randomElement(using: &generator)
    }
}

extension LoggedEvent {
    /// An event of the type whose every field is random; the monotonic clock in whole milliseconds, as a log has it.
    static func random(_ type: EventType, seed: UInt64) -> LoggedEvent {
        var fields = RandomFields(seed: seed &* 64 &+ UInt64(type.rawValue))
        var event = type == .other ? .other(type: "future.\"kind\"") : type.prototype
        event.visit(&fields)
        let call =
            type == .agentStateChanged ? nil : [nil, "ctl-1-77", fields.text()].randomElement(using: &fields.generator)
        return LoggedEvent(
            seq: UInt64.random(in: 1...UInt64.max, using: &fields.generator), node: fields.text(),
            time: EventTime(
                wall: fields.wall(), mono: Int64.random(in: 0...9_000_000_000_000, using: &fields.generator) * 1000),
            call: call ?? nil, event: event)
    }
}

/// Parses one line held in a string.
func parse(_ line: String) throws -> LoggedEvent {
    var parser = EventParser()
    return try Array(line.utf8).withUnsafeBytes { bytes in
        try parser.parse(bytes)
        return try parser.logged()
    }
}
