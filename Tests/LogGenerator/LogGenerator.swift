import CallEvents

/// A call centre that never was, simulated from a seed: callers arrive, queue, lose patience or are answered, are held,
/// transferred, called again; agents ring, talk, consult, wrap up and pause. What it logs holds the log's rules.
public struct LogGenerator {
    public struct Settings: Sendable {
        public var node = "ctl-1"
        public var seed: UInt64 = 1
        /// Microseconds since 1970.
        public var start: Int64 = 1_772_442_000_000_000
        public var groups = ["billing", "support"]
        public var agentsPerGroup = 8
        /// Agents' names begin with this, so that nodes may share them or not.
        public var agentPrefix = "agent"
        public var meanBetweenCalls = 12.0
        public var meanTalk = 90.0
        public var callers = 5000
        public var maxWait = 120.0

        public init() {}
    }

    let settings: Settings
    var random: SeededRandom
    var now: Int64
    private var queue = EventQueue()
    private var seq: UInt64 = 0
    private var callNumber = 0
    var calls: [Int: Call] = [:]
    var agents: [Agent] = []
    /// Calls that wait, by group, the first first.
    var waiting: [[Int]]
    private var arrivals = true
    /// Events ready to be taken.
    private var ready: [LoggedEvent] = []

    public init(settings: Settings = Settings()) {
        self.settings = settings
        random = SeededRandom(seed: settings.seed)
        now = settings.start
        waiting = settings.groups.map { _ in [] }
        add(.serviceStarted(ServiceStarted(version: "1.0", bootID: "b")), call: nil)
        for group in settings.groups.indices {
            for number in 0..<settings.agentsPerGroup {
                agents.append(
                    Agent(name: "\(settings.agentPrefix)-\(settings.groups[group])-\(number)", group: group, since: now)
                )
                schedule(Int64(number) * 500_000, .state(agents.count - 1, .available, call: nil))
            }
        }
        schedule(random.exponential(settings.meanBetweenCalls), .arrival)
    }

    /// The next event of the log; it never ends.
    public mutating func next() -> LoggedEvent {
        // Handed over in reverse, so that taking one is cheap.
        while true {
            if let event = ready.popLast() { return event }
            step()
            ready.reverse()
        }
    }

    /// That many events; the last of them leave calls open.
    public mutating func events(_ count: Int) -> [LoggedEvent] { (0..<count).map { _ in next() } }

    /// That many events, then no more arrivals until every call has ended.
    public mutating func wholeCalls(_ count: Int) -> [LoggedEvent] {
        var events = events(count)
        arrivals = false
        while !calls.isEmpty { events.append(next()) }
        return events + ready.reversed()
    }

    private mutating func step() {
        guard let item = queue.pop() else {
            // Nobody is there and nobody will come: the clock goes on.
            now += 1_000_000
            add(.serviceAlive(ServiceAlive()), call: nil)
            return
        }
        now = item.at
        switch item.action {
        case .arrival:
            guard arrivals else { break }
            arrive()
            schedule(random.exponential(settings.meanBetweenCalls), .arrival)
        case .patience(let call): losePatience(call)
        case .overflow(let call, let group): overflow(call, group)
        case .emit(let call, let event): emit(call, event)
        case .state(let agent, let state, let call): setState(agent, state, call)
        case .say(let call, let event): add(event, call: call)
        }
    }

    mutating func schedule(_ after: Int64, _ action: Action) { queue.push(at: now + max(0, after), action) }

    mutating func add(_ event: CallEvent, call: String?) {
        seq += 1
        let time = EventTime(wall: now, mono: now - settings.start + 86_400_000_000)
        ready.append(LoggedEvent(seq: seq, node: settings.node, time: time, call: call, event: event))
    }

    var monoMs: Int64 { (now - settings.start + 86_400_000_000) / 1000 }

    mutating func newCall() -> (number: Int, id: String) {
        callNumber += 1
        return (callNumber, "\(settings.node)-\(String(settings.seed, radix: 16))-\(callNumber)")
    }
}

enum Action {
    case arrival
    case patience(Int)
    case overflow(Int, group: Int)
    case emit(Int, CallEvent)
    case state(Int, AgentState, call: Int?)
    /// Said whether or not the call is still open.
    case say(String, CallEvent)
}

struct Agent {
    var name: String
    var group: Int
    var state = AgentState.offline
    var since: Int64
    /// Taken by a call that has not let its phone ring yet, or by a script that goes on.
    var isTaken = false
}

struct Call {
    var id: String
    var line: String
    var caller: String?
    var direction: Direction
    var arrived: Int64
    var group: Int
    var queued: Int64
    var attempt = 0
    var isWaiting = true
    var ringBegan: Int64 = 0
}

/// A binary heap: the earliest first, at the same time in the order of pushing.
private struct EventQueue {
    struct Item {
        var at: Int64
        var order: Int
        var action: Action
    }

    private var items: [Item] = []
    private var pushed = 0

    mutating func push(at: Int64, _ action: Action) {
        items.append(Item(at: at, order: pushed, action: action))
        pushed += 1
        var child = items.count - 1
        while child > 0, before(child, (child - 1) / 2) {
            items.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> Item? {
        guard let first = items.first else { return nil }
        items.swapAt(0, items.count - 1)
        items.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < items.count && before(child, least) {
                least = child
            }
            if least == parent { return first }
            items.swapAt(parent, least)
            parent = least
        }
    }

    private func before(_ a: Int, _ b: Int) -> Bool { (items[a].at, items[a].order) < (items[b].at, items[b].order) }
}
