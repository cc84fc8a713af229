import Controller

/// The commands that ask or tell a running controller.
let callCommands: [Command] =
    [
        Command(
            "status", "version, node, uptime, open calls, health of the log", options: connectionOptions + [jsonOption]
        ) { arguments in
            let status = try connect(arguments).call("status")
            output(arguments.has("json") ? status.pretty : StatusText.lines(status).joined(separator: "\n"))
            return 0
        },
        Command(
            "reload", "have the running controller read its configuration again",
            details: """
                Running calls are not touched. A configuration that is wrong, or that changes what needs a restart
                (sip.listen, media, events.directory, …), is refused whole: every mistake is named, the old one stays.
                """, options: connectionOptions + [jsonOption]
        ) { arguments in
            let result = try connect(arguments).call("reload")
            let changed = result["changed"]?.elements?.compactMap(\.text) ?? []
            result["warnings"]?.elements?.compactMap(\.text).forEach { complain("warning: \($0)") }
            if arguments.has("json") {
                output(result.pretty)
            } else {
                output(changed.isEmpty ? "nothing has changed" : "changed: \(changed.joined(separator: ", "))")
            }
            return 0
        },
        Command("calls", "the open calls", options: connectionOptions + [jsonOption]) { arguments in
            let calls = try connect(arguments).call("calls.list")
            output(arguments.has("json") ? calls.pretty : CallText.list(calls).joined(separator: "\n"))
            return 0
        },
        Command(
            "show", operands: "CALL", count: 1...1,
            "one open call with its legs, hold segments, consults and transfers",
            options: connectionOptions + [jsonOption]
        ) { arguments in
            let call = try connect(arguments).call("call.show", ["call": .string(arguments.operands[0])])
            output(arguments.has("json") ? call.pretty : CallText.detail(call).joined(separator: "\n"))
            return 0
        },
        simple("hold", "put the caller on hold"),
        simple("resume", "take the caller back from hold"),
        Command(
            "consult", operands: "CALL TARGET[,TARGET…]", count: 2...2,
            "hold the caller and call a target for the agent",
            details: """
                A target is a name of transfer.targets, an agent, a group, digits or a SIP URI. Of several the next is tried
                when one is busy, does not answer or cannot be reached.
                """,
            options: connectionOptions + [Option("note", "TEXT", "what the call is about, kept with the transfer")]
        ) { arguments in
            var parameters = try target(arguments)
            if let note = arguments.value("note") { parameters.append(.init("note", .string(note))) }
            _ = try connect(arguments).call("call.consult", .object(parameters))
            return 0
        },
        simple(
            "complete", "join the caller and the target; the agent leaves",
            details:
                "While the target still rings the agent leaves at once, and the caller gets the target when it answers."
        ),
        simple("cancel", "give the target up; the agent has the caller again"),
        simple("swap", "go to and fro between caller and target"),
        simple("merge", "make a three-way conversation of a consult"),
        Command(
            "blind", operands: "CALL TARGET[,TARGET…]", count: 2...2,
            "transfer without a consult; the agent leaves at once",
            details: "The agent is called back when no target can be had.", options: connectionOptions
        ) { arguments in
            _ = try connect(arguments).call("call.blind", .object(try target(arguments)))
            return 0
        },
        simple("hangup", "end the call"),
        Command(
            "resolve", operands: "CALL yes|no", count: 2...2, "say whether the caller's matter is resolved",
            details: "Until a day after the call's end. Said again, the last word counts.",
            options: connectionOptions + [
                Option(
                    "code", "CODE",
                    "what came of it: one of the group's dispositions; where it has none, of any group's"),
                Option("note", "TEXT", "kept with the verdict"),
            ]
        ) { arguments in
            guard ["yes", "no"].contains(arguments.operands[1]) else {
                throw Failure.usage("resolve: yes or no, not \(arguments.operands[1])")
            }
            var parameters: [JSONValue.Member] = [
                .init("call", .string(arguments.operands[0])),
                .init("resolved", .bool(arguments.operands[1] == "yes")),
            ]
            for key in ["code", "note"] {
                if let value = arguments.value(key) { parameters.append(.init(key, .string(value))) }
            }
            _ = try connect(arguments).call("call.resolve", .object(parameters))
            return 0
        },
        Command("agents", "the agents and their states", options: connectionOptions + [jsonOption]) { arguments in
            let agents = try connect(arguments).call("agents.list")
            output(arguments.has("json") ? agents.pretty : AgentText.agents(agents).joined(separator: "\n"))
            return 0
        },
        Command("groups", "who waits for each group, and who is there", options: connectionOptions + [jsonOption]) {
            arguments in
            let groups = try connect(arguments).call("groups.list")
            output(arguments.has("json") ? groups.pretty : AgentText.groups(groups).joined(separator: "\n"))
            return 0
        },
        Command(
            "agent", operands: "NAME login|logout|ready|pause", count: 2...2, "log an agent in or out, pause, resume",
            options: connectionOptions + [Option("reason", "TEXT", "of a pause")]
        ) { arguments in
            let word = arguments.operands[1]
            guard ["login", "logout", "ready", "pause"].contains(word) else {
                throw Failure.usage("agent: login, logout, ready or pause, not \(word)")
            }
            var parameters: [JSONValue.Member] = [.init("agent", .string(arguments.operands[0]))]
            if word == "pause", let reason = arguments.value("reason") {
                parameters.append(.init("reason", .string(reason)))
            }
            _ = try connect(arguments).call("agent.\(word)", .object(parameters))
            return 0
        },
    ]

/// A command that takes a call and says nothing when it is done.
private func simple(_ name: String, _ summary: String, details: String = "") -> Command {
    Command(name, operands: "CALL", count: 1...1, summary, details: details, options: connectionOptions) { arguments in
        _ = try connect(arguments).call("call.\(name)", ["call": .string(arguments.operands[0])])
        return 0
    }
}

private func target(_ arguments: Arguments) throws(Failure) -> [JSONValue.Member] {
    let targets = arguments.operands[1].split(separator: ",").map { JSONValue.string(String($0)) }
    if targets.isEmpty { throw .usage("TARGET is empty") }
    return [.init("call", .string(arguments.operands[0])), .init("targets", .array(targets))]
}
