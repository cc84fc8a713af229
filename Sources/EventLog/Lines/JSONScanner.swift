/// One key and value of a line, by their places in it.
struct ScannedField {
    enum Kind: UInt8 { case string, number, `true`, `false`, null, array, object }

    /// Without the quotation marks.
    var keyStart: Int32
    var keyEnd: Int32
    /// Of a string without the quotation marks.
    var valueStart: Int32
    var valueEnd: Int32
    var kind: Kind
    /// Whether key or value hold a backslash, and must be unescaped before they can be compared.
    var keyEscaped: Bool
    var valueEscaped: Bool
}

/// Splits one JSON object into its fields without copying anything. Accepts exactly RFC 8259; nested values are checked
/// and kept whole.
struct JSONScanner {
    /// Deeper than any line of this log, shallow enough for any stack.
    private static let maxDepth = 64

    let bytes: UnsafeRawBufferPointer
    private(set) var index = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Appends the object's fields in the order in which they stand.
    mutating func object(into fields: inout [ScannedField]) throws(LineError) {
        skipSpace()
        guard take(UInt8(ascii: "{")) else { throw fail("expected a JSON object") }
        skipSpace()
        if !take(UInt8(ascii: "}")) {
            repeat {
                skipSpace()
                try fields.append(field())
                skipSpace()
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "}")) else { throw fail("expected , or }") }
        }
        skipSpace()
        guard index == bytes.count else { throw fail("something follows the object") }
    }

    /// The strings of an array; null where it holds anything else.
    mutating func strings() -> [String]? {
        skipSpace()
        guard take(UInt8(ascii: "[")) else { return nil }
        skipSpace()
        var items: [String] = []
        if take(UInt8(ascii: "]")) { return items }
        repeat {
            skipSpace()
            guard take(UInt8(ascii: "\"")) else { return nil }
            let start = index
            guard let escaped = try? string() else { return nil }
            let text = UnsafeRawBufferPointer(rebasing: bytes[start..<(index - 1)])
            items.append(escaped ? Self.unescape(text) : String(decoding: text, as: UTF8.self))
            skipSpace()
        } while take(UInt8(ascii: ","))
        return items
    }

    private func fail(_ reason: String) -> LineError { LineError(reason, offset: index) }

    private mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            default: return
            }
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    private mutating func field() throws(LineError) -> ScannedField {
        guard take(UInt8(ascii: "\"")) else { throw fail("expected a key") }
        let keyStart = index
        let keyEscaped = try string()
        let keyEnd = index - 1
        skipSpace()
        guard take(UInt8(ascii: ":")) else { throw fail("expected :") }
        skipSpace()
        var start = index
        var escaped = false
        let kind = try value(depth: 0, escaped: &escaped)
        var end = index
        if kind == .string {
            start += 1
            end -= 1
        }
        return ScannedField(
            keyStart: Int32(truncatingIfNeeded: keyStart), keyEnd: Int32(truncatingIfNeeded: keyEnd),
            valueStart: Int32(truncatingIfNeeded: start), valueEnd: Int32(truncatingIfNeeded: end),
            kind: kind, keyEscaped: keyEscaped, valueEscaped: escaped
        )
    }

    private mutating func value(depth: Int, escaped: inout Bool) throws(LineError) -> ScannedField.Kind {
        guard index < bytes.count else { throw fail("the line ends before a value") }
        switch bytes[index] {
        case UInt8(ascii: "\""):
            index += 1
            escaped = try string()
            return .string
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            try number()
            return .number
        case UInt8(ascii: "t"):
            try word("true")
            return .true
        case UInt8(ascii: "f"):
            try word("false")
            return .false
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        case UInt8(ascii: "["):
            try array(depth: depth)
            return .array
        case UInt8(ascii: "{"):
            try nestedObject(depth: depth)
            return .object
        default: throw fail("expected a value")
        }
    }

    private mutating func array(depth: Int) throws(LineError) {
        guard depth < Self.maxDepth else { throw fail("nested too deeply") }
        index += 1
        skipSpace()
        if take(UInt8(ascii: "]")) { return }
        var escaped = false
        repeat {
            skipSpace()
            _ = try value(depth: depth + 1, escaped: &escaped)
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw fail("expected , or ]") }
    }

    private mutating func nestedObject(depth: Int) throws(LineError) {
        guard depth < Self.maxDepth else { throw fail("nested too deeply") }
        index += 1
        skipSpace()
        if take(UInt8(ascii: "}")) { return }
        var escaped = false
        repeat {
            skipSpace()
            guard take(UInt8(ascii: "\"")) else { throw fail("expected a key") }
            _ = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw fail("expected :") }
            skipSpace()
            _ = try value(depth: depth + 1, escaped: &escaped)
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw fail("expected , or }") }
    }

    /// Behind the opening quotation mark to behind the closing one; true when there is an escape between.
    private mutating func string() throws(LineError) -> Bool {
        var escaped = false
        while true {
            index = StringScan.special(in: bytes, from: index)
            guard index < bytes.count else { throw fail("the line ends in a string") }
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index += 1
                return escaped
            case UInt8(ascii: "\\"):
                escaped = true
                try escape()
            default: throw fail("a control character in a string")
            }
        }
    }

    private mutating func escape() throws(LineError) {
        guard index + 1 < bytes.count else { throw fail("the line ends in a string") }
        switch bytes[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            index += 2
        case UInt8(ascii: "u"):
            guard index + 6 <= bytes.count, Self.hex(bytes, index + 2) != nil else { throw fail("a broken \\u escape") }
            index += 6
        default: throw fail("an unknown escape")
        }
    }

    private mutating func word(_ word: StaticString) throws(LineError) {
        let count = word.utf8CodeUnitCount
        guard index + count <= bytes.count,
            bytes[index..<(index + count)].elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: count))
        else { throw fail("expected a value") }
        index += count
    }

    private mutating func number() throws(LineError) {
        if bytes[index] == UInt8(ascii: "-") { index += 1 }
        let first = index
        guard digits() else { throw fail("a broken number") }
        guard bytes[first] != UInt8(ascii: "0") || index == first + 1 else {
            throw fail("a number with a leading zero")
        }
        if take(UInt8(ascii: ".")) {
            guard digits() else { throw fail("a broken number") }
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") {
                index += 1
            }
            guard digits() else { throw fail("a broken number") }
        }
    }

    private mutating func digits() -> Bool {
        let first = index
        while index < bytes.count, bytes[index] &- UInt8(ascii: "0") < 10 { index += 1 }
        return index > first
    }
}

extension JSONScanner {
    /// The four hexadecimal digits at `index`.
    private static func hex(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> UInt16? {
        guard index + 4 <= bytes.count else { return nil }
        var value: UInt16 = 0
        for byte in bytes[index..<(index + 4)] {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            value = value << 4 | UInt16(digit)
        }
        return value
    }

    /// The text of a string that the scanner has accepted. Half a surrogate pair becomes U+FFFD.
    static func unescape(_ text: UnsafeRawBufferPointer) -> String {
        var utf8: [UInt8] = []
        utf8.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            let byte = text[index]
            guard byte == UInt8(ascii: "\\") else {
                utf8.append(byte)
                index += 1
                continue
            }
            switch text[index + 1] {
            case UInt8(ascii: "b"): utf8.append(0x08)
            case UInt8(ascii: "f"): utf8.append(0x0C)
            case UInt8(ascii: "n"): utf8.append(0x0A)
            case UInt8(ascii: "r"): utf8.append(0x0D)
            case UInt8(ascii: "t"): utf8.append(0x09)
            case UInt8(ascii: "u"):
                index += unescapeUnit(text, index, &utf8)
                continue
            case let other: utf8.append(other)
            }
            index += 2
        }
        return String(decoding: utf8, as: UTF8.self)
    }

    /// Appends the character of the `\u` escape at `index`; returns how many bytes it took.
    private static func unescapeUnit(_ text: UnsafeRawBufferPointer, _ index: Int, _ utf8: inout [UInt8]) -> Int {
        guard let unit = hex(text, index + 2) else { return 6 }
        if UTF16.isLeadSurrogate(unit), index + 12 <= text.count, text[index + 6] == UInt8(ascii: "\\"),
            text[index + 7] == UInt8(ascii: "u"), let trail = hex(text, index + 8), UTF16.isTrailSurrogate(trail)
        {
            let scalar = UTF16.decode(UTF16.EncodedScalar([unit, trail]))
            utf8.append(contentsOf: String(Character(scalar)).utf8)
            return 12
        }
        utf8.append(contentsOf: String(Character(Unicode.Scalar(unit) ?? "\u{FFFD}")).utf8)
        return 6
    }
}
