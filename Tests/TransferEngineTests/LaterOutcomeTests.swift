import CallEvents
import Testing

@testable import TransferEngine

/// The outcome table of the design, rows 14 to 24, as the engine decides them.
@Suite struct LaterOutcomeTests {
    @Test("outcome row 14: the agent's own phone holds: music, reason agent_phone", arguments: [true, false])
    func row14agent(sendonly: Bool) {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        scene.media(agent, sends: sendonly, receives: false)
        #expect(scene.hears(caller) == .music)
        #expect(scene.last(holdStarted)?.reason == .agentPhone)
        #expect(scene.last(holdStarted)?.agent == "anna")
        scene.advance(1_000)
        scene.media(agent, sends: true, receives: true)
        #expect(scene.hears(caller) == .leg(agent))
        #expect(scene.last(holdEnded)?.outcome == .resumed)
        #expect(scene.last(holdEnded)?.holdMs == 1_000)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 14: the caller's own hold is a track of its own and counts as talk")
    func row14caller() {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        scene.media(caller, sends: false, receives: false)
        #expect(scene.last(holdStarted)?.reason == .callerPhone)
        #expect(scene.hears(agent) == .music)
        scene.advance(1_000)
        // The agent consults meanwhile: both are open, and the overlap still counts as waiting.
        scene.press(agent, "*2")
        scene.advance(1_000)
        scene.press(agent, "*1")
        scene.advance(1_000)
        scene.media(caller, sends: true, receives: true)
        #expect(scene.hears(agent) == .leg(caller))
        scene.advance(1_000)
        scene.end(caller)
        let ended = scene.last(callEnded)
        #expect(ended?.callerHoldMs == 3_000)
        #expect(ended?.holdMs == 1_000)
        #expect(ended?.talkMs == 6_000)
        scene.expectClean()
    }

    @Test("outcome row 15: completion and hang-up at the same moment: every segment closed once")
    func row15() {
        for order in 0..<6 {
            let scene = Scene()
            scene.switchDelay = 20
            let (caller, agent, target) = scene.consulting()
            let steps: [() -> Void] = [
                { scene.press(agent, "*2") }, { if scene.legs[agent]?.ended == false { scene.end(agent) } },
                { scene.end(caller) },
            ]
            let permutations = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
            for step in permutations[order] { steps[step]() }
            scene.advance(1_000)
            if scene.alive.contains(target) { scene.end(target) }
            #expect(scene.all(holdStarted).count == scene.all(holdEnded).count)
            scene.expectClean()
        }
    }

    @Test("outcome row 15: a re-INVITE by the caller in mid-consult changes nothing for the others")
    func row15reinvite() {
        let scene = Scene()
        let (caller, agent, target) = scene.consulting()
        let before = scene.effects.count
        scene.media(caller, sends: true, receives: true, codec: "PCMA")
        #expect(scene.effects[before].isEmpty)
        scene.end(agent)
        #expect(scene.hears(caller) == .leg(target))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 16: a redirect is followed to an allowed target, each a consult of its own")
    func row16() {
        let scene = Scene()
        let (caller, agent, target) = scene.dialled()
        scene.reject(
            target, 302, contacts: ["sip:1009@evil.example", "sip:1009@127.0.0.1;maddr=203.0.113.1;transport=TCP"])
        let redirected = scene.newest
        #expect(redirected != target)
        #expect(scene.legs[redirected]?.uri == "sip:1009@127.0.0.1;transport=tcp")
        #expect(scene.all(consultStarted).count == 2)
        #expect(scene.last(consultFailed)?.sipStatus == 302)
        #expect(scene.last(transferFallback) == nil)
        #expect(scene.legs[agent]?.tones == [])
        // Round in a circle: no further.
        scene.reject(redirected, 302, contacts: ["sip:1009@127.0.0.1", "sip:1002@127.0.0.1:5082"])
        #expect(scene.hears(caller) == .leg(agent))
        #expect(scene.last(transferFailed)?.cause == .rejected)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 16: redirects are bounded")
    func row16bounded() {
        let scene = Scene()
        let (caller, agent, target) = scene.dialled()
        var leg = target
        for number in 100..<200 where scene.legs[leg]?.ended == false && scene.hears(caller) == .music {
            scene.reject(leg, 302, contacts: ["sip:1\(number)@127.0.0.1"])
            leg = scene.newest
        }
        #expect(scene.all(consultStarted).count == 6)
        #expect(scene.hears(caller) == .leg(agent))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 16: early media is heard by the agent, the caller stays held")
    func row16early() {
        let scene = Scene()
        let (caller, agent, target) = scene.dialled()
        #expect(scene.hears(agent) == .ringback)
        scene.ring(target, early: true)
        #expect(scene.hears(agent) == .leg(target))
        #expect(scene.hears(caller) == .music)
        #expect(scene.hears(target) == .silence)
        scene.answer(target)
        #expect(scene.hears(target) == .leg(agent))
        scene.end(agent)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 17: two transfers in a row: one call, the second is the new agent's")
    func row17() {
        let scene = Scene()
        let (caller, anna, boris) = scene.consulting()
        scene.press(anna, "*2")
        scene.advance(3_000)
        // Anna's leg is gone; Boris's codes work now.
        scene.press(boris, "*21003")
        let clara = scene.newest
        #expect(scene.last(transferStarted)?.agent == "boris")
        #expect(scene.last(transferStarted)?.transfer == 2)
        #expect(scene.last(holdStarted)?.hold == 2)
        #expect(scene.last(holdStarted)?.agent == "boris")
        scene.advance(500)
        scene.answer(clara)
        scene.advance(1_000)
        scene.end(boris)
        #expect(scene.hears(caller) == .leg(clara))
        #expect(scene.last(transferCompleted)?.transfer == 2)
        scene.advance(2_000)
        scene.end(clara)
        #expect(Set(scene.log.map(\.call)) == ["ctl-1-1"])
        #expect(scene.last(callEnded)?.transfers == 2)
        #expect(scene.last(callEnded)?.agent == "clara")
        #expect(scene.all(partyLeft).map(\.agent) == ["anna", "boris", "clara"])
        scene.expectClean()
    }

    @Test("outcome row 18: SIGTERM: 503 for new calls, running calls go on, then BYE")
    func row18() {
        let scene = Scene(testConfiguration { $0.transfer.drainTimeout = 60_000 })
        let (caller, agent) = scene.talking()
        scene.feed(.terminate)
        #expect(scene.accepting == false)
        #expect(scene.types.last == "service.stopping")
        scene.call("7000")
        #expect(scene.refusals.last?.status == 503)
        #expect(scene.refusals.last?.retryAfter != nil)
        scene.press(agent, "*5")
        #expect(scene.hears(caller) == .music)
        #expect(scene.finished == 0)
        scene.advance(60_001)
        #expect(scene.legs[caller]?.hungUp != nil && scene.legs[agent]?.hungUp != nil)
        #expect(scene.last(callEnded)?.endedBy == .controller)
        #expect(scene.last(holdEnded)?.outcome == .released)
        #expect(scene.finished == 1)
        scene.expectClean()
    }

    @Test("outcome row 18: a second SIGTERM ends at once; without calls one is enough")
    func row18twice() {
        let scene = Scene()
        _ = scene.consulting()
        scene.feed(.terminate)
        scene.feed(.terminate)
        scene.settle()
        #expect(scene.alive.isEmpty)
        #expect(scene.finished == 1)
        scene.expectClean()
        let idle = Scene()
        idle.feed(.terminate)
        #expect(idle.finished == 1)
    }

    @Test(
        "outcome row 20: agent hangs up while the caller is held and nobody is being called: called back",
        arguments: ["code", "command", "phone", "dialling"])
    func row20(how: String) {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        switch how {
        case "code": scene.press(agent, "*5")
        case "command": scene.command(.hold(call: "ctl-1-1"))
        case "phone": scene.media(agent, sends: false, receives: false)
        default: scene.press(agent, "*210")
        }
        scene.advance(1_000)
        scene.end(agent)
        let recall = scene.newest
        #expect(recall != agent)
        #expect(scene.legs[recall]?.uri == "sip:1001@127.0.0.1:5081")
        #expect(scene.hears(caller) == .music)
        #expect(scene.all(holdEnded).isEmpty)
        scene.advance(1_000)
        scene.answer(recall)
        #expect(scene.hears(caller) == .leg(recall))
        #expect(scene.last(holdEnded)?.holdMs == 2_000)
        #expect(scene.last(holdEnded)?.outcome == .resumed)
        scene.end(recall)
        scene.expectClean()
    }

    @Test("outcome row 20: a PBX takes the phone's hold back and hangs up for it", arguments: [100, 600])
    func row20throughPBX(milliseconds: Int) {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        scene.media(agent, sends: true, receives: false)
        scene.advance(1_000)
        scene.media(agent, sends: true, receives: true)
        scene.advance(Int64(milliseconds))
        scene.end(agent)
        if milliseconds < 500 {
            #expect(scene.newest != agent)
            #expect(scene.hears(caller) == .music)
            #expect(scene.last(holdStarted)?.reason == .agentPhone)
            #expect(scene.last(holdStarted)?.hold == 2)
            scene.answer(scene.newest)
            #expect(scene.last(holdEnded)?.outcome == .resumed)
            scene.end(caller)
        } else {
            // Somebody who has gone back to the caller and said goodbye.
            #expect(scene.all(holdStarted).count == 1)
        }
        scene.expectClean()
    }

    @Test("outcome row 20: the call-back comes first wherever it stands in the chain; then the chain in its order")
    func row20order() {
        let scene = Scene(
            testConfiguration {
                $0.transfer.fallback = [.next, .uri("sip:1900@127.0.0.1"), .agent, .uri("sip:1901@127.0.0.1")]
            })
        let (caller, agent) = scene.talking()
        scene.press(agent, "*5")
        scene.end(agent)
        for uri in ["sip:1001@127.0.0.1:5081", "sip:1900@127.0.0.1", "sip:1901@127.0.0.1"] {
            #expect(scene.legs[scene.newest]?.uri == uri)
            scene.reject(scene.newest, 486)
        }
        #expect(scene.legs[caller]?.tones == [.apology])
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 21: agent's phone vanishes in plain talk: held, called back", arguments: [true, false])
    func row21(byRTP: Bool) {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        let mark = scene.log.count
        if byRTP { scene.feed(.rtpTimeout(agent)) } else { scene.end(agent, LegEnd(how: .vanished)) }
        scene.settle()
        #expect(scene.types(since: mark) == ["hold.started", "party.left", "call.alerting"])
        #expect(scene.last(holdStarted)?.reason == .agentLost)
        #expect(scene.last(holdStarted)?.agent == "anna")
        #expect(scene.hears(caller) == .music)
        scene.answer(scene.newest)
        #expect(scene.last(partyJoined)?.role == .recall)
        #expect(scene.hears(caller) == .leg(scene.newest))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 22: caller vanishes: as row 10, cause lost")
    func row22() {
        let scene = Scene()
        let (caller, agent, _) = scene.dialled()
        scene.feed(.rtpTimeout(caller))
        scene.settle()
        #expect(scene.legs[caller]?.hungUp != nil)
        #expect(scene.last(callEnded)?.cause == .lost)
        #expect(scene.last(holdEnded)?.outcome == .abandoned)
        #expect(scene.legs[agent]?.tones == [.callerGone])
        scene.expectClean()
    }

    @Test("outcome row 23: blind: ringback until the target answers", arguments: [true, false])
    func row23(byCode: Bool) {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        if byCode {
            scene.press(agent, "#11002")
        } else {
            scene.command(.blind(call: "ctl-1-1", targets: ["1002"]))
        }
        let target = scene.newest
        #expect(scene.legs[agent]?.hungUp != nil)
        #expect(scene.last(transferStarted)?.kind == .blind)
        #expect(scene.last(transferStarted)?.by == (byCode ? .code : .command))
        #expect(scene.last(consultStarted)?.mode == .blind)
        #expect(scene.last(holdStarted)?.reason == .blind)
        #expect(scene.hears(caller) == .ringback)
        scene.advance(500)
        scene.ring(target, early: true)
        #expect(scene.hears(caller) == .leg(target))
        #expect(scene.all(holdEnded).isEmpty)
        scene.answer(target)
        #expect(scene.hears(target) == .leg(caller))
        #expect(scene.last(transferCompleted)?.kind == .blind)
        #expect(scene.last(holdEnded)?.outcome == .transferred)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 23: blind to one who does not take it: the transferor is called back")
    func row23recall() {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        scene.press(agent, "#11002")
        scene.reject(scene.newest, 486)
        let recall = scene.newest
        #expect(scene.legs[recall]?.uri == "sip:1001@127.0.0.1:5081")
        scene.answer(recall)
        #expect(scene.last(transferFailed)?.kind == .blind)
        #expect(scene.hears(caller) == .leg(recall))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 23: blind to nobody who can be dialled: the agent has not left")
    func row23refused() {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        scene.press(agent, "#199")
        #expect(scene.last(consultFailed)?.cause == .notAllowed)
        #expect(scene.last(consultStarted)?.sipCallID == nil)
        #expect(scene.legs[agent]?.tones == [.rejected])
        #expect(scene.hears(caller) == .leg(agent))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("outcome row 24: call-back fails: the line's overflow, then a tone and BYE")
    func row24() {
        let scene = Scene()
        let (caller, agent) = scene.talking("7200")
        scene.end(agent, LegEnd(how: .vanished))
        scene.reject(scene.newest, 480)
        let overflow = scene.newest
        #expect(scene.legs[overflow]?.uri == "sip:night@127.0.0.1:5099")
        #expect(scene.hears(caller) == .ringback)
        scene.reject(overflow, 503)
        #expect(scene.legs[caller]?.tones == [.apology])
        #expect(scene.hears(caller) == .music)
        #expect(scene.legs[caller]?.hungUp == nil)
        scene.advance(700)
        #expect(scene.legs[caller]?.hungUp != nil)
        #expect(scene.last(callEnded)?.endedBy == .controller)
        #expect(scene.last(holdEnded)?.outcome == .released)
        scene.expectClean()
    }

    @Test("outcome row 24: overflow answers: the transfer has failed, the caller talks")
    func row24overflow() {
        let scene = Scene()
        let (caller, agent) = scene.talking("7200")
        scene.press(agent, "#11002")
        scene.reject(scene.newest, 486)
        scene.reject(scene.newest, 486)
        #expect(scene.all(transferFallback).map(\.step) == [.agent, .overflow])
        scene.answer(scene.newest)
        #expect(scene.last(transferFailed) != nil)
        #expect(scene.last(partyJoined)?.role == .requeue)
        #expect(scene.last(partyJoined)?.party == .target)
        #expect(scene.hears(caller) == .leg(scene.newest))
        // The night service is no agent: no codes, and its hang-up is the end.
        scene.press(scene.newest, "*5")
        #expect(scene.legs[caller]?.digits == "*5")
        scene.end(scene.newest)
        #expect(scene.last(callEnded)?.endedBy == .target)
        scene.expectClean()
    }
}
