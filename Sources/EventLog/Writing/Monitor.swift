import Glibc

/// A mutex and a condition of the system's, whose waits no step of the clock lengthens. A leaf lock: nothing else is
/// locked while it is held. (`Synchronization.Mutex` would do, but ThreadSanitizer reports it falsely, and it has no
/// condition.)
package final class Monitor: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    package init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        // CLOCK_BOOTTIME is not to be had here; the difference is a wait prolonged by the time of a suspension.
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        condition.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    package func lock() { pthread_mutex_lock(mutex) }

    package func unlock() { pthread_mutex_unlock(mutex) }

    func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        lock()
        defer { unlock() }
        return try body()
    }

    /// Wakes everybody who waits. Call it while locked.
    package func broadcast() { pthread_cond_broadcast(condition) }

    /// Waits, while locked, to be woken, at most so long (or an hour); nil: without end. Wakes may be spurious.
    package func wait(microseconds: Int64?) {
        wait(until: microseconds.map { .after(microseconds: min($0, 3_600_000_000)) })
    }

    /// Waits, while locked, for a signal or until the deadline; wakes may be spurious.
    func wait(until deadline: Deadline?) {
        guard let deadline else {
            pthread_cond_wait(condition, mutex)
            return
        }
        var time = timespec(
            tv_sec: Int(deadline.nanoseconds / 1_000_000_000), tv_nsec: Int(deadline.nanoseconds % 1_000_000_000))
        pthread_cond_timedwait(condition, mutex, &time)
    }
}

/// A moment of the monotonic clock.
struct Deadline: Comparable {
    let nanoseconds: Int64

    static func after(microseconds: Int64) -> Deadline {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let now = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        return Deadline(nanoseconds: now + microseconds * 1000)
    }

    static func after(milliseconds: Int) -> Deadline { .after(microseconds: Int64(milliseconds) * 1000) }

    var hasPassed: Bool { self <= .after(microseconds: 0) }

    static func < (a: Deadline, b: Deadline) -> Bool { a.nanoseconds < b.nanoseconds }
}
