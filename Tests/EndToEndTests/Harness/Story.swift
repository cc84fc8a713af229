import Testing

extension Scene {
    /// The main story, whatever the legs are made of: the caller talks with anna, hears music while she talks with the
    /// target whom she has dialled, talks with the target once she has hung up, and hangs up.
    func transfers(
        _ caller: TestPhone, from anna: TestPhone, to target: TestPhone, dialling digits: String, by line: String? = nil
    ) async throws {
        caller.send("call \(line ?? self.line)")
        try await caller.hears(anna)
        try await anna.hears(caller)
        anna.send("digits *2\(digits)#")
        try await caller.hearsMusic()
        try await anna.hears(target)
        try await target.hears(anna)
        anna.send("hangup")
        try await caller.hears(target)
        try await target.hears(caller)
        caller.send("hangup")
        try await target.says("ended")
        try await log.has("transfer.completed kind=attended target_agent=\(target.name) method=bridge")
    }
}
