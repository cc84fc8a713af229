import CallEvents
import Testing

@testable import TransferEngine

/// Agents: what they say, what their phones do, and the states that follow.
@Suite struct AgentTests {
    private func scene(_ change: (inout EngineConfiguration) -> Void = { _ in }) -> Scene {
        Scene(
            testConfiguration {
                for index in $0.agents.indices { $0.agents[index].wrapUp = 10_000 }
                change(&$0)
            })
    }

    /// `old>new` of every change of an agent's, from the first.
    private func states(_ scene: Scene, _ agent: String) -> [String] {
        scene.states.compactMap { record in
            guard case .agentStateChanged(let fields) = record.event, fields.agent == agent else { return nil }
            return "\(fields.old.rawValue)>\(fields.new.rawValue)"
        }
    }

    private func last(_ scene: Scene, _ agent: String) -> AgentStateChanged? {
        for record in scene.states.reversed() {
            if case .agentStateChanged(let fields) = record.event, fields.agent == agent { return fields }
        }
        return nil
    }

    private func agent(_ scene: Scene, _ agent: String, _ command: AgentCommand) -> CommandResult? {
        scene.feed(.agent(RequestID(7), agent: agent, command))
        scene.settle()
        return scene.replies.last
    }

    @Test("a call: ringing, talking, wrap-up, available; each with its call and its length")
    func plain() {
        let scene = scene()
        let (caller, _) = scene.talking()
        #expect(states(scene, "anna") == ["offline>available", "available>ringing", "ringing>talking"])
        #expect(last(scene, "anna")?.call == "ctl-1-1" && last(scene, "anna")?.line == "7000")
        #expect(last(scene, "anna")?.inStateMs == 2_100)
        scene.end(caller)
        #expect(last(scene, "anna")?.new == .wrapUp && last(scene, "anna")?.call == "ctl-1-1")
        #expect(last(scene, "anna")?.inStateMs == 3_000)
        scene.advance(9_999)
        #expect(last(scene, "anna")?.new == .wrapUp)
        scene.advance(1)
        #expect(last(scene, "anna")?.new == .available && last(scene, "anna")?.inStateMs == 10_000)
        #expect(last(scene, "anna")?.call == nil)
        scene.expectClean()
    }

    @Test("a transfer neither loses nor doubles a wrap-up; the consulted agent is consulting, and talking once joined")
    func transferred() {
        let scene = scene()
        let (caller, anna, boris) = scene.consulting()
        #expect(last(scene, "anna")?.new == .talking)
        #expect(states(scene, "boris") == ["offline>available", "available>ringing", "ringing>consulting"])
        scene.end(anna)
        #expect(last(scene, "anna")?.new == .wrapUp)
        #expect(last(scene, "boris")?.new == .talking && last(scene, "boris")?.inStateMs == 2_500)
        scene.advance(20_000)
        #expect(last(scene, "anna")?.new == .available)
        #expect(last(scene, "boris")?.new == .talking)
        scene.end(boris)
        scene.advance(20_000)
        for agent in ["anna", "boris"] {
            #expect(states(scene, agent).filter { $0.hasSuffix(">wrap_up") }.count == 1)
            #expect(last(scene, agent)?.new == .available)
        }
        #expect(scene.legs[caller]?.hungUp != nil)
        scene.expectClean()
    }

    @Test("an agent who was only consulted has nothing to wrap up")
    func consultedOnly() {
        let scene = scene()
        let (caller, anna, _) = scene.consulting()
        scene.press(anna, "*1")
        #expect(last(scene, "boris")?.old == .consulting && last(scene, "boris")?.new == .available)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("agent and target who talk on without the caller: wrap-up begins when they have done")
    func talkOn() {
        let scene = scene()
        let (caller, anna, _) = scene.consulting()
        scene.end(caller)
        #expect(last(scene, "anna")?.new == .consulting)
        scene.advance(4_000)
        scene.end(anna)
        #expect(last(scene, "anna")?.new == .wrapUp && last(scene, "anna")?.inStateMs == 4_000)
        #expect(last(scene, "boris")?.new == .available)
        scene.expectClean()
    }

    @Test("who has left with a transfer open is offered no other caller, and gets the own one back from wrap-up")
    func pendingTransfer() {
        let scene = scene { $0.groups[0].members = ["anna"] }
        let (caller, anna, boris) = scene.dialled()
        #expect(agent(scene, "anna", .ready) == .done)
        scene.end(anna)
        #expect(last(scene, "anna")?.new == .wrapUp)
        #expect(agent(scene, "anna", .ready) == .done)
        #expect(last(scene, "anna")?.new == .available)
        let placed = scene.order.count
        let other = scene.call("7100") ?? LegID(0)
        #expect(scene.order.count == placed + 1, "somebody was called although anna may get her caller back")
        scene.reject(boris, 486)
        #expect(scene.legs[scene.newest]?.uri.contains("5081") == true)
        #expect(scene.legs[scene.newest]?.invite?.fromDisplay == "back: +37120000001")
        scene.answer(scene.newest)
        #expect(scene.hears(caller) == .leg(scene.newest))
        scene.end(caller)
        scene.advance(10_000)
        #expect(scene.legs[scene.newest]?.uri.contains("5081") == true && scene.legs[scene.newest]?.answered == false)
        scene.end(other, LegEnd(how: .cancelled))
        scene.expectClean()
    }

    @Test("login, logout, ready and pause by command")
    func commands() {
        let scene = scene { $0.agents[2].login = .manual }
        #expect(states(scene, "clara").isEmpty)
        guard case .refused("no such agent: zoe")? = agent(scene, "zoe", .login) else {
            Issue.record("an unknown agent was let in")
            return
        }
        guard case .refused? = agent(scene, "clara", .pause(reason: nil)) else {
            Issue.record("paused without being there")
            return
        }
        #expect(agent(scene, "clara", .login) == .done)
        #expect(last(scene, "clara")?.new == .available && last(scene, "clara")?.reason == "login")
        scene.advance(1_500)
        #expect(agent(scene, "clara", .pause(reason: "lunch")) == .done)
        #expect(last(scene, "clara")?.reason == "lunch" && last(scene, "clara")?.inStateMs == 1_500)
        #expect(agent(scene, "clara", .ready) == .done)
        #expect(last(scene, "clara")?.new == .available)
        #expect(agent(scene, "clara", .logout) == .done)
        #expect(last(scene, "clara")?.new == .offline)
        // Named, but not there: nothing is dialled.
        let (caller, anna) = scene.talking()
        scene.press(anna, "*21003")
        #expect(scene.last(consultFailed)?.cause == .unreachable)
        // A pause during a call begins after it and its wrap-up.
        #expect(agent(scene, "anna", .pause(reason: "tea")) == .done)
        #expect(last(scene, "anna")?.new == .talking)
        scene.end(caller)
        #expect(last(scene, "anna")?.new == .wrapUp)
        scene.advance(10_000)
        #expect(last(scene, "anna")?.new == .paused && last(scene, "anna")?.reason == "tea")
        scene.expectClean()
    }

    @Test("a phone that registers brings its agent, one that goes takes them away")
    func registrations() {
        let scene = scene { $0.agents[2].uri = nil }
        #expect(states(scene, "clara").isEmpty)
        scene.feed(.registered(agent: "clara", contact: "sip:1003@127.0.0.9"))
        #expect(last(scene, "clara")?.new == .available)
        scene.feed(.registered(agent: "clara", contact: nil))
        #expect(last(scene, "clara")?.new == .offline && last(scene, "clara")?.reason == "unregistered")
        scene.feed(.registered(agent: "clara", contact: "sip:1003@127.0.0.9"))
        #expect(agent(scene, "clara", .logout) == .done)
        scene.feed(.registered(agent: "clara", contact: nil))
        scene.feed(.registered(agent: "clara", contact: "sip:1003@127.0.0.9"))
        #expect(last(scene, "clara")?.new == .offline)
        scene.expectClean()
    }

    @Test("codes dialled from the agent's phone: answered with a tone, and done")
    func codes() {
        let scene = scene()
        func dial(_ code: String) -> LegID {
            let leg = scene.call(code, from: "sip:1001@127.0.0.1:5081") ?? LegID(0)
            scene.advance(1_000)
            return leg
        }
        let pause = dial("*14")
        #expect(scene.legs[pause]?.tones == [.comfort] && scene.legs[pause]?.hungUp != nil)
        #expect(last(scene, "anna")?.new == .paused)
        _ = dial("*13")
        #expect(last(scene, "anna")?.new == .available)
        _ = dial("*12")
        #expect(last(scene, "anna")?.new == .offline)
        let refused = dial("*13")
        #expect(scene.legs[refused]?.tones == [.error])
        _ = dial("*11")
        #expect(last(scene, "anna")?.new == .available)
        #expect(scene.log.isEmpty, "code calls are no calls: \(scene.types)")
        scene.expectClean()
    }

    @Test("an agent's own calls count: talking from the start, both ways")
    func ownCalls() {
        let scene = scene()
        let anna = scene.call("55", from: "sip:1001@127.0.0.1:5081") ?? LegID(0)
        #expect(last(scene, "anna")?.new == .talking)
        scene.answer(scene.newest)
        scene.advance(2_000)
        scene.end(anna)
        #expect(last(scene, "anna")?.new == .wrapUp)
        scene.expectClean()
    }

    @Test("who does not take three offers in a row is paused, with the reason")
    func maxNoAnswer() {
        let scene = scene {
            $0.agents[0].maxNoAnswer = 3
            $0.groups[0].members = ["anna"]
        }
        let caller = scene.call("7100") ?? LegID(0)
        for _ in 1...3 {
            #expect(last(scene, "anna")?.new == .ringing)
            scene.reject(scene.newest, 486)
            scene.advance(1_001)
        }
        #expect(last(scene, "anna")?.new == .paused && last(scene, "anna")?.reason == "busy")
        #expect(scene.order.count == 4)
        #expect(agent(scene, "anna", .ready) == .done)
        // Whoever waits is offered at once.
        #expect(last(scene, "anna")?.new == .ringing)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("SIGTERM: everybody is offline once the last call is over")
    func stopped() {
        let scene = scene()
        let (caller, _) = scene.talking()
        scene.feed(.terminate)
        #expect(last(scene, "boris")?.new == .available)
        scene.end(caller)
        #expect(scene.finished == 1)
        for name in ["anna", "boris", "clara"] {
            #expect(last(scene, name)?.new == .offline && last(scene, name)?.reason == "stopped")
        }
        scene.expectClean()
    }

    @Test("a late report of an earlier switch ends the call at its instant; agents' states go on from the last")
    func lateReport() {
        let scene = scene()
        scene.switchDelay = nil
        let caller = scene.call("7000") ?? LegID(0)
        scene.answer(scene.newest)
        let switched = scene.time
        let report = scene.heldReports.removeFirst()
        scene.advance(7)
        scene.feed(.terminate)
        scene.end(caller)
        #expect(last(scene, "anna")?.new == .wrapUp && last(scene, "anna")?.inStateMs == 7)
        scene.feed(.routed(report), at: EventTime(wall: switched.wall + 3_000, mono: switched.mono + 3_000))
        #expect(scene.finished == 1)
        #expect(last(scene, "anna")?.new == .offline && last(scene, "anna")?.inStateMs == 0)
        scene.expectClean()
    }
}
