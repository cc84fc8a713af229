import CallEvents
import Testing

@testable import TransferEngine

/// What an earlier run knew.
@Suite struct RememberedTests {
    private func scene(_ change: (inout EngineConfiguration) -> Void = { _ in }) -> Scene {
        Scene(
            testConfiguration {
                $0.groups[0].members = ["anna"]
                $0.groups[0].callback = GroupSettings.Callback(digit: "5", attempts: 2, retryAfter: 60_000)
                $0.groups[0].lastAgentDays = 2
                $0.transfer.dial = "sip:{digits}@127.0.0.1:5060"
                $0.transfer.allow = ["sip:\\+371[0-9]+@127\\.0\\.0\\.1:5060"]
                change(&$0)
            })
    }

    private func ago(_ scene: Scene, _ milliseconds: Int64) -> WallTime {
        WallTime(microseconds: scene.time.wall - milliseconds * 1_000)
    }

    private func request(
        _ scene: Scene, _ name: String = "ctl-1-0-1", caller: String = "+37120000009", ago milliseconds: Int64 = 60_000,
        attempts: Int = 0, calls: Int = 0, priority: Int = 0
    ) {
        scene.feed(
            .rememberedCallback(
                RememberedCallback(
                    request: name, group: "support", line: "7100", caller: caller, from: "sip:+37120000009@pbx",
                    priority: priority, requested: ago(scene, milliseconds), waitMs: 4_000, attempts: attempts,
                    calls: calls)))
        scene.settle()
    }

    private func failed(_ scene: Scene) -> CallbackFailed? {
        scene.last { event in if case .callbackFailed(let fields) = event { fields } else { nil } }
    }

    @Test("a verdict on a call of an earlier run, within a day of its end")
    func verdicts() {
        let scene = scene { $0.groups[0].dispositions = [.init(digit: "1", code: "sold", resolved: true)] }
        func ended(_ call: String, ago milliseconds: Int64) {
            scene.feed(
                .rememberedCall(
                    RememberedCall(
                        call: call, agent: "boris", group: "support", line: "7100",
                        arrived: ago(scene, milliseconds + 9_000), ended: ago(scene, milliseconds), verdict: false)))
        }
        ended("old", ago: 86_390_000)
        ended("older", ago: 86_410_000)
        for (call, expected) in [("old", CommandResult.done), ("older", .unknownCall("older"))] {
            scene.feed(
                .command(RequestID(3), .resolve(call: call, resolved: true, code: "sold", note: nil)))
            #expect(scene.replies.last == expected)
        }
        let verdict = scene.last { event -> CallDisposition? in
            if case .callDisposition(let fields) = event { fields } else { nil }
        }
        #expect(verdict?.agent == "boris" && verdict?.previous == false && verdict?.line == "7100")
        scene.advance(20_000)
        scene.feed(.command(RequestID(4), .resolve(call: "old", resolved: true, code: nil, note: nil)))
        #expect(scene.replies.last == .unknownCall("old"), "by now it is too late")
    }

    @Test("a code must be the group's; without a group any group's; without dispositions anywhere every code is taken")
    func codes() {
        func verdict(_ code: String, on line: String, _ dispositions: Bool) -> CommandResult? {
            let scene = scene {
                guard dispositions else { return }
                $0.groups[0].dispositions = [.init(digit: "1", code: "sold", resolved: true)]
                $0.groups.append(GroupSettings(name: "night", members: []))
                $0.groups[1].dispositions = [.init(digit: "2", code: "angry", resolved: false)]
            }
            scene.call(line)
            scene.answer(scene.newest)
            let call = scene.engine.calls().first?.call ?? ""
            return scene.command(.resolve(call: call, resolved: true, code: code, note: nil))
        }
        #expect(verdict("sold", on: "7100", true) == .done)
        #expect(verdict("angry", on: "7100", true) == .refused("no such code: angry (sold)"))
        #expect(verdict("angry", on: "7000", true) == .done)
        #expect(verdict("nosuch", on: "7000", true) == .refused("no such code: nosuch (sold, angry)"))
        #expect(verdict("nosuch", on: "7000", false) == .done)
        #expect(verdict("nosuch", on: "7100", false) == .done)
    }

    @Test("who had the caller last is asked first; what has happened since weighs more than what comes late")
    func lastAgent() {
        let scene = scene { $0.groups[0].members = ["anna", "boris"] }
        scene.feed(.remembered(caller: "+37120000009", agent: "boris", ago(scene, 60_000)))
        func offered() -> String? {
            let caller = scene.call("7100", from: "sip:+37120000009@pbx") ?? LegID(0)
            defer { scene.end(caller) }
            scene.answer(scene.newest)
            return scene.last { event -> String? in
                if case .callAlerting(let fields) = event { fields.agent } else { nil }
            }
        }
        #expect(offered() == "boris")
        scene.advance(1_000)
        scene.feed(.remembered(caller: "+37120000009", agent: "anna", ago(scene, 50_000)))
        #expect(offered() == "boris")
        scene.feed(.remembered(caller: "+37120000008", agent: "anna", ago(scene, 3 * 86_400_000)))
        scene.expectClean()
    }

    @Test("a call-back is offered and made; its calls go on counting")
    func calledBack() {
        let scene = scene()
        request(scene, attempts: 1, calls: 3)
        let agent = scene.newest
        #expect(scene.legs[agent]?.invite?.fromDisplay == "callback: +37120000009")
        #expect(scene.engine.byID["ctl-1-0-1-c4"] != nil)
        scene.answer(agent)
        let back = scene.newest
        #expect(scene.legs[back]?.uri == "sip:+37120000009@127.0.0.1:5060")
        scene.reject(back, 486)
        scene.advance(6_000)
        #expect(failed(scene)?.attempt == 2 && failed(scene)?.isFinal == true, "it was tried once before")
        scene.expectClean()
    }

    @Test("the place is the one of before: those who came since wait behind, also where the clock began anew")
    func place() {
        let scene = scene()
        let busy = scene.call("7100") ?? LegID(0)
        scene.answer(scene.newest)
        scene.call("7100")
        request(scene, ago: 20 * 3_600_000)
        request(scene, "ctl-1-0-2", ago: 10_000, priority: 1)
        let waiting = scene.engine.context.groups["support"]?.waiting.map(\.call)
        #expect(waiting == ["ctl-1-0-2", "ctl-1-0-1", "ctl-1-2"])
        scene.end(busy)
        #expect(scene.engine.byID["ctl-1-0-2-c1"] != nil)
        for leg in scene.alive { scene.end(leg) }
        scene.feed(.terminate)
        scene.feed(.terminate)
        scene.settle()
        #expect(scene.finished == 1 && scene.alive.isEmpty)
        #expect(failed(scene)?.isFinal != true, "the next run makes them")
    }

    @Test("who can no longer be called back is not, and the log says so")
    func impossible() {
        let scene = scene()
        request(scene, caller: "+4477")
        #expect(failed(scene)?.cause == .notAllowed && failed(scene)?.isFinal == true)
        request(scene, "ctl-1-0-2", attempts: 2)
        #expect(failed(scene)?.request == "ctl-1-0-2")
        request(scene, "ctl-1-0-3", ago: 86_401_000)
        #expect(failed(scene)?.request == "ctl-1-0-3")
        #expect(scene.engine.context.callbacks.isEmpty)
        #expect(scene.engine.context.groups["support"]?.waiting.isEmpty != false)
    }
}
