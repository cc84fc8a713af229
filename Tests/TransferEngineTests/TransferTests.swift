import CallEvents
import Testing

@testable import TransferEngine

/// Transfers beyond the outcome table: commands, codecs, hold signalling, fallback to groups and addresses.
@Suite struct TransferTests {
    @Test("consult by command, note and list; refused commands change nothing")
    func commands() {
        let scene = Scene()
        #expect(scene.command(.hold(call: "nope")) == .unknownCall("nope"))
        let (caller, agent) = scene.talking()
        let id = "ctl-1-1"
        for command in [Command.resume(call: id), .complete(call: id), .cancel(call: id), .swap(call: id)] {
            guard case .refused? = scene.command(command) else {
                Issue.record("\(command) was not refused")
                continue
            }
        }
        let before = scene.log.count
        for target in ["99", "sip:evil@elsewhere.example", "2777", "agent:nobody", ""] {
            guard case .refused? = scene.command(.consult(call: id, targets: [target], note: nil)) else {
                Issue.record("\(target) was not refused")
                continue
            }
        }
        #expect(scene.log.count == before)
        #expect(scene.hears(caller) == .leg(agent))
        #expect(scene.command(.consult(call: id, targets: ["boris", "1003"], note: "angry\r\nX: y")) == .done)
        let boris = scene.newest
        #expect(scene.legs[boris]?.invite?.headers.last == "Subject: angry X: y")
        #expect(scene.legs[boris]?.invite?.fromDisplay == "Anna")
        #expect(scene.last(consultStarted)?.note == "angry\r\nX: y")
        #expect(scene.last(holdStarted)?.reason == .consult)
        guard case .refused? = scene.command(.consult(call: id, targets: ["1003"], note: nil)) else {
            Issue.record("two consults at once")
            return
        }
        scene.reject(boris, 486)
        #expect(scene.last(consultStarted)?.targetAgent == "clara")
        scene.answer(scene.newest)
        #expect(scene.command(.swap(call: id)) == .done)
        #expect(scene.command(.complete(call: id)) == .done)
        #expect(scene.hears(caller) == .leg(scene.newest))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("hold, resume, hang-up by command")
    func holdCommands() {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        #expect(scene.command(.hold(call: "ctl-1-1")) == .done)
        #expect(scene.last(holdStarted)?.reason == .command)
        #expect(scene.engine.call("ctl-1-1")?.summary.state == "held")
        #expect(scene.command(.resume(call: "ctl-1-1")) == .done)
        #expect(scene.hears(caller) == .leg(agent))
        #expect(scene.command(.hangup(call: "ctl-1-1")) == .done)
        #expect(scene.last(callEnded)?.endedBy == .controller)
        #expect(scene.alive.isEmpty)
        scene.expectClean()
    }

    @Test("a target in another codec: caller and agent follow before they are joined (rule d)")
    func codecs() {
        let scene = Scene()
        let (caller, agent, target) = scene.dialled()
        scene.answer(target, codec: "PCMU")
        #expect(scene.last(consultStarted)?.consult == 1)
        #expect(!scene.types.contains("consult.answered"))
        #expect(scene.hears(agent) == .ringback)
        scene.advance(1)
        #expect(scene.types.last == "consult.answered")
        #expect(scene.legs[caller]?.codec == "PCMU")
        #expect(scene.legs[agent]?.codec == "PCMU")
        #expect(scene.hears(agent) == .leg(target))
        scene.end(agent)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("refused: the relay transcodes (rule e), and nobody is asked again")
    func codecsRefused() {
        let scene = Scene()
        scene.reofferStatus = 488
        let (caller, agent, target) = scene.dialled()
        scene.answer(target, codec: "PCMU")
        scene.advance(2)
        #expect(scene.types.last == "consult.answered")
        #expect(scene.hears(agent) == .leg(target))
        scene.end(agent)
        scene.advance(2)
        #expect(scene.hears(caller) == .leg(target))
        #expect(scene.legs[caller]?.codec == "PCMA")
        let asked = scene.effects.joined().count { if case .matchCodec = $0 { true } else { false } }
        scene.advance(1_000)
        #expect(scene.effects.joined().count { if case .matchCodec = $0 { true } else { false } } == asked)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("the agent leaves while the caller changes codec: joined as soon as that is done")
    func codecsAgentLeaves() {
        let scene = Scene()
        let (caller, agent, target) = scene.dialled()
        scene.answer(target, codec: "PCMU")
        scene.end(agent)
        #expect(scene.hears(caller) != .leg(target))
        scene.advance(1)
        #expect(scene.hears(caller) == .leg(target))
        #expect(scene.last(transferCompleted)?.kind == .semiAttended)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("holdSignalling reinvite: the caller's phone is told, after the switch")
    func signalling() throws {
        let scene = Scene(testConfiguration { $0.transfer.holdSignalling = .reinvite })
        let (caller, agent, target) = scene.consulting()
        #expect(scene.legs[caller]?.told == true)
        let effects = try #require(scene.effects.first { $0.contains { if case .hold = $0 { true } else { false } } })
        let route = try #require(effects.firstIndex { if case .route = $0 { true } else { false } })
        let hold = try #require(effects.firstIndex { if case .hold = $0 { true } else { false } })
        #expect(route < hold)
        scene.press(agent, "*4")
        #expect(scene.legs[caller]?.told == false)
        #expect(scene.legs[target]?.told == true)
        scene.end(agent)
        #expect(scene.legs[target]?.told == false)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("a group as target: its members in turn, each a consult with target_group")
    func groupTarget() {
        let scene = Scene(testConfiguration { $0.groups[0].members = ["boris", "anna", "clara"] })
        let (caller, agent) = scene.talking()
        scene.press(agent, "*260")
        // Anna herself is in the group, too: she is passed over.
        #expect(scene.all(consultStarted).map(\.targetAgent) == ["boris"])
        scene.advance(5_001)
        #expect(scene.last(consultFailed)?.cause == .unreachable)
        scene.ring(scene.newest)
        #expect(scene.all(consultStarted).map(\.targetGroup) == ["support", "support"])
        #expect(scene.all(consultStarted).map(\.attempt) == [1, 2])
        #expect(scene.hears(agent) == .ringback)
        scene.answer(scene.newest)
        scene.end(agent)
        #expect(scene.last(partyJoined)?.group == "support")
        scene.end(caller)
        scene.expectClean()
    }

    @Test("the chain goes on to a group and an address")
    func longChain() {
        let scene = Scene(
            testConfiguration {
                $0.transfer.fallback = [.next, .agent, .group("support"), .uri("sip:1900@127.0.0.1")]
                $0.groups[0].members = ["clara"]
            })
        let (caller, agent) = scene.talking()
        scene.press(agent, "#11002")
        scene.reject(scene.newest, 486)
        scene.reject(scene.newest, 480)
        #expect(scene.last(transferFallback)?.step == .group)
        #expect(scene.legs[scene.newest]?.uri == "sip:1003@127.0.0.1:5083")
        #expect(scene.hears(caller) == .music)
        scene.reject(scene.newest, 486)
        scene.advance(30_000)
        #expect(scene.last(transferFallback)?.step == .uri)
        #expect(scene.hears(caller) == .ringback)
        scene.answer(scene.newest)
        #expect(scene.last(transferFailed) != nil)
        #expect(scene.last(partyJoined)?.role == .requeue)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("events wait behind the report of the switch they belong to, and take its instant; the caller does not wait")
    func reports() {
        let scene = Scene()
        scene.switchDelay = nil
        let caller = scene.call("7000") ?? LegID(0)
        scene.advance(1_000)
        scene.answer(scene.newest)
        #expect(scene.hears(caller) == .leg(scene.newest))
        #expect(scene.types == ["call.arrived", "call.alerting"])
        let instant = scene.time
        scene.advance(7)
        let report = scene.heldReports.removeFirst()
        // Meanwhile the caller has hung up.
        scene.end(caller)
        #expect(scene.types.count == 2)
        scene.feed(.routed(report), at: EventTime(wall: instant.wall + 3_000, mono: instant.mono + 3_000))
        #expect(scene.types.suffix(4) == ["call.answered", "party.joined", "party.left", "call.ended"])
        #expect(scene.last(callAnswered)?.waitMs == 1_003)
        #expect(scene.last(callEnded)?.talkMs == 4)
        scene.expectClean()
    }

    @Test("a report that never comes holds the log up for two seconds, not for ever")
    func missingReport() {
        let scene = Scene()
        scene.switchDelay = nil
        let (caller, _) = scene.talking()
        scene.end(caller)
        #expect(scene.types.count == 2)
        scene.advance(2_001)
        #expect(scene.last(callEnded)?.waitMs == 2_100)
        scene.expectClean()
    }

    @Test("what status and show read")
    func summaries() throws {
        let scene = Scene()
        let (caller, agent, target) = scene.consulting()
        let summary = try #require(scene.engine.calls().first)
        #expect(summary.state == "consulting")
        #expect(summary.agent == "anna")
        #expect(summary.target == "sip:1002@127.0.0.1:5082")
        let detail = try #require(scene.engine.call("ctl-1-1"))
        #expect(detail.legs.map(\.role) == ["caller", "agent", "target"])
        #expect(detail.legs.map(\.leg) == [caller.number, agent.number, target.number])
        #expect(detail.legs.map(\.hears) == ["music", "leg \(target.number)", "leg \(agent.number)"])
        #expect(detail.holds.map(\.reason) == [.consult])
        #expect(detail.consults.map(\.state) == ["answered"])
        #expect(detail.transfers.map(\.state) == ["open"])
        #expect(scene.engine.call("nope") == nil)
        let open = scene.engine.openCalls(at: scene.time)
        guard case .callOpen(let fields) = open[0].event else {
            Issue.record("no call.open")
            return
        }
        #expect(fields.hold == 1 && fields.consult == 1 && fields.transfer == 1)
        #expect(fields.waitMs == 2_100 && fields.talkMs == 3_000 && fields.holdMs == 4_200)
        scene.end(caller)
        scene.end(target)
        scene.expectClean()
    }
}
