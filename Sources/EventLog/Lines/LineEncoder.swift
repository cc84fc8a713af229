import CallEvents

/// Writes events as lines of the log into one buffer that is used again and again: keys in a fixed order, null where an
/// optional value is absent, JSON strings in UTF-8.
public struct LineEncoder {
    /// The lines written so far, each with its newline.
    public private(set) var bytes: [UInt8] = []
    /// `,"node":"…","type":"`, which is the same in every line.
    private let middle: [UInt8]

    /// - Parameter node: the controller's name, part of every line.
    public init(node: String) {
        var start = LineEncoder()
        start.raw(",\"node\":")
        start.string(node)
        start.raw(",\"type\":\"")
        middle = start.bytes
    }

    private init() { middle = [] }

    /// Forgets the lines, keeps the memory.
    public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    /// Adds one line.
    public mutating func append(_ record: CallRecord, seq: UInt64) {
        raw("{\"v\":1,\"seq\":")
        decimal(seq, negative: false)
        raw(",\"time\":\"")
        Timestamp.append(record.time.wall, to: &bytes)
        raw("\",\"mono_ms\":")
        integer(record.time.monoMilliseconds)
        bytes.append(contentsOf: middle)
        var event = record.event
        escaped(event.type)
        bytes.append(UInt8(ascii: "\""))
        // agent.state says its call among its own fields; a key stands in a line once.
        if let call = record.call, !event.hasOwnCall {
            raw(",\"call\":")
            string(call)
        }
        event.visit(&self)
        raw("}\n")
    }

    /// One line without its newline, for tests and messages.
    public static func line(_ logged: LoggedEvent) -> String {
        var encoder = LineEncoder(node: logged.node)
        encoder.append(CallRecord(time: logged.time, call: logged.call, event: logged.event), seq: logged.seq)
        return String(decoding: encoder.bytes.dropLast(), as: UTF8.self)
    }
}

extension CallEvent {
    /// Whether the type's own fields include `call`.
    var hasOwnCall: Bool {
        if case .agentStateChanged = self { true } else { false }
    }
}

extension LineEncoder: FieldVisitor {
    public mutating func field(_ key: StaticString, _ value: inout String) {
        name(key)
        string(value)
    }

    public mutating func field(_ key: StaticString, _ value: inout String?) {
        name(key)
        if let value { string(value) } else { raw("null") }
    }

    public mutating func field(_ key: StaticString, _ value: inout Int) {
        name(key)
        integer(Int64(value))
    }

    public mutating func field(_ key: StaticString, _ value: inout Int?) {
        name(key)
        if let value { integer(Int64(value)) } else { raw("null") }
    }

    public mutating func field(_ key: StaticString, _ value: inout Bool) {
        name(key)
        raw(value ? "true" : "false")
    }

    public mutating func field(_ key: StaticString, _ value: inout Bool?) {
        name(key)
        if let value { raw(value ? "true" : "false") } else { raw("null") }
    }

    public mutating func field(_ key: StaticString, _ value: inout [String]) {
        name(key)
        bytes.append(UInt8(ascii: "["))
        for (index, item) in value.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            string(item)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    public mutating func field(_ key: StaticString, _ value: inout WallTime) {
        name(key)
        bytes.append(UInt8(ascii: "\""))
        Timestamp.append(value.microseconds, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    public mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value) {
        name(key)
        string(value.rawValue)
    }

    public mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value?) {
        name(key)
        if let value { string(value.rawValue) } else { raw("null") }
    }
}

extension LineEncoder {
    private mutating func raw(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func name(_ key: StaticString) {
        bytes.append(UInt8(ascii: ","))
        bytes.append(UInt8(ascii: "\""))
        raw(key)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func integer(_ value: Int64) { decimal(value.magnitude, negative: value < 0) }

    private mutating func decimal(_ value: UInt64, negative: Bool) {
        if negative { bytes.append(UInt8(ascii: "-")) }
        // 20 digits hold every UInt64.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var start = 20
            var rest = value
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            bytes.append(contentsOf: digits[start...])
        }
    }

    private mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        escaped(text)
        bytes.append(UInt8(ascii: "\""))
    }

    /// RFC 8259 §7: only the quotation mark, the backslash and the controls must be escaped.
    private mutating func escaped(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            let text = UnsafeRawBufferPointer(utf8)
            var index = 0
            while true {
                let special = StringScan.special(in: text, from: index)
                bytes.append(contentsOf: utf8[index..<special])
                guard special < utf8.count else { return }
                escape(utf8[special])
                index = special + 1
            }
        }
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): raw("\\\"")
        case UInt8(ascii: "\\"): raw("\\\\")
        case UInt8(ascii: "\n"): raw("\\n")
        case UInt8(ascii: "\r"): raw("\\r")
        case UInt8(ascii: "\t"): raw("\\t")
        default:
            raw("\\u00")
            bytes.append(UInt8(ascii: "0") + byte >> 4)
            let low = byte & 0xF
            bytes.append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        }
    }
}
