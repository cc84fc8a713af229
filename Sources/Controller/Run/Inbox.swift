import EventLog
import Glibc

/// What an inbox's reader does while it waits.
protocol Idling: Sendable {
    /// Until something has been done or `wake` comes, at most so long; null: without end. May return without cause.
    func idle(microseconds: Int64?)
    /// Ends the present `idle` or, where there is none, the next. From any thread.
    func wake()
}

/// A queue from many threads to one, which takes all that has gathered at once.
final class Inbox<Message: Sendable>: @unchecked Sendable {
    private let monitor = Monitor()
    private var messages: [Message] = []
    private var closed = false
    /// What the reader has to do besides; null: it sleeps.
    private var idling: (any Idling)?
    private var isIdle = false

    /// What the reader does from now on when it waits, and in each round for a moment when it need not.
    func idle(by idling: (any Idling)?) {
        monitor.lock()
        self.idling = idling
        monitor.unlock()
    }

    /// Adds a message, from any thread. False when nobody reads any more.
    @discardableResult
    func post(_ message: Message) -> Bool {
        monitor.lock()
        guard !closed else {
            monitor.unlock()
            return false
        }
        messages.append(message)
        // Whoever reads sees the others when it wakes for the first.
        let isFirst = messages.count == 1
        if isFirst {
            if isIdle { idling?.wake() } else { monitor.broadcast() }
        }
        monitor.unlock()
        return true
    }

    /// Moves what has gathered to `batch` (emptied before), waiting for a first message for at most so long.
    func take(into batch: inout [Message], waitingAtMost microseconds: Int64?) {
        batch.removeAll(keepingCapacity: true)
        monitor.lock()
        if let idling {
            let wait = messages.isEmpty && !closed ? microseconds : 0
            isIdle = true
            monitor.unlock()
            idling.idle(microseconds: wait)
            monitor.lock()
            isIdle = false
        } else if messages.isEmpty, !closed, microseconds != 0 {
            monitor.wait(microseconds: microseconds)
        }
        swap(&batch, &messages)
        monitor.unlock()
    }

    /// Takes no more; what is left is returned.
    func close() -> [Message] {
        monitor.lock()
        defer { monitor.unlock() }
        closed = true
        monitor.broadcast()
        defer { messages = [] }
        return messages
    }
}

/// Runs `body` in a thread of its own with a name that debuggers show (15 bytes at most). For threads without which
/// nothing runs: where the system has none, the process ends.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) -> JoinableThread {
    guard let thread = JoinableThread(name: name, body) else {
        preconditionFailure("no thread \(name): \(String(cString: strerror(errno)))")
    }
    return thread
}

/// A thread that can be waited for.
final class JoinableThread: @unchecked Sendable {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private var thread = pthread_t()

    /// Null, with `errno`, when the system has no more threads.
    init?(name: String, _ body: @escaping @Sendable () -> Void) {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        let result = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                nameThread(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard result == 0 else {
            start.release()
            errno = result
            return nil
        }
    }

    /// Waits for the thread's end; once.
    func join() { pthread_join(thread, nil) }

    /// Lets the thread end unobserved; instead of `join`.
    func detach() { pthread_detach(thread) }
}

/// What `top -H` and debuggers show. (`pthread_setname_np` is not in Swift's Glibc module.)
private func nameThread(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = name.withCString { write(file, $0, strlen($0)) }
    close(file)
}
