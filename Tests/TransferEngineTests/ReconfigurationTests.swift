import CallEvents
import Testing

@testable import TransferEngine

/// A changed configuration: nothing that runs is touched, what comes is decided by the new one.
@Suite struct ReconfigurationTests {
    private func change(_ scene: Scene, _ change: (inout EngineConfiguration) -> Void) {
        var configuration = scene.engine.context.directory.configuration
        change(&configuration)
        scene.feed(.configuration(configuration))
        scene.settle()
    }

    /// Everybody but these.
    private func keep(_ names: [String], _ scene: Scene) {
        change(scene) {
            $0.agents.removeAll { !names.contains($0.name) }
            for index in $0.groups.indices { $0.groups[index].members.removeAll { !names.contains($0) } }
            $0.lines.removeAll {
                if case .agent(let name) = $0.to { !names.contains(name) } else { false }
            }
        }
    }

    private func state(_ scene: Scene, _ agent: String) -> AgentState? { scene.engine.context.agents[agent]?.state }

    private func rung(_ scene: Scene) -> String {
        scene.last { event -> String? in
            if case .callAlerting(let fields) = event { fields.agent } else { nil }
        } ?? ""
    }

    @Test("an agent who is removed while talking goes on, codes and all, and is gone afterwards")
    func removedWhileTalking() {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        keep(["boris", "clara"], scene)
        #expect(scene.hears(caller) == .leg(agent))
        #expect(state(scene, "anna") == .talking)
        scene.press(agent, "*21002")
        scene.answer(scene.newest)
        #expect(scene.hears(agent) == .leg(scene.newest))
        let boris = scene.newest
        scene.end(agent)
        #expect(scene.hears(caller) == .leg(boris))
        #expect(scene.engine.context.agents["anna"] == nil)
        scene.end(caller)
        scene.call("7000")
        #expect(scene.refusals.map(\.status) == [404])
        scene.expectClean()
    }

    @Test("an agent who is removed while ringing may answer; nobody else is offered to them")
    func removedWhileRinging() {
        let scene = Scene(testConfiguration { $0.groups[0].members = ["anna"] })
        let caller = scene.call("7100") ?? LegID(0)
        let phone = scene.newest
        scene.ring(phone)
        keep(["boris", "clara"], scene)
        change(scene) { $0.groups[0].members = ["clara"] }
        #expect(scene.alive.contains(phone))
        scene.answer(phone)
        #expect(scene.hears(caller) == .leg(phone))
        let next = scene.call("7100") ?? LegID(0)
        #expect(rung(scene) == "clara")
        scene.end(next)
        scene.end(caller)
        #expect(scene.engine.context.agents["anna"] == nil)
        scene.expectClean()
    }

    @Test("an agent who is removed with a transfer under way is not called back")
    func removedWithPendingTransfer() {
        let scene = Scene()
        let (caller, agent, target) = scene.dialled()
        scene.ring(target)
        scene.end(agent)
        keep(["boris", "clara"], scene)
        scene.reject(target, 486)
        #expect(scene.legs[caller]?.tones == [.apology])
        scene.advance(1_000)
        #expect(scene.last(callEnded)?.endedBy == .controller)
        scene.expectClean()
        #expect(scene.engine.context.agents["anna"] == nil)
    }

    @Test("a wrap-up ends with its agent, and does not cut short that of one who comes back by the same name")
    func removedInWrapUp() {
        let scene = Scene(testConfiguration { $0.agents[0].wrapUp = 10_000 })
        let before = scene.engine.context.directory.configuration
        scene.end(scene.talking().caller)
        #expect(state(scene, "anna") == .wrapUp)
        keep(["boris", "clara"], scene)
        #expect(scene.engine.context.agents["anna"] == nil)
        #expect(scene.engine.context.timerAgents.isEmpty)
        change(scene) { $0 = before }
        #expect(state(scene, "anna") == .available)
        scene.end(scene.talking().caller)
        scene.advance(9_900)
        #expect(state(scene, "anna") == .wrapUp)
        scene.advance(200)
        #expect(state(scene, "anna") == .available)
        scene.expectClean()
    }

    @Test("whoever waits for a group of which the last member is removed goes to the overflow at once")
    func membersRemovedWithCallersWaiting() {
        let scene = Scene(
            testConfiguration {
                $0.groups[0].members = ["boris"]
                $0.groups[0].overflow = .agent("clara")
            })
        scene.call("7100")
        scene.answer(scene.newest)
        let waiting = scene.call("7100") ?? LegID(0)
        #expect(scene.hears(waiting) == .music)
        change(scene) { $0.groups[0].members = [] }
        #expect(scene.last(callDequeued)?.outcome == .overflow)
        #expect(rung(scene) == "clara")
        #expect(scene.engine.inOrder.count == 2, "the other one talks on")
        for leg in scene.alive { scene.end(leg) }
        scene.expectClean()
    }

    @Test("whoever waits is offered a member who is added; new tiers and skills hold for those who wait")
    func membersAdded() {
        let scene = Scene(
            testConfiguration {
                $0.groups[0].members = ["boris"]
                $0.lines[1].skills = ["billing"]
                $0.agents[1].skills = ["billing"]
            })
        scene.call("7100")
        scene.answer(scene.newest)
        let waiting = scene.call("7100") ?? LegID(0)
        change(scene) { $0.groups[0].members = ["boris", "clara"] }
        #expect(rung(scene) == "boris", "clara lacks the skill")
        change(scene) { $0.groups[0].skillsAfter = 3_000 }
        scene.advance(2_900)
        #expect(rung(scene) == "boris")
        scene.advance(200)
        #expect(rung(scene) == "clara")
        scene.answer(scene.newest)
        #expect(scene.hears(waiting) == .leg(scene.newest))
        for leg in scene.alive { scene.end(leg) }
        scene.expectClean()
    }

    @Test("an agent without an address any more is logged out; one who gets an address is there")
    func addresses() {
        let scene = Scene()
        change(scene) {
            $0.agents[0].uri = nil
            $0.agents.append(AgentSettings(name: "dora", uri: "sip:1004@127.0.0.1:5084"))
        }
        #expect(state(scene, "anna") == .offline)
        #expect(state(scene, "dora") == .available)
        scene.expectClean()
    }

    @Test("targets, codes and the allow-list are the new ones")
    func targets() {
        let scene = Scene()
        let (_, agent) = scene.talking()
        change(scene) {
            $0.transfer.targets = [TransferSettings.Target(digits: "77", destinations: [.agent("clara")])]
            $0.transfer.allow = []
            $0.transfer.featureCodes.consult = "**"
        }
        scene.press(agent, "**77")
        #expect(scene.legs[scene.newest]?.uri == "sip:1003@127.0.0.1:5083")
        scene.press(agent, "*1")
        let id = scene.engine.inOrder[0].id
        scene.feed(.command(RequestID(5), .consult(call: id, targets: ["sip:1555@127.0.0.1"], note: nil)))
        scene.settle()
        guard case .refused = scene.replies.last else {
            Issue.record("not refused: \(scene.replies)")
            return
        }
        for leg in scene.alive { scene.end(leg) }
        scene.expectClean()
    }

    @Test("after the end nobody is logged in again")
    func afterTheEnd() {
        let scene = Scene()
        scene.feed(.terminate)
        let count = scene.states.count
        scene.feed(.configuration(testConfiguration()))
        #expect(scene.states.count == count)
        #expect(scene.finished == 1)
    }
}
