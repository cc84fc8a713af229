import Foundation

// What the process has with its surroundings: signals, the service manager, the limit on open files.

/// SIGTERM, SIGINT and SIGHUP, taken by a thread that waits for them: no code runs in a signal handler.
enum Signals {
    private static var awaited: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGUSR1] { sigaddset(&set, signal) }
        return set
    }

    /// Before any thread is started: they inherit what is blocked.
    static func block() {
        var set = awaited
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Calls `handle` with each signal until it says false; SIGUSR1 only wakes it.
    static func watch(_ handle: @escaping @Sendable (Int32) -> Bool) -> JoinableThread {
        startThread("signals") {
            var set = awaited
            var signal: Int32 = 0
            repeat { sigwait(&set, &signal) } while handle(signal)
        }
    }

    /// Ends the wait of `watch`.
    static func wake() { kill(getpid(), SIGUSR1) }
}

/// Tells a service manager (systemd's sd_notify: one datagram to the socket that NOTIFY_SOCKET names).
enum ServiceManager {
    static func notify(_ state: String, socket path: String? = ProcessInfo.processInfo.environment["NOTIFY_SOCKET"]) {
        guard let path, let address = UnixAddress(path) else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(state.utf8)
        _ = address.with { sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, $1) }
    }
}

enum ProcessLimits {
    /// Every leg has two sockets: as many files as the system lets us have.
    static func raiseOpenFiles() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
