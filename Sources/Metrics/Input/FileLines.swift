import Glibc

/// The lines of one file, in memory that grows with its longest line alone. (A mapped file would count as memory of
/// ours, page by page.)
final class FileLines {
    private static let chunk = 1 << 20

    let path: String
    /// The number of the line handed over last, from 1.
    private(set) var number = 0
    /// Whether the line handed over last ended in a newline; only a file's last line may not.
    private(set) var isWhole = true
    /// Bytes read so far.
    private(set) var bytes = 0
    private let descriptor: Int32
    private var buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0
    private var atEnd = false

    init(path: String) throws(InputError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw InputError("cannot open", path, errno: errno) }
        buffer = Self.allocate(Self.chunk)
    }

    /// A buffer with readable bytes behind it.
    private static func allocate(_ count: Int) -> UnsafeMutableRawBufferPointer {
        let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: count + CanonicalScanner.slack, alignment: 64)
        whole.initializeMemory(as: UInt8.self, repeating: 0)
        return UnsafeMutableRawBufferPointer(rebasing: whole[..<count])
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    /// The next line without its newline, valid until the next call; null at the end of the file.
    func next() throws(InputError) -> UnsafeRawBufferPointer? {
        var searched = 0
        while let base = buffer.baseAddress {
            if let newline = memchr(base + start + searched, 0x0A, end - start - searched) {
                let length = newline - UnsafeMutableRawPointer(base + start)
                return take(length, skipping: 1)
            }
            searched = end - start
            if atEnd {
                isWhole = false
                return searched == 0 ? nil : take(searched, skipping: 0)
            }
            try fill()
        }
        return nil
    }

    private func take(_ length: Int, skipping: Int) -> UnsafeRawBufferPointer {
        let line = UnsafeRawBufferPointer(rebasing: buffer[start..<(start + length)])
        start += length + skipping
        number += 1
        return line
    }

    private func fill() throws(InputError) {
        if start > 0, let base = buffer.baseAddress {
            memmove(base, base + start, end - start)
            end -= start
            start = 0
        }
        if end == buffer.count {
            let larger = Self.allocate(buffer.count * 2)
            larger.copyMemory(from: UnsafeRawBufferPointer(buffer))
            buffer.deallocate()
            buffer = larger
        }
        while let base = buffer.baseAddress {
            let count = read(descriptor, base + end, buffer.count - end)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw InputError("cannot read", path, errno: errno) }
            end += count
            bytes += count
            atEnd = count == 0
            return
        }
    }
}
