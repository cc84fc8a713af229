import CallEvents
import Glibc

extension EventTime {
    /// What the machine's clocks say now.
    public static func now() -> EventTime {
        EventTime(wall: microseconds(CLOCK_REALTIME), mono: microseconds(CLOCK_BOOTTIME))
    }

    private static func microseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}

extension LogConfiguration {
    /// The kernel's name of this boot; empty where it gives none.
    public static var currentBoot: String {
        guard let file = fopen("/proc/sys/kernel/random/boot_id", "re") else { return "" }
        defer { fclose(file) }
        // A UUID and a newline.
        var text = [CChar](repeating: 0, count: 64)
        guard fgets(&text, Int32(text.count), file) != nil else { return "" }
        let bytes = text.prefix { $0 > 0x20 }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
