import CallEvents
import Glibc

/// Reads lines of the log, one after the other, with memory that is used again and again.
///
/// `parse` takes a line apart and reads its envelope without copying anything; what the line says is then there by key,
/// or as an event by `event()`. Any JSON object will do: keys in any order, white space, escapes, unknown types, unknown
/// and missing fields. Lines as the writer lays them out are read fastest, because fields are looked for where the writer
/// puts them.
///
/// The bytes of a line must stay where they are until the next `parse`.
public struct EventParser {
    /// From 1, one more each.
    public private(set) var seq: UInt64 = 0
    /// Microseconds since 1970 (CLOCK_REALTIME).
    public private(set) var wall: Int64 = 0
    /// CLOCK_BOOTTIME.
    public private(set) var monoMs: Int64 = 0
    public private(set) var type: EventType = .other
    /// The whole line as it stands, without its newline.
    public private(set) var line = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The file that the line is of, where a reader has said so.
    public private(set) var file: String?
    /// The line's number in the file, from 1.
    public private(set) var number: Int?
    private var fields: [ScannedField] = []
    /// How many of the first fields are the envelope's, where the line is laid out as the writer does.
    private var envelope = 0
    private var nodeBytes: [UInt8] = []
    private var nodeText = ""
    /// Whether fields have to keep to `FieldLimits`.
    let isBounded: Bool

    /// - Parameter isBounded: whether a line whose numbers no call can have is no event, as what counts and draws wants it;
    ///   who only passes events on keeps what was written, whatever it says.
    public init(isBounded: Bool = false) { self.isBounded = isBounded }

    /// Takes a line of a file apart; its errors name the place.
    public mutating func parse(_ line: UnsafeRawBufferPointer, in file: String, number: Int?) throws(LineError) {
        do {
            try parse(line)
            self.file = file
            self.number = number
        } catch {
            var error = error
            error.file = file
            error.line = number
            throw error
        }
    }

    /// Takes a line apart.
    /// - Parameter line: without its newline.
    /// - Throws: where it is no JSON object, has another version, or lacks `seq`, `time`, `mono_ms` or `type`.
    public mutating func parse(_ line: UnsafeRawBufferPointer) throws(LineError) {
        self.line = line
        guard line.count < Int(Int32.max) else { throw LineError("a line of more than 2 GiB") }
        fields.removeAll(keepingCapacity: true)
        var scanner = JSONScanner(line)
        try scanner.object(into: &fields)
        var cursor = 0
        if let version = try integer("v", &cursor), version != Int64(LoggedEvent.version) {
            throw LineError("version \(version) of the layout is unknown; this program reads \(LoggedEvent.version)")
        }
        seq = try sequence(&cursor)
        guard let time = find("time", &cursor), let wall = try instant(time, "time") else { throw LineError("no time") }
        self.wall = wall
        guard let mono = try integer("mono_ms", &cursor) else { throw LineError("no mono_ms") }
        if isBounded, let error = FieldLimits.objection(mono, "mono_ms", FieldLimits.uptime) { throw error }
        monoMs = mono
        try readNode(&cursor)
        guard let type = find("type", &cursor), type.kind == .string else { throw LineError("no type") }
        if type.valueEscaped {
            var text = self.text(type)
            self.type = text.withUTF8 { EventType(bytes: UnsafeRawBufferPointer($0)) }
        } else {
            self.type = EventType(bytes: value(type))
        }
        envelope = cursor
    }

    /// The instant; the monotonic clock in whole milliseconds.
    public var time: EventTime { EventTime(wall: wall, mono: monoMs &* 1000) }

    /// The controller's name; empty where the line has none.
    public var node: String { nodeText }

    /// The `type` as it stands in the line.
    public var typeName: String { type == .other ? string("type") ?? "" : type.name }

    /// The call's id; of `agent.state`, the call that caused it.
    public var call: String? { string("call") }

    /// The event with all its fields; a missing one has the value of the type's `init()`.
    /// - Throws: where a field has a value of another type.
    public func event() throws(LineError) -> CallEvent {
        guard type != .other else { return .other(type: typeName) }
        var event = type.prototype
        var reader = FieldReader(parser: self, cursor: envelope)
        event.visit(&reader)
        if let error = reader.error { throw error }
        return event
    }

    /// The event with its envelope.
    public func logged() throws(LineError) -> LoggedEvent {
        let call = type == .agentStateChanged ? nil : self.call
        return try LoggedEvent(seq: seq, node: node, time: time, call: call, event: event())
    }

    private func sequence(_ cursor: inout Int) throws(LineError) -> UInt64 {
        guard let field = find("seq", &cursor) else { throw LineError("no seq") }
        guard field.kind == .number, let seq = Self.unsigned(value(field)), seq > 0,
            !isBounded || seq <= Int64.max
        else {
            throw LineError("seq: expected a whole number from 1")
        }
        return seq
    }

    /// The same bytes as in the line before are the same name.
    private mutating func readNode(_ cursor: inout Int) throws(LineError) {
        guard let field = find("node", &cursor), field.kind != .null else {
            nodeText = ""
            nodeBytes = []
            return
        }
        guard field.kind == .string else { throw LineError("node: expected a string") }
        let bytes = value(field)
        if !bytes.elementsEqual(nodeBytes) || nodeBytes.isEmpty {
            nodeBytes = Array(bytes)
            nodeText = text(field)
        }
    }
}

/// Values by key. Each is null where the line lacks the field, holds null, or holds a value of another type.
extension EventParser {
    /// Whether the line has the field at all, null or not.
    public func has(_ key: StaticString) -> Bool {
        var cursor = envelope
        return find(key, &cursor) != nil
    }

    public func string(_ key: StaticString) -> String? {
        var cursor = envelope
        guard let field = find(key, &cursor), field.kind == .string else { return nil }
        return text(field)
    }

    public func int(_ key: StaticString) -> Int64? {
        var cursor = envelope
        guard let field = find(key, &cursor), field.kind == .number else { return nil }
        return Self.signed(value(field))
    }

    public func bool(_ key: StaticString) -> Bool? {
        var cursor = envelope
        switch find(key, &cursor)?.kind {
        case .true: return true
        case .false: return false
        default: return nil
        }
    }

    public func strings(_ key: StaticString) -> [String]? {
        var cursor = envelope
        guard let field = find(key, &cursor), field.kind == .array else { return nil }
        var scanner = JSONScanner(value(field))
        return scanner.strings()
    }

    public func wallTime(_ key: StaticString) -> WallTime? {
        var cursor = envelope
        guard let field = find(key, &cursor), field.kind == .string else { return nil }
        return (try? instant(field, key)).flatMap { $0.map(WallTime.init(microseconds:)) }
    }

    /// Calls `body` with the UTF-8 of a string, which needs no `String` where it has no escapes.
    public func withBytes<Result>(_ key: StaticString, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        var cursor = envelope
        guard let field = find(key, &cursor), field.kind == .string else { return nil }
        guard field.valueEscaped else { return body(value(field)) }
        var text = self.text(field)
        return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }

    /// Calls `body` with each key and the JSON of its value, in the order of the line.
    public func forEachField(_ body: (_ key: String, _ json: UnsafeRawBufferPointer) -> Void) {
        for field in fields {
            let quote = field.kind == .string ? 1 : 0
            let json = line[(Int(field.valueStart) - quote)..<(Int(field.valueEnd) + quote)]
            body(key(field), UnsafeRawBufferPointer(rebasing: json))
        }
    }
}

extension EventParser {
    /// The field of the key. The search begins at `cursor`, where the writer would have put it, and goes round once.
    func find(_ key: StaticString, _ cursor: inout Int) -> ScannedField? {
        let count = fields.count
        guard count > 0 else { return nil }
        var index = cursor < count ? cursor : 0
        for _ in 0..<count {
            if matches(fields[index], key) {
                cursor = index + 1
                return fields[index]
            }
            index += 1
            if index == count { index = 0 }
        }
        return nil
    }

    private func matches(_ field: ScannedField, _ key: StaticString) -> Bool {
        let wanted = UnsafeRawBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)
        if field.keyEscaped { return self.key(field).utf8.elementsEqual(wanted) }
        guard Int(field.keyEnd - field.keyStart) == wanted.count else { return false }
        return line.baseAddress.map { memcmp($0 + Int(field.keyStart), key.utf8Start, wanted.count) == 0 } ?? false
    }

    private func key(_ field: ScannedField) -> String {
        let bytes = UnsafeRawBufferPointer(rebasing: line[Int(field.keyStart)..<Int(field.keyEnd)])
        return field.keyEscaped ? JSONScanner.unescape(bytes) : String(decoding: bytes, as: UTF8.self)
    }

    func value(_ field: ScannedField) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: line[Int(field.valueStart)..<Int(field.valueEnd)])
    }

    func text(_ field: ScannedField) -> String {
        field.valueEscaped ? JSONScanner.unescape(value(field)) : String(decoding: value(field), as: UTF8.self)
    }

    func integer(_ key: StaticString, _ cursor: inout Int) throws(LineError) -> Int64? {
        guard let field = find(key, &cursor), field.kind != .null else { return nil }
        guard field.kind == .number, let number = Self.signed(value(field)) else {
            throw LineError("\(key): expected a whole number")
        }
        return number
    }

    func instant(_ field: ScannedField, _ key: StaticString) throws(LineError) -> Int64? {
        if field.kind == .null { return nil }
        guard field.kind == .string else { throw LineError("\(key): expected a time") }
        guard let time = microseconds(field) else {
            throw LineError("\(key): expected a time as RFC 3339 writes it")
        }
        guard !isBounded || FieldLimits.times.contains(time) else {
            throw LineError("\(key): expected a time from 1970 to 9999")
        }
        return time
    }

    private func microseconds(_ field: ScannedField) -> Int64? {
        guard field.valueEscaped else { return Timestamp.microseconds(value(field)) }
        var text = self.text(field)
        return text.withUTF8 { Timestamp.microseconds(UnsafeRawBufferPointer($0)) }
    }

    private static func unsigned(_ text: UnsafeRawBufferPointer) -> UInt64? {
        var value: UInt64 = 0
        for byte in text {
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let digit = byte &- UInt8(ascii: "0")
            let (sum, carry) = shifted.addingReportingOverflow(UInt64(digit))
            guard digit < 10, !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }

    /// A whole number, also when it is written with a fraction of zeros or an exponent.
    static func signed(_ text: UnsafeRawBufferPointer) -> Int64? {
        let negative = text.first == UInt8(ascii: "-")
        let digits = UnsafeRawBufferPointer(rebasing: text[(negative ? 1 : 0)...])
        if let magnitude = unsigned(digits) {
            if negative { return magnitude <= Int64.min.magnitude ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil }
            return Int64(exactly: magnitude)
        }
        return Double(String(decoding: text, as: UTF8.self)).flatMap(Int64.init(exactly:))
    }
}
