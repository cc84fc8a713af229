import CallEvents

/// The state machines of calls, holds, consults and transfers. Pure: no clock, no I/O, no randomness; the same inputs
/// give the same effects byte for byte.
public struct TransferEngine: Codable, Sendable {
    private var configuration: EngineConfiguration

    public init(configuration: EngineConfiguration) {
        self.configuration = configuration
    }

    /// Takes one input and says what to do about it, in order.
    public mutating func handle(_ input: Input, at time: EventTime) -> [Effect] {
        []
    }

    /// The open calls, oldest first.
    public func calls() -> [CallSummary] { [] }

    /// One open call; null when no call has this id.
    public func call(_ id: String) -> CallDetail? { nil }

    /// One `call.open` record per open call, oldest first: what a new segment of the log begins with. They agree with
    /// what the engine has logged up to now, not with what it knows already and has yet to log.
    public func openCalls(at time: EventTime) -> [CallRecord] { [] }
}
