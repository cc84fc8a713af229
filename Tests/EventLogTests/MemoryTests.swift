import CallEvents
import Foundation
import Testing

@testable import EventLog

/// What a log says of the past that the present needs.
@Suite struct MemoryTests {
    private static let hour: Int64 = 3_600_000_000
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// One segment of these, an hour apart, from an hour on; the first of a log begins at 1.
    private func segment(_ first: UInt64, at hours: Int64, _ records: [(String?, CallEvent)]) throws {
        var text = ""
        for (index, (call, event)) in records.enumerated() {
            let wall = Self.hour * (hours + Int64(index))
            text += LineEncoder.line(
                LoggedEvent(
                    seq: first + UInt64(index), node: "n", time: EventTime(wall: wall, mono: wall), call: call,
                    event: event))
            text += "\n"
        }
        let name = SegmentName(first: first).description
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(directory.path)/\(name)"))
    }

    private func ended(_ caller: String?, _ agent: String?) -> CallEvent {
        .callEnded(
            CallEnded(endedBy: .caller, cause: .normal, line: "7000", group: "g", agent: agent, caller: caller))
    }

    private func memory(
        visits: Int64 = 0, calls: Int64 = 0, most: Int = 100, isWanted: () -> Bool = { true }
    ) throws -> LogMemory {
        try LogMemory(
            path: directory.path, visitsSince: WallTime(microseconds: visits * Self.hour),
            callsSince: WallTime(microseconds: calls * Self.hour), most: most, isWanted: isWanted)
    }

    @Test func theLastAgentOfEachCallerAndTheVerdicts() throws {
        try segment(
            1, at: 1,
            [
                ("n-1", ended("+1", "anna")), ("n-2", ended("+2", "anna")), ("n-3", ended("+3", "anna")),
                ("n-1", .callDisposition(CallDisposition(agent: "anna", resolved: true, by: .agent))),
            ])
        try segment(
            5, at: 5,
            [
                ("n-4", ended("+1", "boris")), ("n-5", ended("+2", nil)), ("n-6", ended("+4", nil)),
                ("n-7", ended(nil, "clara")),
                ("n-4", .callDisposition(CallDisposition(agent: "anna", resolved: true, by: .agent))),
                ("n-4", .callDisposition(CallDisposition(agent: "anna", resolved: false, by: .agent))),
            ])
        let memory = try memory()
        #expect(
            memory.visits.map { "\($0.caller) \($0.agent ?? "-") \($0.time.microseconds / Self.hour)" }
                == ["+2 anna 2", "+3 anna 3", "+1 boris 5", "+4 - 7"])
        #expect(memory.calls.map(\.call) == (1...7).map { "n-\($0)" })
        #expect(memory.calls.map(\.verdict) == [true, nil, nil, false, nil, nil, nil])
        #expect(memory.calls[0].agent == "anna" && memory.calls[0].group == "g" && memory.calls[0].line == "7000")
    }

    @Test func onlyAsFarBackAsAskedFor() throws {
        try segment(1, at: 1, [("n-1", ended("+1", "anna"))])
        // Were it read, it would fail.
        try FileManager.default.createDirectory(
            atPath: "\(directory.path)/\(SegmentName(first: 0))", withIntermediateDirectories: false)
        try segment(2, at: 10, [("n-2", ended("+2", "anna")), ("n-3", ended("+3", "anna"))])
        let late = try memory(visits: 11, calls: 12)
        #expect(late.visits.map(\.caller) == ["+3"])
        #expect(late.calls.isEmpty)
        #expect(throws: LogError.self) { try memory() }
        #expect(try memory(isWanted: { false }).calls.isEmpty)
    }

    @Test func neverMoreThanSoMany() throws {
        try segment(1, at: 1, (1...5).map { ("n-\($0)", ended("+\($0)", "anna")) })
        try segment(6, at: 6, (6...8).map { ("n-\($0)", ended("+\($0)", "anna")) })
        let memory = try memory(most: 3)
        #expect(memory.visits.map(\.caller) == ["+6", "+7", "+8"])
        #expect(memory.calls.map(\.call) == ["n-6", "n-7", "n-8"])
    }

    @Test func whoIsStillToBeCalledBack() throws {
        func arrived(_ from: String) -> CallEvent {
            .callArrived(
                CallArrived(from: from, to: "", line: "7000", sipCallID: "", caller: "+1", direction: .inbound))
        }
        func requested(_ caller: String) -> CallEvent {
            .callbackRequested(
                CallbackRequested(group: "g", line: "7000", caller: caller, position: 1, priority: 2, waitMs: 700))
        }
        func failed(_ request: String, _ attempt: Int, final: Bool) -> CallEvent {
            .callbackFailed(
                CallbackFailed(group: "g", request: request, attempt: attempt, cause: .noAnswer, isFinal: final))
        }
        try segment(
            1, at: 1,
            [
                ("n-1", arrived("sip:one@pbx")), ("n-1", .callQueued(CallQueued(group: "g", skills: ["billing"]))),
                ("n-2", requested("+2")), ("n-3", requested("+3")), ("n-9", requested("+9")),
            ])
        try segment(
            6, at: 6,
            [
                ("n-1", requested("+1")), ("n-1-c1", ended("+1", "anna")),
                ("n-1-c2", .callbackStarted(CallbackStarted(group: "g", request: "n-1", attempt: 1))),
                ("n-1-c2", failed("n-1", 1, final: false)), ("n-1-c2", ended("+1", "anna")),
                ("n-2-c1", .callbackCompleted(CallbackCompleted(group: "g", request: "n-2", attempt: 1))),
                ("n-3-c1", failed("n-3", 3, final: true)),
            ])
        let pending = try memory(calls: 6).callbacks
        #expect(pending.map(\.request) == ["n-1"], "the others are done, or too long ago")
        let one = try #require(pending.first)
        #expect(one.caller == "+1" && one.from == "sip:one@pbx" && one.skills == ["billing"] && one.priority == 2)
        #expect(one.waitMs == 700 && one.attempts == 1 && one.calls == 2)
        #expect(one.requested.microseconds == 6 * Self.hour)
        #expect(try memory().callbacks.map(\.request) == ["n-9", "n-1"])
    }

    /// The call's beginning is not in the log: it is not looked for in all of it.
    @Test func aBeginningThatIsNotThere() throws {
        // Were it read, it would fail.
        try FileManager.default.createDirectory(
            atPath: "\(directory.path)/\(SegmentName(first: 0))", withIntermediateDirectories: false)
        try segment(1, at: 10, [("n-8", ended("+8", "anna"))])
        try segment(2, at: 20, [("n-9", ended("+9", "anna"))])
        let requested = CallbackRequested(group: "g", caller: "+1", waitMs: 3_600_000 * 9)
        try segment(3, at: 30, [("n-1", .callbackRequested(requested))])
        #expect(try memory(visits: 29, calls: 29).callbacks.map(\.request) == ["n-1"])
    }
}
