import Foundation
import Testing

@testable import Controller

@Suite struct WatchdogTests {
    private final class Notes: @unchecked Sendable {
        private let lock = NSLock()
        private var texts: [String] = []

        func add(_ text: String) { lock.withLock { texts.append(text) } }

        var all: [String] { lock.withLock { texts } }

        func wait(for count: Int) -> Bool {
            for _ in 0..<500 {
                if all.count >= count { return true }
                usleep(10_000)
            }
            return false
        }
    }

    private let environment = ["WATCHDOG_USEC": "20000"]

    /// Answers as the engine thread does, until the inbox is closed.
    private func answer(_ inbox: Inbox<RunMessage>, _ isHanging: @escaping @Sendable () -> Bool) -> JoinableThread {
        startThread("engine") {
            var batch: [RunMessage] = []
            while true {
                inbox.take(into: &batch, waitingAtMost: 1_000_000)
                for message in batch {
                    switch message {
                    case .control(let request) where isHanging(): request.answer.give(.stopped)
                    case .control(let request):
                        request.answer.give(
                            .status(RunStatus(openCalls: 3, accepting: true, draining: false, late: 0, registered: [])))
                    case .terminate: return
                    default: break
                    }
                }
            }
        }
    }

    @Test func itSpeaksWhileEngineAndSIPThreadWork() throws {
        let inbox = Inbox<RunMessage>()
        let engine = answer(inbox) { false }
        let notes = Notes()
        let turns = Notes()
        let made = Watchdog(
            inbox: inbox, environment: environment,
            turns: {
                turns.add("")
                return UInt64(turns.all.count)
            }, notify: { notes.add($0) })
        let dog = try #require(made)
        #expect(notes.wait(for: 3))
        #expect(notes.all[0].hasPrefix("WATCHDOG=1\n"))
        #expect(notes.all[0].contains("open calls: 3"))
        dog.stop()
        inbox.post(.terminate)
        engine.join()
    }

    @Test func aSIPThreadThatStandsStillSilencesIt() throws {
        let inbox = Inbox<RunMessage>()
        let engine = answer(inbox) { false }
        let notes = Notes()
        let asked = Notes()
        let made = Watchdog(
            inbox: inbox, environment: environment,
            turns: {
                asked.add("")
                return 7
            }, notify: { notes.add($0) })
        let dog = try #require(made)
        #expect(asked.wait(for: 4))
        #expect(notes.all.isEmpty)
        dog.stop()
        inbox.post(.terminate)
        engine.join()
    }

    @Test func withoutAnIntervalThereIsNone() {
        let inbox = Inbox<RunMessage>()
        #expect(Watchdog(inbox: inbox, environment: [:], turns: { 0 }, notify: { _ in }) == nil)
        let other = environment.merging(["WATCHDOG_PID": "1"]) { $1 }
        #expect(Watchdog(inbox: inbox, environment: other, turns: { 0 }, notify: { _ in }) == nil)
    }
}
