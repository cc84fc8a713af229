import CallEvents
import Metrics
import Testing

@Suite struct TimelineTests {
    private func timeline(_ story: Story = Story.attendedTransfer()) throws -> Timeline {
        try #require(Timeline(call: "ctl-1-a", events: story.events))
    }

    @Test func theCallersLaneIsWaitTalkHoldTalk() throws {
        let timeline = try timeline()
        #expect(timeline.lanes == ["caller", "anna", "boris", "clara"])
        let caller = timeline.spans.filter { $0.lane == 0 }
        #expect(caller.map(\.kind) == [.waiting, .talk, .hold(1), .talk])
        #expect(caller.map(\.from) == [0, 4000, 14_000, 26_000])
        #expect(caller.map(\.to) == [4000, 14_000, 26_000, 46_000])
        // The second party is another one, without a hold between.
        #expect(caller.map(\.with) == [[], [1], [], [3]])
    }

    @Test func theOtherLanesShowRingingConsultAndTalk() throws {
        let timeline = try timeline()
        func lane(_ number: Int) -> [Timeline.Span] { timeline.spans.filter { $0.lane == number } }
        #expect(lane(1).map(\.kind) == [.ringing, .talk, .idle, .consult(2)])
        #expect(lane(2).map(\.kind) == [.ringing])
        #expect(lane(2).map(\.to) == [17_000])
        #expect(lane(3).map(\.kind) == [.ringing, .consult(2), .talk])
        #expect(lane(3).map(\.with) == [[], [1], [0]])
    }

    @Test func theTextNamesPartiesLengthsAndOutcomes() throws {
        let text = try timeline().text()
        for part in [
            "46.0 s: waited 4.0 s, talked 30.0 s, held 12.0 s; 1 transfer", "consult 1: declined (603)",
            "hold 1 ends after 12.0 s: transferred to clara", "transfer 1 completed (attended)",
        ] {
            #expect(text.contains(part), "\(part) in\n\(text)")
        }
        // A bar to scale: 4 of 46 s at 64 columns are 5 columns of waiting, then talk.
        #expect(text.contains("  caller  .....█"))
    }

    /// How long it has lasted by now is not in the log.
    @Test func anOpenCallSaysWhenItsLastEventCame() throws {
        let events = Story.attendedTransfer().events.filter { $0.time.monoMilliseconds < 46_000 }
        let timeline = try #require(Timeline(call: "ctl-1-a", events: events))
        let text = timeline.text()
        #expect(text.contains("\nstill open; its last event came after 26.0 s\n"), "\(text)")
        #expect(timeline.svg().contains("still open; its last event came after 26.0 s"))
    }

    /// Of several events of one instant, each row shows what its own led to: a lane ends once, with the row that ends it.
    @Test func lanesEndWithTheEventThatEndsThem() throws {
        let lines = try timeline().text().split(separator: "\n").map(String.init)
        let ladder = lines.drop { !$0.hasPrefix("  time s") }
        #expect(ladder.filter { $0.contains("┴") }.count == 4)
        let leaving = try #require(ladder.first { $0.contains("anna leaves") })
        #expect(leaving.filter { $0 == "┴" }.count == 1)
        let end = try #require(ladder.first { $0.contains("the call ends") })
        #expect(end.filter { $0 == "┴" }.count == 1)
        // Boris had declined long before.
        let failed = try #require(ladder.first { $0.contains("consult 1: declined") })
        #expect(failed.contains("┴") || failed.contains("×"))
    }

    @Test func aCallThatIsNotThereHasNoTimeline() {
        #expect(Timeline(call: "ctl-1-z", events: Story.attendedTransfer().events) == nil)
    }

    @Test func theCommandReadsALog() throws {
        let log = try LogFixture()
        try log.write(Story.attendedTransfer().events)
        let drawn = output { TimelineCommand(call: "ctl-1-a", paths: [log.directory]).run(out: $0, err: $1) }
        #expect(drawn.status == 0)
        let expected = try timeline().text()
        #expect(drawn.out.joined(separator: "\n") + "\n" == expected)
        let missing = output { TimelineCommand(call: "ctl-1-z", paths: [log.directory]).run(out: $0, err: $1) }
        #expect(missing.status == 1)
        #expect(missing.err.count == 1)
    }
}
