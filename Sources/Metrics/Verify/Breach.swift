import EventLog

/// A place where a log breaks one of its rules.
public struct Breach: Hashable, Sendable, CustomStringConvertible {
    /// Which rule of the log is broken.
    public enum Rule: String, Sendable, CaseIterable {
        /// The line is not an event.
        case line
        /// `seq` without gaps, repeats only exact.
        case sequence
        /// The envelope: a call where the type has one, its id beginning with the node's name.
        case envelope
        /// Something opened while it was open, or opened where it cannot be.
        case opening
        /// One closing per opening.
        case closing
        /// Numbers of a call count from 1 without gaps.
        case numbering
        /// What a closing event repeats equals the opening event's.
        case fields
        /// A length equals the difference of `mono_ms`.
        case duration
        /// `wait + talk + hold` is the call's length, and each part the sum of its own.
        case total
        /// A state's `old` is the one before.
        case state
        /// A call has exactly one outcome, and its events agree on it.
        case outcome
        /// Nothing of a call after its `call.ended` but what may follow.
        case afterEnd = "after_end"
        /// A segment opens with what is open.
        case segment
    }

    public var node: String
    public var file: String?
    /// The line's number in the file, from 1.
    public var line: Int?
    public var seq: UInt64?
    public var call: String?
    public var rule: Rule
    /// What was expected and what was found.
    public var text: String

    public init(
        node: String, file: String? = nil, line: Int? = nil, seq: UInt64? = nil, call: String? = nil, rule: Rule,
        text: String
    ) {
        self.node = node
        self.file = file
        self.line = line
        self.seq = seq
        self.call = call
        self.rule = rule
        self.text = text
    }

    /// One line: `FILE:LINE: seq N, call ID: RULE: TEXT`.
    public var description: String {
        var parts: [String] = []
        if let file { parts.append(line.map { "\(file):\($0)" } ?? file) }
        var subject = node.isEmpty ? [] : [node]
        if let seq { subject.append("seq \(seq)") }
        if let call { subject.append("call \(call)") }
        if !subject.isEmpty { parts.append(subject.joined(separator: ", ")) }
        parts.append(rule.rawValue)
        parts.append(text)
        return parts.joined(separator: ": ").printable
    }
}

/// Collects what one event breaks.
struct Findings {
    private(set) var list: [(rule: Breach.Rule, call: String?, text: String)] = []

    mutating func add(_ rule: Breach.Rule, call: String? = nil, _ text: String) {
        list.append((rule, call, text))
    }

    /// Adds a breach of `rule` unless the two are equal.
    mutating func equal<Value: Equatable>(
        _ rule: Breach.Rule, _ name: String, found: Value, expected: Value
    ) {
        if found != expected { add(rule, "\(name) is \(shown(found)), expected \(shown(expected))") }
    }

    private func shown<Value>(_ value: Value) -> String {
        guard let optional = value as? any ShownOptional else { return "\(value)" }
        return optional.shown
    }
}

private protocol ShownOptional { var shown: String { get } }

extension Optional: ShownOptional {
    var shown: String { map { "\($0)" } ?? "null" }
}
