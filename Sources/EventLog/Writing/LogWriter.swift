import CallEvents
import Foundation

/// Writes the log of one node on a thread of its own: whoever has an event to log hands it over and goes on.
///
/// At `init` the directory is locked, what the last run left behind is put in order, and the thread begins. The log
/// stays down, and says so, for as long as it cannot be written; it never stops the controller.
public final class LogWriter: @unchecked Sendable {
    /// Counts the records handed over; those up to a ticket are safe when `durable` reaches it.
    public typealias Ticket = UInt64

    /// What the writer tells, on its own thread.
    public struct Callbacks: Sendable {
        /// All records up to the ticket are on the disk.
        public var durable: @Sendable (Ticket) -> Void
        /// The log can no longer be written, or can be again.
        public var health: @Sendable (LogStatus) -> Void
        /// Whole lines that could not be written before the end.
        public var leftOver: @Sendable (UnsafeRawBufferPointer) -> Void

        public init(
            durable: @escaping @Sendable (Ticket) -> Void = { _ in },
            health: @escaping @Sendable (LogStatus) -> Void = { _ in },
            leftOver: @escaping @Sendable (UnsafeRawBufferPointer) -> Void = LogWriter.printLeftOver
        ) {
            self.durable = durable
            self.health = health
            self.leftOver = leftOver
        }
    }

    public let configuration: LogConfiguration
    /// What the start found of the last run.
    public let recovery: LogRecovery
    private let callbacks: Callbacks

    private let monitor = Monitor()
    // Guarded by `monitor`.
    private var queue: [CallRecord] = []
    private var accepted: Ticket = 0
    private var shared = LogStatus()
    private var stopping = false
    private var stopped = false
    private var begun = false
    /// The thread looks at the queue by itself soon, so that nobody need wake it.
    private var isResting = false

    // The log thread's own.
    private var segments: SegmentWriter
    private var added: Ticket = 0
    /// As last told by `callbacks.durable`.
    private var told: Ticket = 0
    /// The segment that `shared.file` names.
    private var named: SegmentName?
    private var syncDue: Deadline?
    /// Until when nothing is written: set by a write of `batch`.
    private var restDue: Deadline?
    private var retryDue: Deadline?
    private var retryDelay: Int
    /// As last told by `callbacks.health`.
    private var writable = true

    /// Begins to write.
    /// - Parameters:
    ///   - clock: says when the run began.
    ///   - files: where segments are written to.
    /// - Throws: where the directory cannot be made, locked or read.
    public init(
        _ configuration: LogConfiguration, callbacks: Callbacks = Callbacks(),
        clock: () -> EventTime = EventTime.now, files: any LogFileSystem = POSIXFileSystem()
    ) throws(LogError) {
        self.configuration = configuration
        self.callbacks = callbacks
        retryDelay = configuration.retryDelay.lowerBound
        // A file at the process's size limit is a failed write, not the end of the process.
        signal(SIGXFSZ, SIG_IGN)
        try files.makeDirectory(configuration.directory)
        let lock = try files.lock(configuration.directory + "/.lock")
        let found: Recovery
        do throws(LogError) {
            found = try Recovery(directory: configuration.directory)
        } catch {
            lock.release()
            throw error
        }
        recovery = found.summary
        segments = SegmentWriter(
            configuration: configuration, files: files, lock: lock, state: found.state,
            nextSeq: found.summary.lastSeq + 1)
        let start = clock()
        let thread = Thread { [self] in run(since: start, after: found) }
        thread.name = "log"
        thread.start()
    }

    /// Hands a record over and has it written. Never waits for the disk.
    /// - Returns: the ticket that `Callbacks.durable` will reach or pass when the record is safe.
    @discardableResult
    public func append(_ record: CallRecord) -> Ticket {
        defer { wake() }
        return enqueue(record)
    }

    /// Has what was enqueued written: at once, or where `batch` has just written, within `restInterval`.
    public func wake() {
        monitor.locked { if !queue.isEmpty, !isResting { monitor.broadcast() } }
    }

    /// Hands a record over, to be written at the next `wake` at the latest. Never waits for the disk.
    /// - Returns: as `append`.
    @discardableResult
    public func enqueue(_ record: CallRecord) -> Ticket {
        monitor.locked {
            if !shared.writable, case .callRefused = record.event {
                shared.refusedUnlogged += 1
                return accepted
            }
            guard shared.waiting < configuration.maxPending, !stopping else {
                shared.dropped += 1
                return accepted
            }
            queue.append(record)
            shared.waiting += 1
            accepted += 1
            return accepted
        }
    }

    /// How the log is doing now.
    public var status: LogStatus { monitor.locked { shared } }

    /// Returns when what the last run left open has been closed, or could not be.
    public func waitUntilBegun() {
        monitor.locked { while !begun { monitor.wait(until: nil) } }
    }

    /// Writes and syncs what waits, then ends. What cannot be written goes to `Callbacks.leftOver`.
    public func close() {
        monitor.locked {
            stopping = true
            monitor.broadcast()
            while !stopped { monitor.wait(until: nil) }
        }
    }

    /// Says lines on standard error, where a service manager keeps them.
    public static let printLeftOver: @Sendable (UnsafeRawBufferPointer) -> Void = { lines in
        var rest = lines[...]
        while !rest.isEmpty {
            let count = write(STDERR_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

/// The log thread.
extension LogWriter {
    private func run(since start: EventTime, after found: Recovery) {
        begin(at: start, after: found)
        attempt { segments throws(LogError) in try segments.commit() }
        publish()
        monitor.locked {
            begun = true
            monitor.broadcast()
        }
        var batch: [CallRecord] = []
        var isLast = false
        while !isLast {
            batch.removeAll(keepingCapacity: true)
            isLast = take(&batch)
            for record in batch { attempt { segments throws(LogError) in try segments.add(record) } }
            added += Ticket(batch.count)
            flush(isLast: isLast)
            publish()
        }
        segments.withUnsynced { if !$0.isEmpty { callbacks.leftOver($0) } }
        segments.close()
        monitor.locked {
            stopped = true
            monitor.broadcast()
        }
    }

    /// Closes what the last run left open, at its own time and in a segment of its own, then begins this run's.
    private func begin(at start: EventTime, after found: Recovery) {
        if let end = segments.state.last, segments.state.hasOpen {
            let closings = segments.state.closings(at: end)
            segments.openSegment(at: end, boot: segments.state.boot)
            for record in closings { segments.encode(record) }
            attempt { segments throws(LogError) in try segments.endSegment() }
        }
        segments.beginRun(at: start)
        if found.summary.wasInterrupted {
            let event = ServiceRecovered(tornBytes: found.summary.tornBytes, lostCalls: found.summary.lostCalls)
            segments.encode(CallRecord(time: start, event: .serviceRecovered(event)))
        }
    }

    /// Waits for records or for the next thing to do; true once nothing more will come.
    private func take(_ batch: inout [CallRecord]) -> Bool {
        monitor.locked {
            if let restDue {
                isResting = true
                let end = min(restDue, syncDue ?? restDue)
                while !stopping, !end.hasPassed { monitor.wait(until: end) }
                isResting = false
            }
            let due = [syncDue, retryDue].compactMap { $0 }.min()
            while queue.isEmpty, !stopping, !(due?.hasPassed ?? false) { monitor.wait(until: due) }
            swap(&queue, &batch)
            return stopping
        }
    }

    /// In milliseconds: how long `batch` collects what comes after a write. A wake costs as much as several lines.
    private static let restInterval = 10

    private func flush(isLast: Bool) {
        restDue = nil
        guard segments.unsyncedLines > 0 else { return }
        if let retryDue {
            guard isLast || retryDue.hasPassed else { return }
        } else if configuration.durability == .batch, !isLast {
            attempt { segments throws(LogError) in try segments.write() }
            guard retryDue == nil, segments.unsyncedLines > 0 else { return }
            restDue = .after(milliseconds: Self.restInterval)
            let due = syncDue ?? .after(milliseconds: configuration.syncInterval)
            syncDue = due
            guard due.hasPassed else { return }
        }
        attempt { segments throws(LogError) in try segments.commit() }
    }

    /// Does something that may fail. After a failure everything since the last good sync goes to a new file at once;
    /// where that fails too the log is down until a later try succeeds.
    private func attempt(_ body: (inout SegmentWriter) throws(LogError) -> Void) {
        do throws(LogError) {
            try body(&segments)
        } catch {
            monitor.locked { shared.failures += 1 }
            segments.leave()
            retry()
            return
        }
        if segments.unsyncedLines == 0 { succeeded() }
    }

    private func retry() {
        do throws(LogError) {
            try segments.commit()
            succeeded()
        } catch {
            segments.leave()
            retryDue = .after(milliseconds: retryDelay)
            retryDelay = min(retryDelay * 2, configuration.retryDelay.upperBound)
            tell(writable: false, error)
        }
    }

    private func succeeded() {
        syncDue = nil
        retryDue = nil
        retryDelay = configuration.retryDelay.lowerBound
        tell(writable: true, nil)
    }

    private func tell(writable: Bool, _ error: LogError?) {
        let status = monitor.locked {
            shared.writable = writable
            shared.error = error?.description
            return shared
        }
        guard writable != self.writable else { return }
        self.writable = writable
        callbacks.health(status)
    }

    private func publish() {
        let isSafe = segments.unsyncedLines == 0
        monitor.locked {
            shared.waiting = queue.count + segments.unsyncedLines
            shared.syncedSeq = segments.nextSeq - 1 - UInt64(segments.unsyncedLines)
            if segments.name != named { shared.file = segments.name?.description }
        }
        named = segments.name
        if isSafe, told < added {
            told = added
            callbacks.durable(added)
        }
    }
}
