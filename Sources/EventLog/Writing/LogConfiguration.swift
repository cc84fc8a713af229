/// When a line counts as safe.
public enum Durability: String, Codable, Hashable, Sendable, CaseIterable {
    /// Written at once, or 10 ms after the last write at the latest; synced within `LogConfiguration.syncInterval`.
    case batch
    /// Synced before the call goes on: whoever waits for a line is told as soon as it is.
    case always
}

/// How a log is written.
public struct LogConfiguration: Hashable, Sendable {
    public var directory: String
    /// The controller's name, part of every line.
    public var node: String
    /// Names this boot of the machine: within it the monotonic clock goes on.
    public var boot: String
    public var durability: Durability
    /// A segment ends when it has as many bytes.
    public var segmentBytes: Int
    /// Segments are deleted whose events are all older; null: none.
    public var keepDays: Int?
    /// How many lines wait while the log cannot be written; further ones are dropped and counted.
    public var maxPending: Int
    /// In milliseconds: how long a written line may be unsynced in `batch`.
    public var syncInterval: Int
    /// In milliseconds: the first wait before a failed log is tried again; doubled each time up to the second.
    public var retryDelay: ClosedRange<Int>

    public init(
        directory: String, node: String, boot: String = LogConfiguration.currentBoot, durability: Durability = .batch,
        segmentBytes: Int = 67_108_864, keepDays: Int? = nil, maxPending: Int = 1_000_000, syncInterval: Int = 50,
        retryDelay: ClosedRange<Int> = 100...5000
    ) {
        self.directory = directory
        self.node = node
        self.boot = boot
        self.durability = durability
        self.segmentBytes = segmentBytes
        self.keepDays = keepDays
        self.maxPending = maxPending
        self.syncInterval = syncInterval
        self.retryDelay = retryDelay
    }
}
