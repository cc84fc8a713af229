/// A group of agents and how its queue is worked. Times are in milliseconds where nothing else is said.
public struct GroupSettings: Codable, Hashable, Sendable {
    /// How a group chooses among its free members, of those of the lowest tier.
    public enum Strategy: String, Codable, Hashable, Sendable, CaseIterable {
        /// Who has been free longest.
        case longestIdle = "longest-idle"
        /// Who stands first in `members`.
        case linear
        /// Who stands behind the one who was offered a caller last.
        case roundRobin = "round-robin"
        /// Who has answered the fewest calls since the controller started.
        case fewestCalls = "fewest-calls"
        /// All of them at once.
        case ringAll = "ring-all"
    }

    /// A row of a `serviceLevel` table.
    public struct ServiceLevel: Codable, Hashable, Sendable {
        /// Callers of at least this priority; null: all.
        public var priority: Int?
        /// Callers for whom this skill is asked; null: all.
        public var skill: String?
        public var seconds: Int

        public init(priority: Int? = nil, skill: String? = nil, seconds: Int) {
            self.priority = priority
            self.skill = skill
            self.seconds = seconds
        }
    }

    /// What waiting callers are offered instead of waiting.
    public struct Callback: Codable, Hashable, Sendable {
        /// The key that asks for it.
        public var digit: String
        /// How often the caller is tried.
        public var attempts: Int
        /// Between two tries.
        public var retryAfter: Int

        public init(digit: String, attempts: Int = 3, retryAfter: Int = 300_000) {
            self.digit = digit
            self.attempts = attempts
            self.retryAfter = retryAfter
        }
    }

    /// What waiting callers are told while they hear music.
    public struct Announcements: Codable, Hashable, Sendable {
        public enum Part: String, Codable, Hashable, Sendable, CaseIterable {
            /// The caller's place in the queue.
            case position
            /// How long it may still take, where that can be estimated (`Context.expectedWait`).
            case wait
            /// The key that asks for a call-back, where there is one and this caller can be called back.
            case callback
        }

        /// From the beginning of one to the beginning of the next.
        public var every: Int
        /// From the beginning of the waiting, or of our answer, to the first.
        public var after: Int
        public var parts: [Part]
        /// The directory of the sound files; null: a comfort tone is played instead of words.
        public var sounds: String?

        public init(every: Int, after: Int = 5_000, parts: [Part] = Part.allCases, sounds: String? = nil) {
            self.every = every
            self.after = after
            self.parts = parts
            self.sounds = sounds
        }
    }

    /// What a digit behind the resolve code, or a caller's own verdict, means.
    public struct Disposition: Codable, Hashable, Sendable {
        /// `0`–`9`
        public var digit: String
        public var code: String
        public var resolved: Bool

        public init(digit: String, code: String, resolved: Bool) {
            self.digit = digit
            self.code = code
            self.resolved = resolved
        }
    }

    /// The caller is asked, once the agent has hung up, whether the matter is resolved.
    public struct Verdict: Codable, Hashable, Sendable {
        public var yes: String
        public var no: String
        /// How long the answer is waited for.
        public var timeout: Int

        public init(yes: String = "1", no: String = "2", timeout: Int = 8_000) {
            self.yes = yes
            self.no = no
            self.timeout = timeout
        }
    }

    public var name: String
    public var members: [String]
    public var strategy: Strategy
    public var ringTimeout: Int
    public var maxWait: Int
    /// So many may wait; the next goes to the overflow. Null: any number.
    public var maxQueue: Int?
    /// Seconds, as the log says it; null: none agreed. Holds where no row of `serviceLevels` does.
    public var serviceLevel: Int?
    /// The first row that fits the caller holds.
    public var serviceLevels: [ServiceLevel] = []
    /// Percent of the callers who are to be answered within the service level.
    public var serviceTarget: Int?
    public var overflow: Destination?
    /// After so much waiting the next tier may be offered the caller too; null: all at once, lower tiers first.
    public var tierAfter: Int?
    /// After so much waiting the skills asked for no longer matter; null: never.
    public var skillsAfter: Int?
    /// So much waiting is worth one step of priority; null: priority goes before all waiting.
    public var raiseAfter: Int?
    /// Added to the priority of a caller who has never been seen before.
    public var newCallers = 0
    /// The first offer of a caller goes to the agent who had them last within so many days; 0: to anybody.
    public var lastAgentDays = 0
    public var callback: Callback?
    /// The file whose music those who wait hear; null: the music of all.
    public var music: String?
    public var announcements: Announcements?
    public var dispositions: [Disposition] = []
    public var verdict: Verdict?

    public init(
        name: String, members: [String], strategy: Strategy = .longestIdle, ringTimeout: Int = 20_000,
        maxWait: Int = 300_000, maxQueue: Int? = nil, serviceLevel: Int? = nil, overflow: Destination? = nil
    ) {
        self.name = name
        self.members = members
        self.strategy = strategy
        self.ringTimeout = ringTimeout
        self.maxWait = maxWait
        self.maxQueue = maxQueue
        self.serviceLevel = serviceLevel
        self.overflow = overflow
    }
}

/// When an agent is logged in.
public enum LoginMode: String, Codable, Hashable, Sendable, CaseIterable {
    /// As soon as there is an address to call: from the start where `uri` names one, else while the phone is registered.
    /// Who logs out stays out until they log in.
    case auto
    /// By command or code alone.
    case manual
}

/// What an agent dials, as a call of its own to the controller; null: not that way.
public struct AgentCodes: Codable, Hashable, Sendable {
    public var login: String?
    public var logout: String?
    public var ready: String?
    public var pause: String?
    /// Followed by a digit: the verdict on the agent's last call, by the group's `dispositions`.
    public var resolve: String?

    public init(
        login: String? = "*11", logout: String? = "*12", ready: String? = "*13", pause: String? = "*14",
        resolve: String? = "*6"
    ) {
        self.login = login
        self.logout = logout
        self.ready = ready
        self.pause = pause
        self.resolve = resolve
    }
}

/// The priority of a caller, or of all whose numbers begin alike.
public struct CallerPriority: Codable, Hashable, Sendable {
    /// A number as `call.arrived` says it (`caller`), or a prefix (`+3712*`).
    public var pattern: String
    public var priority: Int

    public init(pattern: String, priority: Int) {
        self.pattern = pattern
        self.priority = priority
    }
}
