import Foundation

/// A value of an output line.
enum OutputValue {
    case text(String)
    case number(Int)
    case decimal(Double)
    case flag(Bool)
    case object([(String, OutputValue)])

    var json: String {
        switch self {
        case .text(let text): quoted(text)
        case .number(let number): String(number)
        case .decimal(let number): String(format: "%.3f", number)
        case .flag(let flag): flag ? "true" : "false"
        case .object(let fields): "{" + fields.map { "\(quoted($0.0)):\($0.1.json)" }.joined(separator: ",") + "}"
        }
    }

    private func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case _ where scalar.value < 0x20: out += String(format: "\\u%04x", scalar.value)
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}

/// The present instant: CLOCK_REALTIME and CLOCK_BOOTTIME in microseconds, as the events of telephony carry them.
func now() -> (wall: Int64, mono: Int64) {
    func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
    return (read(CLOCK_REALTIME), read(CLOCK_BOOTTIME))
}

/// RFC 3339 in UTC with microseconds.
func timestamp(_ microseconds: Int64) -> String {
    var seconds = time_t(microseconds / 1_000_000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    return String(
        format: "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
        parts.tm_hour, parts.tm_min, parts.tm_sec, Int(microseconds % 1_000_000))
}

/// Prints one line: `time`, `mono_us`, `event`, then what belongs to the event.
func say(_ event: String, at time: (wall: Int64, mono: Int64)? = nil, _ fields: [(String, OutputValue?)]) {
    let time = time ?? now()
    var all: [(String, OutputValue)] = [
        ("time", .text(timestamp(time.wall))), ("mono_us", .number(Int(time.mono))), ("event", .text(event)),
    ]
    for case (let key, let value?) in fields { all.append((key, value)) }
    // One write a line, unbuffered: whoever reads along wants it at once.
    let line = Array((OutputValue.object(all).json + "\n").utf8)
    _ = line.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
}

/// A C structure of zeroes, for `use` to fill: Swift makes none where a pointer may not be null.
func withZeroed<Structure, Result>(
    _: Structure.Type, _ use: (UnsafeMutablePointer<Structure>) throws -> Result
) rethrows -> Result {
    let pointer = UnsafeMutablePointer<Structure>.allocate(capacity: 1)
    defer { pointer.deallocate() }
    memset(pointer, 0, MemoryLayout<Structure>.size)
    return try use(pointer)
}
