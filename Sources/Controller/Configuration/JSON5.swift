/// A value of a configuration file and the line it begins in.
struct ConfigNode: Equatable {
    enum Value: Equatable {
        case null
        case bool(Bool)
        case number(Double)
        case string(String)
        case array([ConfigNode])
        case object([Member])
    }

    struct Member: Equatable {
        var key: String
        var line: Int
        var node: ConfigNode
    }

    var value: Value
    var line: Int
}

/// Reads JSON5 (json5.org) into a tree that keeps what a message to a person needs: the line of every value, the order
/// of keys, and keys that occur twice. Foundation's decoder knows JSON5 as well, but on Linux it says of a mistake
/// neither line nor reason, drops the order, and takes the first of two equal keys in silence.
struct JSON5Parser {
    struct SyntaxError: Error, Equatable {
        var line: Int
        var reason: String
    }

    /// Deeper nesting than any configuration has; bounds the recursion.
    private static let maximumDepth = 32

    private let text: [Unicode.Scalar]
    private var position = 0
    private var line = 1

    static func parse(_ text: String) throws(SyntaxError) -> ConfigNode {
        var parser = JSON5Parser(text: Array(text.unicodeScalars))
        try parser.skipBlank()
        let node = try parser.value(depth: 0)
        try parser.skipBlank()
        guard parser.position == parser.text.count else {
            throw parser.error("something follows the end of the configuration: \(parser.here)")
        }
        return node
    }

    private init(text: [Unicode.Scalar]) { self.text = text }

    private var next: Unicode.Scalar? { position < text.count ? text[position] : nil }

    private var here: String {
        guard let next else { return "the file ends" }
        return "‘\(next)’"
    }

    private func error(_ reason: String) -> SyntaxError { SyntaxError(line: line, reason: reason) }

    private mutating func advance() {
        if text[position] == "\n" { line += 1 }
        position += 1
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        advance()
        return true
    }

    private mutating func take(word: String) -> Bool {
        let scalars = Array(word.unicodeScalars)
        guard text[position...].starts(with: scalars) else { return false }
        let end = position + scalars.count
        if end < text.count, Self.continuesName(text[end]) { return false }
        position = end
        return true
    }

    /// White space and comments.
    private mutating func skipBlank() throws(SyntaxError) {
        while let scalar = next {
            if scalar.properties.isWhitespace || scalar == "\u{FEFF}" {
                advance()
            } else if scalar == "/", position + 1 < text.count, text[position + 1] == "/" {
                while let scalar = next, scalar != "\n" { advance() }
            } else if scalar == "/", position + 1 < text.count, text[position + 1] == "*" {
                try skipBlockComment()
            } else {
                return
            }
        }
    }

    private mutating func skipBlockComment() throws(SyntaxError) {
        let start = line
        advance()
        advance()
        while let scalar = next {
            advance()
            if scalar == "*", take("/") { return }
        }
        throw SyntaxError(line: start, reason: "the comment that begins here has no end")
    }

    private mutating func value(depth: Int) throws(SyntaxError) -> ConfigNode {
        guard depth < Self.maximumDepth else { throw error("nested too deeply") }
        let start = line
        guard let scalar = next else { throw error("a value is missing: the file ends") }
        switch scalar {
        case "{": return ConfigNode(value: .object(try object(depth: depth)), line: start)
        case "[": return ConfigNode(value: .array(try array(depth: depth)), line: start)
        case "\"", "'": return ConfigNode(value: .string(try string()), line: start)
        case "0"..."9", ".", "-", "+", "I", "N": return ConfigNode(value: .number(try number()), line: start)
        default: break
        }
        if take(word: "true") { return ConfigNode(value: .bool(true), line: start) }
        if take(word: "false") { return ConfigNode(value: .bool(false), line: start) }
        if take(word: "null") { return ConfigNode(value: .null, line: start) }
        throw error("expected a value, found \(here); strings stand in quotes")
    }

    private mutating func object(depth: Int) throws(SyntaxError) -> [ConfigNode.Member] {
        let start = line
        advance()
        var members: [ConfigNode.Member] = []
        while true {
            try skipBlank()
            if take("}") { return members }
            guard next != nil else { throw SyntaxError(line: start, reason: "the ‘{’ of this line is never closed") }
            let keyLine = line
            let key = try name()
            try skipBlank()
            guard take(":") else { throw error("expected ‘:’ after the key \(key), found \(here)") }
            try skipBlank()
            members.append(ConfigNode.Member(key: key, line: keyLine, node: try value(depth: depth + 1)))
            try skipBlank()
            if take("}") { return members }
            guard next != nil else { throw SyntaxError(line: start, reason: "the ‘{’ of this line is never closed") }
            guard take(",") else { throw error("expected ‘,’ or ‘}’ after the value of \(key), found \(here)") }
        }
    }

    private mutating func array(depth: Int) throws(SyntaxError) -> [ConfigNode] {
        let start = line
        advance()
        var elements: [ConfigNode] = []
        while true {
            try skipBlank()
            if take("]") { return elements }
            guard next != nil else { throw SyntaxError(line: start, reason: "the ‘[’ of this line is never closed") }
            elements.append(try value(depth: depth + 1))
            try skipBlank()
            if take("]") { return elements }
            guard next != nil else { throw SyntaxError(line: start, reason: "the ‘[’ of this line is never closed") }
            guard take(",") else { throw error("expected ‘,’ or ‘]’ in a list, found \(here)") }
        }
    }

    private static func beginsName(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "$" || scalar == "_" || scalar.properties.isIDStart
    }

    private static func continuesName(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "$" || scalar == "\u{200C}" || scalar == "\u{200D}" || scalar.properties.isIDContinue
    }

    private mutating func name() throws(SyntaxError) -> String {
        if next == "\"" || next == "'" { return try string() }
        guard let first = next, Self.beginsName(first) else {
            throw error("expected a key, found \(here); a key that is no plain word stands in quotes")
        }
        var name = String.UnicodeScalarView()
        while let scalar = next, Self.continuesName(scalar) {
            name.append(scalar)
            advance()
        }
        return String(name)
    }

    private mutating func string() throws(SyntaxError) -> String {
        let start = line
        let quote = text[position]
        advance()
        var result = String.UnicodeScalarView()
        while let scalar = next {
            guard scalar != "\n", scalar != "\r" else { break }
            advance()
            if scalar == quote { return String(result) }
            if scalar == "\\" {
                if let escaped = try escape() { result.append(escaped) }
            } else {
                result.append(scalar)
            }
        }
        throw SyntaxError(line: start, reason: "the string that begins here has no closing quote")
    }

    /// What stands for an escape sequence; null for a line continuation.
    private mutating func escape() throws(SyntaxError) -> Unicode.Scalar? {
        guard let scalar = next else { throw error("the file ends in a string") }
        advance()
        switch scalar {
        case "b": return "\u{08}"
        case "f": return "\u{0C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0B}"
        case "0": return "\0"
        case "\n", "\u{2028}", "\u{2029}": return nil
        case "\r":
            _ = take("\n")
            return nil
        case "x": return Unicode.Scalar(try hexadecimal(digits: 2))
        case "u": return try unicodeEscape()
        case "1"..."9": throw error("\\\(scalar) is no escape sequence")
        default: return scalar
        }
    }

    private mutating func unicodeEscape() throws(SyntaxError) -> Unicode.Scalar {
        let first = try hexadecimal(digits: 4)
        guard (0xD800..<0xE000).contains(first) else { return Unicode.Scalar(first) ?? "\u{FFFD}" }
        // A character outside the basic plane is written as two (RFC 8259 §7).
        guard first < 0xDC00, take("\\"), take("u") else { throw error("\\u names half of a character") }
        let second = try hexadecimal(digits: 4)
        guard (0xDC00..<0xE000).contains(second) else { throw error("\\u names half of a character") }
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? "\u{FFFD}"
    }

    private mutating func hexadecimal(digits: Int) throws(SyntaxError) -> UInt32 {
        guard position + digits <= text.count else { throw error("the file ends in a string") }
        let digitText = String(String.UnicodeScalarView(text[position..<position + digits]))
        guard digitText.unicodeScalars.allSatisfy(\.properties.isASCIIHexDigit),
            let value = UInt32(digitText, radix: 16)
        else { throw error("an escape sequence needs \(digits) hexadecimal digits, found ‘\(digitText)’") }
        position += digits
        return value
    }

    private mutating func number() throws(SyntaxError) -> Double {
        var token = ""
        while let scalar = next, scalar == "." || scalar == "-" || scalar == "+" || Self.continuesName(scalar) {
            token.unicodeScalars.append(scalar)
            advance()
        }
        let sign: Double = token.hasPrefix("-") ? -1 : 1
        let digits = token.hasPrefix("-") || token.hasPrefix("+") ? String(token.dropFirst()) : token
        if digits == "Infinity" { return sign * .infinity }
        if digits == "NaN" { return .nan }
        if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
            guard let value = UInt64(digits.dropFirst(2), radix: 16) else { throw error("\(token) is no number") }
            return sign * Double(value)
        }
        // Double() takes more than JSON5 does: only digits, one point and an exponent reach it, and no leading zeros.
        let leadingZero = digits.count > 1 && digits.hasPrefix("0") && digits.dropFirst().first?.isNumber == true
        guard digits.allSatisfy({ "0123456789.eE+-".contains($0) }), !leadingZero,
            let value = Double(digits.hasSuffix(".") ? digits + "0" : digits.hasPrefix(".") ? "0" + digits : digits),
            digits != "."
        else { throw error("\(token) is no number") }
        return sign * value
    }
}
