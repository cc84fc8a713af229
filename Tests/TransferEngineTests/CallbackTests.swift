import CallEvents
import Testing

@testable import TransferEngine

/// Callers who are called back, and verdicts on calls.
@Suite struct CallbackTests {
    private func scene(_ change: (inout EngineConfiguration) -> Void = { _ in }) -> Scene {
        Scene(
            testConfiguration {
                $0.groups[0].members = ["anna"]
                $0.groups[0].callback = GroupSettings.Callback(digit: "5", attempts: 2, retryAfter: 60_000)
                $0.transfer.dial = "sip:{digits}@127.0.0.1:5060"
                $0.transfer.allow = ["sip:\\+371[0-9]+@127\\.0\\.0\\.1:5060"]
                change(&$0)
            })
    }

    /// Anna talks with one caller, another waits.
    private func waiting(_ scene: Scene) -> (busy: LegID, waiting: LegID) {
        let busy = scene.call("7100") ?? LegID(0)
        scene.answer(scene.newest)
        scene.advance(1_000)
        let waiting = scene.call("7100", from: "sip:+37120000009@pbx") ?? LegID(0)
        scene.advance(4_000)
        return (busy, waiting)
    }

    @Test("the place is kept: the agent is offered the call-back in turn, then the caller is dialled")
    func kept() {
        let scene = scene()
        let (busy, caller) = waiting(scene)
        scene.press(caller, "5")
        #expect(scene.legs[caller]?.tones == [.comfort])
        #expect(scene.last(callEnded)?.cause == .callback && scene.last(callEnded)?.abandoned == false)
        #expect(scene.last(callDequeued)?.outcome == .callback)
        scene.advance(1_000)
        #expect(scene.legs[caller]?.hungUp != nil)
        // Who came later waits behind.
        let later = scene.call("7100") ?? LegID(0)
        #expect(scene.last(callQueued)?.position == 2)
        scene.end(busy)
        let agent = scene.newest
        #expect(scene.legs[agent]?.uri.contains("5081") == true)
        #expect(scene.legs[agent]?.invite?.fromDisplay == "callback: +37120000009")
        scene.ring(agent)
        scene.advance(500)
        scene.answer(agent)
        let back = scene.newest
        #expect(scene.legs[back]?.uri == "sip:+37120000009@127.0.0.1:5060")
        #expect(scene.hears(agent) == .ringback)
        scene.advance(2_000)
        scene.answer(back)
        #expect(scene.hears(agent) == .leg(back) && scene.hears(back) == .leg(agent))
        let completed = scene.last { event -> CallbackCompleted? in
            if case .callbackCompleted(let fields) = event { fields } else { nil }
        }
        #expect(completed?.request == "ctl-1-2" && completed?.agent == "anna" && completed?.attempt == 1)
        #expect(completed?.sinceMs == 3_500)
        scene.end(back)
        #expect(
            scene.last { event -> CallAlerting? in
                if case .callAlerting(let fields) = event { fields } else { nil }
            }?.agent == "anna")
        scene.end(later)
        #expect(scene.engine.context.callbacks.isEmpty)
        scene.expectClean()
    }

    @Test("who is not reached is tried again, so many times; an agent who does not take it is no try")
    func retries() {
        let scene = scene { $0.groups[0].members = ["anna", "boris"] }
        for name in ["boris"] { scene.feed(.agent(RequestID(1), agent: name, .pause(reason: nil))) }
        let (busy, caller) = waiting(scene)
        scene.press(caller, "5")
        scene.end(busy)
        scene.reject(scene.newest, 486)
        scene.advance(1_001)
        func failures() -> [CallbackFailed] {
            scene.all { if case .callbackFailed(let fields) = $0 { fields } else { nil } }
        }
        #expect(failures().isEmpty)
        for attempt in 1...2 {
            #expect(scene.legs[scene.newest]?.uri.contains("5081") == true)
            let agent = scene.newest
            scene.answer(agent)
            scene.reject(scene.newest, 480)
            #expect(scene.legs[agent]?.tones == [.apology])
            scene.advance(1_000)
            #expect(failures().last?.attempt == attempt && failures().last?.isFinal == (attempt == 2))
            scene.advance(60_000)
        }
        #expect(failures().count == 2 && scene.engine.context.callbacks.isEmpty)
        scene.expectClean()
    }

    @Test("a number that may not be dialled: an error tone, and the caller waits on")
    func notAllowed() {
        let scene = scene { $0.transfer.allow = [] }
        let (busy, caller) = waiting(scene)
        scene.press(caller, "5")
        #expect(scene.legs[caller]?.tones == [.error] && scene.hears(caller) == .music)
        scene.end(busy)
        scene.answer(scene.newest)
        #expect(scene.hears(caller) == .leg(scene.newest))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("the service ends: whoever has not been called back is left to the next run")
    func stopped() {
        let scene = scene()
        let (busy, caller) = waiting(scene)
        scene.press(caller, "5")
        scene.advance(1_000)
        scene.feed(.terminate)
        scene.end(busy)
        #expect(scene.finished == 1)
        #expect(!scene.types.contains("callback.failed"))
        #expect(scene.engine.context.callbacks.isEmpty)
        scene.expectClean()
    }
}

/// Verdicts: by command, by code in the call and after it, by the caller.
@Suite struct DispositionTests {
    private func scene() -> Scene {
        Scene(
            testConfiguration {
                $0.agents[0].wrapUp = 5_000
                $0.groups[0].members = ["anna"]
                $0.groups[0].dispositions = [
                    GroupSettings.Disposition(digit: "1", code: "sold", resolved: true),
                    GroupSettings.Disposition(digit: "2", code: "complaint", resolved: false),
                ]
                $0.groups[0].verdict = GroupSettings.Verdict()
            })
    }

    private func verdicts(_ scene: Scene) -> [CallDisposition] {
        scene.all { if case .callDisposition(let fields) = $0 { fields } else { nil } }
    }

    @Test("by command, in the call and until a day after; unknown codes and calls are refused")
    func command() {
        let scene = scene()
        let (caller, _) = scene.talking("7100")
        #expect(scene.command(.resolve(call: "ctl-1-1", resolved: false, code: "complaint", note: "n")) == .done)
        guard case .refused? = scene.command(.resolve(call: "ctl-1-1", resolved: true, code: "x", note: nil)) else {
            Issue.record("an unknown code was taken")
            return
        }
        scene.end(caller)
        scene.advance(86_000_000)
        #expect(scene.command(.resolve(call: "ctl-1-1", resolved: true, code: nil, note: nil)) == .done)
        #expect(verdicts(scene).map(\.previous) == [nil, false])
        #expect(verdicts(scene).map(\.agent) == ["anna", "anna"])
        #expect(verdicts(scene).map(\.group) == ["support", "support"])
        scene.advance(500_000)
        #expect(
            scene.command(.resolve(call: "ctl-1-1", resolved: true, code: nil, note: nil)) == .unknownCall("ctl-1-1"))
        scene.expectClean()
    }

    @Test("*6 and a digit before hanging up, or dialled during the wrap-up")
    func codes() {
        let scene = scene()
        let (caller, anna) = scene.talking("7100")
        scene.press(anna, "*62")
        #expect(verdicts(scene).last?.code == "complaint" && verdicts(scene).last?.resolved == false)
        #expect(scene.legs[anna]?.tones == [.comfort] && scene.legs[caller]?.digits == "")
        scene.press(anna, "*69")
        #expect(scene.legs[anna]?.tones == [.comfort, .error])
        scene.end(caller)
        scene.advance(1_000)
        let code = scene.call("*61", from: "sip:1001@127.0.0.1:5081") ?? LegID(0)
        scene.advance(1_000)
        #expect(scene.legs[code]?.tones == [.comfort])
        #expect(verdicts(scene).last?.code == "sold" && verdicts(scene).last?.previous == false)
        scene.expectClean()
    }

    @Test("the caller is asked when the agent has hung up, and says so by a digit, or says nothing")
    func caller() {
        let scene = scene()
        let (caller, anna) = scene.talking("7100")
        scene.end(anna)
        #expect(scene.last(callEnded)?.endedBy == .agent)
        #expect(scene.legs[caller]?.hungUp == nil && scene.legs[caller]?.tones == [.comfort])
        scene.press(caller, "9")
        #expect(verdicts(scene).isEmpty)
        scene.press(caller, "1")
        #expect(verdicts(scene).last?.by == .caller && verdicts(scene).last?.resolved == true)
        #expect(scene.legs[caller]?.hungUp != nil)
        scene.advance(40_000)
        let (silent, agent) = scene.talking("7100")
        scene.end(agent)
        scene.advance(7_999)
        #expect(scene.legs[silent]?.hungUp == nil)
        scene.advance(1)
        #expect(scene.legs[silent]?.hungUp != nil)
        scene.expectClean()
    }
}
