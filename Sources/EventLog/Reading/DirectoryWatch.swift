import Glibc

/// Waits for changes of a file, or of the files in a directory.
final class DirectoryWatch: Sendable {
    /// Where the system has no watches left, changes are looked for so often.
    private static let blindInterval = 100

    /// A pipe: readable once stopped.
    private let stopped: Int32
    private let stopper: Int32
    /// Negative where there are no watches.
    private let notify: Int32

    init(path: String) throws(LogError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw LogError("cannot wait for", path, errno) }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (stopped, stopper) = (ends[0], ends[1])
        let notify = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        let changes = UInt32(IN_MODIFY | IN_CREATE | IN_MOVED_TO)
        if notify >= 0, inotify_add_watch(notify, path, changes) < 0 {
            close(notify)
            self.notify = -1
        } else {
            self.notify = notify
        }
    }

    deinit {
        close(stopped)
        close(stopper)
        if notify >= 0 { close(notify) }
    }

    func stop() {
        var byte: UInt8 = 0
        write(stopper, &byte, 1)
    }

    /// False once stopped; true after a change or when the time has passed.
    func wait(milliseconds: Int) -> Bool {
        var descriptors = [
            pollfd(fd: stopped, events: Int16(POLLIN), revents: 0),
            pollfd(fd: notify, events: Int16(POLLIN), revents: 0),
        ]
        let timeout = notify < 0 ? min(milliseconds, Self.blindInterval) : milliseconds
        poll(&descriptors, nfds_t(descriptors.count), Int32(clamping: timeout))
        if descriptors[0].revents != 0 { return false }
        if descriptors[1].revents != 0 {
            // What changed does not matter: everything is looked at again.
            withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
                while read(notify, buffer.baseAddress, buffer.count) > 0 {}
            }
        }
        return true
    }
}
