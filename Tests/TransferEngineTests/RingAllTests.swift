import CallEvents
import Testing

@testable import TransferEngine

/// A group whose members are called together, as the target of a transfer; and what is logged of who does not take it.
@Suite struct RingAllTests {
    /// Anna can transfer to a group of the others by 60.
    private func scene(_ change: (inout EngineConfiguration) -> Void = { _ in }) -> Scene {
        Scene(
            testConfiguration {
                $0.groups[0].members = ["boris", "clara"]
                $0.groups[0].strategy = .ringAll
                change(&$0)
            })
    }

    /// Anna consults the group: boris and clara are called.
    private func together(_ scene: Scene) -> (caller: LegID, anna: LegID, boris: LegID, clara: LegID) {
        let (caller, anna) = scene.talking()
        scene.press(anna, "*260")
        let called = scene.order.suffix(2)
        return (caller, anna, called.first ?? LegID(0), called.last ?? LegID(0))
    }

    private func outcomes(_ scene: Scene) -> [String] {
        scene.log.compactMap { record in
            switch record.event {
            case .consultFailed(let fields): "\(fields.consult) \(fields.cause.rawValue) \(fields.reason ?? "-")"
            case .consultEnded(let fields): "\(fields.consult) \(fields.outcome.rawValue)"
            default: nil
            }
        }
    }

    @Test("all ring, the first to answer talks with the agent, the others stop; each is a consult of its own")
    func first() {
        let scene = scene()
        let (caller, anna, boris, clara) = together(scene)
        #expect(scene.legs[boris]?.uri.contains("1002") == true && scene.legs[clara]?.uri.contains("1003") == true)
        #expect(scene.hears(anna) == .ringback && scene.hears(caller) == .music)
        let started = scene.all(consultStarted)
        #expect(started.map(\.consult) == [1, 2] && started.map(\.attempt) == [1, 2])
        #expect(started.allSatisfy { $0.targetGroup == "support" && $0.mode == .consult })
        scene.ring(boris)
        scene.advance(1_000)
        scene.ring(clara)
        scene.advance(500)
        scene.answer(clara)
        #expect(scene.hears(anna) == .leg(clara))
        #expect(scene.legs[boris]?.hungUp == HangUp(sipStatus: 200, reason: "Call completed elsewhere"))
        #expect(outcomes(scene) == ["1 cancelled"])
        let answered = scene.last { event -> ConsultAnswered? in
            if case .consultAnswered(let fields) = event { fields } else { nil }
        }
        #expect(answered?.consult == 2 && answered?.ringMs == 500)
        scene.advance(2_000)
        scene.end(anna)
        #expect(scene.hears(caller) == .leg(clara))
        #expect(scene.last(transferCompleted)?.targetAgent == "clara")
        #expect(scene.last(consultEnded)?.consultMs == 2_000 && scene.last(transferCompleted)?.consultMs == 2_000)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("one rejects: the others ring on; with the last of them the transfer has failed", arguments: [true, false])
    func rejected(firstFirst: Bool) {
        let scene = scene()
        let (caller, anna, boris, clara) = together(scene)
        for leg in [boris, clara] { scene.ring(leg) }
        scene.reject(firstFirst ? boris : clara, 486)
        #expect(scene.hears(anna) == .ringback && scene.legs[anna]?.tones == [])
        #expect(outcomes(scene) == [firstFirst ? "1 busy no" : "2 busy no"])
        scene.reject(firstFirst ? clara : boris, 603)
        #expect(outcomes(scene).last == (firstFirst ? "2 declined no" : "1 declined no"))
        #expect(scene.hears(caller) == .leg(anna) && scene.legs[anna]?.tones == [.rejected])
        #expect(scene.last(transferFailed)?.cause == .declined)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("nobody answers in time: each has failed for itself")
    func timeout() {
        let scene = scene()
        let (caller, anna, boris, _) = together(scene)
        scene.ring(boris)
        scene.advance(5_000)
        #expect(Set(outcomes(scene)) == ["1 no_answer -", "2 unreachable -"])
        #expect(scene.hears(caller) == .leg(anna))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("the agent gives up, or the caller leaves: nobody rings on", arguments: [true, false])
    func cancelled(byAgent: Bool) {
        let scene = scene()
        let (caller, anna, boris, clara) = together(scene)
        if byAgent { scene.press(anna, "*1") } else { scene.end(caller) }
        #expect(scene.legs[boris]?.hungUp != nil && scene.legs[clara]?.hungUp != nil)
        let outcome = byAgent ? "cancelled" : "caller_hangup"
        #expect(Set(outcomes(scene)) == ["1 \(outcome)", "2 \(outcome)"])
        if byAgent {
            #expect(scene.hears(caller) == .leg(anna))
            scene.end(caller)
        }
        scene.expectClean()
    }

    @Test("the agent leaves while all ring: the caller is joined to the first who answers")
    func semiAttended() {
        let scene = scene()
        let (caller, anna, boris, clara) = together(scene)
        scene.ring(boris)
        scene.end(anna)
        #expect(scene.alive.contains(boris) && scene.alive.contains(clara))
        scene.reject(boris, 486)
        #expect(scene.alive.contains(clara))
        scene.answer(clara)
        #expect(scene.hears(caller) == .leg(clara))
        #expect(scene.last(transferCompleted)?.kind == .semiAttended)
        #expect(outcomes(scene) == ["1 busy no", "2 agent_hangup"])
        scene.end(caller)
        scene.expectClean()
    }

    @Test("blind: all of the group's members are called for the waiting caller, and who becomes free with them")
    func blind() {
        let scene = scene()
        scene.feed(.agent(RequestID(1), agent: "clara", .pause(reason: nil)))
        let (caller, anna) = scene.talking()
        scene.press(anna, "#160")
        let boris = scene.newest
        scene.feed(.agent(RequestID(1), agent: "clara", .ready))
        let clara = scene.newest
        #expect(boris != clara && scene.alive == [caller, boris, clara])
        scene.answer(boris)
        #expect(scene.hears(caller) == .leg(boris) && scene.legs[clara]?.hungUp != nil)
        #expect(scene.last(transferCompleted)?.kind == .blind && scene.last(transferCompleted)?.targetAgent == "boris")
        scene.end(caller)
        scene.expectClean()
    }

    @Test("a second call of the agent's: it is told of the ringing, and talks with the first who answers")
    func secondCall() {
        let scene = scene()
        let (caller, anna) = scene.talking()
        scene.media(anna, sends: false, receives: false)
        let second = scene.call("60", from: "sip:1001@127.0.0.1:5081") ?? LegID(0)
        let (boris, clara) = (scene.order[scene.order.count - 2], scene.newest)
        scene.ring(clara)
        #expect(scene.legs[second]?.rang == [180])
        scene.reject(boris, 486)
        scene.answer(clara)
        #expect(scene.hears(second) == .leg(clara))
        scene.end(anna)
        #expect(scene.hears(caller) == .leg(clara))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("the reason that a phone gives is in the log, whoever of them rang")
    func reasons() {
        let scene = scene()
        let caller = scene.call("7100") ?? LegID(0)
        for leg in scene.order.suffix(2) { scene.ring(leg) }
        for leg in scene.order.suffix(2).reversed() { scene.reject(leg, 486) }
        let failed = scene.all { event -> CallAlertFailed? in
            if case .callAlertFailed(let fields) = event { fields } else { nil }
        }
        #expect(failed.map(\.agent) == ["clara", "boris"] && failed.map(\.reason) == ["no", "no"])
        scene.end(caller)
        scene.expectClean()
    }
}
