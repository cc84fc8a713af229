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
}
