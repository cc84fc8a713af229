import CallEvents

/// How a log is doing.
public struct LogStatus: Codable, Hashable, Sendable {
    /// False from the moment in which a line could not be written, nor written again to a new file, until all can.
    public var writable = true
    /// Why it is not writable.
    public var error: String?
    /// The last line that is safe on the disk.
    public var syncedSeq: UInt64 = 0
    /// Lines that are not.
    public var waiting = 0
    /// Lines lost because too many waited.
    public var dropped = 0
    /// `call.refused` that were only counted, because the log was down.
    public var refusedUnlogged = 0
    /// The segment being written.
    public var file: String?
    /// How many times a file was left after a failure.
    public var failures = 0

    public init() {}
}

/// What a start found of the last run.
public struct LogRecovery: Hashable, Sendable {
    /// Whether the last run ended without saying so.
    public var wasInterrupted = false
    /// Bytes moved to `FILE.torn`.
    public var tornBytes = 0
    /// Calls closed as lost.
    public var lostCalls = 0
    /// The last sequence number of the log, 0 for an empty one.
    public var lastSeq: UInt64 = 0
}
