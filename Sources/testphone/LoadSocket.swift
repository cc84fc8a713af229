import Glibc

/// The C library declares recvmmsg, sendmmsg and their structure for GNU sources alone, which Swift's module of it is not.
struct LoadBatchEntry {
    var header = msghdr()
    var length: UInt32 = 0
}

private typealias ReceiveBatch =
    @convention(c) (Int32, UnsafeMutableRawPointer, UInt32, Int32, UnsafeMutableRawPointer?) -> Int32
private typealias SendBatch = @convention(c) (Int32, UnsafeMutableRawPointer, UInt32, Int32) -> Int32

/// A function of the C library that its Swift module does not declare.
func loadSymbol<Function>(_ name: String) throws -> Function {
    guard let address = dlsym(nil, name) else { throw LoadUsageError(message: "this system has no \(name)") }
    return unsafeBitCast(address, to: Function.self)
}

/// A UDP socket of the load, bound to 127.x.y.z, with batches for many small datagrams.
final class LoadSocket {
    let descriptor: Int32
    let port: UInt16

    /// The most datagrams in one system call.
    static let batch = 128
    private static let size = 2048
    private static let controlSize = 64

    private let receiveBatch: ReceiveBatch
    private let sendBatch: SendBatch
    private let messages = UnsafeMutablePointer<LoadBatchEntry>.allocate(capacity: batch)
    private let vectors = UnsafeMutablePointer<iovec>.allocate(capacity: batch)
    private let names = UnsafeMutablePointer<sockaddr_in>.allocate(capacity: batch)
    private let space = UnsafeMutablePointer<UInt8>.allocate(capacity: batch * size)
    private let control = UnsafeMutableRawPointer.allocate(byteCount: batch * controlSize, alignment: 16)

    init(address: in_addr, port: UInt16) throws {
        receiveBatch = try loadSymbol("recvmmsg")
        sendBatch = try loadSymbol("sendmmsg")
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        self.port = port
        var size = Int32(8 << 20)
        // The privileged form goes beyond net.core.rmem_max; without the privilege the plain one does what it can.
        for (force, plain) in [(SO_RCVBUFFORCE, SO_RCVBUF), (SO_SNDBUFFORCE, SO_SNDBUF)]
        where setsockopt(descriptor, SOL_SOCKET, force, &size, 4) != 0 {
            setsockopt(descriptor, SOL_SOCKET, plain, &size, 4)
        }
        var name = Self.name(address, port)
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard bound == 0 else {
            throw LoadUsageError(message: "port \(port) cannot be bound: \(String(cString: strerror(errno)))")
        }
    }

    deinit {
        close(descriptor)
        messages.deallocate()
        vectors.deallocate()
        names.deallocate()
        space.deallocate()
        control.deallocate()
    }

    static func name(_ address: in_addr, _ port: UInt16) -> sockaddr_in {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr = address
        return name
    }

    /// The kernel notes each datagram's arrival, so that it may be read later without losing when it came.
    func stampArrivals() {
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, 4)
    }

    func send(_ bytes: [UInt8], to name: sockaddr_in) {
        var name = name
        _ = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// Sends packets that lie in memory until it returns; what the kernel does not take is lost, as on a wire.
    func send(_ entries: UnsafeMutablePointer<LoadBatchEntry>, count: Int) {
        var sent = 0
        while sent < count {
            let done = Int(sendBatch(descriptor, entries + sent, UInt32(min(count - sent, 512)), 0))
            sent += max(done, 1)
        }
    }

    /// Reads what has come, in one batch; whether there may be more. `arrival` is 0 without `stampArrivals`.
    func receive(_ handle: (_ datagram: LoadText, _ from: UInt16, _ arrival: Double) -> Void) -> Bool {
        for index in 0..<Self.batch {
            vectors[index] = iovec(iov_base: space + index * Self.size, iov_len: Self.size)
            var header = msghdr()
            header.msg_name = UnsafeMutableRawPointer(names + index)
            header.msg_namelen = socklen_t(MemoryLayout<sockaddr_in>.size)
            header.msg_iov = vectors + index
            header.msg_iovlen = 1
            header.msg_control = control + index * Self.controlSize
            header.msg_controllen = Self.controlSize
            messages[index] = LoadBatchEntry(header: header)
        }
        let count = Int(receiveBatch(descriptor, messages, UInt32(Self.batch), 0, nil))
        guard count > 0 else { return false }
        for index in 0..<count {
            let datagram = LoadText(start: space + index * Self.size, count: Int(messages[index].length))
            handle(datagram, UInt16(bigEndian: names[index].sin_port), arrival(messages[index].header))
        }
        return count == Self.batch
    }

    private func arrival(_ header: msghdr) -> Double {
        guard header.msg_controllen >= 32, let control = header.msg_control else { return 0 }
        // The one control message asked for is SCM_TIMESTAMPNS: a cmsghdr of 16 bytes, then a timespec.
        let stamp = (control + 16).assumingMemoryBound(to: timespec.self).pointee
        return Double(stamp.tv_sec) + Double(stamp.tv_nsec) / 1e9
    }
}

/// Seconds on the wall clock: what arrivals are compared with.
func loadWallClock() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}
