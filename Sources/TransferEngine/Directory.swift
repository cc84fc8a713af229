import CallEvents

/// An agent's place in a group.
struct Membership: Codable, Sendable {
    var group: String
    /// Among its members.
    var index: Int
}

/// The configuration, arranged for looking things up.
struct Directory: Codable, Sendable {
    let configuration: EngineConfiguration
    private let agents: [String: AgentSettings]
    private let groups: [String: GroupSettings]
    private let exactLines: [String: LineSettings]
    /// Longest prefix first; `*` is the empty prefix.
    private let prefixLines: [LineSettings]
    private let agentsByURI: [String: String]
    private let agentsByUser: [String: String]
    let allowList: AllowList
    /// The longest pattern first, whole numbers before prefixes of their length.
    private let callerPriorities: [CallerPriority]
    /// The groups of each agent, in the order of the configuration.
    private let memberships: [String: [Membership]]
    /// Those behind each name of `transfer.targets`.
    private(set) var targets: [String: [Candidate]] = [:]
    /// Everything that can be dialled by name.
    let names: [String]

    init(_ configuration: EngineConfiguration) {
        self.configuration = configuration
        agents = Dictionary(configuration.agents.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        groups = Dictionary(configuration.groups.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        exactLines = Dictionary(
            configuration.lines.filter { !$0.pattern.hasSuffix("*") }.map { ($0.pattern, $0) },
            uniquingKeysWith: { first, _ in first })
        // The pattern itself breaks ties: sort is not stable.
        prefixLines = configuration.lines.filter { $0.pattern.hasSuffix("*") }
            .sorted { ($1.pattern.count, $0.pattern) < ($0.pattern.count, $1.pattern) }
        let addresses = configuration.agents.compactMap { agent in
            agent.uri.flatMap(SIPAddress.init).map { (agent.name, $0) }
        }
        agentsByURI = Dictionary(
            addresses.compactMap { name, address in address.canonical.map { ($0, name) } },
            uniquingKeysWith: { first, _ in first })
        agentsByUser = Dictionary(
            addresses.compactMap { name, address in address.decodedUser.map { ($0, name) } }
                + configuration.agents.map { ($0.name, $0.name) },
            uniquingKeysWith: { first, _ in first })
        var memberships: [String: [Membership]] = [:]
        for group in configuration.groups {
            for (index, member) in group.members.enumerated() {
                memberships[member, default: []].append(Membership(group: group.name, index: index))
            }
        }
        self.memberships = memberships
        callerPriorities = configuration.callers.sorted {
            ($1.pattern.count, $0.pattern) < ($0.pattern.count, $1.pattern)
        }
        allowList = AllowList(patterns: configuration.transfer.allow)
        names =
            configuration.transfer.targets.map(\.digits) + configuration.agents.map(\.name)
            + configuration.groups.map(\.name)
        for target in configuration.transfer.targets where targets[target.digits] == nil {
            targets[target.digits] = target.destinations.flatMap { candidates(at: $0, trusted: false) }
        }
    }

    var transfer: TransferSettings { configuration.transfer }

    func agent(_ name: String) -> AgentSettings? { agents[name] }

    func group(_ name: String) -> GroupSettings? { groups[name] }

    /// Of a caller's number, by the longest pattern that fits.
    func priority(of caller: String?) -> Int {
        guard let caller else { return 0 }
        return callerPriorities.first { pattern in
            pattern.pattern.hasSuffix("*")
                ? caller.hasPrefix(pattern.pattern.dropLast()) : caller == pattern.pattern
        }?.priority ?? 0
    }

    func memberships(of agent: String) -> [Membership] { memberships[agent] ?? [] }

    /// The agent whose configured address this is.
    func agent(at address: SIPAddress) -> String? { address.canonical.flatMap { agentsByURI[$0] } }

    /// The agent whom this user part names.
    func agent(named user: String) -> String? { agentsByUser[user] }

    /// The agent who has signed an arriving INVITE, else whom it names by the user part of P-Asserted-Identity, else of
    /// From: phones behind a PBX share one address, so that the user is all that tells them apart.
    func agent(calling invitation: Invitation) -> String? {
        if let user = invitation.digestUser { return agentsByUser[user] }
        guard invitation.trusted, let address = SIPAddress(invitation.assertedIdentity ?? invitation.from) else {
            return nil
        }
        return address.decodedUser.flatMap { agentsByUser[$0] }
    }

    /// The line of a dialled number: the number itself, else the longest prefix.
    func line(_ dialled: String) -> LineSettings? {
        exactLines[dialled] ?? prefixLines.first { dialled.hasPrefix($0.pattern.dropLast()) }
    }
}
