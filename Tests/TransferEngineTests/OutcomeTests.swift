import CallEvents
import Testing

@testable import TransferEngine

/// The outcome table of the design, rows 1 to 12, as the engine decides them.
@Suite struct OutcomeTests {
    @Test("outcome row 1: target answers, agent hangs up: caller and target talk", arguments: [true, false])
    func row1(byHangUp: Bool) {
        let scene = Scene()
        let (caller, agent, target) = scene.consulting()
        #expect(scene.hears(caller) == .music)
        #expect(scene.hears(agent) == .leg(target))
        #expect(scene.hears(target) == .leg(agent))
        let mark = scene.log.count
        if byHangUp { scene.end(agent) } else { scene.press(agent, "*2") }
        #expect(scene.hears(caller) == .leg(target))
        #expect(scene.hears(target) == .leg(caller))
        #expect(
            scene.types(since: mark) == [
                "consult.ended", "hold.ended", "party.joined", "party.left", "transfer.completed",
            ])
        #expect(scene.last(consultEnded)?.outcome == .completed)
        #expect(scene.last(consultEnded)?.consultMs == 2_500)
        #expect(scene.last(holdEnded)?.outcome == .transferred)
        #expect(scene.last(holdEnded)?.nextAgent == "boris")
        #expect(scene.last(holdEnded)?.holdMs == 4_200)
        #expect(scene.last(transferCompleted)?.kind == .attended)
        #expect(scene.last(transferCompleted)?.consultMs == 2_500)
        #expect(scene.last(transferCompleted)?.holdMs == 4_200)
        #expect(scene.last(partyJoined)?.role == .transfer)
        #expect(scene.last(partyLeft)?.agent == "anna")
        #expect(scene.last(partyLeft)?.consultMs == 2_500)
        scene.advance(1_000)
        #expect(scene.alive == [caller, target])
        scene.end(caller)
        #expect(scene.last(callEnded)?.endedBy == .caller)
        scene.expectClean()
    }

    @Test(
        "outcome row 2: target rejects: the next is tried, at the end of the chain back to the agent",
        arguments: [(486, Cause.busy, Tone.rejected), (603, .declined, .rejected), (403, .rejected, .rejected)])
    func row2(status: Int, cause: Cause, tone: Tone) {
        let scene = Scene()
        let (caller, agent, boris) = scene.dialled("20")
        scene.ring(boris)
        scene.reject(boris, status)
        #expect(scene.last(consultFailed)?.cause == cause)
        #expect(scene.last(consultFailed)?.sipStatus == status)
        #expect(scene.last(consultFailed)?.reason == "no")
        #expect(scene.legs[agent]?.tones == [tone])
        #expect(scene.last(transferFallback)?.step == .next)
        let clara = scene.newest
        #expect(scene.legs[clara]?.uri == "sip:1003@127.0.0.1:5083")
        #expect(scene.hears(caller) == .music)
        let mark = scene.log.count
        scene.reject(clara, status)
        #expect(scene.types(since: mark) == ["consult.failed", "transfer.fallback", "transfer.failed", "hold.ended"])
        #expect(scene.last(transferFallback)?.step == .agent)
        #expect(scene.last(transferFailed)?.cause == cause)
        #expect(scene.last(holdEnded)?.outcome == .resumed)
        #expect(scene.hears(caller) == .leg(agent))
        #expect(scene.hears(agent) == .leg(caller))
        scene.advance(2_000)
        scene.end(agent)
        #expect(scene.last(callEnded)?.endedBy == .agent)
        scene.expectClean()
    }

    @Test("outcome row 3: no answer within consultTimeout")
    func row3() {
        let scene = Scene()
        let (caller, agent, target) = scene.dialled()
        scene.ring(target)
        scene.advance(19_999)
        #expect(scene.legs[target]?.hungUp == nil)
        scene.advance(2)
        #expect(scene.legs[target]?.hungUp != nil)
        #expect(scene.last(consultFailed)?.cause == .noAnswer)
        #expect(scene.last(consultFailed)?.ringMs == 20_000)
        #expect(scene.legs[agent]?.tones == [.noAnswer])
        #expect(scene.last(holdEnded)?.outcome == .resumed)
        #expect(scene.hears(caller) == .leg(agent))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 4: target unreachable", arguments: [LegEnd.How.transport, .noResponse, .invalid])
    func row4(how: LegEnd.How) {
        let scene = Scene()
        let (caller, agent, target) = scene.dialled()
        scene.end(target, LegEnd(how: how))
        #expect(scene.last(consultFailed)?.cause == .unreachable)
        #expect(scene.legs[agent]?.tones == [.unreachable])
        #expect(scene.hears(caller) == .leg(agent))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 5: an answer that comes after the CANCEL joins nobody")
    func row5() {
        let scene = Scene()
        scene.endsLegs = false
        let (caller, agent, target) = scene.dialled()
        scene.ring(target)
        scene.advance(20_001)
        #expect(scene.all(consultFailed).count == 1)
        scene.answer(target)
        scene.ring(target)
        #expect(scene.hears(caller) == .leg(agent))
        #expect(scene.hears(agent) == .leg(caller))
        #expect(!scene.types.contains("consult.answered"))
        scene.end(target, LegEnd(how: .local))
        #expect(scene.all(consultFailed).count == 1)
        scene.endsLegs = true
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 6: agent cancels before or after the answer", arguments: [true, false], [true, false])
    func row6(answered: Bool, byCode: Bool) {
        let scene = Scene()
        let (caller, agent, target) = answered ? scene.consulting() : scene.dialled()
        let mark = scene.log.count
        if byCode { scene.press(agent, "*1") } else { scene.command(.cancel(call: "ctl-1-1")) }
        #expect(scene.types(since: mark) == ["consult.ended", "transfer.cancelled", "hold.ended"])
        #expect(scene.last(consultEnded)?.outcome == .cancelled)
        #expect(scene.last(holdEnded)?.outcome == .resumed)
        #expect(scene.hears(caller) == .leg(agent))
        #expect(scene.legs[target]?.hungUp != nil)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 7: agent leaves while the target rings: ringback, then the target", arguments: [true, false])
    func row7(byHangUp: Bool) {
        let scene = Scene()
        let (caller, agent, target) = scene.dialled()
        scene.ring(target)
        scene.advance(1_000)
        let mark = scene.log.count
        if byHangUp { scene.end(agent) } else { scene.press(agent, "*2") }
        #expect(scene.hears(caller) == .ringback)
        #expect(scene.types(since: mark) == ["party.left"])
        scene.advance(2_000)
        scene.answer(target)
        #expect(scene.hears(caller) == .leg(target))
        #expect(
            scene.types(since: mark) == [
                "party.left", "consult.answered", "consult.ended", "hold.ended", "party.joined", "transfer.completed",
            ])
        #expect(scene.last(consultEnded)?.outcome == .agentHangup)
        #expect(scene.last(holdEnded)?.outcome == .transferred)
        #expect(scene.last(holdEnded)?.holdMs == 3_000)
        #expect(scene.last(transferCompleted)?.kind == .semiAttended)
        scene.end(target)
        #expect(scene.last(callEnded)?.endedBy == .agent)
        scene.expectClean()
    }

    @Test("outcome row 8: as 7, and the target does not take it: next target, then the agent is called back")
    func row8() {
        let scene = Scene()
        let (caller, agent, boris) = scene.dialled("20")
        scene.ring(boris)
        scene.end(agent)
        scene.reject(boris, 486)
        let clara = scene.newest
        #expect(scene.last(transferFallback)?.step == .next)
        #expect(scene.last(consultStarted)?.mode == .semiAttended)
        #expect(scene.hears(caller) == .ringback)
        scene.reject(clara, 486)
        let recall = scene.newest
        #expect(scene.last(transferFallback)?.step == .agent)
        #expect(scene.legs[recall]?.uri == "sip:1001@127.0.0.1:5081")
        #expect(scene.hears(caller) == .music)
        let mark = scene.log.count
        scene.advance(2_000)
        scene.answer(recall)
        #expect(scene.types(since: mark) == ["transfer.failed", "hold.ended", "party.joined"])
        #expect(scene.last(holdEnded)?.outcome == .resumed)
        #expect(scene.last(holdEnded)?.agent == "anna")
        #expect(scene.last(partyJoined)?.role == .recall)
        #expect(scene.hears(caller) == .leg(recall))
        // The agent called back is in charge again.
        scene.press(recall, "*5")
        #expect(scene.hears(caller) == .music)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 8: a next target that answers completes the transfer")
    func row8next() {
        let scene = Scene()
        let (caller, agent, boris) = scene.dialled("20")
        scene.end(agent)
        scene.reject(boris, 486)
        let clara = scene.newest
        scene.answer(clara)
        #expect(scene.last(transferCompleted)?.kind == .semiAttended)
        #expect(scene.last(transferCompleted)?.targetAgent == "clara")
        #expect(scene.last(consultEnded)?.outcome == .completed)
        #expect(scene.hears(caller) == .leg(clara))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 9: target hangs up during the consult")
    func row9() {
        let scene = Scene()
        let (caller, agent, target) = scene.consulting()
        let mark = scene.log.count
        scene.end(target)
        #expect(scene.types(since: mark) == ["consult.ended", "transfer.failed", "hold.ended"])
        #expect(scene.last(consultEnded)?.outcome == .targetHangup)
        #expect(scene.last(holdEnded)?.outcome == .resumed)
        #expect(scene.hears(caller) == .leg(agent))
        #expect(scene.hears(agent) == .leg(caller))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 10: caller hangs up while the target rings: tone, CANCEL, release")
    func row10ringing() {
        let scene = Scene()
        let (caller, agent, target) = scene.dialled()
        scene.ring(target)
        scene.advance(500)
        let mark = scene.log.count
        scene.end(caller)
        #expect(
            scene.types(since: mark) == [
                "consult.ended", "hold.ended", "transfer.cancelled", "party.left", "call.ended",
            ])
        #expect(scene.last(consultEnded)?.outcome == .callerHangup)
        #expect(scene.last(holdEnded)?.outcome == .abandoned)
        #expect(scene.legs[target]?.hungUp != nil)
        #expect(scene.legs[agent]?.tones == [.callerGone])
        #expect(scene.legs[agent]?.hungUp == nil)
        scene.advance(700)
        #expect(scene.legs[agent]?.hungUp != nil)
        scene.expectClean()
    }

    @Test("outcome row 10: caller hangs up in the consult: agent and target talk on")
    func row10consulting() {
        let scene = Scene()
        let (caller, agent, target) = scene.consulting()
        let mark = scene.log.count
        scene.end(caller)
        #expect(scene.types(since: mark) == ["hold.ended", "transfer.cancelled", "party.left", "call.ended"])
        #expect(scene.last(callEnded)?.abandoned == false)
        #expect(scene.legs[agent]?.tones == [.callerGone])
        #expect(scene.hears(agent) == .leg(target))
        #expect(scene.hears(target) == .leg(agent))
        #expect(scene.alive == [agent, target])
        scene.advance(5_000)
        scene.end(target)
        #expect(scene.last(consultEnded)?.outcome == .callerHangup)
        #expect(scene.last(consultEnded)?.consultMs == 7_500)
        #expect(scene.legs[agent]?.hungUp != nil)
        scene.expectClean()
    }

    @Test("outcome row 11: agent's phone vanishes in the consult: joined to the target", arguments: [true, false])
    func row11consulting(byRTP: Bool) {
        let scene = Scene()
        let (caller, agent, target) = scene.consulting()
        if byRTP { scene.feed(.rtpTimeout(agent)) } else { scene.end(agent, LegEnd(how: .vanished, sipStatus: 481)) }
        scene.settle()
        #expect(scene.hears(caller) == .leg(target))
        #expect(scene.last(transferCompleted)?.kind == .attended)
        #expect(scene.last(partyLeft)?.cause == .agentLost)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 11: agent's phone vanishes while the target rings: as row 7")
    func row11ringing() {
        let scene = Scene()
        let (caller, agent, target) = scene.dialled()
        scene.ring(target)
        scene.end(agent, LegEnd(how: .transport))
        #expect(scene.hears(caller) == .ringback)
        scene.answer(target)
        #expect(scene.last(transferCompleted)?.kind == .semiAttended)
        #expect(scene.hears(caller) == .leg(target))
        scene.end(target)
        scene.expectClean()
    }

    @Test("outcome row 12: swap: a hold segment for each time the caller waits")
    func row12() {
        let scene = Scene()
        let (caller, agent, target) = scene.consulting()
        scene.press(agent, "*4")
        #expect(scene.hears(caller) == .leg(agent))
        #expect(scene.hears(agent) == .leg(caller))
        #expect(scene.hears(target) == .music)
        #expect(scene.last(holdEnded)?.outcome == .resumed)
        scene.advance(1_000)
        #expect(scene.command(.swap(call: "ctl-1-1")) == .done)
        #expect(scene.hears(caller) == .music)
        #expect(scene.hears(agent) == .leg(target))
        #expect(scene.hears(target) == .leg(agent))
        #expect(scene.last(holdStarted)?.reason == .swap)
        #expect(scene.last(holdStarted)?.hold == 2)
        scene.advance(1_000)
        scene.press(agent, "*4")
        scene.advance(500)
        // Completed from the caller's side: nobody is held, the target comes instead of the agent.
        let mark = scene.log.count
        scene.end(agent)
        #expect(scene.types(since: mark) == ["consult.ended", "party.joined", "party.left", "transfer.completed"])
        #expect(scene.last(transferCompleted)?.holdMs == 5_200)
        #expect(scene.hears(caller) == .leg(target))
        scene.end(caller)
        scene.expectClean()
    }
}
