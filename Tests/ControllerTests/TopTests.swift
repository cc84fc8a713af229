import Foundation
import Testing

@testable import Controller
@testable import warmline

@Suite struct TopTests {
    private func call(_ id: String, _ state: String, since: String) -> JSONValue {
        [
            "call": .string(id), "state": .string(state), "since": .string(since),
            "arrived": .string("2026-03-02T09:00:00.000000Z"), "caller": "+37120000001", "line": "7000",
            "agent": "anna", "target": .null, "holds": .int(1),
        ]
    }

    private func view(_ count: Int) -> TopView {
        var view = TopView()
        view.calls = (1...max(1, count)).prefix(count).map {
            call("n-\($0)", $0 == 2 ? "held" : "talking", since: "2026-03-02T09:01:00.000000Z")
        }
        view.status = ["version": "1", "node": "desk", "state": "running", "uptime_ms": .int(3_727_000)]
        // 09:02:05
        view.now = 1_772_442_125_000_000
        view.settle()
        return view
    }

    @Test func aScreenSaysWhoWaitsAndForHowLong() {
        let (rows, highlighted) = view(3).rows(columns: 120, rows: 24)
        #expect(rows.count == 24)
        #expect(rows[0] == "warmline 1  desk  running  up 1:02:07")
        #expect(rows[1] == "3 calls: 2 talking, 1 held; longest waiting 1:05")
        #expect(rows[3].hasPrefix("CALL"))
        #expect(rows[4].hasPrefix("n-1   talking  1:05  +37120000001  7000  anna   -"))
        #expect(highlighted == 4)
        #expect(rows.last == TopView.keys)
    }

    @Test func theSelectionStaysOnItsCallAndInSight() {
        var view = view(100)
        view.move(1)
        #expect(view.selected == "n-2")
        for _ in 0..<200 { view.move(1) }
        #expect(view.selected == "n-100")
        let (rows, highlighted) = view.rows(columns: 40, rows: 10)
        #expect(rows.count == 10)
        #expect(rows.allSatisfy { $0.count <= 40 })
        #expect(highlighted.map { rows[$0].hasPrefix("n-100") } == true)
        view.calls.removeLast()
        view.settle()
        #expect(view.selected == "n-1")
        view.calls = []
        view.settle()
        view.move(1)
        #expect(view.selected == nil)
        #expect(view.rows(columns: 80, rows: 24).rows[3] == "no open calls")
    }

    @Test func aClockThatTicksCostsAFewBytes() {
        var view = view(20)
        let before = view.rows(columns: 120, rows: 30).rows.map(Array.init)
        #expect(Terminal.changes(from: before, to: before).isEmpty)
        view.now += 1_000_000
        let after = view.rows(columns: 120, rows: 30).rows.map(Array.init)
        // A position of at most 9 bytes and the digits that differ, twice a row and once more in the heading.
        #expect(Terminal.changes(from: before, to: after).utf8.count < 22 * 60)
        #expect(Terminal.changes(from: [Array("1:09 talking")], to: [Array("1:10 talking")]) == "\u{1B}[1;3H10")
        #expect(Terminal.changes(from: [Array("abc")], to: [Array("a")]) == "\u{1B}[1;2H\u{1B}[K")
        #expect(Terminal.changes(from: [Array("abc")], to: []) == "\u{1B}[1;1H\u{1B}[K")
        #expect(Terminal.changes(from: [Array("a")], to: [Array("\u{1}a")]) == "\u{1B}[1;1H\u{1B}[K\u{1B}[7ma\u{1B}[0m")
    }

    @Test func withoutATerminalItSaysSo() throws {
        let program = try Program("top", "--every", "0")
        #expect(program.status == 2)
        #expect(program.errors.contains("--every 0"))
    }
}

@Suite struct CompletionTests {
    @Test(arguments: ["bash", "zsh"])
    func everyCommandAndOptionIsCompleted(_ shell: String) {
        let script =
            shell == "bash" ? Completion.bash(CommandLineTool.commands) : Completion.zsh(CommandLineTool.commands)
        for command in CommandLineTool.commands {
            let line = script.split(separator: "\n").first { $0.contains("        \(command.name)) ") }
            for option in command.options { #expect(line?.contains("--\(option.name)") == true, "\(command.name)") }
        }
    }

    @Test func bashTakesTheScript() throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        let script = Completion.bash(CommandLineTool.commands)
        let probe =
            "COMP_WORDS=(warmline met); COMP_CWORD=1; _warmline; echo ${COMPREPLY[@]}; "
            + "COMP_WORDS=(warmline metrics --sin); COMP_CWORD=2; _warmline; echo ${COMPREPLY[@]}"
        process.arguments = ["--norc", "-c", "\(script)\n\(probe)"]
        let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data().write(to: URL(filePath: file))
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: file))
        try process.run()
        process.waitUntilExit()
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(text == "metrics\n--since\n")
    }

    @Test func theManualNamesEveryCommandAndItsOptions() {
        let manual = Completion.manual(CommandLineTool.commands)
        for command in CommandLineTool.commands {
            #expect(manual.contains(".SS \(command.name) ") || manual.contains(".SS \(command.name)\n"))
        }
        #expect(manual.contains(".B \\-\\-trace\\-sip FILE"))
        #expect(!manual.split(separator: "\n").contains { $0.hasPrefix("'") })
    }
}
