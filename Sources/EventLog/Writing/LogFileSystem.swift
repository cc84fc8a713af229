import Glibc

/// What the writer asks of the file system, so that tests can let any of it fail.
public protocol LogFileSystem: Sendable {
    /// Creates the directory (0700), and those above it, where there is none.
    func makeDirectory(_ path: String) throws(LogError)
    /// Takes the lock of a directory; fails at once where somebody holds it.
    func lock(_ path: String) throws(LogError) -> any LogLock
    /// Creates a file (0600) for appending; fails with EEXIST where the name is taken.
    func create(_ path: String) throws(LogError) -> any LogFile
    func remove(_ path: String) throws(LogError)
    /// Makes names in the directory survive a power failure.
    func syncDirectory(_ path: String) throws(LogError)
}

/// A segment that is being written.
public protocol LogFile: AnyObject, Sendable {
    /// Appends; returns how many bytes were taken, which may be fewer.
    func write(_ bytes: UnsafeRawBufferPointer) throws(LogError) -> Int
    /// Returns when everything written will survive a power failure.
    func sync() throws(LogError)
    /// Cuts the file.
    func truncate(to size: Int64) throws(LogError)
    /// Whether the name that the file was created with still means this file.
    var isStillNamed: Bool { get }
    func close()
}

/// The right to be the only writer of a directory, until it is released.
public protocol LogLock: AnyObject, Sendable {
    var isStillNamed: Bool { get }
    func release()
}

/// The machine's own file system.
public struct POSIXFileSystem: LogFileSystem {
    /// The code of the error that `create` throws where the name is taken.
    public static let nameTaken = EEXIST

    public init() {}

    public func makeDirectory(_ path: String) throws(LogError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            try makeDirectory(String(path[..<slash]))
            if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        }
        throw LogError("cannot create the directory", path, errno)
    }

    public func lock(_ path: String) throws(LogError) -> any LogLock {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LogError("cannot open", path, errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            guard code == EWOULDBLOCK else { throw LogError("cannot lock", path, code) }
            throw LogError("cannot lock", path, because: "another controller writes this log")
        }
        return POSIXLock(descriptor: descriptor, path: path)
    }

    public func create(_ path: String) throws(LogError) -> any LogFile {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw LogError("cannot create", path, errno) }
        return POSIXFile(descriptor: descriptor, path: path)
    }

    public func remove(_ path: String) throws(LogError) {
        guard unlink(path) == 0 else { throw LogError("cannot remove", path, errno) }
    }

    public func syncDirectory(_ path: String) throws(LogError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LogError("cannot open", path, errno) }
        defer { close(descriptor) }
        // Some file systems cannot sync a directory and say so with EINVAL.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw LogError("cannot sync", path, errno) }
    }
}

/// Used by the log's thread alone.
private final class POSIXFile: LogFile {
    let descriptor: Int32
    let path: String

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(LogError) -> Int {
        while true {
            let count = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            if count >= 0 { return count }
            guard errno == EINTR else { throw LogError("cannot write", path, errno) }
        }
    }

    func sync() throws(LogError) {
        while fdatasync(descriptor) != 0 {
            guard errno == EINTR else { throw LogError("cannot sync", path, errno) }
        }
    }

    func truncate(to size: Int64) throws(LogError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw LogError("cannot cut", path, errno) }
    }

    var isStillNamed: Bool {
        guard let named = FileIdentity(path: path) else { return false }
        return named == FileIdentity(descriptor: descriptor)
    }

    func close() { _ = Glibc.close(descriptor) }
}

private final class POSIXLock: LogLock {
    let descriptor: Int32
    let path: String

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    var isStillNamed: Bool {
        guard let named = FileIdentity(path: path) else { return false }
        return named == FileIdentity(descriptor: descriptor)
    }

    func release() { _ = Glibc.close(descriptor) }
}
