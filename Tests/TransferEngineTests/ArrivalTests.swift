import CallEvents
import Testing

@testable import TransferEngine

/// From the INVITE to the first answer.
@Suite struct ArrivalTests {
    @Test("180 while ringing, 200 only when the agent answers, in the agent's codec")
    func agentLine() {
        let scene = Scene()
        let caller = scene.call("7000") ?? LegID(0)
        let agent = scene.newest
        #expect(scene.legs[agent]?.invite?.codecsOf == caller)
        #expect(scene.legs[agent]?.invite?.maxForwards == 69)
        #expect(scene.legs[agent]?.invite?.from == "sip:+37120000001@pbx.example")
        #expect(scene.legs[agent]?.invite?.noResponseTimeout == 4_000)
        scene.ring(agent)
        scene.ring(agent)
        #expect(scene.legs[caller]?.rang == [180])
        #expect(scene.legs[caller]?.answered == false)
        scene.advance(2_000)
        scene.answer(agent, codec: "opus")
        #expect(scene.legs[caller]?.answerCodecOf == agent)
        #expect(scene.hears(caller) == .leg(agent))
        #expect(scene.hears(agent) == .leg(caller))
        #expect(scene.types == ["call.arrived", "call.alerting", "call.answered", "party.joined"])
        #expect(scene.last(callAnswered)?.waitMs == 2_000)
        #expect(scene.last(callAnswered)?.agent == "anna")
        scene.advance(1_000)
        scene.end(agent)
        #expect(scene.last(callEnded)?.talkMs == 1_000)
        scene.expectClean()
    }

    @Test("early media of the agent's side is passed on; a later 180 keeps it")
    func earlyMedia() {
        let scene = Scene()
        let caller = scene.call("7300") ?? LegID(0)
        let bot = scene.newest
        scene.ring(bot, early: true)
        #expect(scene.hears(caller) == .leg(bot))
        scene.ring(bot)
        #expect(scene.legs[caller]?.rang == [183])
        #expect(scene.hears(caller) == .leg(bot))
        scene.answer(bot)
        #expect(scene.last(partyJoined)?.party == .target)
        scene.end(caller)
        scene.expectClean()
    }

    @Test(
        "an agent who does not take it: the caller's final response says why",
        arguments: [(486, 486, Cause.busy), (603, 603, .declined), (404, 404, .unreachable), (500, 480, .unreachable)])
    func rejected(status: Int, final: Int, cause: Cause) {
        let scene = Scene()
        let caller = scene.call("7000") ?? LegID(0)
        scene.reject(scene.newest, status)
        #expect(scene.legs[caller]?.hungUp?.sipStatus == final)
        #expect(scene.last(alertFailed)?.cause == cause)
        #expect(scene.last(callEnded)?.cause == cause)
        #expect(scene.last(callEnded)?.endedBy == .controller)
        #expect(scene.last(callEnded)?.abandoned == false)
        scene.expectClean()
    }

    @Test("a caller who gives up before the answer has abandoned the call")
    func abandoned() {
        let scene = Scene()
        let caller = scene.call("7000") ?? LegID(0)
        let agent = scene.newest
        scene.ring(agent)
        scene.advance(3_000)
        scene.end(caller, LegEnd(how: .cancelled))
        #expect(scene.legs[agent]?.hungUp != nil)
        #expect(scene.last(callEnded)?.abandoned == true)
        #expect(scene.last(callEnded)?.waitMs == 3_000)
        #expect(scene.types == ["call.arrived", "call.alerting", "call.alert_failed", "call.ended"])
        scene.expectClean()
    }

    @Test("an agent who is busy is not dialled")
    func busy() {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        let second = scene.call("7000") ?? LegID(0)
        #expect(scene.legs[second]?.hungUp?.sipStatus == 486)
        #expect(scene.order.count == 3)
        // As soon as the agent is told to end, they are free again.
        scene.end(caller)
        #expect(scene.legs[agent]?.hungUp != nil)
        scene.call("7000")
        #expect(scene.legs[scene.newest]?.uri == "sip:1001@127.0.0.1:5081")
        scene.end(scene.order[3])
        scene.expectClean()
    }

    @Test("where a phone has registered is where its agent is called; offline agents are not")
    func registered() {
        let scene = Scene(testConfiguration { $0.agents[0].uri = nil })
        let offline = scene.call("7000") ?? LegID(0)
        #expect(scene.legs[offline]?.hungUp?.sipStatus == 480)
        scene.feed(.registered(agent: "anna", contact: "sip:1001@127.0.0.1:6001"))
        let caller = scene.call("7000") ?? LegID(0)
        #expect(scene.legs[scene.newest]?.uri == "sip:1001@127.0.0.1:6001")
        scene.end(caller)
        scene.feed(.registered(agent: "anna", contact: nil))
        scene.call("7000")
        scene.expectClean()
    }

    @Test(
        "refused INVITEs become no call",
        arguments: [
            ("8000", true, 70, 404, Cause.unreachable), ("7000", false, 70, 403, .notAllowed),
            ("7000", true, 0, 483, .rejected),
        ])
    func refused(line: String, trusted: Bool, maxForwards: Int, status: Int, cause: Cause) {
        let scene = Scene()
        let leg = scene.call(line) {
            $0.trusted = trusted
            $0.maxForwards = maxForwards
        }
        #expect(leg == nil)
        #expect(scene.refusals.map(\.status) == [status])
        #expect(scene.last(callRefused)?.sipStatus == status)
        #expect(scene.last(callRefused)?.cause == cause)
        #expect(scene.log.first?.call == nil)
        scene.feed(.inviteRefused(from: "sip:a@b", to: "sip:c@d", sipStatus: 488))
        #expect(scene.last(callRefused)?.cause == .noCodec)
        scene.expectClean()
    }

    @Test("while the log is down new calls get 503, running ones go on, nothing is logged of the refused")
    func logDown() {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        scene.feed(.logHealth(writable: false))
        #expect(scene.accepting == false)
        let mark = scene.log.count
        scene.call("7000")
        #expect(scene.refusals.map(\.status) == [503])
        #expect(scene.log.count == mark)
        scene.press(agent, "*5")
        #expect(scene.hears(caller) == .music)
        scene.feed(.logHealth(writable: true))
        #expect(scene.accepting == true)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("lines: the number itself, else the longest prefix")
    func lines() {
        let directory = Directory(
            testConfiguration {
                $0.lines += [
                    LineSettings(pattern: "*", to: .agent("anna")), LineSettings(pattern: "+31*", to: .agent("anna")),
                ]
            })
        #expect(directory.line("7000")?.pattern == "7000")
        #expect(directory.line("+312012")?.pattern == "+3120*")
        #expect(directory.line("+3199")?.pattern == "+31*")
        #expect(directory.line("12")?.pattern == "*")
    }

    @Test("a group's members are rung in turn; the caller hears 180, then music when nobody is left")
    func group() {
        let scene = Scene()
        let caller = scene.call("7100") ?? LegID(0)
        let anna = scene.newest
        #expect(scene.types == ["call.arrived", "call.queued", "call.alerting"])
        scene.ring(anna)
        #expect(scene.legs[caller]?.rang == [180])
        #expect(scene.legs[caller]?.answered == false)
        scene.advance(5_001)
        let boris = scene.newest
        #expect(scene.legs[boris]?.uri == "sip:1002@127.0.0.1:5082")
        #expect(scene.last(alertFailed)?.cause == .noAnswer)
        #expect(scene.legs[caller]?.answered == false)
        scene.reject(boris, 486)
        #expect(scene.legs[caller]?.answered == true)
        #expect(scene.hears(caller) == .music)
        #expect(scene.last(callAnswered) == nil)
        scene.advance(1_001)
        let again = scene.newest
        #expect(scene.legs[again]?.uri == "sip:1001@127.0.0.1:5081")
        #expect(scene.hears(caller) == .music)
        scene.answer(again)
        #expect(scene.hears(caller) == .leg(again))
        #expect(scene.last(callDequeued)?.outcome == .answered)
        #expect(scene.last(callDequeued)?.to == "anna")
        #expect(scene.last(callAnswered)?.waitMs == 6_002)
        #expect(scene.last(callAnswered)?.group == "support")
        #expect(scene.all(holdStarted).isEmpty)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("nobody of a group within maxWait: its overflow, then the line's, then apology and BYE")
    func maxWait() {
        let scene = Scene(
            testConfiguration {
                $0.groups[0].overflow = .agent("clara")
                $0.groups[0].members = ["anna"]
                $0.lines[1].overflow = .uri("sip:night@127.0.0.1:5099")
            })
        let caller = scene.call("7100") ?? LegID(0)
        scene.ring(scene.newest)
        scene.advance(30_001)
        #expect(scene.last(callDequeued)?.outcome == .overflow)
        #expect(scene.legs[scene.newest]?.uri == "sip:1003@127.0.0.1:5083")
        scene.reject(scene.newest, 486)
        #expect(scene.legs[scene.newest]?.uri == "sip:night@127.0.0.1:5099")
        scene.reject(scene.newest, 486)
        #expect(scene.legs[caller]?.tones == [.apology])
        scene.advance(1_000)
        #expect(scene.legs[caller]?.hungUp != nil)
        scene.expectClean()
    }

    @Test("a second caller has the second position; with all members busy music comes at once")
    func positions() {
        let scene = Scene()
        let first = scene.call("7100") ?? LegID(0)
        let second = scene.call("7100") ?? LegID(0)
        let third = scene.call("7100") ?? LegID(0)
        let queued = scene.all { if case .callQueued(let fields) = $0 { fields.position } else { nil as Int? } }
        #expect(queued == [1, 2, 3])
        #expect(scene.legs[third]?.answered == true)
        #expect(scene.legs[second]?.answered == false)
        scene.end(first)
        scene.end(second)
        scene.end(third)
        #expect(scene.all(callDequeued).map(\.position) == [1, 1, 1])
        scene.expectClean()
    }

    @Test(
        "callers' numbers in one form",
        arguments: [
            ("sip:+371-2000(0001)@x", "+37120000001"), ("sip:0037120000001@x", "+37120000001"),
            ("sip:020000001@x", "+37120000001"), ("sip:1001@x", "1001"), ("sip:anonymous@anonymous.invalid", nil),
            ("sip:Anonymous@x", nil), ("sip:x", nil), ("tel:+371-20000001;ext=1", "+37120000001"),
            ("sip:bob@x", "bob"), ("sip:%2b37120000001;phone-context=a@x", "+37120000001"), ("nonsense", nil),
        ] as [(String, String?)])
    func callers(uri: String, number: String?) {
        #expect(normalisedCaller(uri, numbering: Numbering(country: "371")) == number)
    }

    @Test("a withheld number is logged as null, and not shown to the agent")
    func withheld() {
        let scene = Scene()
        let caller = scene.call("7000") { $0.withheld = true } ?? LegID(0)
        #expect(scene.last(callArrived)?.caller == nil)
        #expect(scene.legs[scene.newest]?.invite?.from == "sip:anonymous@anonymous.invalid")
        #expect(scene.legs[scene.newest]?.invite?.asserted == nil)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("a waiting caller in another codec follows the one who answers")
    func queuedCodec() {
        let scene = Scene()
        let caller = scene.call("7100") ?? LegID(0)
        scene.reject(scene.newest, 486)
        scene.reject(scene.newest, 486)
        scene.advance(1_001)
        let anna = scene.newest
        scene.answer(anna, codec: "G722")
        #expect(scene.hears(caller) == .music)
        #expect(scene.last(callAnswered) == nil)
        scene.advance(2)
        #expect(scene.legs[caller]?.codec == "G722")
        #expect(scene.hears(caller) == .leg(anna))
        scene.end(anna)
        scene.expectClean()
    }
}
