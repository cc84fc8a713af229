import CallEvents
import Testing

@testable import TransferEngine

/// INVITE with Replaces: a PBX moves one of our legs.
@Suite struct ReplacesTests {
    private func replace(_ scene: Scene, _ old: LegID, from: String = "sip:+37120000009@pbx.example") -> LegID? {
        scene.call("7000", from: from) { $0.replaces = old }
    }

    private func changed(_ event: CallEvent) -> PartyChanged? {
        if case .partyChanged(let fields) = event { fields } else { nil }
    }

    @Test("the caller's leg: the same call goes on with the new one")
    func caller() {
        let scene = Scene()
        let (caller, anna) = scene.talking()
        let from = scene.log.count
        let new = replace(scene, caller) ?? LegID(0)
        #expect(scene.legs[new]?.answered == true && scene.legs[new]?.answerCodecOf == anna)
        #expect(scene.hears(new) == .leg(anna) && scene.hears(anna) == .leg(new))
        #expect(scene.legs[caller]?.hungUp != nil)
        #expect(scene.types(since: from) == ["party.changed"])
        #expect(scene.last(changed)?.uri == "sip:+37120000009@pbx.example")
        #expect(scene.all(callArrived).count == 1)
        scene.end(new)
        scene.expectClean()
    }

    @Test("the agent's leg, held by the phone, goes to somebody else: a stay ends and another begins")
    func agent() {
        let scene = Scene()
        let (caller, anna) = scene.talking()
        scene.media(anna, sends: false, receives: false)
        scene.advance(1_000)
        let from = scene.log.count
        let boris = replace(scene, anna, from: "sip:1002@pbx.example") ?? LegID(0)
        #expect(scene.hears(caller) == .leg(boris) && scene.hears(boris) == .leg(caller))
        #expect(scene.types(since: from) == ["hold.ended", "party.joined", "party.left"])
        #expect(scene.last(holdEnded)?.outcome == .transferred && scene.last(holdEnded)?.nextAgent == "boris")
        #expect(scene.last(partyJoined)?.agent == "boris" && scene.last(partyJoined)?.role == .transfer)
        // He is the call's agent now.
        scene.press(boris, "*5")
        #expect(scene.hears(caller) == .music)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("the agent's leg goes to a party that is no agent: no code works any more")
    func party() {
        let scene = Scene()
        let (caller, anna) = scene.talking()
        let new = replace(scene, anna) ?? LegID(0)
        #expect(scene.last(partyJoined)?.party == .target)
        scene.press(new, "*5")
        #expect(scene.hears(caller) == .leg(new))
        #expect(scene.legs[caller]?.digits == "*5")
        scene.end(new)
        #expect(scene.last(callEnded)?.endedBy == .target)
        scene.expectClean()
    }

    @Test("the same agent from another phone stays the agent, in a consult too")
    func samePerson() {
        let scene = Scene()
        let (caller, anna, boris) = scene.consulting()
        let new = replace(scene, anna, from: "sip:1001@elsewhere") ?? LegID(0)
        #expect(scene.hears(new) == .leg(boris) && scene.hears(boris) == .leg(new))
        #expect(scene.all(partyLeft).isEmpty)
        scene.end(new)
        #expect(scene.hears(caller) == .leg(boris))
        #expect(scene.last(transferCompleted)?.kind == .attended)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("the target's leg moves during the consult")
    func target() {
        let scene = Scene()
        let (caller, anna, boris) = scene.consulting()
        let clara = replace(scene, boris, from: "sip:1003@pbx.example") ?? LegID(0)
        #expect(scene.hears(anna) == .leg(clara) && scene.hears(clara) == .leg(anna))
        scene.end(anna)
        #expect(scene.hears(caller) == .leg(clara))
        #expect(scene.last(transferCompleted)?.targetAgent == "clara")
        scene.end(caller)
        scene.expectClean()
    }

    @Test(
        "a target that rings is picked up by another phone (early-only): that is the answer", arguments: [true, false])
    func pickup(consult: Bool) {
        let scene = Scene()
        var ringing: LegID, caller: LegID
        if consult {
            (caller, _, ringing) = scene.dialled()
        } else {
            caller = scene.call("7000") ?? LegID(0)
            ringing = scene.newest
        }
        scene.ring(ringing)
        let clara = replace(scene, ringing, from: "sip:1003@pbx.example") ?? LegID(0)
        #expect(scene.legs[ringing]?.hungUp?.sipStatus == 200)
        if consult {
            #expect(scene.hears(clara) == .leg(scene.order[1]))
            scene.end(scene.order[1])
        } else {
            #expect(scene.last(callAnswered)?.agent == "clara")
        }
        #expect(scene.hears(caller) == .leg(clara))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("the agent's leg goes to somebody else during a consult: the consult is given up, the caller is with them")
    func duringConsult() {
        let scene = Scene()
        let (caller, anna, boris) = scene.consulting()
        let from = scene.log.count
        let new = replace(scene, anna) ?? LegID(0)
        #expect(scene.hears(caller) == .leg(new))
        #expect(scene.legs[boris]?.hungUp != nil)
        #expect(
            scene.types(since: from) == [
                "consult.ended", "transfer.cancelled", "hold.ended", "party.joined", "party.left",
            ])
        scene.end(caller)
        scene.expectClean()
    }

    @Test("no such leg: 481, and not from just anybody: 403")
    func refused() {
        let scene = Scene()
        let (caller, _) = scene.talking()
        #expect(replace(scene, LegID(0)) == nil)
        scene.call("7000") {
            $0.replaces = caller
            $0.trusted = false
        }
        #expect(scene.refusals.map(\.status) == [481, 403])
    }
}
