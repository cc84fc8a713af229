/// An instant as the log states it: what the wall clock said, and what a clock said that never steps.
public struct EventTime: Hashable, Codable, Sendable {
    /// Microseconds since 1970-01-01T00:00:00Z (CLOCK_REALTIME).
    public var wall: Int64
    /// Microseconds since the machine booted, suspended time included (CLOCK_BOOTTIME).
    public var mono: Int64

    public init(wall: Int64, mono: Int64) {
        self.wall = wall
        self.mono = mono
    }

    /// `mono_ms` of the log: the monotonic clock in milliseconds, truncated. Every duration in the log is a difference
    /// of two of these, so that parts add up exactly.
    public var monoMilliseconds: Int64 { mono / 1000 }

    /// The wall clock alone, for fields such as `arrived`.
    public var wallTime: WallTime { WallTime(microseconds: wall) }
}

/// A moment of the wall clock in microseconds since 1970-01-01T00:00:00Z; in the log, RFC 3339 in UTC with six decimals.
public struct WallTime: Hashable, Comparable, Codable, Sendable {
    public var microseconds: Int64

    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    public static func < (a: WallTime, b: WallTime) -> Bool { a.microseconds < b.microseconds }
}
