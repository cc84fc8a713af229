import Foundation

/// A child process whose output is collected line by line.
///
/// Started by posix_spawn with nothing but its three standard streams, so that no child holds another's pipes open.
final class Child: @unchecked Sendable {
    struct Line: Sendable {
        var text: String
        var error: Bool
    }

    private static let starting = NSLock()

    let name: String
    let pid: pid_t
    private let input: Int32
    private let lock = NSLock()
    private var collected: [Line] = []
    private var status: Int32?
    private var openStreams = 2

    init(_ name: String, _ executable: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        self.name = name
        // One start at a time: no child may inherit a pipe that is being made for another.
        let watchdog = Watchdog.shared
        Child.starting.lock()
        defer { Child.starting.unlock() }
        let (inRead, inWrite) = try Child.pipe()
        let (outRead, outWrite) = try Child.pipe()
        let (errRead, errWrite) = try Child.pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (descriptor, standard) in [(inRead, STDIN_FILENO), (outWrite, STDOUT_FILENO), (errWrite, STDERR_FILENO)] {
            posix_spawn_file_actions_adddup2(&actions, descriptor, standard)
        }
        let merged = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        var words: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
        var settings: [UnsafeMutablePointer<CChar>?] = merged.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (words + settings).forEach { free($0) } }
        var process = pid_t()
        let result = posix_spawnp(&process, executable, &actions, nil, &words, &settings)
        [inRead, outWrite, errWrite].forEach { close($0) }
        guard result == 0 else {
            [inWrite, outRead, errRead].forEach { close($0) }
            throw Failure("cannot start \(executable): \(String(cString: strerror(result)))")
        }
        pid = process
        input = inWrite
        watchdog.watch(pid)
        read(outRead, error: false)
        read(errRead, error: true)
    }

    deinit {
        kill()
        close(input)
    }

    /// Everything printed so far.
    var lines: [Line] { lock.withLock { collected } }

    /// What was printed on standard output, once all of it has been read.
    var output: String { lines.filter { !$0.error }.map { $0.text + "\n" }.joined() }
    var errors: String { lines.filter(\.error).map { $0.text + "\n" }.joined() }

    func send(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        // A child that has gone closes its end; whoever waits for its answer will say so.
        _ = bytes.withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
    }

    func signal(_ number: Int32) {
        if exitStatus == nil { Glibc.kill(pid, number) }
    }

    /// Null while it runs; 128 + N where signal N ended it.
    var exitStatus: Int32? {
        lock.withLock {
            if status == nil {
                var raw: Int32 = 0
                if waitpid(pid, &raw, WNOHANG) == pid {
                    status = raw & 0x7f == 0 ? (raw >> 8) & 0xff : 128 + raw & 0x7f
                    Watchdog.shared.forget(pid)
                }
            }
            return status
        }
    }

    /// It has exited and everything that it printed has been read.
    var isDone: Bool { exitStatus != nil && lock.withLock { openStreams == 0 } }

    /// Ends it at once, if it still runs, and reaps it.
    func kill() {
        guard exitStatus == nil else { return }
        Glibc.kill(pid, SIGKILL)
        lock.withLock {
            var raw: Int32 = 0
            if waitpid(pid, &raw, 0) == pid { status = 128 + SIGKILL }
        }
        Watchdog.shared.forget(pid)
    }

    private func read(_ descriptor: Int32, error: Bool) {
        let thread = Thread { [weak self] in
            var pending: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 16384)
            while true {
                let count = Glibc.read(descriptor, &buffer, buffer.count)
                if count <= 0 { break }
                pending += buffer[..<count]
                while let newline = pending.firstIndex(of: UInt8(ascii: "\n")) {
                    self?.collect(pending[..<newline], error)
                    pending.removeSubrange(...newline)
                }
            }
            if !pending.isEmpty { self?.collect(pending[...], error) }
            close(descriptor)
            self?.streamEnded()
        }
        thread.start()
    }

    private func collect(_ bytes: ArraySlice<UInt8>, _ error: Bool) {
        let line = Line(text: String(decoding: bytes, as: UTF8.self), error: error)
        lock.withLock { collected.append(line) }
    }

    private func streamEnded() { lock.withLock { openStreams -= 1 } }

    private static func pipe() throws -> (Int32, Int32) {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw Failure("no pipe: \(String(cString: strerror(errno)))") }
        ends.forEach { _ = fcntl($0, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }
}

/// A process of its own that ends the children of this one when this one goes away, whatever way it goes: it reads
/// their numbers from a pipe whose end it notices.
final class Watchdog: @unchecked Sendable {
    static let shared = Watchdog()
    private let pipe: Int32

    private init() {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { fatalError("no pipe for the watchdog") }
        ends.forEach { _ = fcntl($0, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        // Out of the terminal's process group: Ctrl-C must not end it before it has done its work.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        let script = """
            declare -A pids
            while read -r what pid; do
                if [ "$what" = + ]; then pids[$pid]=1; else unset "pids[$pid]"; fi
            done
            if [ ${#pids[@]} -gt 0 ]; then kill -9 "${!pids[@]}" 2>/dev/null; fi
            """
        var words: [UnsafeMutablePointer<CChar>?] = [strdup("bash"), strdup("-c"), strdup(script), nil]
        var process = pid_t()
        guard posix_spawnp(&process, "bash", &actions, &attributes, &words, environ) == 0 else {
            fatalError("bash is needed for the watchdog")
        }
        words.forEach { free($0) }
        posix_spawnattr_destroy(&attributes)
        posix_spawn_file_actions_destroy(&actions)
        close(ends[0])
        pipe = ends[1]
        Glibc.signal(SIGPIPE, SIG_IGN)
    }

    func watch(_ pid: pid_t) { say("+ \(pid)\n") }
    func forget(_ pid: pid_t) { say("- \(pid)\n") }

    private func say(_ line: String) {
        let bytes = Array(line.utf8)
        _ = bytes.withUnsafeBytes { write(pipe, $0.baseAddress, $0.count) }
    }
}

/// What went wrong, in words.
struct Failure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
