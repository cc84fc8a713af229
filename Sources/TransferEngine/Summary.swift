import CallEvents

/// One line of `warmline calls`.
public struct CallSummary: Codable, Hashable, Sendable {
    public var call: String
    /// In words: `talking`, `waiting`, `held`, `consulting`, …
    public var state: String
    public var since: WallTime
    public var arrived: WallTime
    public var caller: String?
    public var from: String
    public var direction: Direction
    public var line: String?
    public var group: String?
    public var agent: String?
    /// The URI of the target being consulted.
    public var target: String?
    public var holds: Int
    public var transfers: Int
}

/// `warmline show CALL`: one open call with its legs and history.
public struct CallDetail: Codable, Hashable, Sendable {
    public struct Leg: Codable, Hashable, Sendable {
        public var leg: UInt64
        /// caller, agent, target
        public var role: String
        public var uri: String
        public var agent: String?
        public var sipCallID: String
        /// dialling, ringing, early, answered, ending
        public var state: String
        public var codec: String?
        /// silence, music, ringback, dial tone, or the number of the leg heard
        public var hears: String
        public var since: WallTime
    }

    public struct Hold: Codable, Hashable, Sendable {
        public var hold: Int
        public var reason: HoldReason
        public var agent: String?
        public var started: WallTime
        /// Null while it is open.
        public var holdMs: Int?
        public var outcome: HoldOutcome?
    }

    public struct Consult: Codable, Hashable, Sendable {
        public var consult: Int
        public var transfer: Int
        public var target: String
        public var mode: ConsultMode
        public var started: WallTime
        /// dialling, ringing, answered, or how it ended
        public var state: String
    }

    public struct Transfer: Codable, Hashable, Sendable {
        public var transfer: Int
        public var kind: TransferKind
        public var agent: String?
        public var target: String
        public var started: WallTime
        /// open, completed, failed, cancelled
        public var state: String
    }

    public var summary: CallSummary
    /// Who had the caller, and who could not be had: the newest, oldest first.
    public var past: [String]
    public var legs: [Leg]
    public var holds: [Hold]
    public var consults: [Consult]
    public var transfers: [Transfer]
}
