import CallEvents
import EventLog
import Glibc

/// Time stamps of the log (RFC 3339, UTC) in the local time of whoever reads.
enum LocalTime {
    /// `2026-11-21T22:07:39.123456Z` → `23:07:39.123`; what cannot be read stays as it is.
    static func clock(_ timestamp: String) -> String { format(timestamp, "%H:%M:%S") ?? timestamp }

    /// The same with the day before it.
    static func full(_ timestamp: String) -> String { format(timestamp, "%Y-%m-%d %H:%M:%S") ?? timestamp }

    private static func format(_ timestamp: String, _ format: String) -> String? {
        guard let time = WallTime(timestamp: timestamp) else { return nil }
        var seconds = Int(time.microseconds / 1_000_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 64)
        let length = strftime(&buffer, buffer.count, format, &parts)
        let text = String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard let point = timestamp.firstIndex(of: ".") else { return text }
        return text + timestamp[point...].prefix(4)
    }
}
