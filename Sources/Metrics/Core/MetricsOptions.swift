import CallEvents
import Foundation

/// What is asked of the metrics core.
public struct MetricsOptions: Sendable {
    /// Things that began at or after this moment count, in microseconds since 1970; null: from the log's beginning.
    public var since: Int64?
    /// Things that began before this moment count; null: to the log's end.
    public var until: Int64?
    public var by: [GroupKey] = []
    /// In which hours, days, … begin, and moments without an offset are read.
    public var timeZone: TimeZone
    /// The service level's threshold in seconds for calls that name none of their own.
    public var serviceLevel = 20
    /// An abandoned wait of no more milliseconds than this is a mistake of the caller's.
    public var shortAbandonMs: Int64 = 5000
    public var direction = Direction.inbound
    /// The percentage that the service level is to reach; null: none was named.
    public var target: Double?
    /// Whether lengths are counted by whole seconds as well.
    var countsSeconds = false
    /// Thresholds of the service level that a histogram shows, in seconds.
    var thresholds: [Int] = []

    public init(since: Int64? = nil, until: Int64? = nil, by: [GroupKey] = [], timeZone: TimeZone? = nil) {
        self.since = since
        self.until = until
        self.by = by
        self.timeZone = timeZone ?? TimeZone(secondsFromGMT: 0)!
    }

    func includes(_ began: Int64) -> Bool { began >= since ?? .min && began < until ?? .max }
}
