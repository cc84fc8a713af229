import CallEvents

/// Where records go: the log's writer. A protocol, so that the run loop can be tested without a disk.
protocol EventSink: Sendable {
    /// Hands a record over, never waiting for the disk; returns the ticket that will be reported as safe.
    @discardableResult
    func enqueue(_ record: CallRecord) -> UInt64
    /// What was handed over is to be written now. Once a turn is enough: waking a thread costs more than a line does.
    func wake()
}
