import Foundation

/// The listening end of the control socket: mode 0600, never taken from a controller that lives.
final class ControlSocket: Sendable {
    let path: String
    private let descriptor: Int32
    private let identity: UInt64

    /// Begins to listen. What a dead controller left at the path is replaced.
    init(path: String) throws(ControllerError) {
        guard let address = UnixAddress(path), !path.hasPrefix("@") else {
            throw ControllerError("control.socket: \"\(path)\" is no path for a Unix socket")
        }
        self.path = path
        // Two that start at once must not each find the other's new socket dead before it listens.
        let directory = try Self.lockDirectory(of: path)
        defer { close(directory) }
        try Self.removeStale(path)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Self.failure("make", path) }
        // The mode is right from the first moment: bind creates the file by it.
        let mask = umask(0o177)
        let bound = address.with { bind(descriptor, $0, $1) }
        umask(mask)
        guard bound == 0, listen(descriptor, 16) == 0 else {
            let failure = Self.failure("listen on", path)
            close(descriptor)
            throw failure
        }
        self.descriptor = descriptor
        identity = Self.identity(of: path)
    }

    deinit { close(descriptor) }

    /// The next client; null once `stop` was called.
    func accept() -> LineChannel? {
        while true {
            let client = Glibc.accept(descriptor, nil, nil)
            if client >= 0 { return LineChannel(descriptor: client) }
            switch errno {
            case EINTR, ECONNABORTED: continue
            case EMFILE, ENFILE, ENOMEM, ENOBUFS:
                // Nothing to accept with: the client waits until others have gone.
                poll(nil, 0, 100)
            default: return nil
            }
        }
    }

    /// Ends `accept` and removes the path, if it is still ours.
    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        if Self.identity(of: path) == identity { unlink(path) }
    }

    private static func lockDirectory(of path: String) throws(ControllerError) -> Int32 {
        let parent = path.contains("/") ? String(path[...(path.lastIndex(of: "/") ?? path.startIndex)]) : "."
        let directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw failure("open the directory of", path) }
        for _ in 0..<50 {
            if flock(directory, LOCK_EX | LOCK_NB) == 0 { return directory }
            poll(nil, 0, 100)
        }
        close(directory)
        throw ControllerError("the directory of the control socket \(path) has been locked by another process for 5 s")
    }

    private static func removeStale(_ path: String) throws(ControllerError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw ControllerError("control socket \(path): a file that is no socket is in the way")
        }
        if LineChannel(path: path) != nil {
            throw ControllerError("control socket \(path): another controller is listening there")
        }
        guard errno == ECONNREFUSED else { throw failure("test", path) }
        guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove the stale", path) }
    }

    private static func identity(of path: String) -> UInt64 {
        var status = stat()
        return lstat(path, &status) == 0 ? UInt64(status.st_ino) : 0
    }

    private static func failure(_ action: String, _ path: String) -> ControllerError {
        ControllerError("cannot \(action) control socket \(path): \(String(cString: strerror(errno)))")
    }
}
