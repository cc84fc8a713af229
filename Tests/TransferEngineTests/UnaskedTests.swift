import CallEvents
import Testing

@testable import TransferEngine

/// A consult comes to nothing and the agent hangs up before they can have grasped it: what hanging up meant a moment ago
/// still holds, and the caller is not dropped.
@Suite struct UnaskedTests {
    private static let delays: [Int64] = [0, 11, 500, 1_200, 1_999]

    /// The caller hears music, and the agent is called back.
    private func expectCalledBack(_ scene: Scene, _ caller: LegID, since mark: Int, hold reason: HoldReason) {
        #expect(scene.hears(caller) == .music)
        #expect(scene.types(since: mark).prefix(2) == ["hold.started", "party.left"])
        #expect(scene.last(holdStarted)?.reason == reason)
        #expect(scene.last(holdStarted)?.agent == "anna")
        #expect(scene.last(partyLeft)?.agent == "anna")
        #expect(scene.last(callEnded) == nil)
        let recall = scene.newest
        #expect(scene.legs[recall]?.uri == "sip:1001@127.0.0.1:5081")
        scene.advance(300)
        scene.answer(recall)
        #expect(scene.hears(caller) == .leg(recall))
        #expect(scene.last(partyJoined)?.role == .recall)
        #expect(scene.last(holdEnded)?.outcome == .resumed)
        #expect(scene.last(holdEnded)?.holdMs == 300)
        scene.end(recall)
        #expect(scene.last(callEnded)?.endedBy == .agent, "back after a call-back, hanging up ends the call as ever")
        scene.expectClean()
    }

    @Test("outcome row 8: the target rejects, and the agent hangs up just after", arguments: delays)
    func rejected(delay: Int64) {
        let scene = Scene()
        let (caller, agent, boris) = scene.dialled()
        scene.ring(boris)
        scene.reject(boris, 486)
        #expect(scene.hears(caller) == .leg(agent))
        scene.advance(delay)
        let mark = scene.log.count
        scene.end(agent)
        expectCalledBack(scene, caller, since: mark, hold: .consult)
    }

    @Test("outcome row 8: no answer, or nobody there, and the agent hangs up just after", arguments: [true, false])
    func notThere(rings: Bool) {
        let scene = Scene()
        let (caller, agent, boris) = scene.dialled()
        if rings {
            scene.ring(boris)
            scene.advance(20_001)
        } else {
            scene.end(boris, LegEnd(how: .noResponse))
        }
        #expect(scene.hears(caller) == .leg(agent))
        let mark = scene.log.count
        scene.end(agent)
        expectCalledBack(scene, caller, since: mark, hold: .consult)
    }

    @Test("the agent grasps it and talks to the caller: hanging up ends the call as ever")
    func later() {
        let scene = Scene()
        let (_, agent, boris) = scene.dialled()
        scene.reject(boris, 486)
        scene.advance(2_000)
        scene.end(agent)
        #expect(scene.last(callEnded)?.endedBy == .agent)
        scene.expectClean()
    }

    @Test("outcome row 9: the target hangs up when the agent is about to complete", arguments: [true, false], delays)
    func targetGone(swapped: Bool, delay: Int64) {
        let scene = Scene()
        let (caller, agent, boris) = scene.consulting()
        if swapped { scene.press(agent, "*4") }
        scene.end(boris)
        #expect(scene.hears(caller) == .leg(agent))
        scene.advance(delay)
        let mark = scene.log.count
        scene.end(agent)
        expectCalledBack(scene, caller, since: mark, hold: .consult)
    }

    @Test("outcome row 20: dialling has timed out, and the agent hangs up just after")
    func dialling() {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        scene.press(agent, "*2")
        scene.advance(Int64(testConfiguration().transfer.firstDigitTimeout))
        #expect(scene.legs[agent]?.tones == [.error] && scene.hears(caller) == .leg(agent))
        let mark = scene.log.count
        scene.end(agent)
        expectCalledBack(scene, caller, since: mark, hold: .consult)
    }

    @Test("outcome row 23: a blind target that cannot be dialled, and the agent hangs up just after")
    func blind() {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        scene.press(agent, "#14711#")
        #expect(scene.hears(caller) == .leg(agent))
        let mark = scene.log.count
        scene.end(agent)
        expectCalledBack(scene, caller, since: mark, hold: .blind)
    }

    @Test("the chain goes on in its order, as for an agent who left while the target rang")
    func chain() {
        let scene = Scene(
            testConfiguration {
                $0.transfer.fallback = [.next, .uri("sip:1500@127.0.0.1"), .agent]
            })
        let (caller, agent, boris) = scene.dialled("20")
        scene.reject(boris, 486)
        // Another target is tried, and still rings: the agent leaves the caller to it.
        #expect(scene.last(transferFallback)?.step == .next)
        scene.reject(scene.newest, 486)
        scene.end(agent)
        #expect(scene.legs[scene.newest]?.uri == "sip:1500@127.0.0.1")
        scene.answer(scene.newest)
        #expect(scene.hears(caller) == .leg(scene.newest))
        #expect(scene.last(holdEnded)?.outcome == .transferred)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("the agent's phone vanishes just after: called back first, as in plain talk")
    func vanished() {
        let scene = Scene()
        let (caller, agent, boris) = scene.dialled()
        scene.reject(boris, 486)
        let mark = scene.log.count
        scene.end(agent, LegEnd(how: .transport))
        expectCalledBack(scene, caller, since: mark, hold: .agentLost)
    }

    @Test("nobody is left to be called: a tone, then BYE")
    func nobody() {
        let scene = Scene(testConfiguration { $0.transfer.fallback = [] })
        let (caller, agent, boris) = scene.dialled()
        scene.reject(boris, 486)
        scene.end(agent)
        #expect(scene.legs[caller]?.tones == [.apology])
        scene.advance(600)
        #expect(scene.last(callEnded)?.endedBy == .controller)
        scene.expectClean()
    }

    @Test("the agent has given the target up: hanging up means the caller at once", arguments: ["*1", "*5*5"])
    func asked(digits: String) {
        let scene = Scene()
        let (_, agent, boris) = scene.dialled()
        if digits != "*1" { scene.reject(boris, 486) }
        scene.press(agent, digits)
        scene.end(agent)
        #expect(scene.last(callEnded)?.endedBy == .agent)
        scene.expectClean()
    }

    @Test("a target of a conference hangs up: whoever hangs up next has talked to the caller all the time")
    func conference() {
        let scene = Scene()
        let (_, agent, boris) = scene.consulting()
        scene.press(agent, "*3")
        scene.end(boris)
        scene.end(agent)
        #expect(scene.last(callEnded)?.endedBy == .agent)
        scene.expectClean()
    }
}
