import Controller

// What `agents` and `groups` look like for people.
enum AgentText {
    static func agents(_ list: JSONValue) -> [String] {
        guard let agents = list.elements, !agents.isEmpty else { return ["no agents"] }
        var table = Table(["AGENT", "STATE", "SINCE", "REASON", "CALL", "GROUPS", "ANSWERED"])
        for agent in agents {
            let groups = (agent["groups"]?.elements ?? []).map(\.word).joined(separator: ",")
            table.add([
                agent.word("agent"), agent.word("state"), LocalTime.clock(agent["since"]?.text ?? ""),
                agent.word("reason"), agent.word("call"), groups.isEmpty ? "-" : groups, agent.word("handled"),
            ])
        }
        return table.lines
    }

    static func groups(_ list: JSONValue) -> [String] {
        guard let groups = list.elements, !groups.isEmpty else { return ["no groups"] }
        var table = Table(["GROUP", "WAITING", "LONGEST", "CALLBACKS", "AGENTS", "ANSWERED", "IN TIME", "ABANDONED"])
        for group in groups {
            let agents = (group["agents"]?.members ?? []).map { "\($0.value.word) \($0.key)" }
            table.add([
                group.word("group"), group.word("waiting"),
                group["longest_wait_ms"]?.number.map { "\($0 / 1000) s" } ?? "-", group.word("callbacks"),
                agents.joined(separator: ", "), group.word("answered"), group.word("within"), group.word("abandoned"),
            ])
        }
        return table.lines
    }
}
