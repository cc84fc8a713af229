// What a log says of the past that the present needs.

/// A call of an earlier run that has ended, on which a verdict may still come.
public struct RememberedCall: Codable, Hashable, Sendable {
    public var call: String
    public var agent: String?
    public var group: String?
    public var line: String?
    public var arrived: WallTime
    public var ended: WallTime
    public var verdict: Bool?

    public init(
        call: String, agent: String?, group: String?, line: String?, arrived: WallTime, ended: WallTime,
        verdict: Bool? = nil
    ) {
        self.call = call
        self.agent = agent
        self.group = group
        self.line = line
        self.arrived = arrived
        self.ended = ended
        self.verdict = verdict
    }
}

/// A caller of an earlier run who is still to be called back.
public struct RememberedCallback: Codable, Hashable, Sendable {
    /// The call in which it was asked for.
    public var request: String
    public var group: String
    public var line: String?
    public var caller: String
    /// As the caller's INVITE said it.
    public var from: String?
    public var priority: Int
    public var skills: [String]
    public var requested: WallTime
    /// How long the caller had waited, in milliseconds.
    public var waitMs: Int
    /// How often the caller has been dialled.
    public var attempts: Int
    /// Calls made for it, those that reached no agent included.
    public var calls: Int

    public init(
        request: String, group: String, line: String? = nil, caller: String, from: String? = nil, priority: Int = 0,
        skills: [String] = [], requested: WallTime, waitMs: Int = 0, attempts: Int = 0, calls: Int = 0
    ) {
        self.request = request
        self.group = group
        self.line = line
        self.caller = caller
        self.from = from
        self.priority = priority
        self.skills = skills
        self.requested = requested
        self.waitMs = waitMs
        self.attempts = attempts
        self.calls = calls
    }
}
