import CTelephony
import CallEvents
import EventLog
import Foundation

/// Where phones have registered, kept in a file: a restarted controller can call them before they register again. Phones
/// that are called by the connection by which they have registered are not in it: the connection is gone.
final class Bindings: @unchecked Sendable {
    /// What the file says of one.
    private struct Binding: Codable {
        /// User part of the REGISTER.
        var user: String
        var contact: String
        /// Seconds since 1970: the clock that goes on while the machine is off.
        var until: Int64
        /// RFC 3261 §20.10, in thousandths.
        var q: UInt32
    }

    private struct Content: Codable {
        var v = 1
        var bindings: [Binding]
    }

    /// Between two writes: phones that register in the same second make one.
    private static let pause: Int64 = 1_000_000
    /// Nobody has so many phones: such a file is not ours.
    private static let longest = 16_000_000

    private let path: String
    private let say: @Sendable (String) -> Void
    private let monitor = Monitor()
    // Guarded by `monitor`.
    private var hasChanged = false
    private var isStopping = false
    private var thread: JoinableThread?
    /// What went wrong last time, which is said once. The thread's own.
    private var failure: String?

    /// - Parameter directory: the event log's, which nobody else can read.
    init(directory: String, say: @escaping @Sendable (String) -> Void) {
        path = directory + "/.bindings"
        self.say = say
    }

    /// Tells the registrar what the file says and has not expired.
    func restore() {
        guard let data = FileManager.default.contents(atPath: path) else { return }
        guard data.count <= Self.longest, let content = try? JSONDecoder().decode(Content.self, from: data),
            content.v == 1
        else {
            say("\(path): not readable; phones are called when they have registered again")
            return
        }
        let now = Self.now
        // The best of a user's comes last.
        for binding in content.bindings.reversed() where binding.until > now {
            _ = tel_restore_binding(
                binding.user, binding.contact, UInt32(clamping: binding.until - now), binding.q)
        }
    }

    /// Keeps the file up to date from now on.
    func start() {
        thread = startThread("bindings") { [self] in
            while waitForChange() {
                write()
                pause()
            }
            write()
        }
    }

    /// A phone has registered, or is no longer registered. Never waits for the disk.
    func note() {
        monitor.lock()
        hasChanged = true
        monitor.broadcast()
        monitor.unlock()
    }

    /// Writes the file once more. To be called while the registrar still knows.
    func stop() {
        monitor.lock()
        isStopping = true
        monitor.broadcast()
        monitor.unlock()
        thread?.join()
    }

    /// False when it is time to end.
    private func waitForChange() -> Bool {
        monitor.lock()
        defer { monitor.unlock() }
        while !hasChanged, !isStopping { monitor.wait(microseconds: nil) }
        hasChanged = false
        return !isStopping
    }

    private func pause() {
        let end = EventTime.now().mono + Self.pause
        monitor.lock()
        defer { monitor.unlock() }
        while !isStopping, case let left = end - EventTime.now().mono, left > 0 { monitor.wait(microseconds: left) }
    }

    private func write() {
        var bindings: [Binding] = []
        var binding = tel_binding()
        var position = 0
        let now = Self.now
        while tel_next_binding(&position, &binding) {
            bindings.append(
                Binding(
                    user: TelephonyService.text(&binding.user), contact: TelephonyService.text(&binding.uri),
                    until: now + Int64(binding.seconds), q: binding.q1000))
        }
        do {
            let data = try JSONEncoder().encode(Content(bindings: bindings))
            try PrivateFile.write(data, to: path)
            failure = nil
        } catch {
            if failure != "\(error)" { say("where phones have registered is not kept: \(error)") }
            failure = "\(error)"
        }
    }

    private static var now: Int64 { Int64(Date().timeIntervalSince1970) }
}

/// A file that its owner alone can read, written so that it is there whole or as it was.
enum PrivateFile {
    static func write(_ data: Data, to path: String) throws(ControllerError) {
        let temporary = path + ".new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("cannot create", temporary) }
        var written = 0
        while written < data.count {
            let count = data.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            written += count
        }
        // Else the name could be on the disk before what it names.
        let isWhole = written == data.count && fdatasync(descriptor) == 0
        close(descriptor)
        guard isWhole, rename(temporary, path) == 0 else {
            let problem = failure("cannot write", temporary)
            unlink(temporary)
            throw problem
        }
    }

    private static func failure(_ what: String, _ path: String) -> ControllerError {
        ControllerError("\(what) \(path): \(String(cString: strerror(errno)))")
    }
}
