import Foundation
import Testing

@testable import Controller

/// Idles until woken, as PJSIP does, and can post meanwhile, as PJSIP's callbacks do.
private final class FakeIdling: Idling, @unchecked Sendable {
    private let woken = DispatchSemaphore(value: 0)
    private let lock = NSLock()
    private var rounds: [Int64?] = []
    private let during: @Sendable () -> Void

    init(during: @escaping @Sendable () -> Void = {}) { self.during = during }

    /// What each round was allowed to take.
    var allowed: [Int64?] { lock.withLock { rounds } }

    func idle(microseconds: Int64?) {
        lock.withLock { rounds.append(microseconds) }
        during()
        if microseconds != 0 { _ = woken.wait(timeout: .now() + 5) }
    }

    func wake() { woken.signal() }
}

@Suite struct InboxTests {
    @Test func whatAnotherThreadPostsEndsTheReadersIdling() {
        let inbox = Inbox<Int>()
        let idling = FakeIdling()
        inbox.idle(by: idling)
        let start = ContinuousClock.now
        let poster = startThread("poster") {
            while idling.allowed.isEmpty { sched_yield() }
            inbox.post(7)
        }
        var batch: [Int] = []
        inbox.take(into: &batch, waitingAtMost: nil)
        poster.join()
        #expect(batch == [7])
        #expect(ContinuousClock.now - start < .seconds(4))
    }

    @Test func whatTheReaderPostsWhileIdlingIsTakenAfterwards() {
        let inbox = Inbox<Int>()
        let idling = FakeIdling { inbox.post(1) }
        inbox.idle(by: idling)
        let start = ContinuousClock.now
        var batch: [Int] = []
        inbox.take(into: &batch, waitingAtMost: nil)
        #expect(batch == [1])
        #expect(ContinuousClock.now - start < .seconds(4))
    }

    @Test func aReaderWithMessagesIdlesWithoutWaiting() {
        let inbox = Inbox<Int>()
        let idling = FakeIdling()
        inbox.idle(by: idling)
        inbox.post(1)
        var batch: [Int] = []
        inbox.take(into: &batch, waitingAtMost: nil)
        #expect(batch == [1])
        #expect(idling.allowed == [0])
    }
}
