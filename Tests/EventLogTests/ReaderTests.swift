import CallEvents
import Foundation
import Testing

@testable import EventLog

@Suite struct ReaderTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func line(_ seq: UInt64, node: String = "n") -> String {
        LineEncoder.line(
            LoggedEvent(
                seq: seq, node: node, time: Story.time(Int64(seq)), call: nil, event: .serviceAlive(ServiceAlive())))
    }

    private func put(_ name: String, _ lines: [String], ending: String = "\n") throws {
        let text = lines.map { $0 + "\n" }.joined().dropLast() + ending
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(directory.path)/\(name)"))
    }

    private func seqs(_ name: String? = nil) throws -> [UInt64] {
        try LogReader(path: name.map { "\(directory.path)/\($0)" } ?? directory.path).events().map(\.seq)
    }

    @Test func segmentsAreReadInTheOrderOfTheirWritingAndRepeatsOnce() throws {
        try put("00000000000000000001.jsonl", (1...5).map { line($0) })
        try put("00000000000000000004.jsonl", (4...6).map { line($0) })
        try put("00000000000000000004.1.jsonl", (4...9).map { line($0) })
        try put("00000000000000000010.jsonl", [line(10)])
        try put("notes.txt", ["something else"])
        #expect(try seqs() == Array(1...10))
        #expect(try LogReader(path: directory.path, keepsRepeats: true).events().count == 15)
    }

    @Test func theTornEndOfAFileThatWasLeftIsPassedOver() throws {
        try put("00000000000000000001.jsonl", [line(1), line(2), "\u{0}\u{0}garbage", line(3)])
        try put("00000000000000000003.jsonl", [line(3), line(4)])
        #expect(try seqs() == [1, 2, 3, 4])
    }

    @Test func aLineThatIsNoEventIsNamedByFileAndNumber() throws {
        try put("00000000000000000001.jsonl", [line(1), "{\"seq\":2}", line(3)])
        try put("00000000000000000004.jsonl", [line(4)])
        #expect {
            try seqs()
        } throws: { error in
            "\(error)" == "\(directory.path)/00000000000000000001.jsonl:2: no time"
        }
    }

    @Test func aLineStillBeingWrittenIsLeftAlone() throws {
        try put("a.jsonl", [line(1), String(line(2).dropLast(9))], ending: "")
        #expect(try seqs("a.jsonl") == [1])
        try put("b.jsonl", [line(1), line(2)], ending: "")
        #expect(try seqs("b.jsonl") == [1, 2])
    }

    @Test func aFileMayHoldTheLogsOfSeveralNodes() throws {
        try put("all.jsonl", [line(1), line(2), line(1, node: "m"), line(2, node: "m"), line(2), line(3)])
        #expect(try seqs("all.jsonl") == [1, 2, 1, 2, 3])
    }

    /// No line is lost, whatever the order; one that was read already does not come again.
    @Test func linesOutOfOrderComeWhereTheyStand() throws {
        try put(
            "all.jsonl",
            [1, 2, 5, 4, 3, 5, 4, 7, 6].map { line($0) } + [line(2, node: "m"), line(1, node: "m"), line(8)])
        #expect(try seqs("all.jsonl") == [1, 2, 5, 4, 3, 7, 6, 2, 1, 8])
        let follower = try LogFollower(path: "\(directory.path)/all.jsonl")
        var followed: [UInt64] = []
        try follower.poll { followed.append($0.seq) }
        #expect(followed == [1, 2, 5, 4, 3, 7, 6, 2, 1, 8])
    }

    /// The log of a node whose directory was emptied stands behind the one before it.
    @Test func aLogThatBeginsAgain() throws {
        func begin(_ wall: Int64) -> String {
            LineEncoder.line(
                LoggedEvent(
                    seq: 1, node: "n", time: EventTime(wall: wall, mono: 1000), call: nil,
                    event: .serviceStarted(ServiceStarted(version: "1", bootID: "b"))))
        }
        try put("all.jsonl", [begin(1), line(2), line(3), begin(1), line(2), begin(9), line(2), line(3), line(4)])
        #expect(try seqs("all.jsonl") == [1, 2, 3, 1, 2, 3, 4])
    }

    @Test func linesOfAnyLengthAreRead() throws {
        let long = LoggedEvent(
            seq: 2, node: "n", time: EventTime(wall: 2, mono: 2000), call: "c",
            event: .partyChanged(PartyChanged(uri: String(repeating: "x", count: 3_000_000))))
        try put("a.jsonl", [line(1), LineEncoder.line(long), line(3)])
        #expect(try LogReader(path: directory.path + "/a.jsonl").events()[1] == long)
    }

    @Test func whatIsNotThereIsSaid() {
        #expect {
            try LogReader(path: directory.path + "/none").events()
        } throws: { error in
            "\(error)" == "cannot open \(directory.path)/none: No such file or directory"
        }
    }

    @Test func everyLineKnowsItsPlace() throws {
        try put("00000000000000000001.jsonl", [line(1), line(2)])
        try put("00000000000000000003.jsonl", [line(3)])
        var places: [String] = []
        try LogReader(path: directory.path).forEach { parser in
            places.append("\(parser.file?.suffix(26) ?? ""):\(parser.number ?? 0)")
        }
        #expect(
            places == [
                "00000000000000000001.jsonl:1", "00000000000000000001.jsonl:2", "00000000000000000003.jsonl:1",
            ])
    }
}
