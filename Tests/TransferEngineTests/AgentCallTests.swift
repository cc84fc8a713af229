import CallEvents
import Testing

@testable import TransferEngine

/// INVITEs from configured agents: internal and outbound calls, and second calls that are consults.
@Suite struct AgentCallTests {
    @Test("one agent calls another: the one called is the agent, the other's codes are plain digits")
    func internalCall() {
        let scene = Scene()
        let boris = scene.call("1003", from: "sip:1002@127.0.0.1:5082") ?? LegID(0)
        let clara = scene.newest
        #expect(scene.last(callArrived)?.direction == .internal)
        scene.answer(clara)
        scene.press(boris, "*5")
        #expect(scene.hears(boris) == .leg(clara))
        #expect(scene.legs[clara]?.digits == "*5")
        scene.press(clara, "*5")
        #expect(scene.hears(boris) == .music)
        scene.end(boris)
        scene.expectClean()
    }

    @Test("an agent calls a customer: outbound, the customer is the caller")
    func outbound() {
        let scene = Scene()
        let anna = scene.call("55", from: "sip:1001@127.0.0.1:5081") ?? LegID(0)
        let customer = scene.newest
        #expect(scene.last(callArrived)?.direction == .outbound)
        #expect(scene.last(callArrived)?.caller == "1555")
        scene.ring(customer)
        #expect(scene.legs[anna]?.rang == [180])
        scene.advance(1_000)
        scene.answer(customer)
        #expect(scene.legs[anna]?.answerCodecOf == customer)
        #expect(scene.last(partyJoined)?.agent == "anna")
        scene.press(anna, "*2")
        #expect(scene.hears(customer) == .music)
        scene.press(anna, "1003")
        let clara = scene.newest
        scene.answer(clara)
        scene.end(anna)
        #expect(scene.hears(customer) == .leg(clara))
        scene.end(customer)
        #expect(scene.last(callEnded)?.endedBy == .caller)
        scene.expectClean()
    }

    @Test("an agent gives up an outbound call before the answer: nobody has abandoned anything")
    func outboundGivenUp() {
        let scene = Scene()
        let anna = scene.call("55", from: "sip:1001@127.0.0.1:5081") ?? LegID(0)
        scene.end(anna, LegEnd(how: .cancelled))
        #expect(scene.last(callEnded)?.endedBy == .agent)
        #expect(scene.last(callEnded)?.abandoned == false)
        scene.expectClean()
    }

    @Test("digits of an agent's that lead nowhere: 404")
    func nowhere() {
        let scene = Scene()
        #expect(scene.call("12345", from: "sip:1001@127.0.0.1:5081") == nil)
        #expect(scene.call("99", from: "sip:1001@127.0.0.1:5081") == nil)
        #expect(scene.refusals.map(\.status) == [404, 404])
    }

    /// Anna's phone holds the caller and calls Boris from its second line.
    private func secondCall(_ scene: Scene) -> (caller: LegID, first: LegID, second: LegID, target: LegID) {
        let (caller, first) = scene.talking()
        scene.media(first, sends: false, receives: false)
        scene.advance(500)
        let second = scene.call("1002", from: "sip:1001@127.0.0.1:5081") ?? LegID(0)
        return (caller, first, second, scene.newest)
    }

    @Test("an agent who holds a caller and calls a target consults; hanging up the first call completes")
    func consult() {
        let scene = Scene()
        let (caller, first, second, target) = secondCall(scene)
        #expect(scene.all(callArrived).count == 1)
        #expect(scene.last(transferStarted)?.transfer == 1)
        #expect(scene.hears(caller) == .music)
        scene.ring(target)
        #expect(scene.legs[second]?.rang == [180])
        scene.answer(target)
        #expect(scene.legs[second]?.answered == true)
        #expect(scene.hears(second) == .leg(target))
        #expect(scene.hears(target) == .leg(second))
        scene.advance(1_000)
        scene.end(first)
        #expect(scene.hears(caller) == .leg(target))
        #expect(scene.legs[second]?.hungUp != nil)
        #expect(scene.last(transferCompleted)?.kind == .attended)
        scene.end(caller)
        scene.expectClean()
    }

    @Test(
        "hanging up the second call ends the consult; resuming the first brings the caller back",
        arguments: [true, false])
    func consultCancelled(answered: Bool) {
        let scene = Scene()
        let (caller, first, second, target) = secondCall(scene)
        if answered { scene.answer(target) }
        scene.end(second, LegEnd(how: answered ? .bye : .cancelled))
        #expect(scene.legs[target]?.hungUp != nil)
        #expect(scene.last(transferCancelled) != nil)
        #expect(scene.hears(caller) == .music)
        scene.media(first, sends: true, receives: true)
        #expect(scene.hears(caller) == .leg(first))
        #expect(scene.all(holdStarted).count == 1)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("the phone itself goes to and fro between its two calls")
    func phoneSwap() {
        let scene = Scene()
        let (caller, first, second, target) = secondCall(scene)
        scene.answer(target)
        scene.media(second, sends: false, receives: false)
        #expect(scene.hears(target) == .music)
        scene.media(first, sends: true, receives: true)
        #expect(scene.hears(caller) == .leg(first))
        #expect(scene.hears(first) == .leg(caller))
        scene.end(caller)
        #expect(scene.alive == [second, target])
        scene.end(target)
        scene.expectClean()
    }

    @Test(
        "a target of the second call that does not answer: the second call is told, the caller stays held by the phone")
    func consultFails() {
        let scene = Scene()
        let (caller, first, second, target) = secondCall(scene)
        scene.reject(target, 486)
        #expect(scene.legs[second]?.hungUp?.sipStatus == 486)
        #expect(scene.hears(caller) == .music)
        scene.media(first, sends: true, receives: true)
        #expect(scene.hears(caller) == .leg(first))
        scene.end(caller)
        scene.expectClean()
    }
}
