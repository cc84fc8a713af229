import CallEvents
import EventLog
import TransferEngine

/// Tells the engine what the log knows from before the start, on a thread of its own: calls are taken meanwhile.
final class Recollection: @unchecked Sendable {
    /// For so long at most the start waits: what a small log says is known before the first call comes.
    private static let patience: Int64 = 250_000
    /// Inputs that the engine is given at once, so that calls come in between.
    private static let batch = 256
    private static let day: Int64 = 86_400_000_000
    /// How far back a caller has been seen, for `newCallers`.
    private static let seenDays = 365

    private let log: LogWriter
    private let inbox: Inbox<RunMessage>
    private let visitsSince: WallTime
    private let callsSince: WallTime
    private let say: @Sendable (String) -> Void
    private let monitor = Monitor()
    // Guarded by `monitor`.
    private var isStopping = false
    private var isDone = false
    private var thread: JoinableThread?

    init(
        log: LogWriter, groups: [GroupSettings], now: EventTime, inbox: Inbox<RunMessage>,
        say: @escaping @Sendable (String) -> Void
    ) {
        self.log = log
        self.inbox = inbox
        self.say = say
        let days = groups.map { max($0.lastAgentDays, $0.newCallers == 0 ? 0 : Self.seenDays) }.max() ?? 0
        visitsSince = WallTime(microseconds: now.wall - Int64(days) * Self.day)
        callsSince = WallTime(microseconds: now.wall - Self.day)
    }

    /// Begins; returns when all is told, or has taken long enough.
    func start() {
        thread = startThread("memory") { [self] in
            tell()
            monitor.lock()
            isDone = true
            monitor.broadcast()
            monitor.unlock()
        }
        monitor.lock()
        if !isDone { monitor.wait(microseconds: Self.patience) }
        monitor.unlock()
    }

    func stop() {
        monitor.lock()
        isStopping = true
        monitor.unlock()
        thread?.join()
    }

    private var isWanted: Bool {
        monitor.lock()
        defer { monitor.unlock() }
        return !isStopping
    }

    private func tell() {
        // The last run's open calls are closed first.
        log.waitUntilBegun()
        let memory: LogMemory
        do {
            memory = try LogMemory(
                path: log.configuration.directory, visitsSince: visitsSince, callsSince: callsSince,
                isWanted: { isWanted })
        } catch {
            say("what the log says of the past is not known: \(error)")
            return
        }
        let inputs =
            memory.visits.map { Input.remembered(caller: $0.caller, agent: $0.agent, $0.time) }
            + memory.calls.map { .rememberedCall($0) }
            + memory.callbacks.map { .rememberedCallback($0) }
        var rest = inputs[...]
        while !rest.isEmpty, isWanted, inbox.post(.remembered(Array(rest.prefix(Self.batch)))) {
            rest = rest.dropFirst(Self.batch)
        }
    }
}
