/// What the engine needs of the configuration. Times are in milliseconds. Arrays keep the file's order.
public struct EngineConfiguration: Codable, Hashable, Sendable {
    public var node: String
    /// What From names where there is no caller: `sip:NODE@host`.
    public var ownURI: String
    public var agents: [AgentSettings]
    public var groups: [GroupSettings]
    public var lines: [LineSettings]
    public var transfer: TransferSettings
    /// How callers' numbers are made international; null: they are logged as they come.
    public var numbering: Numbering?
    /// Whether notes may be logged (`events.notes`).
    public var logNotes: Bool
    /// What an agent dials, as a call to the controller, to log in and so on.
    public var agentCodes: AgentCodes
    /// Priorities of callers by their number.
    public var callers: [CallerPriority]

    public init(
        node: String, ownURI: String, agents: [AgentSettings] = [], groups: [GroupSettings] = [],
        lines: [LineSettings] = [], transfer: TransferSettings = TransferSettings(),
        numbering: Numbering? = nil, logNotes: Bool = true, agentCodes: AgentCodes = AgentCodes(),
        callers: [CallerPriority] = []
    ) {
        self.node = node
        self.ownURI = ownURI
        self.agents = agents
        self.groups = groups
        self.lines = lines
        self.transfer = transfer
        self.numbering = numbering
        self.logNotes = logNotes
        self.agentCodes = agentCodes
        self.callers = callers
    }
}

/// The dialling plan around the controller (`sip.numbering`), by which a caller's number becomes E.164.
public struct Numbering: Codable, Hashable, Sendable {
    /// Country code without `+`.
    public var country: String
    /// What is dialled before a country code.
    public var international: String
    /// What is dialled before an area code; may be empty.
    public var national: String

    public init(country: String, international: String = "00", national: String = "0") {
        self.country = country
        self.international = international
        self.national = national
    }
}

public struct AgentSettings: Codable, Hashable, Sendable {
    public var name: String
    /// Null: the phone registers here.
    public var uri: String?
    public var displayName: String?
    public var skills: [String]
    public var tier: Int
    public var wrapUp: Int
    public var maxCalls: Int
    public var holdSignalling: HoldSignalling?
    public var login: LoginMode
    /// So many offers in a row not taken, and the agent is paused; 0: never.
    public var maxNoAnswer: Int

    public init(
        name: String, uri: String?, displayName: String? = nil, skills: [String] = [], tier: Int = 1, wrapUp: Int = 0,
        maxCalls: Int = 1, holdSignalling: HoldSignalling? = nil, login: LoginMode = .auto, maxNoAnswer: Int = 0
    ) {
        self.name = name
        self.uri = uri
        self.displayName = displayName
        self.skills = skills
        self.tier = tier
        self.wrapUp = wrapUp
        self.maxCalls = maxCalls
        self.holdSignalling = holdSignalling
        self.login = login
        self.maxNoAnswer = maxNoAnswer
    }
}

/// Where a line, a fallback or a target leads.
public enum Destination: Codable, Hashable, Sendable {
    case agent(String)
    case group(String)
    case uri(String)
}

public struct LineSettings: Codable, Hashable, Sendable {
    public enum AnswerMode: String, Codable, Hashable, Sendable, CaseIterable { case agent, queue }

    /// A number, a prefix (`+3120*`) or `*`.
    public var pattern: String
    public var to: Destination
    public var answer: AnswerMode
    public var overflow: Destination?
    public var holdSignalling: HoldSignalling?
    /// Of its callers in a queue; the higher goes first.
    public var priority: Int
    /// What an agent must be able to do to be offered its callers.
    public var skills: [String]

    public init(
        pattern: String, to: Destination, answer: AnswerMode = .agent, overflow: Destination? = nil,
        holdSignalling: HoldSignalling? = nil, priority: Int = 0, skills: [String] = []
    ) {
        self.pattern = pattern
        self.to = to
        self.answer = answer
        self.overflow = overflow
        self.holdSignalling = holdSignalling
        self.priority = priority
        self.skills = skills
    }
}

/// How a held party is told.
public enum HoldSignalling: String, Codable, Hashable, Sendable, CaseIterable {
    /// It just hears music.
    case media
    /// a=sendonly as well.
    case reinvite
}

/// What becomes of a completed transfer's path.
public enum Completion: String, Codable, Hashable, Sendable, CaseIterable {
    /// We stay in it.
    case bridge
    /// The caller's side is asked by REFER with Replaces to take our place.
    case refer
}

/// Whom a target's phone shows while the agent consults.
public enum CallerID: String, Codable, Hashable, Sendable, CaseIterable { case agent, caller }

public struct TransferSettings: Codable, Hashable, Sendable {
    /// One step of the fallback chain.
    public enum Step: Codable, Hashable, Sendable {
        case next
        case agent
        case group(String)
        case uri(String)
    }

    /// A named target and what `next` walks.
    public struct Target: Codable, Hashable, Sendable {
        public var digits: String
        public var destinations: [Destination]

        public init(digits: String, destinations: [Destination]) {
            self.digits = digits
            self.destinations = destinations
        }
    }

    public struct FeatureCodes: Codable, Hashable, Sendable {
        public var consult: String?
        public var cancel: String?
        public var complete: String?
        public var merge: String?
        public var swap: String?
        public var blind: String?
        public var hold: String?
        /// Followed by a digit of the group's `dispositions`.
        public var resolve: String?

        public init(
            consult: String? = "*2", cancel: String? = "*1", complete: String? = "*2", merge: String? = "*3",
            swap: String? = "*4", blind: String? = "#1", hold: String? = "*5",
            resolve: String? = "*6"
        ) {
            self.consult = consult
            self.cancel = cancel
            self.complete = complete
            self.merge = merge
            self.swap = swap
            self.blind = blind
            self.hold = hold
            self.resolve = resolve
        }
    }

    public var consultTimeout = 20_000
    public var noResponseTimeout = 4_000
    public var completionTimeout = 30_000
    public var drainTimeout = 3_600_000
    public var codeTimeout = 1_000
    public var firstDigitTimeout = 5_000
    public var digitTimeout = 3_000
    public var fallback: [Step] = [.next, .agent]
    /// So many steps of the fallback chain in one call, then the line's overflow.
    public var maxFallbacks = 20
    public var targets: [Target] = []
    /// `sip:{digits}@host`: digits that name no target; null: refused.
    public var dial: String?
    /// Regular expressions, each for a whole canonical URI.
    public var allow: [String] = []
    public var holdSignalling = HoldSignalling.media
    public var callerID = CallerID.agent
    public var completion = Completion.bridge
    public var featureCodes = FeatureCodes()

    public init() {}
}
