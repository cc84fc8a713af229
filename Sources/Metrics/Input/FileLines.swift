import Glibc

/// The lines of one file, in memory that grows with its longest line alone. (A mapped file would count as memory of
/// ours, page by page.)
final class FileLines {
    private static let chunk = 1 << 20
    /// No event is as long as this: what has no newline for so long is no log.
    private static let longest = 1 << 26

    let path: String
    /// The number of the line handed over last, from 1.
    private(set) var number = 0
    /// Whether the line handed over last ended in a newline; only what `rest` hands over does not.
    private(set) var isWhole = true
    /// Bytes read so far.
    private(set) var bytes = 0
    private let descriptor: Int32
    private var buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0
    /// How far behind `start` there is certainly no newline.
    private var searched = 0

    /// Null where the file is there no more: a segment may be deleted after a directory was listed.
    init?(path: String) throws(InputError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw InputError("cannot open", path, errno: errno)
        }
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

    /// The next line without its newline, valid until the next call; null when no whole line is left at present.
    func next() throws(InputError) -> UnsafeRawBufferPointer? {
        while let base = buffer.baseAddress {
            if let newline = memchr(base + start + searched, 0x0A, end - start - searched) {
                return take(newline - UnsafeMutableRawPointer(base + start), skipping: 1)
            }
            searched = end - start
            if try !fill() { return nil }
        }
        return nil
    }

    /// What stands behind the last newline, once; null where that is nothing.
    func rest() -> UnsafeRawBufferPointer? {
        guard start < end else { return nil }
        isWhole = false
        return take(end - start, skipping: 0)
    }

    private func take(_ length: Int, skipping: Int) -> UnsafeRawBufferPointer {
        // A byte order mark is no part of the first line (RFC 8259 §8.1 lets a reader pass over it).
        let mark = number == 0 && length >= 3 && buffer[start..<(start + 3)].elementsEqual([0xEF, 0xBB, 0xBF]) ? 3 : 0
        let line = UnsafeRawBufferPointer(rebasing: buffer[(start + mark)..<(start + length)])
        start += length + skipping
        searched = 0
        number += 1
        return line
    }

    /// False at the file's present end.
    private func fill() throws(InputError) -> Bool {
        if start > 0, let base = buffer.baseAddress {
            memmove(base, base + start, end - start)
            end -= start
            start = 0
        }
        if end == buffer.count {
            if end > Self.longest { throw InputError("\(path) is not an event log: it has a line without end") }
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
            return count > 0
        }
        return false
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the line holds nothing but white space.
    var isBlank: Bool { allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } }
}
