import CallEvents
import Testing

@testable import TransferEngine

/// `completion: "refer"`: caller and target are joined at once, and the caller's side is asked to take our place.
@Suite struct HandOverTests {
    private func handingOver(_ change: (inout EngineConfiguration) -> Void = { _ in }) -> (
        scene: Scene, caller: LegID, target: LegID
    ) {
        let scene = Scene(
            testConfiguration {
                $0.transfer.completion = .refer
                change(&$0)
            })
        let (caller, agent, target) = scene.consulting()
        scene.end(agent)
        return (scene, caller, target)
    }

    private func isOpen(_ scene: Scene) -> Bool { scene.last(transferCompleted) == nil }

    @Test("they talk at once; the transfer is complete, and we are gone, when the caller's side has the target")
    func handedOver() throws {
        let (scene, caller, target) = handingOver()
        #expect(scene.hears(caller) == .leg(target) && scene.hears(target) == .leg(caller))
        #expect(scene.last(holdEnded)?.outcome == .transferred)
        let sent = try #require(scene.handOvers.first)
        #expect(sent.leg == caller && sent.to == target && sent.referredBy == "sip:1001@127.0.0.1:5081")
        #expect(isOpen(scene) && scene.alive == [caller, target])
        #expect(scene.legs[target]?.shows == nil, "whoever takes over says who they are")
        scene.handedOver(202)
        scene.handedOver(100)
        #expect(isOpen(scene))
        scene.advance(700)
        scene.handedOver(200, final: true)
        #expect(scene.last(transferCompleted)?.method == .refer && scene.last(transferCompleted)?.kind == .attended)
        #expect(scene.last(callEnded)?.endedBy == .controller && scene.last(callEnded)?.cause == .normal)
        #expect(
            scene.types.suffix(5) == [
                "party.joined", "party.left", "transfer.completed", "party.left", "call.ended",
            ])
        #expect(scene.alive.isEmpty)
        scene.expectClean()
    }

    @Test("refused, failed, without a word, not in time: the bridge stands", arguments: [405, 481, 0, -1])
    func fallsBack(status: Int) {
        let (scene, caller, target) = handingOver()
        if status != 405 { scene.handedOver(202) }
        if status < 0 {
            scene.advance(30_001)
        } else {
            scene.handedOver(status, final: true)
        }
        #expect(scene.last(transferCompleted)?.method == .bridge)
        #expect(scene.hears(caller) == .leg(target) && scene.hears(target) == .leg(caller))
        #expect(scene.legs[target]?.shows?.uri == "sip:+37120000001@pbx.example")
        // The target is the call's agent and may transfer again; a late word changes nothing.
        scene.handedOver(200, final: true)
        #expect(scene.last(callEnded) == nil)
        scene.press(target, "*21003")
        #expect(scene.last(transferStarted)?.transfer == 2)
        scene.end(caller)
        scene.expectClean()
    }

    @Test(
        "the target's old dialog ends before the last NOTIFY: the caller's is left to hear it",
        arguments: [true, false])
    func replaced(comes: Bool) {
        let (scene, caller, target) = handingOver()
        scene.handedOver(202)
        scene.end(target)
        #expect(scene.last(transferCompleted)?.method == .refer)
        #expect(scene.last(callEnded)?.endedBy == .controller)
        #expect(scene.alive == [caller])
        if comes { scene.handedOver(200, final: true) } else { scene.advance(4_001) }
        #expect(scene.alive.isEmpty && scene.legs[caller]?.hungUp != nil)
        scene.expectClean()
    }

    @Test("the target hangs up before anybody has taken the REFER: the call is over, bridged to the end")
    func targetHangsUp() {
        let (scene, _, target) = handingOver()
        scene.end(target)
        #expect(scene.last(transferCompleted)?.method == .bridge)
        #expect(scene.last(callEnded)?.endedBy == .agent)
        scene.expectClean()
    }

    @Test("the target is lost: the caller is kept")
    func targetLost() {
        let (scene, caller, target) = handingOver()
        scene.handedOver(202)
        scene.end(target, LegEnd(how: .vanished))
        #expect(scene.last(transferCompleted)?.method == .bridge)
        #expect(scene.last(callEnded) == nil && scene.alive.contains(caller) && scene.alive.count == 2)
        scene.end(caller)
        scene.expectClean()
    }

    @Test(
        "the caller hangs up: the target's dialog is there a little longer where it may be replaced",
        arguments: [true, false])
    func callerHangsUp(accepted: Bool) {
        let (scene, caller, target) = handingOver()
        if accepted { scene.handedOver(202) }
        scene.end(caller)
        #expect(scene.last(transferCompleted)?.method == .bridge)
        #expect(scene.last(callEnded)?.endedBy == .caller && scene.last(callEnded)?.cause == .normal)
        #expect(scene.alive == (accepted ? [target] : []))
        scene.advance(4_001)
        #expect(scene.alive.isEmpty)
        scene.expectClean()
    }

    @Test("meanwhile nothing else can be done with the call, but ending it")
    func commands() {
        let (scene, caller, target) = handingOver()
        for command in [Command.hold(call: "ctl-1-1"), .consult(call: "ctl-1-1", targets: ["1003"], note: nil)] {
            guard case .refused? = scene.command(command) else {
                Issue.record("\(command) was not refused")
                continue
            }
        }
        scene.press(target, "*5")
        #expect(scene.legs[caller]?.digits == "*5")
        scene.command(.hangup(call: "ctl-1-1"))
        #expect(scene.last(transferCompleted)?.method == .bridge && scene.alive.isEmpty)
        scene.expectClean()
    }

    @Test("semi-attended and blind transfers are handed over when the target answers", arguments: [true, false])
    func otherKinds(blind: Bool) {
        let scene = Scene(testConfiguration { $0.transfer.completion = .refer })
        let (caller, agent) = scene.talking()
        scene.press(agent, blind ? "#11002" : "*21002")
        let target = scene.newest
        if !blind { scene.end(agent) }
        #expect(scene.handOvers.isEmpty)
        scene.answer(target)
        #expect(scene.handOvers.count == 1 && scene.hears(caller) == .leg(target))
        scene.handedOver(200, final: true)
        #expect(scene.last(transferCompleted)?.kind == (blind ? .blind : .semiAttended))
        #expect(scene.last(transferCompleted)?.method == .refer)
        scene.expectClean()
    }

    @Test("a recalled agent is handed to nobody")
    func recall() {
        let scene = Scene(testConfiguration { $0.transfer.completion = .refer })
        let (caller, agent) = scene.talking()
        scene.press(agent, "#11002")
        scene.reject(scene.newest, 486)
        scene.answer(scene.newest)
        #expect(scene.handOvers.isEmpty && scene.last(transferFailed) != nil)
        scene.end(caller)
        scene.expectClean()
    }
}
