import CallEvents
import Testing

@testable import TransferEngine

func callQueued(_ event: CallEvent) -> CallQueued? { if case .callQueued(let fields) = event { fields } else { nil } }
/// A group's queue: who is offered whom, and when.
@Suite struct QueueTests {
    /// Five agents, one group of them all, on 7100.
    private func scene(_ change: (inout EngineConfiguration) -> Void = { _ in }) -> Scene {
        Scene(
            testConfiguration {
                $0.agents = (1...5).map {
                    AgentSettings(name: "a\($0)", uri: "sip:100\($0)@127.0.0.1:508\($0)")
                }
                $0.groups = [
                    GroupSettings(
                        name: "support", members: (1...5).map { "a\($0)" }, ringTimeout: 5_000, maxWait: 60_000)
                ]
                $0.lines = [
                    LineSettings(pattern: "7100", to: .group("support"), answer: .queue),
                    LineSettings(pattern: "7101", to: .group("support"), answer: .queue, priority: 1),
                    LineSettings(pattern: "7102", to: .group("support"), answer: .queue, skills: ["billing"]),
                ]
                $0.transfer.targets = []
                change(&$0)
            })
    }

    private func agent(_ scene: Scene, _ agent: String, _ command: AgentCommand) {
        scene.feed(.agent(RequestID(7), agent: agent, command))
        scene.settle()
    }

    /// Whose phone was called last.
    private func rung(_ scene: Scene) -> String {
        scene.last { event -> String? in
            if case .callAlerting(let fields) = event { fields.agent } else { nil }
        } ?? ""
    }

    /// A call that is answered and ended.
    private func served(_ scene: Scene) -> String {
        let caller = scene.call("7100") ?? LegID(0)
        let agent = rung(scene)
        scene.answer(scene.newest)
        scene.advance(1_000)
        scene.end(caller)
        scene.advance(10)
        return agent
    }

    @Test(
        "strategies among five free agents",
        arguments: [
            (GroupSettings.Strategy.longestIdle, ["a1", "a2", "a3", "a4", "a5", "a1"]),
            (.linear, ["a1", "a1", "a1", "a1", "a1", "a1"]),
            (.roundRobin, ["a1", "a2", "a3", "a4", "a5", "a1"]),
            (.fewestCalls, ["a1", "a2", "a3", "a4", "a5", "a1"]),
        ])
    func strategies(strategy: GroupSettings.Strategy, order: [String]) {
        let scene = scene { $0.groups[0].strategy = strategy }
        #expect(order.map { _ in served(scene) } == order)
        scene.expectClean()
    }

    @Test("fewest calls is not longest idle")
    func fewestCalls() {
        let scene = scene { $0.groups[0].strategy = .fewestCalls }
        _ = served(scene)
        for name in ["a2", "a3", "a4", "a5"] { agent(scene, name, .pause(reason: nil)) }
        _ = served(scene)
        for name in ["a3", "a2"] { agent(scene, name, .ready) }
        // a1 has two, the others none; of equals the one first in the list.
        #expect(served(scene) == "a2")
        scene.expectClean()
    }

    @Test("ring-all: the first to answer gets the caller, the others learn that somebody did")
    func ringAll() {
        let scene = scene { $0.groups[0].strategy = .ringAll }
        let caller = scene.call("7100") ?? LegID(0)
        let phones = Array(scene.order.dropFirst())
        #expect(phones.count == 5)
        scene.ring(phones[1])
        scene.reject(phones[0], 486)
        scene.reject(phones[4], 486)
        scene.answer(phones[2])
        #expect(scene.hears(caller) == .leg(phones[2]))
        for loser in [phones[1], phones[3]] {
            #expect(scene.legs[loser]?.hungUp == HangUp(sipStatus: 200, reason: "Call completed elsewhere"))
        }
        let failed = scene.all { event -> CallAlertFailed? in
            if case .callAlertFailed(let fields) = event { fields } else { nil }
        }
        #expect(failed.map(\.cause) == [.busy, .busy, .cancelled, .cancelled])
        scene.end(caller)
        scene.expectClean()
    }

    @Test("ring-all: nobody answers, all are rung again; who becomes free rings with them")
    func ringAllAgain() {
        let scene = scene { $0.groups[0].strategy = .ringAll }
        agent(scene, "a5", .pause(reason: nil))
        let caller = scene.call("7100") ?? LegID(0)
        #expect(scene.order.count == 5)
        scene.advance(2_000)
        agent(scene, "a5", .ready)
        #expect(scene.order.count == 6)
        scene.advance(3_500)
        #expect(scene.alive.count == 2, "only the one who came later rings on")
        scene.advance(3_000)
        #expect(scene.alive.count == 6, "all are rung again")
        scene.end(caller)
        scene.expectClean()
    }

    @Test("first in, first out; priority by line and by number; a freed agent gets the best at once")
    func order() {
        let scene = scene {
            $0.groups[0].members = ["a1"]
            $0.callers = [
                CallerPriority(pattern: "+3712*", priority: 0), CallerPriority(pattern: "+37129*", priority: 2),
            ]
        }
        let first = scene.call("7100") ?? LegID(0)
        scene.answer(scene.newest)
        let plain = scene.call("7100") ?? LegID(0)
        scene.advance(500)
        let second = scene.call("7100") ?? LegID(0)
        scene.advance(500)
        let line = scene.call("7101") ?? LegID(0)
        scene.advance(500)
        let important = scene.call("7100", from: "sip:+37129999999@pbx") ?? LegID(0)
        #expect(scene.last(callQueued)?.position == 1 && scene.last(callQueued)?.priority == 2)
        var before = first
        for next in [important, line, plain, second] {
            scene.end(before)
            scene.answer(scene.newest)
            #expect(scene.hears(next) == .leg(scene.newest))
            #expect(scene.last(callDequeued)?.position == 1)
            scene.advance(100)
            before = next
        }
        scene.end(second)
        scene.expectClean()
    }

    @Test("waiting makes up for priority where the group says so; callers never seen before")
    func raised() {
        let scene = scene {
            $0.groups[0].members = ["a1"]
            $0.groups[0].raiseAfter = 10_000
            $0.groups[0].newCallers = 1
        }
        let first = scene.call("7100", from: "sip:+371200@pbx") ?? LegID(0)
        scene.answer(scene.newest)
        #expect(scene.last(callQueued)?.priority == 1)
        let known = scene.call("7100", from: "sip:+371200@pbx") ?? LegID(0)
        #expect(scene.last(callQueued)?.priority == 0)
        scene.advance(9_000)
        let new = scene.call("7100", from: "sip:+371201@pbx") ?? LegID(0)
        #expect(scene.last(callQueued)?.position == 1, "a step is worth ten seconds, nine have gone")
        scene.advance(2_000)
        let late = scene.call("7100", from: "sip:+371202@pbx") ?? LegID(0)
        #expect(scene.last(callQueued)?.position == 3)
        for leg in [first, known, new, late] { scene.end(leg) }
        scene.expectClean()
    }

    @Test("the caller's last agent is asked first, within the days")
    func lastAgent() {
        let scene = scene { $0.groups[0].lastAgentDays = 2 }
        scene.feed(.remembered(caller: "+37120000001", agent: "a4", WallTime(microseconds: scene.time.wall)))
        let caller = scene.call("7100") ?? LegID(0)
        #expect(rung(scene) == "a4")
        scene.answer(scene.newest)
        scene.end(caller)
        scene.advance(86_400_000 * 2 + 1_000)
        _ = scene.call("7100")
        #expect(rung(scene) == "a1", "too long ago")
        scene.end(scene.order.first { scene.alive.contains($0) } ?? LegID(0))
        scene.expectClean()
    }

    @Test("skills are asked for, and no longer after a time")
    func skills() {
        let scene = scene {
            $0.agents[1].skills = ["billing"]
            $0.groups[0].skillsAfter = 20_000
        }
        let first = scene.call("7102") ?? LegID(0)
        #expect(rung(scene) == "a2" && scene.last(callQueued)?.skills == ["billing"])
        scene.answer(scene.newest)
        let second = scene.call("7102") ?? LegID(0)
        let placed = scene.order.count
        scene.advance(19_999)
        #expect(scene.order.count == placed, "four are free, none of them can")
        scene.advance(1)
        #expect(rung(scene) == "a1")
        scene.end(first)
        scene.end(second)
        scene.expectClean()
    }

    @Test("tiers: the first first, the next after a time; tiers of which nobody is there do not count")
    func tiers() {
        let scene = scene {
            for index in 1...4 { $0.agents[index].tier = index + 1 }
            $0.groups[0].tierAfter = 10_000
        }
        let first = scene.call("7100") ?? LegID(0)
        #expect(rung(scene) == "a1")
        scene.answer(scene.newest)
        agent(scene, "a2", .logout)
        let second = scene.call("7100") ?? LegID(0)
        scene.advance(9_999)
        #expect(rung(scene) == "a1")
        scene.advance(1)
        #expect(rung(scene) == "a3")
        agent(scene, "a1", .logout)
        scene.end(first)
        scene.end(second)
        _ = scene.call("7100")
        #expect(rung(scene) == "a3")
        scene.end(scene.order.last { scene.legs[$0]?.isIncoming == true } ?? LegID(0))
        scene.expectClean()
    }

    @Test("too many wait, nobody is logged in, the last one logs out: overflow at once")
    func overflow() {
        let scene = scene {
            $0.groups[0].members = ["a1"]
            $0.groups[0].maxQueue = 1
            $0.groups[0].overflow = .uri("sip:mailbox@127.0.0.1:5099")
        }
        agent(scene, "a1", .pause(reason: nil))
        let waiting = scene.call("7100") ?? LegID(0)
        scene.advance(1_000)
        let full = scene.call("7100") ?? LegID(0)
        #expect(scene.last(callDequeued)?.outcome == .overflow && scene.last(callDequeued)?.queueMs == 0)
        #expect(scene.legs[scene.newest]?.uri == "sip:mailbox@127.0.0.1:5099")
        scene.end(full)
        #expect(scene.alive == [waiting])
        agent(scene, "a1", .logout)
        #expect(scene.last(callDequeued)?.outcome == .overflow && scene.last(callDequeued)?.queueMs == 1_000)
        scene.end(waiting)
        let late = scene.call("7100") ?? LegID(0)
        #expect(scene.last(callDequeued)?.queueMs == 0)
        #expect(scene.legs[scene.newest]?.uri == "sip:mailbox@127.0.0.1:5099")
        scene.end(late)
        scene.expectClean()
    }

    @Test("the service level by priority and skill; its breach is said once")
    func breach() {
        let scene = scene {
            $0.groups[0].members = ["a1"]
            $0.groups[0].serviceLevel = 20
            $0.groups[0].serviceLevels = [
                GroupSettings.ServiceLevel(priority: 1, seconds: 5),
                GroupSettings.ServiceLevel(skill: "billing", seconds: 40),
            ]
        }
        func breaches() -> [SLABreached] {
            scene.all { if case .slaBreached(let fields) = $0 { fields } else { nil } }
        }
        let first = scene.call("7100") ?? LegID(0)
        scene.answer(scene.newest)
        #expect(scene.last(callQueued)?.serviceLevelS == 20)
        let plain = scene.call("7100") ?? LegID(0)
        let important = scene.call("7101") ?? LegID(0)
        #expect(scene.last(callQueued)?.serviceLevelS == 5)
        let skilled = scene.call("7102") ?? LegID(0)
        #expect(scene.last(callQueued)?.serviceLevelS == 40)
        scene.advance(5_000)
        #expect(breaches().isEmpty)
        scene.advance(1)
        #expect(breaches().map(\.serviceLevelS) == [5])
        scene.advance(30_000)
        #expect(breaches().map(\.serviceLevelS) == [5, 20])
        #expect(breaches().map(\.position) == [1, 2])
        for leg in [first, plain, important, skilled] { scene.end(leg) }
        scene.expectClean()
    }

    @Test("a consult to a group goes through its free members by the strategy, each a consult of its own")
    func consult() {
        let scene = scene {
            $0.groups.append(
                GroupSettings(name: "l2", members: ["a3", "a4", "a5"], strategy: .linear, ringTimeout: 4_000))
            $0.agents[4].skills = ["routers"]
        }
        agent(scene, "a3", .pause(reason: nil))
        let caller = scene.call("7100") ?? LegID(0)
        let agentLeg = scene.newest
        scene.answer(agentLeg)
        #expect(scene.command(.consult(call: "ctl-1-1", targets: ["group:l2"], note: nil)) == .done)
        #expect(scene.last(consultStarted)?.targetAgent == "a4" && scene.last(consultStarted)?.targetGroup == "l2")
        scene.ring(scene.newest)
        scene.advance(4_001)
        #expect(scene.last(consultFailed)?.cause == .noAnswer)
        #expect(scene.last(consultStarted)?.targetAgent == "a5" && scene.last(consultStarted)?.attempt == 2)
        #expect(scene.hears(agentLeg) == .ringback && scene.hears(caller) == .music)
        scene.reject(scene.newest, 603)
        #expect(scene.hears(caller) == .leg(agentLeg), "the chain is used up")
        // With a skill, and with nobody to be had.
        #expect(scene.command(.consult(call: "ctl-1-1", targets: ["group:l2+routers"], note: nil)) == .done)
        #expect(scene.last(consultStarted)?.targetAgent == "a5")
        scene.press(agentLeg, "*1")
        for name in ["a4", "a5"] { agent(scene, name, .pause(reason: nil)) }
        #expect(scene.command(.consult(call: "ctl-1-1", targets: ["group:l2"], note: nil)) == .done)
        #expect(scene.last(consultFailed)?.cause == .busy && scene.last(consultStarted)?.sipCallID == nil)
        #expect(scene.hears(caller) == .leg(agentLeg))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("blind and semi-attended into a group wait in its queue, with the waiting already done")
    func intoQueue() {
        let scene = scene {
            $0.groups.append(GroupSettings(name: "l2", members: ["a5"], ringTimeout: 4_000, maxWait: 30_000))
            $0.lines.append(LineSettings(pattern: "7200", to: .group("l2"), answer: .queue))
        }
        let caller = scene.call("7100") ?? LegID(0)
        let agentLeg = scene.newest
        scene.answer(agentLeg)
        let busy = scene.call("7200") ?? LegID(0)
        scene.answer(scene.newest)
        #expect(scene.command(.hold(call: "ctl-1-1")) == .done)
        scene.advance(5_000)
        let other = scene.call("7200") ?? LegID(0)
        scene.advance(1_000)
        #expect(scene.command(.blind(call: "ctl-1-1", targets: ["group:l2"])) == .done)
        #expect(scene.last(callQueued)?.position == 1, "has waited six seconds, the other one")
        #expect(scene.hears(caller) == .music && scene.legs[agentLeg]?.hungUp != nil)
        scene.end(busy)
        #expect(scene.last(consultStarted)?.mode == .blind && scene.last(consultStarted)?.targetAgent == "a5")
        scene.answer(scene.newest)
        #expect(scene.last(transferCompleted)?.kind == .blind && scene.last(transferCompleted)?.targetAgent == "a5")
        #expect(scene.last(callDequeued)?.outcome == .answered)
        scene.end(caller)
        #expect(rung(scene) == "a5")
        scene.end(other)
        // Semi-attended: the member who rings is an offer from the queue; the next try comes from there too.
        let third = scene.call("7100") ?? LegID(0)
        scene.answer(scene.newest)
        let id = "ctl-1-\(4)"
        #expect(scene.command(.consult(call: id, targets: ["group:l2"], note: nil)) == .done)
        #expect(scene.command(.complete(call: id)) == .done)
        #expect(scene.last(callQueued)?.group == "l2")
        scene.reject(scene.newest, 486)
        scene.advance(1_001)
        #expect(scene.last(consultStarted)?.mode == .semiAttended && scene.last(consultStarted)?.attempt == 2)
        scene.answer(scene.newest)
        #expect(scene.last(transferCompleted)?.kind == .semiAttended)
        scene.end(third)
        scene.expectClean()
    }

    @Test("the longest way: next, the agent, a group, an address, the overflow, a tone; a step too many ends it")
    func longestChain() {
        func walk(_ most: Int) -> Scene {
            let scene = self.scene {
                $0.groups[0].members = ["a1"]
                $0.groups.append(GroupSettings(name: "night", members: ["a4"], ringTimeout: 3_000, maxWait: 6_000))
                $0.transfer.fallback = [.next, .agent, .group("night"), .uri("sip:1999@127.0.0.1")]
                $0.transfer.maxFallbacks = most
                $0.lines[0].overflow = .uri("sip:mailbox@127.0.0.1:5099")
            }
            scene.call("7100")
            let agentLeg = scene.newest
            scene.answer(agentLeg)
            #expect(scene.command(.consult(call: "ctl-1-1", targets: ["a2", "a3"], note: nil)) == .done)
            scene.end(agentLeg)
            for _ in 1...8 where scene.engine.calls().first?.state != "being released" {
                if scene.legs[scene.newest]?.ended == false { scene.reject(scene.newest, 486) }
                scene.advance(6_001)
            }
            return scene
        }
        let scene = walk(20)
        let steps = scene.all { event -> FallbackStep? in
            if case .transferFallback(let fields) = event { fields.step } else { nil }
        }
        #expect(steps == [.next, .agent, .group, .uri, .overflow])
        #expect(scene.last(callEnded)?.endedBy == .controller)
        let past = scene.order.compactMap {
            scene.legs[$0]?.invite?.headers.last { $0.hasPrefix("X-Warmline-History") }
        }
        #expect(past.last?.hasPrefix("X-Warmline-History: a1 0s transfer; a2 busy") == true, "\(past)")
        let notes = scene.order.compactMap { scene.legs[$0]?.invite?.note }
        #expect(notes.last?.hasPrefix("before: a1 0s transfer; a2 busy") == true, "\(notes)")
        scene.expectClean()
        let short = walk(2).all { event -> FallbackStep? in
            if case .transferFallback(let fields) = event { fields.step } else { nil }
        }
        #expect(short == [.next, .agent, .overflow])
    }

    @Test("a changed configuration: who is gone is logged out, whose group is gone is sent on")
    func reconfigured() {
        let scene = scene()
        let caller = scene.call("7100") ?? LegID(0)
        for _ in 1...5 {
            scene.reject(scene.newest, 486)
        }
        var changed = scene.engine.context.directory.configuration
        changed.agents.removeLast()
        changed.groups[0].members = ["a4"]
        scene.feed(.configuration(changed))
        scene.advance(1_000)
        #expect(rung(scene) == "a4")
        changed.groups = []
        changed.lines = []
        scene.reject(scene.newest, 486)
        scene.feed(.configuration(changed))
        #expect(scene.last(callDequeued)?.outcome == .overflow)
        scene.end(caller)
        scene.expectClean()
    }
}
