import CallEvents
import Testing
import TransferEngine

@testable import Controller

@Suite struct EngineLoopTests {
    @Test func anInviteRingsTheAgentAndTheAnswerIsPassedOn() throws {
        let bench = try Bench()
        bench.turn(bench.invite(1))
        #expect(bench.telephony.take().contains("invite sip:1001@127.0.0.1:5081"))
        #expect(bench.log.types == ["call.arrived", "call.alerting"])
        #expect(bench.log.records[0].call == "n-1")
        bench.turn(bench.event(101, .progress(status: 180, earlyMedia: false)))
        #expect(bench.telephony.take() == ["ring 1 180"])
        bench.turn(bench.event(101, .answered(codec: "PCMA")))
        #expect(bench.telephony.take().contains("answer 1"))
    }

    @Test func theFiguresOfALegThatIsHungUpAreThoseOfThatMoment() throws {
        let bench = try Bench()
        bench.turn(bench.event(0, .registered(user: "boris", contact: "sip:boris@127.0.0.1:40000")))
        bench.talk()
        bench.telephony.received(500, on: 101)
        func command(_ command: Command) {
            bench.turn(.control(ControlRequest(wish: .command(command), answer: ControlAnswer())))
        }
        command(.consult(call: "n-1", targets: ["boris"], note: nil))
        bench.turn(bench.event(102, .answered(codec: "PCMA")))
        bench.settle()
        // The leg is hung up, and gone, before the switch is reported behind which `party.left` stands.
        command(.complete(call: "n-1"))
        #expect(bench.telephony.take().contains { $0.hasPrefix("hangUp 101") })
        #expect(!bench.log.types.contains("party.left"))
        bench.settle()
        let left = bench.log.records.compactMap { record in
            if case .partyLeft(let fields) = record.event { fields } else { nil }
        }
        #expect(left.map(\.agent) == ["anna"])
        #expect(left.first?.media.packets == 500)
    }

    @Test func aCommandThatFailsAtOnceIsALaterInput() throws {
        let bench = try Bench()
        bench.telephony.fail("invite")
        bench.turn(bench.invite(1))
        #expect(bench.log.types == ["call.arrived", "call.alerting"])
        // Nobody else posted anything: the result alone makes the next turn.
        bench.turn()
        #expect(bench.log.types.contains("call.alert_failed"))
        #expect(
            bench.telephony.take().contains { $0.hasPrefix("hangUp 1") || $0.hasPrefix("play 1") || $0 == "answer 1" })
    }

    @Test func aSwitchThatFailsAtOnceIsReportedAllTheSame() throws {
        let bench = try Bench()
        bench.telephony.fail("route")
        bench.talk()
        bench.turn(bench.event(99, .rtpTimeout))
        #expect(bench.log.types.contains("party.joined"))
    }

    @Test func lateEventsOfALegThatIsOverAreIgnored() throws {
        let bench = try Bench()
        bench.talk()
        bench.turn(bench.event(1, .ended(LegEnd(how: .bye))), bench.event(101, .ended(LegEnd(how: .local))))
        bench.settle()
        let logged = bench.log.types.count
        #expect(bench.log.types.last == "call.ended")
        bench.turn(bench.event(1, .ended(LegEnd(how: .bye))), bench.event(101, .rtpTimeout))
        #expect(bench.log.types.count == logged)
    }

    @Test(arguments: [
        (Configuration.LineSource.requestURI, "7000"), (.to, "desk"), (.calledParty, "7001"),
    ])
    func theLineIsTakenFromWhereTheConfigurationSays(source: Configuration.LineSource, line: String) throws {
        let bench = try Bench(lineFrom: source)
        bench.turn(bench.invite(1))
        guard line != "desk" else {
            #expect(bench.telephony.take() == ["hangUp 1 404"])
            return
        }
        guard case .callArrived(let arrived)? = bench.log.records.first?.event else {
            Issue.record("no call.arrived")
            return
        }
        #expect(arrived.line == line)
    }

    @Test func aRegisteredPhoneIsCalledAtItsContact() throws {
        let bench = try Bench()
        bench.turn(bench.event(0, .registered(user: "boris", contact: "sip:boris@127.0.0.1:40000")))
        bench.turn(bench.event(0, .registered(user: "nobody", contact: "sip:x@127.0.0.1")))
        bench.turn(bench.invite(1, to: "7001"))
        #expect(bench.telephony.take().contains("invite sip:boris@127.0.0.1:40000"))
        let answer = ControlAnswer()
        bench.turn(
            bench.event(0, .registered(user: "boris", contact: nil)),
            .control(ControlRequest(wish: .status, answer: answer)))
        guard case .status(let status) = answer.wait() else { return #expect(Bool(false)) }
        #expect(status.registered.isEmpty)
        #expect(status.openCalls == 1)
    }

    @Test func whileCallsAreOpenTheLogSaysSoEveryTenSeconds() throws {
        let bench = try Bench()
        let nothing = bench.event(99, .rtpTimeout)
        bench.clock.advance(milliseconds: 30_000)
        bench.turn(nothing)
        #expect(!bench.log.types.contains("service.alive"))
        bench.talk()
        bench.clock.advance(milliseconds: 9_999)
        bench.turn(nothing)
        #expect(!bench.log.types.contains("service.alive"))
        bench.clock.advance(milliseconds: 1)
        bench.turn(nothing)
        bench.turn(nothing)
        #expect(bench.log.types.filter { $0 == "service.alive" }.count == 1)
        bench.turn(bench.event(1, .ended(LegEnd(how: .bye))), bench.event(101, .ended(LegEnd(how: .local))))
        bench.settle()
        bench.clock.advance(milliseconds: 20_000)
        bench.turn(nothing)
        #expect(bench.log.types.filter { $0 == "service.alive" }.count == 1)
    }

    @Test func timersReachTheEngine() throws {
        let bench = try Bench()
        bench.turn(bench.invite(1))
        bench.turn(bench.event(101, .progress(status: 180, earlyMedia: false)))
        _ = bench.telephony.take()
        bench.clock.advance(milliseconds: 3_600_000)
        bench.turn()
        #expect(bench.telephony.take().contains { $0.hasPrefix("hangUp 101") })
    }

    @Test func terminateEndsTheLoopAndAnswersWhoWaits() throws {
        let bench = try Bench()
        let answer = ControlAnswer()
        bench.inbox.post(.terminate)
        bench.loop.run()
        #expect(bench.log.types == ["service.stopping"])
        #expect(bench.telephony.take() == ["accepting false"])
        #expect(!bench.inbox.post(.control(ControlRequest(wish: .status, answer: answer))))
    }
}

/// `durability: always`: SIP messages and replies wait for their call's lines, nothing else does.
@Suite struct OutboxTests {
    @Test func messagesWaitForTheLinesBeforeThem() throws {
        let bench = try Bench(durability: "always")
        bench.turn(bench.invite(1))
        #expect(bench.log.types == ["call.arrived", "call.alerting"])
        let early = bench.telephony.take()
        #expect(!early.contains { $0.hasPrefix("invite") || $0.hasPrefix("ring") })
        bench.turn(.durable(1))
        #expect(!bench.telephony.take().contains { $0.hasPrefix("invite") })
        bench.turn(.durable(2))
        #expect(bench.telephony.take().contains("invite sip:1001@127.0.0.1:5081"))
    }

    @Test func afterAQuarterOfASecondTheyGoAndAreCountedAsLate() throws {
        let bench = try Bench(durability: "always")
        bench.turn(bench.invite(1))
        bench.clock.advance(milliseconds: 249)
        bench.turn(bench.event(99, .rtpTimeout))
        #expect(bench.telephony.take().isEmpty)
        bench.clock.advance(milliseconds: 1)
        bench.turn(bench.event(99, .rtpTimeout))
        #expect(bench.telephony.take() == ["invite sip:1001@127.0.0.1:5081"])
        let answer = ControlAnswer()
        bench.turn(.control(ControlRequest(wish: .status, answer: answer)))
        guard case .status(let status) = answer.wait() else { return #expect(Bool(false)) }
        #expect(status.late == 1)
    }

    @Test func switchesNeverWaitAndRepliesDo() throws {
        let bench = try Bench(durability: "always")
        bench.turn(bench.invite(1))
        bench.turn(.durable(100))
        bench.talkOn()
        _ = bench.telephony.take()
        let logged = bench.log.records.count
        let answer = ControlAnswer()
        let hold = ControlRequest(wish: .command(.hold(call: "n-1")), answer: answer)
        bench.turn(.control(hold))
        // The relay is switched at once; the segment is logged from its report.
        #expect(bench.telephony.take().contains { $0.hasPrefix("route") })
        #expect(bench.log.records.count >= logged)
        guard case .command(.done) = answer.wait() else { return #expect(Bool(false)) }
    }

    /// A leg that joins a call waits for that call's lines, not for those of the one it would have been.
    @Test func anAgentsSecondCallWaitsForTheirFirst() throws {
        let bench = try Bench(durability: "always")
        bench.turn(bench.invite(1))
        for _ in 0..<2 { bench.turn(.durable(UInt64(bench.log.records.count))) }
        bench.turn(bench.event(101, .answered(codec: "PCMA")))
        bench.turn(.durable(UInt64(bench.log.records.count)))
        bench.turn(bench.event(1, .answered(codec: "PCMA")))
        bench.turn(.control(ControlRequest(wish: .command(.hold(call: "n-1")), answer: ControlAnswer())))
        bench.settle()
        bench.turn(.durable(UInt64(bench.log.records.count)))
        _ = bench.telephony.take()
        // No target of this number: lines of the first call, and a refusal that waits for them.
        bench.turn(bench.invite(3, to: "999", from: "sip:1001@127.0.0.1:5081"))
        #expect(bench.log.types.last == "transfer.failed")
        #expect(bench.log.records.last?.call == "n-1")
        #expect(!bench.telephony.take().contains { $0.hasPrefix("hangUp 3") })
        bench.turn(.durable(UInt64(bench.log.records.count)))
        #expect(bench.telephony.take().contains { $0.hasPrefix("hangUp 3") })
    }

    @Test func anotherCallDoesNotWait() throws {
        let bench = try Bench(durability: "always")
        bench.turn(bench.invite(1))
        bench.turn(.durable(2))
        _ = bench.telephony.take()
        bench.turn(bench.event(0, .registered(user: "boris", contact: "sip:boris@127.0.0.1:40000")))
        bench.turn(bench.invite(2, to: "7001"))
        // The second call's lines (3 and 4) are not safe; the first call rings all the same.
        bench.turn(bench.event(101, .progress(status: 180, earlyMedia: false)))
        #expect(bench.telephony.take() == ["ring 1 180"])
    }

    @Test func whatComesAfterAMessageHeldBackStaysBehindIt() {
        var outbox = Outbox()
        let invite = Effect.invite(LegID(1), Invite(uri: "sip:a", sipCallID: "x", call: "c"))
        let route = Effect.route([Route(LegID(1), .music)], ReportID(1))
        let end = Effect.hangUp(LegID(1), HangUp())
        outbox.noteLine(of: "c", ticket: 5)
        let held = [invite, route, end].map { outbox.holdsBack($0, now: 0) }
        #expect(held == [true, true, true])
        #expect(outbox.release(now: 1).isEmpty)
        outbox.noteDurable(5)
        #expect(outbox.release(now: 1) == [invite, route, end])
        #expect(outbox.isEmpty)
        // The leg is there now: its routes go at once again.
        outbox.noteLine(of: "c", ticket: 6)
        let routeHeld = outbox.holdsBack(route, now: 2)
        #expect(!routeHeld)
    }

    @Test func aReplyWaitsForItsCall() {
        var outbox = Outbox()
        outbox.noteRequest(RequestID(1), of: "c")
        outbox.noteLine(of: "c", ticket: 1)
        let reply = Effect.reply(RequestID(1), .done)
        let held = outbox.holdsBack(reply, now: 0)
        #expect(held)
        #expect(outbox.next == Outbox.patience)
        outbox.noteDurable(1)
        #expect(outbox.release(now: 0) == [reply])
        #expect(outbox.late == 0)
    }
}

extension Bench {
    /// The first call's agent answers.
    func talkOn() {
        turn(event(101, .answered(codec: "PCMA")))
        turn(event(1, .answered(codec: "PCMA")), .durable(100))
    }
}

@Suite struct TimerHeapTests {
    @Test func timersComeInTheOrderOfTheirInstants() {
        var heap = TimerHeap()
        let dues: [Int64] = [50, 10, 40, 10, 30, 20, 60, 10]
        for (index, due) in dues.enumerated() { heap.start(TimerID(UInt64(index)), due: due) }
        heap.stop(TimerID(4))
        var order: [UInt64] = []
        while let id = heap.pop(now: 55) { order.append(id.number) }
        #expect(order == [1, 3, 7, 5, 2, 0])
        #expect(heap.next == 60)
        #expect(heap.pop(now: 59) == nil)
        #expect(heap.pop(now: 60) == TimerID(6))
        #expect(heap.next == nil)
    }

    @Test func stoppedTimersDoNotPileUp() {
        var heap = TimerHeap()
        heap.start(TimerID(0), due: 5_000_000)
        for index in 1...100_000 {
            heap.start(TimerID(UInt64(index)), due: Int64(10_000_000 + index))
            heap.stop(TimerID(UInt64(index)))
        }
        #expect(heap.count < 100)
        #expect(heap.pop(now: 20_000_000) == TimerID(0))
        #expect(heap.pop(now: 20_000_000) == nil)
    }

    /// Whose phone it is may change; what the telephony side refuses changes nothing.
    @Test func aChangedConfiguration() throws {
        let bench = try Bench()
        bench.turn(bench.event(0, .registered(user: "boris", contact: "sip:boris@127.0.0.1:6000")))
        func contacts() -> [String] {
            let answer = ControlAnswer()
            bench.turn(.control(ControlRequest(wish: .status, answer: answer)))
            guard case .status(let status) = answer.wait() else { return [] }
            return status.registered.map { "\($0.agent) \($0.contact)" }
        }
        #expect(contacts() == ["boris sip:boris@127.0.0.1:6000"])
        func change(_ text: String) throws -> CommandResult {
            let changed = try Configuration.parse(text, file: "bench")
            let answer = ControlAnswer()
            bench.turn(
                .configuration(
                    ConfigurationChange(
                        engine: changed.engine(), admission: changed.admission, agentsByUser: changed.agentsByUser,
                        lineFrom: .to, answer: answer)))
            guard case .command(let result) = answer.wait() else { return .done }
            return result
        }
        let text =
            "{ node: \"n\", agents: { clara: { uri: \"sip:boris@127.0.0.1:5083\" } }, "
            + "lines: { desk: { to: \"agent:clara\" } } }"
        _ = bench.telephony.take()
        bench.telephony.fail("admit")
        #expect(try change(text) == .refused("as told"))
        #expect(bench.telephony.take() == ["admit boris", "admit 1001 boris"])
        #expect(contacts() == ["boris sip:boris@127.0.0.1:6000"])
        bench.telephony.fail()
        #expect(try change(text) == .done)
        #expect(contacts() == ["clara sip:boris@127.0.0.1:6000"])
        bench.turn(bench.invite(7))
        #expect(bench.telephony.take().contains("invite sip:boris@127.0.0.1:6000"))
        bench.turn(.terminate)
        #expect(try change(text) == .refused("the controller is stopping"))
    }
}
