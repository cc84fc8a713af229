import CTelephony
import EventLog
import Foundation

/// Tells systemd that the service works (sd_notify's WATCHDOG=1, twice in each interval that WATCHDOG_USEC asks for),
/// as long as the engine thread answers and the SIP thread takes its turns. Where one of them hangs nothing is said, and
/// the service manager ends and restarts the process.
final class Watchdog: @unchecked Sendable {
    private let interval: Int64
    private let inbox: Inbox<RunMessage>
    private let turns: @Sendable () -> UInt64
    private let notify: @Sendable (String) -> Void
    private let monitor = Monitor()
    /// Guarded by `monitor`.
    private var isStopping = false
    private var thread: JoinableThread?

    /// Null where no watchdog is asked for.
    /// - Parameter turns: how often the SIP thread has looked for work so far.
    init?(
        inbox: Inbox<RunMessage>, environment: [String: String] = ProcessInfo.processInfo.environment,
        turns: @escaping @Sendable () -> UInt64, notify: @escaping @Sendable (String) -> Void
    ) {
        guard let interval = environment["WATCHDOG_USEC"].flatMap(Int64.init), interval > 0 else { return nil }
        if let pid = environment["WATCHDOG_PID"], pid != String(getpid()) { return nil }
        self.interval = interval
        self.inbox = inbox
        self.turns = turns
        self.notify = notify
        thread = startThread("watchdog") { [self] in watch() }
    }

    func stop() {
        monitor.lock()
        isStopping = true
        monitor.broadcast()
        monitor.unlock()
        thread?.join()
    }

    private func watch() {
        var seen = turns()
        while pause() {
            let answer = ControlAnswer()
            guard inbox.post(.control(ControlRequest(wish: .status, answer: answer))),
                case .status(let status) = answer.wait()
            else { return }
            let now = turns()
            guard now != seen else { continue }
            seen = now
            notify(
                "WATCHDOG=1\nSTATUS=\(status.draining ? "waiting for the last calls" : "taking calls"), "
                    + "open calls: \(status.openCalls)")
        }
    }

    /// False when the service stops.
    private func pause() -> Bool {
        monitor.lock()
        defer { monitor.unlock() }
        if !isStopping { monitor.wait(microseconds: interval / 2) }
        return !isStopping
    }
}
