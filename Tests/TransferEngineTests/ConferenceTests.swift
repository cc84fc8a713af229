import CallEvents
import Testing

@testable import TransferEngine

/// Row 13: three-way.
@Suite struct ConferenceTests {
    private func conference(_ scene: Scene) -> (caller: LegID, agent: LegID, target: LegID) {
        let legs = scene.consulting()
        scene.press(legs.agent, "*3")
        return legs
    }

    private func ended(_ event: CallEvent) -> ConferenceEnded? {
        if case .conferenceEnded(let fields) = event { fields } else { nil }
    }

    @Test("outcome row 13: the agent merges, then leaves", arguments: [true, false])
    func agentLeaves(byCode: Bool) {
        let scene = Scene()
        let (caller, agent, target) = scene.consulting()
        let mark = scene.log.count
        scene.press(agent, "*3")
        #expect(scene.hears(caller) == .mix([agent, target]))
        #expect(scene.hears(agent) == .mix([caller, target]))
        #expect(scene.hears(target) == .mix([caller, agent]))
        #expect(
            scene.types(since: mark) == ["consult.ended", "hold.ended", "conference.started", "party.joined"])
        #expect(scene.last(consultEnded)?.outcome == .merged)
        #expect(scene.last(holdEnded)?.outcome == .merged)
        scene.advance(4_000)
        if byCode { scene.press(agent, "*2") } else { scene.end(agent) }
        #expect(scene.types(since: mark + 4) == ["conference.ended", "party.left", "transfer.completed"])
        #expect(scene.last(ended)?.conferenceMs == 4_000)
        #expect(scene.last(partyLeft)?.agent == "anna")
        #expect(scene.last(transferCompleted)?.kind == .attended)
        #expect(scene.hears(caller) == .leg(target))
        #expect(scene.hears(target) == .leg(caller))
        // The target is the call's agent now, and its codes work.
        scene.press(target, "*5")
        #expect(scene.hears(caller) == .music)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("the target is dropped, or leaves: back to agent and caller", arguments: [0, 1, 2])
    func targetLeaves(how: Int) {
        let scene = Scene()
        let (caller, agent, target) = conference(scene)
        let mark = scene.log.count
        switch how {
        case 0: scene.press(agent, "*1")
        case 1: #expect(scene.command(.cancel(call: "ctl-1-1")) == .done)
        default: scene.end(target)
        }
        #expect(scene.types(since: mark) == ["conference.ended", "party.left", "transfer.cancelled"])
        #expect(scene.last(partyLeft)?.role == .merge)
        #expect(scene.last(partyLeft)?.endedBy == (how == 2 ? .target : .agent))
        #expect(scene.hears(caller) == .leg(agent))
        #expect(scene.hears(agent) == .leg(caller))
        scene.press(agent, "*2")
        #expect(scene.hears(agent) == .dialTone)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("the caller leaves: agent and target talk on", arguments: [true, false])
    func callerLeaves(agentFirst: Bool) {
        let scene = Scene()
        let (caller, agent, target) = conference(scene)
        let mark = scene.log.count
        scene.end(caller)
        #expect(
            scene.types(since: mark) == [
                "conference.ended", "transfer.cancelled", "party.left", "party.left", "call.ended",
            ])
        #expect(scene.hears(agent) == .leg(target))
        #expect(scene.hears(target) == .leg(agent))
        scene.end(agentFirst ? agent : target)
        scene.expectClean()
    }

    @Test("merged while the target is held: no hold ends; the agent's phone holds and is lost")
    func fromSwap() {
        let scene = Scene()
        let (caller, agent, target) = scene.consulting()
        scene.press(agent, "*4")
        let mark = scene.log.count
        #expect(scene.command(.merge(call: "ctl-1-1")) == .done)
        #expect(scene.types(since: mark) == ["consult.ended", "conference.started", "party.joined"])
        scene.media(agent, sends: false, receives: false)
        #expect(scene.hears(caller) == .leg(target))
        #expect(scene.hears(target) == .leg(caller))
        scene.media(target, sends: false, receives: false)
        #expect(scene.hears(caller) == .music)
        #expect(scene.last(holdStarted)?.reason == .agentPhone)
        scene.media(target, sends: true, receives: true)
        #expect(scene.last(holdEnded)?.outcome == .resumed)
        scene.end(agent, LegEnd(how: .vanished))
        #expect(scene.hears(caller) == .leg(target))
        #expect(scene.last(partyLeft)?.cause == .agentLost)
        #expect(scene.last(transferCompleted)?.kind == .attended)
        // Long after it has taken its hold back: no phone that hangs up while it holds.
        scene.advance(10_000)
        scene.end(target)
        scene.expectClean()
    }

    @Test("digits go to both others, other codes get the error tone, wrong moments are refused")
    func codes() {
        let scene = Scene()
        let (caller, agent, _) = scene.dialled()
        #expect(scene.command(.merge(call: "ctl-1-1")) != .done)
        scene.press(agent, "*3")
        #expect(scene.legs[agent]?.tones == [.error])
        let target = scene.newest
        scene.answer(target)
        scene.press(agent, "*3")
        scene.press(caller, "5")
        #expect(scene.legs[agent]?.digits == "5" && scene.legs[target]?.digits == "5")
        for code in ["*3", "*4", "*5", "#1"] { scene.press(agent, code) }
        #expect(scene.legs[agent]?.tones.count == 5)
        #expect(scene.command(.hold(call: "ctl-1-1")) != .done)
        #expect(scene.command(.swap(call: "ctl-1-1")) != .done)
        #expect(scene.engine.calls().first?.state == "three-way")
        #expect(scene.command(.hangup(call: "ctl-1-1")) == .done)
        #expect(scene.last(callEnded)?.endedBy == .controller)
        scene.expectClean()
    }

    @Test("an agent who consults by a second call merges on the phone")
    func secondCall() {
        let scene = Scene()
        let agent = scene.talking().agent
        scene.media(agent, sends: false, receives: false)
        scene.call("1002", from: "sip:1001@127.0.0.1:5081")
        scene.answer(scene.newest)
        #expect(scene.command(.merge(call: "ctl-1-1")) != .done)
        #expect(!scene.types.contains("conference.started"))
    }
}
