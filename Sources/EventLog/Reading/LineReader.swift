import Glibc

/// Hands over the lines of one file, newline by newline, in memory that does not grow with the file.
struct LineReader: ~Copyable {
    private static let chunk = 1 << 18

    let path: String
    private let descriptor: Int32
    private var buffer: UnsafeMutableRawBufferPointer
    /// The unread bytes are `start..<end` of the buffer.
    private var start = 0
    private var end = 0
    /// How far behind `start` there is certainly no newline.
    private var searched = 0
    /// Where the next line begins in the file.
    private(set) var offset: Int64 = 0
    /// Lines handed over.
    private(set) var lines = 0

    init(path: String) throws(LogError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LogError("cannot open", path, errno) }
        self.path = path
        self.descriptor = descriptor
        buffer = .allocate(byteCount: Self.chunk, alignment: 16)
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    /// The next line without its newline, valid until the next call; null when no whole line is left at present.
    mutating func next() throws(LogError) -> UnsafeRawBufferPointer? {
        while true {
            if let newline = newline() {
                let line = UnsafeRawBufferPointer(rebasing: buffer[start..<newline])
                offset += Int64(line.count) + 1
                lines += 1
                start = newline + 1
                searched = 0
                return line
            }
            if try !fill() { return nil }
        }
    }

    /// What stands behind the last newline.
    var rest: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer[start..<end]) }

    /// The device and number of the open file, which tell whether a name still means it.
    func identity() -> FileIdentity? { FileIdentity(descriptor: descriptor) }

    /// Goes on from here in the file.
    private mutating func seek(to offset: Int64) {
        lseek(descriptor, off_t(offset), SEEK_SET)
        self.offset = offset
        start = 0
        end = 0
        searched = 0
    }

    /// Goes to the beginning of a line near the file's end, which leaves at least one line in any log of ours.
    /// - Returns: whether lines were passed over.
    @discardableResult
    mutating func seekToTail() -> Bool {
        let tail: Int64 = 1 << 20
        guard let size = identity()?.size, size > tail else { return false }
        seek(to: size - tail)
        _ = try? next()
        return true
    }

    private mutating func newline() -> Int? {
        guard start + searched < end, let base = buffer.baseAddress else { return nil }
        guard let found = memchr(base + start + searched, 0x0A, end - start - searched) else {
            searched = end - start
            return nil
        }
        return found - UnsafeMutableRawPointer(base)
    }

    private mutating func fill() throws(LogError) -> Bool {
        if start > 0 {
            buffer.baseAddress?.copyMemory(from: buffer.baseAddress! + start, byteCount: end - start)
            end -= start
            start = 0
        }
        if end == buffer.count {
            let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: buffer.count * 2, alignment: 16)
            larger.copyMemory(from: UnsafeRawBufferPointer(buffer))
            buffer.deallocate()
            buffer = larger
        }
        while true {
            let count = read(descriptor, buffer.baseAddress! + end, buffer.count - end)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw LogError("cannot read", path, errno) }
            end += count
            return count > 0
        }
    }
}

/// Which file an open descriptor, or a name, means.
struct FileIdentity: Hashable {
    let device: UInt64
    let inode: UInt64
    let size: Int64

    init?(descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
    }

    static func == (a: FileIdentity, b: FileIdentity) -> Bool { a.device == b.device && a.inode == b.inode }

    func hash(into hasher: inout Hasher) { hasher.combine(inode) }
}
