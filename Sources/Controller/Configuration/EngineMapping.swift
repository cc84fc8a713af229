import TransferEngine

extension Configuration {
    /// What the engine needs of the configuration. `port` is the one we listen on, where the file left it to the
    /// system.
    func engine(port: Int? = nil) -> EngineConfiguration {
        EngineConfiguration(
            node: node, ownURI: ownURI(port: port), agents: agents, groups: groups, lines: lines, transfer: transfer,
            numbering: numbering, logNotes: events.notes, agentCodes: agentCodes, callers: callers)
    }

    /// What From says where there is no caller. A peer that calls it back reaches us.
    private func ownURI(port: Int?) -> String {
        guard let first = sip.listen.first else { return "sip:\(node)@\(media.address.host)" }
        let host =
            sip.externalAddress.flatMap(IPAddress.init)?.host
            ?? (first.address.isWildcard ? media.address : first.address).host
        let port = port ?? first.port
        return port == 0 || port == 5060 ? "sip:\(node)@\(host)" : "sip:\(node)@\(host):\(port)"
    }

    /// The user part by which an agent's phone registers here and its calls are known, and the agent.
    var registrable: [(user: String, agent: String)] {
        agents.map { agent in
            let address = agent.uri.flatMap { try? SIPAddress(parsing: $0) }
            return (address?.user ?? agent.name, agent.name)
        }
    }
}
