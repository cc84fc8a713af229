import CallEvents
import Testing

@testable import TransferEngine

/// A PBX's own transfer of a leg, told by P-Asserted-Identity.
@Suite struct MovedTests {
    private func changed(_ event: CallEvent) -> PartyChanged? {
        if case .partyChanged(let fields) = event { fields } else { nil }
    }

    @Test("another agent is behind the agent's leg: a stay ends and another begins, the codes are his")
    func agent() {
        let scene = Scene()
        let (caller, anna) = scene.talking()
        scene.media(anna, sends: false, receives: false)
        scene.identity(anna, "sip:1001@pbx.example")
        scene.media(anna, sends: true, receives: true)
        let from = scene.log.count
        scene.identity(anna, "sip:1002@pbx.example")
        #expect(scene.types(since: from) == ["party.left", "party.joined"])
        #expect(scene.last(partyLeft)?.agent == "anna")
        #expect(scene.last(partyJoined)?.agent == "boris" && scene.last(partyJoined)?.role == .transfer)
        #expect(scene.hears(caller) == .leg(anna) && scene.legs[anna]?.hungUp == nil)
        scene.press(anna, "*5")
        #expect(scene.hears(caller) == .music)
        scene.end(caller)
        scene.expectClean()
    }

    @Test(
        "a number that is no agent's: no code works any more; as a first word it is just another name of the same one")
    func outsider() {
        let scene = Scene()
        let (caller, anna) = scene.talking()
        scene.identity(anna, "sip:+37167000001@pbx.example")
        #expect(scene.all(partyLeft).isEmpty && scene.all(changed).isEmpty)
        scene.identity(anna, "sip:1400@pbx.example")
        #expect(scene.last(partyJoined)?.party == .target && scene.last(partyJoined)?.uri == "sip:1400@pbx.example")
        scene.press(anna, "*5")
        #expect(scene.hears(caller) == .leg(anna))
        #expect(scene.legs[caller]?.digits == "*5")
        scene.end(anna)
        #expect(scene.last(callEnded)?.endedBy == .target)
        scene.expectClean()
    }

    @Test("the caller is somebody else: the call goes on")
    func caller() {
        let scene = Scene()
        let (caller, anna) = scene.talking()
        scene.identity(caller, "sip:1003@pbx.example")
        #expect(scene.last(changed)?.uri == "sip:1003@pbx.example")
        #expect(scene.hears(anna) == .leg(caller))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("the target of a consult is moved: the caller goes to whoever is there now")
    func target() {
        let scene = Scene()
        let (caller, anna, boris) = scene.consulting()
        scene.identity(boris, "sip:1003@pbx.example")
        scene.end(anna)
        #expect(scene.hears(caller) == .leg(boris))
        #expect(scene.last(transferCompleted)?.targetAgent == "clara")
        #expect(scene.last(partyJoined)?.agent == "clara")
        scene.end(caller)
        scene.expectClean()
    }

    @Test("moved during a consult: the consult is given up, the caller is with whoever is there now")
    func duringConsult() {
        let scene = Scene()
        let (caller, anna, boris) = scene.consulting()
        let from = scene.log.count
        scene.identity(anna, "sip:1003@pbx.example")
        #expect(scene.hears(caller) == .leg(anna))
        #expect(scene.legs[boris]?.hungUp != nil)
        #expect(
            scene.types(since: from) == [
                "consult.ended", "transfer.cancelled", "hold.ended", "party.left", "party.joined",
            ])
        scene.end(caller)
        scene.expectClean()
    }
}
