/// Visits the fields of an event in the order of the log. One visit serves the writer, which reads each value, and the
/// reader, which sets it, so that key, order and type of a field stand in one place.
public protocol FieldVisitor {
    mutating func field(_ key: StaticString, _ value: inout String)
    mutating func field(_ key: StaticString, _ value: inout String?)
    mutating func field(_ key: StaticString, _ value: inout Int)
    mutating func field(_ key: StaticString, _ value: inout Int?)
    mutating func field(_ key: StaticString, _ value: inout Bool)
    mutating func field(_ key: StaticString, _ value: inout Bool?)
    mutating func field(_ key: StaticString, _ value: inout [String])
    mutating func field(_ key: StaticString, _ value: inout WallTime)
    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value)
    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value?)
}

/// A closed set of words in the log. A reader meets words of later versions: it keeps them as `other`.
public protocol LogEnum: RawRepresentable, Codable, Hashable, Sendable, CaseIterable where RawValue == String {
    /// What a word is read as that this version does not know. Never written.
    static var other: Self { get }
}

extension LogEnum {
    /// The value for a word of the log, `other` for an unknown one.
    public init(word: String) { self = Self(rawValue: word) ?? .other }
}

/// What one type of event says beside the envelope.
public protocol EventFields: Codable, Hashable, Sendable {
    /// The `type` of the log.
    static var type: StaticString { get }
    /// Empty values, for a reader to fill.
    init()
    /// Visits every field of the type's own, in the order of the log.
    mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor)
}
