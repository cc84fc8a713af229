// Events of the service itself and of the log.

/// `service.started`: The controller takes calls.
public struct ServiceStarted: EventFields {
    public static let type: StaticString = "service.started"
    public var version: String
    public var bootID: String

    public init() { self.init(version: "") }

    public init(
        version: String,
        bootID: String = ""
    ) {
        self.version = version
        self.bootID = bootID
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("version", &version)
        visitor.field("boot_id", &bootID)
    }
}

/// `service.stopping`: The controller takes no new calls and drains, or its start has failed.
public struct ServiceStopping: EventFields {
    public static let type: StaticString = "service.stopping"
    public var reason: String

    public init() { self.init(reason: "") }

    public init(
        reason: String
    ) {
        self.reason = reason
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("reason", &reason)
    }
}

/// `service.recovered`: The last run ended without closing its log: what was repaired.
public struct ServiceRecovered: EventFields {
    public static let type: StaticString = "service.recovered"
    /// Bytes cut from the end of the newest segment.
    public var tornBytes: Int
    public var lostCalls: Int
    public var resumedCalls: Int

    public init() { self.init(tornBytes: 0) }

    public init(
        tornBytes: Int,
        lostCalls: Int = 0,
        resumedCalls: Int = 0
    ) {
        self.tornBytes = tornBytes
        self.lostCalls = lostCalls
        self.resumedCalls = resumedCalls
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("torn_bytes", &tornBytes)
        visitor.field("lost_calls", &lostCalls)
        visitor.field("resumed_calls", &resumedCalls)
    }
}

/// `service.alive`: Every 10 s while calls are open: bounds what a crash leaves unknown.
public struct ServiceAlive: EventFields {
    public static let type: StaticString = "service.alive"

    public init() {}

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
    }
}

/// `log.segment`: Opens a segment; one `call.open` per open call and one `agent.state` per agent follow.
public struct LogSegment: EventFields {
    public static let type: StaticString = "log.segment"
    public var boot: String
    public var openCalls: Int
    public var agents: Int

    public init() { self.init(boot: "") }

    public init(
        boot: String,
        openCalls: Int = 0,
        agents: Int = 0
    ) {
        self.boot = boot
        self.openCalls = openCalls
        self.agents = agents
    }

    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        visitor.field("boot", &boot)
        visitor.field("open_calls", &openCalls)
        visitor.field("agents", &agents)
    }
}
