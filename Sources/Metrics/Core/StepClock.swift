/// One node's time, on a line without steps: within a boot the monotonic clock tells how time goes on, whatever is done
/// to the wall clock. What several nodes tell of one agent can so be put together, and a clock that was set does not put
/// one node's events before or behind all others.
struct StepClock {
    /// A difference between the two clocks that changes by more than this, in microseconds, was a step: NTP slews both.
    private static let step: Int64 = 250_000

    /// How far the monotonic clock was behind the wall clock at the last event, microseconds.
    private var distance: Int64?
    private var mono: Int64 = 0
    /// What the steps so far came to.
    private var correction: Int64 = 0

    /// The event's moment, microseconds since 1970. Without steps it is the wall clock's.
    mutating func time(of fact: Fact) -> Int64 {
        let distance = fact.wall - fact.mono * 1000
        if fact.type == .serviceStarted || fact.mono + Self.tolerance < mono {
            // A run that begins, maybe after a boot, is taken at its word.
            correction = 0
        } else if let last = self.distance, abs(distance - last) > Self.step {
            correction += last - distance
        }
        self.distance = distance
        mono = fact.mono
        return fact.wall + correction
    }

    /// Milliseconds by which an event may be older than the one before it in its log: what a relay reports happened a
    /// little earlier.
    private static let tolerance: Int64 = 60_000
}
