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

    /// A first target rejects, a second one answers and gets the caller.
    func mainStoryIsLogged(ended: Bool = true) async throws {
        try await log.tells(
            """
            hold.started hold=1 reason=consult agent=anna
            transfer.started transfer=1 agent=anna
            transfer.fallback transfer=1 step=agent
            transfer.failed transfer=1
            hold.ended hold=1 outcome=resumed next_agent=anna
            hold.started hold=2 reason=consult agent=anna
            transfer.started transfer=2 agent=anna
            hold.ended hold=2 outcome=transferred next_agent=clara
            transfer.completed transfer=2 kind=attended target_agent=clara
            """)
        if ended { try await log.has("call.ended transfers=2") }
    }
}
