import CallEvents
import Foundation
import Testing

@testable import EventLog

@Suite struct ParserTests {
    /// The same object, written as nobody but a test would: keys in any order, space wherever it may be, every
    /// character escaped that can be.
    private func disguise(_ line: String, _ generator: inout SeededGenerator, adding extra: [String] = []) throws
        -> String
    {
        var fields: [String] = []
        var parser = EventParser()
        try Array(line.utf8).withUnsafeBytes { bytes in
            try parser.parse(bytes)
            parser.forEachField { key, json in
                let value = String(decoding: json, as: UTF8.self)
                fields.append(
                    escape(key, &generator) + space(&generator) + ":" + space(&generator) + respell(value, &generator))
            }
        }
        fields += extra
        fields.shuffle(using: &generator)
        let separated = fields.joined(separator: space(&generator) + "," + space(&generator))
        return space(&generator) + "{" + space(&generator) + separated + space(&generator) + "}" + space(&generator)
    }

    private func space(_ generator: inout SeededGenerator) -> String {
        ["", "", " ", "\t", "  \r", " \n "].randomElement(using: &generator) ?? ""
    }

    private func respell(_ json: String, _ generator: inout SeededGenerator) -> String {
        guard json.hasPrefix("\""), let text = try? JSONDecoder().decode(String.self, from: Data(json.utf8)) else {
            return json
        }
        return escape(text, &generator)
    }

    private func escape(_ text: String, _ generator: inout SeededGenerator) -> String {
        var escaped = "\""
        for scalar in text.unicodeScalars {
            let mustBe = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            guard mustBe || Int.random(in: 0..<3, using: &generator) == 0 else {
                escaped.unicodeScalars.append(scalar)
                continue
            }
            if scalar == "/", Bool.random(using: &generator) {
                escaped += "\\/"
                continue
            }
            for unit in String(Character(scalar)).utf16 {
                let digits = String(unit, radix: 16, uppercase: Bool.random(using: &generator))
                escaped += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return escaped + "\""
    }

    @Test(arguments: EventType.allCases)
    func anyJSONOfAnEventIsThatEvent(type: EventType) throws {
        var generator = SeededGenerator(seed: UInt64(type.rawValue))
        for seed in 0..<60 {
            let logged = LoggedEvent.random(type, seed: UInt64(seed))
            let extra = [#""later":{"a":[1,{"b":null}],"\u0063":"}"}"#, #""more":[true,false,-1.5e-3,"],"]"#]
            let line = try disguise(LineEncoder.line(logged), &generator, adding: extra)
            let read = try parse(line)
            #expect(read == logged, "\(line)")
        }
    }

    @Test func missingFieldsKeepTheirEmptyValuesAndAreKnown() throws {
        let line =
            #"{"seq":3,"time":"2026-11-21T23:07:40Z","mono_ms":5,"type":"hold.ended","call":"c","hold":2,"agent":null}"#
        let read = try parse(line)
        #expect(read.event == .holdEnded(HoldEnded(hold: 2)))
        #expect(read.node == "")
        var parser = EventParser()
        try Array(line.utf8).withUnsafeBytes { bytes in
            try parser.parse(bytes)
            #expect(parser.has("agent"))
            #expect(parser.string("agent") == nil)
            #expect(!parser.has("hold_ms"))
            #expect(parser.int("hold_ms") == nil)
            #expect(parser.int("hold") == 2)
            #expect(parser.call == "c")
            #expect(parser.type == .holdEnded)
        }
    }

    @Test func nullWhereItCannotBeIsAMissingValue() throws {
        let line =
            #"{"seq":3,"time":"2026-11-21T23:07:40Z","mono_ms":5,"type":"consult.failed","consult":null,"cause":null}"#
        #expect(try parse(line).event == .consultFailed(ConsultFailed(transfer: 0)))
    }

    @Test func unknownWordsAndTypesAreKeptAsOther() throws {
        let envelope = #""seq":3,"time":"2026-11-21T23:07:40Z","mono_ms":5"#
        let hold = try parse("{\(envelope),\"type\":\"hold.started\",\"hold\":1,\"reason\":\"telepathy\"}")
        #expect(hold.event == .holdStarted(HoldStarted(hold: 1, reason: .other)))
        let later = try parse("{\(envelope),\"type\":\"call.teleported\",\"call\":\"c\",\"to\":9}")
        #expect(later.event == .other(type: "call.teleported"))
        #expect(later.call == "c")
    }

    @Test func halfASurrogatePairIsReplaced() throws {
        let envelope = #""seq":3,"time":"2026-11-21T23:07:40Z","mono_ms":5"#
        for (escaped, text) in [
            (#"a\ud83d"#, "a\u{FFFD}"), (#"\ude00b"#, "\u{FFFD}b"), (#"\ud83d\ud83d\ude00"#, "\u{FFFD}😀"),
            (#"\ud83dx\u0041"#, "\u{FFFD}xA"),
        ] {
            let read = try parse("{\(envelope),\"type\":\"party.changed\",\"uri\":\"\(escaped)\"}")
            #expect(read.event == .partyChanged(PartyChanged(uri: text)))
        }
    }

    @Test func bytesThatAreNoUTF8AreReplaced() throws {
        let line = Array(
            #"{"seq":3,"time":"2026-11-21T23:07:40Z","mono_ms":5,"type":"party.changed","uri":"a?b"}"#.utf8
        )
        .map { $0 == UInt8(ascii: "?") ? 0xFF : $0 }
        var parser = EventParser()
        try line.withUnsafeBytes { bytes in
            try parser.parse(bytes)
            #expect(try parser.event() == .partyChanged(PartyChanged(uri: "a\u{FFFD}b")))
        }
    }

    @Test(arguments: [
        ("", "expected a JSON object (at byte 0)"),
        ("[]", "expected a JSON object (at byte 0)"),
        ("{}", "no seq"),
        ("{}x", "something follows the object (at byte 2)"),
        (#"{"a":1"#, "expected , or } (at byte 6)"),
        (#"{"a":1,}"#, "expected a key (at byte 7)"),
        (#"{"a" 1}"#, "expected : (at byte 5)"),
        (#"{"a":tru}"#, "expected a value (at byte 5)"),
        (#"{"a":01}"#, "a number with a leading zero (at byte 7)"),
        (#"{"a":-}"#, "a broken number (at byte 6)"),
        (#"{"a":1.}"#, "a broken number (at byte 7)"),
        (#"{"a":1e}"#, "a broken number (at byte 7)"),
        (#"{"a":"\x"}"#, "an unknown escape (at byte 6)"),
        (#"{"a":"\u12"}"#, "a broken \\u escape (at byte 6)"),
        ("{\"a\":\"\u{1}\"}", "a control character in a string (at byte 6)"),
        (#"{"a":"b"#, "the line ends in a string (at byte 7)"),
        (#"{"a":[1 2]}"#, "expected , or ] (at byte 8)"),
        (#"{"a":{"b"}}"#, "expected : (at byte 9)"),
        (#"{"v":2,"seq":1}"#, "version 2 of the layout is unknown; this program reads 1"),
        (#"{"seq":0}"#, "seq: expected a whole number from 1"),
        (#"{"seq":-4}"#, "seq: expected a whole number from 1"),
        (#"{"seq":18446744073709551616}"#, "seq: expected a whole number from 1"),
        (#"{"seq":1}"#, "no time"),
        (#"{"seq":1,"time":"yesterday"}"#, "time: expected a time as RFC 3339 writes it"),
        (#"{"seq":1,"time":"2026-11-21T23:07:40Z"}"#, "no mono_ms"),
        (#"{"seq":1,"time":"2026-11-21T23:07:40Z","mono_ms":1.5}"#, "mono_ms: expected a whole number"),
        (#"{"seq":1,"time":"2026-11-21T23:07:40Z","mono_ms":1}"#, "no type"),
        (#"{"seq":1,"time":"2026-11-21T23:07:40Z","mono_ms":1,"type":7}"#, "no type"),
    ])
    func whatIsNoEventIsRefusedWithTheReason(line: String, reason: String) {
        #expect {
            try parse(line)
        } throws: { error in
            "\(error)" == reason
        }
    }

    @Test func aFieldOfAnotherTypeIsRefusedByName() {
        let envelope = #""seq":3,"time":"2026-11-21T23:07:40Z","mono_ms":5"#
        for (fields, reason) in [
            (#""type":"hold.ended","hold":"one""#, "hold: expected a number"),
            (#""type":"hold.ended","hold":1.5"#, "hold: expected a whole number"),
            (#""type":"hold.ended","agent":7"#, "agent: expected a string"),
            (#""type":"call.ended","abandoned":0"#, "abandoned: expected true or false"),
            (#""type":"call.ended","arrived":"now""#, "arrived: expected a time as RFC 3339 writes it"),
            (#""type":"call.queued","skills":["a",1]"#, "skills: expected an array of strings"),
        ] {
            #expect("\(fields)") {
                try parse("{\(envelope),\(fields)}")
            } throws: { error in
                "\(error)" == reason
            }
        }
    }

    @Test func wholeNumbersMayBeWrittenInAnyWay() throws {
        let envelope = #""seq":3,"time":"2026-11-21T23:07:40Z","mono_ms":5,"type":"hold.ended","hold":"#
        for (text, value) in [("1e3", 1000), ("20.0", 20), ("-0", 0), ("-9223372036854775808", Int.min)] {
            #expect(try parse("{\(envelope)\(text)}").event == .holdEnded(HoldEnded(hold: value)))
        }
    }

    @Test func nestingIsBounded() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: LineError.self) { try parse("{\"a\":\(deep)") }
    }
}

@Suite struct TimestampTests {
    private func text(_ microseconds: Int64) -> String {
        var bytes: [UInt8] = []
        Timestamp.append(microseconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func read(_ text: String) -> Int64? { Array(text.utf8).withUnsafeBytes { Timestamp.microseconds($0) } }

    @Test func datesAreThoseOfTheCalendar() {
        let formatter = ISO8601DateFormatter()
        var generator = SeededGenerator(seed: 7)
        // The formatter's calendar turns Julian before 1582.
        for _ in 0..<2000 {
            let seconds = Int64.random(in: -12_000_000_000...253_402_300_799, using: &generator)
            let expected = formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
            #expect(text(seconds * 1_000_000 + 42) == expected.dropLast() + ".000042Z")
        }
    }

    @Test func whatIsWrittenIsReadAgain() {
        var generator = SeededGenerator(seed: 8)
        for _ in 0..<5000 {
            let microseconds = Int64.random(in: Timestamp.range, using: &generator)
            #expect(read(text(microseconds)) == microseconds)
        }
        #expect(text(Int64.max) == "9999-12-31T23:59:59.999999Z")
        #expect(text(Int64.min) == "0000-01-01T00:00:00.000000Z")
        #expect(text(-1) == "1969-12-31T23:59:59.999999Z")
    }

    @Test func offsetsAndDecimalsAreAnybodys() {
        #expect(read("1970-01-01T00:00:00Z") == 0)
        #expect(read("1970-01-01t01:30:00.5+01:30") == 500_000)
        #expect(read("1969-12-31T22:30:00.1234567-01:30") == 123_456)
        #expect(read("2024-02-29T00:00:00z") == 1_709_164_800_000_000)
    }

    @Test(arguments: [
        "", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "1970-00-01T00:00:00Z", "2023-02-29T00:00:00Z",
        "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00.1",
        "1970-01-01T00:00:00+1:00", "1970-01-01T00:00:00Zx", "1970-01-01T00:00:00+24:00", "1970/01/01T00:00:00Z",
    ])
    func whatIsNoTimeIsNull(text: String) { #expect(read(text) == nil) }
}
