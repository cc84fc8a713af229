import Glibc

/// CPU time and memory of a process at one instant, as /proc tells it.
struct LoadSample {
    /// User and system time of all threads, in milliseconds.
    var cpu: Double
    /// Resident set and proportional set, in kilobytes.
    var resident: Int
    var proportional: Int
    /// Seconds on the monotonic clock.
    var at: Double

    /// Null when there is no such process.
    init?(pid: Int32) {
        guard let stat = Self.read("/proc/\(pid)/stat"), let afterName = stat.lastIndex(of: ")") else { return nil }
        // proc(5): utime and stime are the 14th and 15th field; the name, the 2nd, may hold spaces.
        let fields = stat[stat.index(after: afterName)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        cpu = (user + system) * 1000 / Double(sysconf(Int32(_SC_CLK_TCK)))
        resident = 0
        proportional = 0
        at = loadNow()
        for line in (Self.read("/proc/\(pid)/smaps_rollup") ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, let kilobytes = Int(words[1]) else { continue }
            if words[0] == "Rss:" { resident = kilobytes }
            if words[0] == "Pss:" { proportional = kilobytes }
        }
    }

    private static func read(_ path: String) -> String? {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = Glibc.read(file, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}

/// Seconds on the monotonic clock.
func loadNow() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}
