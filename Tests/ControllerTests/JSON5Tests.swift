import Foundation
import Testing

@testable import Controller

@Suite struct JSON5Tests {
    /// What a decoder of another hand makes of the same text.
    private func foundation(_ text: String) -> JSONValue? {
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = true
        return try? decoder.decode(JSONValue.self, from: Data(text.utf8))
    }

    private func sorted(_ node: ConfigNode) -> JSONValue {
        switch node.value {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .number(let number): return Int64(exactly: number).map(JSONValue.int) ?? .double(number)
        case .string(let text): return .string(text)
        case .array(let elements): return .array(elements.map(sorted))
        case .object(let members):
            return .object(members.map { .init($0.key, sorted($0.node)) }.sorted { $0.key < $1.key })
        }
    }

    @Test(arguments: [
        "{}", "[]", "null", " true // yes", "/* a */ false", "{a: 1, 'b': 2, \"c\": 3,}",
        "[1, -2, +3, .5, 5., 1e3, 0x1F,]",
        "{\"7000\": {to: 'x'}, $a_1: null}", "'it\\'s \\u00e9 \\x41 \\n'",
        "{a: [{b: [[]]}], /* x */ c: {}, // y\n}", "\"\\ud83d\\ude00\"", "{ä: 1}",
    ])
    func readsWhatFoundationReads(text: String) throws {
        #expect(sorted(try JSON5Parser.parse(text)) == foundation(text))
    }

    @Test(arguments: [
        ("", 1, "a value is missing: the file ends"),
        ("{a: 1,\n b: }", 2, "expected a value, found ‘}’; strings stand in quotes"),
        ("{a: 1\n b: 2}", 2, "expected ‘,’ or ‘}’ after the value of a, found ‘b’"),
        ("{a 1}", 1, "expected ‘:’ after the key a, found ‘1’"),
        ("{\n a: {\n  b: 1\n", 2, "the ‘{’ of this line is never closed"),
        ("{a: [1, 2", 1, "the ‘[’ of this line is never closed"),
        ("{a: [1 2]}", 1, "expected ‘,’ or ‘]’ in a list, found ‘2’"),
        ("{} x", 1, "something follows the end of the configuration: ‘x’"),
        ("{a: \n'x\ny'}", 2, "the string that begins here has no closing quote"),
        ("\n/* x", 2, "the comment that begins here has no end"),
        ("{a: 01}", 1, "01 is no number"),
        ("{a: 1.2.3}", 1, "1.2.3 is no number"),
        ("{+3120*: 1}", 1, "expected a key, found ‘+’; a key that is no plain word stands in quotes"),
        ("{a: agent}", 1, "expected a value, found ‘a’; strings stand in quotes"),
        ("'\\ud800'", 1, "\\u names half of a character"),
        ("'\\xZZ'", 1, "an escape sequence needs 2 hexadecimal digits, found ‘ZZ’"),
    ])
    func namesLineAndReason(text: String, line: Int, reason: String) {
        #expect(throws: JSON5Parser.SyntaxError(line: line, reason: reason)) { try JSON5Parser.parse(text) }
    }

    @Test func boundsNesting() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSON5Parser.SyntaxError(line: 1, reason: "nested too deeply")) { try JSON5Parser.parse(deep) }
    }

    /// A backslash before the end of a line joins the lines (JSON5 §5.2); Foundation does not know it.
    @Test func joinsContinuedLines() throws {
        #expect(try JSON5Parser.parse("'a \\\nb'").value == .string("a b"))
        #expect(try JSON5Parser.parse("'a \\\r\nb'").value == .string("a b"))
    }

    @Test func keepsOrderAndLines() throws {
        let node = try JSON5Parser.parse("{z: 1,\n a: 2,\n m: 3}")
        guard case .object(let members) = node.value else { return #expect(Bool(false), "no object") }
        #expect(members.map(\.key) == ["z", "a", "m"])
        #expect(members.map(\.line) == [1, 2, 3])
    }
}
