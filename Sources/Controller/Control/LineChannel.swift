import Foundation

/// Lines over a connected Unix socket, blocking. One thread reads; writing is for one thread at a time.
final class LineChannel: @unchecked Sendable {
    enum Received {
        case line(Data)
        /// The peer sent more than a line may hold.
        case tooLong
        case end
    }

    private let descriptor: Int32
    private var buffer = Data()

    /// Takes the descriptor over.
    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Connects to a listening socket; null when nobody listens there.
    convenience init?(path: String) {
        guard let address = UnixAddress(path) else { return nil }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        guard address.with({ connect(descriptor, $0, $1) }) == 0 else {
            let code = errno
            close(descriptor)
            errno = code
            return nil
        }
        self.init(descriptor: descriptor)
    }

    /// A peer that does not read for so long is given up.
    func limitWriting(seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    /// The next line without its newline; empty ones are passed over.
    func receive(maximum: Int = .max) -> Received {
        while true {
            while let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Data(buffer[buffer.startIndex..<end])
                buffer = Data(buffer[(end + 1)...])
                if line.count > maximum { return .tooLong }
                if !line.isEmpty { return .line(line) }
            }
            if buffer.count > maximum { return .tooLong }
            var chunk = [UInt8](repeating: 0, count: 16_384)
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return .end }
            buffer += chunk[..<count]
        }
    }

    /// False when the peer is gone or does not read.
    @discardableResult
    func send(_ line: String) -> Bool {
        let bytes = Array((line + "\n").utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { bytes -> Int in
                guard let base = bytes.baseAddress else { return 0 }
                return Glibc.send(descriptor, base + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Whether nobody is at the other end any more. A peer that only said its last word is still there.
    var isGone: Bool {
        var entry = pollfd(fd: descriptor, events: 0, revents: 0)
        return poll(&entry, 1, 0) > 0 && entry.revents & Int16(POLLHUP | POLLERR) != 0
    }

    /// Ends reading, of a thread that waits for a line too; what is being sent still goes.
    func endReading() { shutdown(descriptor, Int32(SHUT_RD)) }
}

/// The address of a Unix socket; `@name` is one in the abstract name space.
struct UnixAddress {
    private var address = sockaddr_un()
    private var length: socklen_t

    /// Null for a path that is too long or empty.
    init?(_ path: String) {
        var bytes = Array(path.utf8)
        let isAbstract = bytes.first == UInt8(ascii: "@")
        if isAbstract { bytes[0] = 0 }
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        // An abstract name has no terminator: its length says where it ends.
        let offset = MemoryLayout<sa_family_t>.size
        length = socklen_t(offset + bytes.count + (isAbstract ? 0 : 1))
    }

    func with<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}
