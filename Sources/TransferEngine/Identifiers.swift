/// A leg: one SIP dialog between the controller and a party. Numbered by the engine, never reused.
public struct LegID: Hashable, Comparable, Codable, Sendable {
    public var number: UInt64

    public init(_ number: UInt64) { self.number = number }

    public static func < (a: LegID, b: LegID) -> Bool { a.number < b.number }
}

/// A timer the engine asked for. Never reused: one that is no longer awaited is ignored.
public struct TimerID: Hashable, Codable, Sendable {
    public var number: UInt64

    public init(_ number: UInt64) { self.number = number }
}

/// Names one request to the telephony side whose report the engine awaits (a switch of routes, a tone, a re-INVITE).
public struct ReportID: Hashable, Codable, Sendable {
    /// Given with a switch whose instant nobody awaits: no `routed` follows, and nobody is woken by one.
    public static let none = ReportID(0)

    public var number: UInt64

    public init(_ number: UInt64) { self.number = number }
}

/// Names one request by the control socket, to which exactly one `Effect.reply` answers.
public struct RequestID: Hashable, Codable, Sendable {
    public var number: UInt64

    public init(_ number: UInt64) { self.number = number }
}

/// One REFER received, from its arrival to the end of its subscription.
public struct ReferID: Hashable, Codable, Sendable {
    public var number: UInt64

    public init(_ number: UInt64) { self.number = number }
}
