import CallEvents
import Testing

@testable import TransferEngine

/// The agent's own transfer key: REFER received.
@Suite struct ReferTests {
    private let own = "127.0.0.1:5070"

    private func end(_ sipStatus: Int) -> ReferReply { .notify(sipStatus: sipStatus, final: true) }
    private let ringing = ReferReply.notify(sipStatus: 180, final: false)

    @Test("blind: the caller hears ringback, then the target; the agent's phone is told and released")
    func blind() {
        let scene = Scene()
        let (caller, anna) = scene.talking()
        scene.media(anna, sends: false, receives: false)
        scene.advance(100)
        let from = scene.log.count
        let refer = scene.refer(anna, to: "sip:1002@\(own)")
        let boris = scene.newest
        #expect(scene.legs[boris]?.uri == "sip:1002@127.0.0.1:5082")
        #expect(scene.legs[boris]?.invite?.from == "sip:+37120000001@pbx.example")
        #expect(scene.legs[boris]?.invite?.headers.contains("Referred-By: <sip:1001@127.0.0.1:5081>") == true)
        #expect(scene.hears(caller) == .ringback)
        scene.ring(boris)
        scene.ring(boris)
        scene.advance(1_000)
        #expect(scene.legs[anna]?.hungUp == nil)
        scene.answer(boris)
        #expect(scene.told[refer] == [.accept, ringing, end(200)])
        #expect(scene.hears(caller) == .leg(boris))
        #expect(scene.legs[anna]?.hungUp != nil)
        #expect(
            scene.types(since: from) == [
                "transfer.started", "consult.started", "consult.ringing", "consult.answered", "consult.ended",
                "hold.ended", "party.joined", "party.left", "transfer.completed",
            ])
        #expect(scene.last(transferStarted)?.by == .refer)
        #expect(scene.last(consultStarted)?.mode == .blind)
        #expect(scene.last(transferCompleted)?.kind == .blind)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("the agent's BYE right after the 202 ends nothing")
    func byeAtOnce() {
        let scene = Scene()
        let (caller, anna) = scene.talking()
        let refer = scene.refer(anna, to: "sip:1002@\(own)")
        let boris = scene.newest
        scene.end(anna)
        #expect(scene.hears(caller) == .ringback)
        #expect(scene.told[refer] == [.accept])
        scene.answer(boris)
        #expect(scene.told[refer] == [.accept, end(200)])
        #expect(scene.hears(caller) == .leg(boris))
        #expect(scene.last(transferCompleted)?.kind == .blind)
        #expect(scene.last(holdStarted)?.reason == .blind)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("a target that cannot be had: agent and caller go on, or the agent is called back", arguments: [true, false])
    func failed(stays: Bool) {
        let scene = Scene()
        let (caller, anna) = scene.talking()
        let refer = scene.refer(anna, to: "sip:1002@\(own)")
        let boris = scene.newest
        if !stays { scene.end(anna) }
        scene.reject(boris, 486)
        #expect(scene.told[refer] == [.accept, end(486)])
        #expect(scene.last(consultFailed)?.cause == .busy)
        #expect(scene.last(transferFallback)?.step == .agent)
        if stays {
            #expect(scene.hears(caller) == .leg(anna))
            #expect(scene.last(holdEnded)?.outcome == .resumed)
        } else {
            #expect(scene.hears(caller) == .music)
            scene.answer(scene.newest)
            #expect(scene.last(partyJoined)?.role == .recall)
        }
        #expect(scene.last(transferFailed)?.sipStatus == 486)
        #expect(scene.legs[anna]?.tones == [])
        scene.end(caller)
        scene.expectClean()
    }

    @Test("a phone that hangs up because its REFER failed is called back; an agent who hangs up later means it")
    func hangsUpOnFailure() {
        for (delay, means) in [(Int64(300), false), (5_000, true)] {
            let scene = Scene()
            let (caller, anna) = scene.talking()
            scene.refer(anna, to: "sip:1002@\(own)")
            scene.reject(scene.newest, 486)
            scene.advance(delay)
            scene.end(anna)
            if means {
                #expect(scene.last(callEnded)?.endedBy == .agent)
            } else {
                #expect(scene.hears(caller) == .music)
                scene.answer(scene.newest)
                #expect(scene.last(partyJoined)?.role == .recall)
                scene.end(caller)
            }
            scene.expectClean()
        }
    }

    @Test("the chain's next target is tried before the phone is told that it failed")
    func next() {
        let scene = Scene()
        let (caller, anna) = scene.talking()
        let refer = scene.refer(anna, to: "sip:20@pbx.example")
        scene.reject(scene.newest, 486)
        #expect(scene.told[refer] == [.accept])
        #expect(scene.hears(caller) == .ringback)
        let clara = scene.newest
        scene.answer(clara)
        #expect(scene.told[refer] == [.accept, end(200)])
        #expect(scene.hears(caller) == .leg(clara))
        scene.end(caller)
        scene.expectClean()
    }

    @Test(
        "where a Refer-To leads",
        arguments: [
            ("sip:1002@127.0.0.1:5070", "sip:1002@127.0.0.1:5082"), ("sip:1002@pbx.example", "sip:1002@127.0.0.1:5082"),
            ("sip:1003@127.0.0.1:5083", "sip:1003@127.0.0.1:5083"), ("tel:1002", "sip:1002@127.0.0.1:5082"),
            ("sip:1777@127.0.0.1", "sip:1777@127.0.0.1"), ("sip:1777@127.0.0.1;maddr=evil", "sip:1777@127.0.0.1"),
        ])
    func targets(referTo: String, dialled: String) {
        let scene = Scene()
        scene.refer(scene.talking().agent, to: referTo)
        #expect(scene.legs[scene.newest]?.uri == dialled)
    }

    @Test(
        "a target that is not allowed or not there: refused, and the caller unharmed",
        arguments: [
            ("sip:evil@elsewhere.example", 403), ("rubbish", 403), ("sip:4444@127.0.0.1:5070", 404),
            ("sip:99@127.0.0.1:5070", 403), ("tel:4711", 403),
        ])
    func refused(referTo: String, sipStatus: Int) {
        let scene = Scene()
        let (caller, anna) = scene.talking()
        let from = scene.log.count
        let refer = scene.refer(anna, to: referTo)
        #expect(scene.told[refer] == [.reject(sipStatus: sipStatus)])
        #expect(scene.hears(caller) == .leg(anna) && scene.hears(anna) == .leg(caller))
        #expect(scene.types(since: from) == [])
        scene.end(caller)
        scene.expectClean()
    }

    @Test("only agents' legs drive transfers: 403 to the caller, a target, a party that is no agent; 481 to nobody")
    func notAnAgent() {
        let scene = Scene()
        let (caller, _, boris) = scene.consulting()
        let refers = [scene.refer(caller, to: "sip:1003@h"), scene.refer(boris, to: "sip:1003@h")]
        #expect(refers.allSatisfy { scene.told[$0] == [.reject(sipStatus: 403)] })
        #expect(scene.told[scene.refer(LegID(77), to: "sip:1003@h")] == [.reject(sipStatus: 481)])
        let other = Scene()
        other.call("7300")
        other.answer(other.newest)
        #expect(other.told[other.refer(other.newest, to: "sip:1003@h")] == [.reject(sipStatus: 403)])
    }

    @Test("a second REFER while one is open: 491; one beside a consult by code: 603; neither changes anything")
    func another() {
        let scene = Scene()
        let (caller, anna) = scene.talking()
        scene.refer(anna, to: "sip:1002@\(own)")
        let boris = scene.newest
        #expect(scene.told[scene.refer(anna, to: "sip:1003@\(own)")] == [.reject(sipStatus: 491)])
        #expect(scene.newest == boris)
        scene.end(caller)
        scene.expectClean()
        let coded = Scene()
        let (held, agent, target) = coded.consulting()
        #expect(coded.told[coded.refer(agent, to: "sip:1003@\(own)")] == [.reject(sipStatus: 603)])
        #expect(coded.hears(held) == .music && coded.hears(agent) == .leg(target))
        coded.end(held)
        coded.end(agent)
        coded.expectClean()
    }

    @Test("the caller hangs up while the target rings: 487 to the phone")
    func callerGone() {
        let scene = Scene()
        let (caller, anna) = scene.talking()
        let refer = scene.refer(anna, to: "sip:1002@\(own)")
        scene.end(caller)
        #expect(scene.told[refer] == [.accept, end(487)])
        #expect(scene.legs[anna]?.hungUp != nil)
        scene.expectClean()
    }

    // MARK: attended

    /// Anna's phone holds the caller and calls Boris.
    private func second(_ scene: Scene) -> (caller: LegID, first: LegID, second: LegID, boris: LegID) {
        let (caller, first) = scene.talking()
        scene.media(first, sends: false, receives: false)
        scene.advance(500)
        let second = scene.call("1002", from: "sip:1001@127.0.0.1:5081") ?? LegID(0)
        let boris = scene.newest
        scene.ring(boris)
        return (caller, first, second, boris)
    }

    @Test("attended: Replaces names the phone's other call; it may be sent in either", arguments: [true, false])
    func attended(inFirst: Bool) {
        let scene = Scene()
        let (caller, first, second, boris) = second(scene)
        scene.answer(boris)
        scene.advance(1_000)
        let from = scene.log.count
        let refer = scene.refer(inFirst ? first : second, to: "sip:x@h", replaces: inFirst ? second : first)
        #expect(scene.told[refer] == [.accept, end(200)])
        #expect(scene.hears(caller) == .leg(boris) && scene.hears(boris) == .leg(caller))
        #expect(scene.legs[first]?.hungUp != nil && scene.legs[second]?.hungUp != nil)
        #expect(
            scene.types(since: from) == [
                "consult.ended", "hold.ended", "party.joined", "party.left", "transfer.completed",
            ])
        #expect(scene.last(transferCompleted)?.kind == .attended)
        #expect(scene.last(transferStarted)?.by == .phone)
        scene.end(caller)
        scene.expectClean()
    }

    @Test(
        "semi-attended: 200 only once the target has answered, whatever the phone hangs up meanwhile",
        arguments: [[], [1], [2], [2, 1]])
    func semiAttended(hangsUp: [Int]) {
        let scene = Scene()
        let (caller, first, second, boris) = second(scene)
        let refer = scene.refer(first, to: "sip:1002@\(own)", replaces: second)
        #expect(scene.told[refer] == [.accept, ringing])
        #expect(scene.hears(caller) == .ringback)
        for call in hangsUp {
            let leg = call == 1 ? first : second
            if scene.alive.contains(leg) { scene.end(leg, LegEnd(how: call == 1 ? .bye : .cancelled)) }
        }
        #expect(scene.hears(caller) == .ringback)
        scene.advance(2_000)
        scene.answer(boris)
        #expect(scene.told[refer] == [.accept, ringing, end(200)])
        #expect(scene.hears(caller) == .leg(boris))
        #expect(scene.last(transferCompleted)?.kind == .semiAttended)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("semi-attended, and the target rejects: the caller is kept, the phone told 486", arguments: [true, false])
    func semiAttendedFails(stays: Bool) {
        let scene = Scene()
        let (caller, first, second, boris) = second(scene)
        let refer = scene.refer(first, to: "sip:1002@\(own)", replaces: second)
        scene.end(second, LegEnd(how: .cancelled))
        if !stays { scene.end(first) }
        scene.reject(boris, 486)
        #expect(scene.told[refer] == [.accept, ringing, end(486)])
        if stays {
            #expect(scene.hears(caller) == .music)
            scene.media(first, sends: true, receives: true)
            #expect(scene.hears(caller) == .leg(first))
        } else {
            scene.answer(scene.newest)
            #expect(scene.last(partyJoined)?.role == .recall)
        }
        scene.end(caller)
        scene.expectClean()
    }

    @Test("Replaces for a dialog elsewhere goes out in the INVITE to the target")
    func elsewhere() {
        let scene = Scene()
        let (caller, anna) = scene.talking()
        let refer = scene.refer(anna, to: "sip:1555@127.0.0.1:5099", header: "a@b;to-tag=1;from-tag=2")
        let target = scene.newest
        #expect(scene.legs[target]?.invite?.headers.last == "Replaces: a@b;to-tag=1;from-tag=2")
        #expect(scene.hears(caller) == .ringback)
        scene.answer(target)
        #expect(scene.told[refer] == [.accept, end(200)])
        #expect(scene.last(transferCompleted)?.kind == .attended)
        #expect(scene.hears(caller) == .leg(target))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("a Replaces that names a leg of another call, or one that is gone: 603")
    func foreign() {
        let scene = Scene()
        let (caller, anna) = scene.talking()
        #expect(scene.told[scene.refer(anna, to: "sip:x@h", replaces: caller)] == [.reject(sipStatus: 603)])
        #expect(scene.told[scene.refer(anna, to: "sip:x@h", replaces: LegID(0))] == [.reject(sipStatus: 603)])
        #expect(scene.hears(caller) == .leg(anna))
    }
}
