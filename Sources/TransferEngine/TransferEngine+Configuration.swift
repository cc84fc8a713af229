import CallEvents

// A changed configuration. What runs goes on: a leg keeps the agent that it was called for, an offer rings to its end,
// a call keeps its line and its overflow; what is decided from now on is decided by the new one.
extension TransferEngine {
    mutating func reconfigure(_ configuration: EngineConfiguration) {
        // Everybody has been logged out for the last time.
        guard service != .finished else { return }
        context.directory = Directory(configuration)
        context.takeAgents()
        context.rebuildGroups()
        for agent in configuration.agents { context.loginByAddress(agent.name) }
        for call in inOrder where call.queue != nil { with(call: call.id) { $0.relax(&$1) } }
    }
}
