import Foundation

/// How long a condition may take that is to hold soon. Generous: only a failing test ever waits that long.
let soon = 8.0

/// Waits until `condition` gives a value, looking every few milliseconds; says what was missing when the time is over.
@discardableResult
func wait<Value>(
    _ seconds: Double = soon, for what: @autoclosure () -> String, until condition: () throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
        if let value = try condition() { return value }
        guard ContinuousClock.now < deadline else { throw Failure("not within \(seconds) s: \(what())") }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// As above, for a condition that is true or false.
func wait(_ seconds: Double = soon, for what: @autoclosure () -> String, _ condition: () throws -> Bool) async throws {
    try await wait(seconds, for: what()) { try condition() ? () : nil }
}

/// Lets a few tests run at once and the others wait: each has up to six processes, and phones that are late are deaf.
actor Turnstile {
    static let shared = Turnstile(permits: PBX.current == nil ? 5 : 1)

    private var permits: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(permits: Int) { self.permits = permits }

    func enter() async {
        if permits > 0 {
            permits -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func leave() {
        if waiting.isEmpty {
            permits += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}
