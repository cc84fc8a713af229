import CallEvents
import EventLog
import TransferEngine

/// Everything that reaches the engine thread. Time travels with what has its own.
enum RunMessage: Sendable {
    case telephony(TelephonyEvent)
    case control(ControlRequest)
    /// SIGTERM or SIGINT.
    case terminate
    /// All records up to the ticket are on the disk.
    case durable(UInt64)
    case logHealth(writable: Bool)
    case configuration(ConfigurationChange)
    /// What the log knows from before the start.
    case remembered([Input])
}

/// What a client of the control socket wants of the engine thread.
struct ControlRequest: Sendable {
    enum Wish: Sendable {
        case command(Command)
        case calls
        case call(String)
        case status
        case agents
        case groups
        case agent(String, AgentCommand)
    }

    var wish: Wish
    var answer: ControlAnswer
}

/// Waited for by the thread of the client, filled by the engine thread.
final class ControlAnswer: @unchecked Sendable {
    enum Value: Sendable {
        case command(CommandResult)
        case calls([CallSummary])
        /// With what is known of each leg's media.
        case call(CallDetail?, [LegMedia?])
        case agents([AgentSummary])
        case groups([GroupSummary])
        case status(RunStatus)
        /// The controller has ended meanwhile.
        case stopped
    }

    private let monitor = Monitor()
    private var value: Value?

    /// The first value counts.
    func give(_ value: Value) {
        monitor.lock()
        if self.value == nil { self.value = value }
        monitor.broadcast()
        monitor.unlock()
    }

    func wait() -> Value {
        monitor.lock()
        defer { monitor.unlock() }
        while true {
            if let value { return value }
            monitor.wait(microseconds: nil)
        }
    }
}

/// What only the engine thread knows, for `status`.
struct RunStatus: Sendable {
    var openCalls: Int
    var accepting: Bool
    var draining: Bool
    /// SIP messages and replies that went before their lines were on the disk.
    var late: Int
    var registered: [Registered]

    struct Registered: Sendable {
        var agent: String
        var contact: String
    }
}
