import CallEvents
import EventLog
import LogGenerator
import Testing

@testable import Metrics

@Suite struct FactReaderTests {
    private static let events: [LoggedEvent] = {
        var generator = LogGenerator()
        return generator.wholeCalls(3000)
    }()

    private func read(_ text: String, _ reader: inout FactReader) throws -> Fact {
        let line = Array(text.utf8)
        let padded = line + Array(repeating: UInt8(ascii: "\""), count: CanonicalScanner.slack)
        var fact = Fact()
        try padded.withUnsafeBytes {
            try reader.read(UnsafeRawBufferPointer(rebasing: $0[..<line.count]), into: &fact)
        }
        return fact
    }

    private func readJSON(_ text: String, _ reader: inout FactReader) throws -> Fact {
        var fact = Fact()
        try Array(text.utf8).withUnsafeBytes { try reader.readJSON($0, into: &fact) }
        return fact
    }

    @Test func theWritersLayoutIsReadWithoutJSON() throws {
        var reader = FactReader(wantsTargets: true, wantsCodes: true)
        for event in Self.events { _ = try read(LineEncoder.line(event), &reader) }
        // Two sets of skills are met for the first time, nothing else is foreign.
        #expect(reader.foreignLines == 2)
    }

    @Test func bothWaysReadTheSame() throws {
        var reader = FactReader(wantsTargets: true, wantsCodes: true)
        for event in Self.events {
            let line = LineEncoder.line(event)
            #expect(try read(line, &reader) == readJSON(line, &reader), "\(line)")
        }
    }

    /// Any JSON of the same meaning gives the same fact: shuffled keys, white space, escapes, unknown fields.
    @Test func anyJSONOfTheSameMeaningReadsTheSame() throws {
        var random = SeededRandom(seed: 11)
        var reader = FactReader(wantsTargets: true, wantsCodes: true)
        for event in Self.events.prefix(1500) {
            let line = LineEncoder.line(event)
            let fact = try read(line, &reader)
            let foreign = try Self.rewritten(line, &random)
            #expect(try read(foreign, &reader) == fact, "\(foreign)")
        }
    }

    /// Each byte of a line changed at random: either both ways refuse the line, or both read the same.
    @Test func aBrokenByteIsSeenByBoth() throws {
        var random = SeededRandom(seed: 12)
        var reader = FactReader(wantsTargets: true, wantsCodes: true)
        let alphabet = Array("\"\\{}[]:, 0a".utf8)
        for event in Self.events.prefix(400) {
            let line = Array(LineEncoder.line(event).utf8)
            for _ in 0..<8 {
                var broken = line
                let place = Int(random.next() % UInt64(line.count))
                switch random.next() % 3 {
                case 0: broken[place] = alphabet[Int(random.next() % UInt64(alphabet.count))]
                case 1: broken.remove(at: place)
                default: broken.insert(alphabet[Int(random.next() % UInt64(alphabet.count))], at: place)
                }
                let text = String(decoding: broken, as: UTF8.self)
                let fast = try? read(text, &reader)
                let slow = try? readJSON(text, &reader)
                #expect(fast == slow, "\(text)")
            }
        }
    }

    /// The same object with its keys in another order, white space between, some characters escaped, a field more.
    private static func rewritten(_ line: String, _ random: inout SeededRandom) throws -> String {
        var parser = EventParser()
        var fields: [(key: String, json: String)] = []
        let bytes = Array(line.utf8)
        try bytes.withUnsafeBytes {
            try parser.parse($0)
            parser.forEachField { fields.append(($0, String(decoding: $1, as: UTF8.self))) }
        }
        fields.append(("x_later", "{\"a\":[1,2.5e3,\"ä\\u00e4\"]}"))
        fields.shuffle(using: &random)
        let spaces = ["", " ", "\t", "  "]
        func space() -> String { spaces[Int(random.next() % 4)] }
        var text = space() + "{"
        for (index, field) in fields.enumerated() {
            if index > 0 { text += "," }
            text += space() + "\"" + escaped(field.key, &random) + "\"" + space() + ":" + space()
            let isPlain = field.json.hasPrefix("\"") && !field.json.contains("\\")
            text += isPlain ? "\"" + escaped(String(field.json.dropFirst().dropLast()), &random) + "\"" : field.json
            text += space()
        }
        return text + "}" + space()
    }

    private static func escaped(_ text: String, _ random: inout SeededRandom) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if scalar.isASCII, random.chance(0.1) {
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
