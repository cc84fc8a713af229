import CallEvents

/// Where records go: the log's writer. A protocol, so that the run loop can be tested without a disk.
protocol EventSink: Sendable {
    /// Hands a record over, never waiting for the disk; returns the ticket that will be reported as safe.
    @discardableResult
    func append(_ record: CallRecord) -> UInt64
}
