import CallEvents
import EventLog
import TransferEngine

// What `agents.list` and `groups.list` say: the words and units of the log.

extension AgentSummary {
    var json: JSONValue {
        [
            "agent": .string(agent), "name": JSONValue(displayName), "state": .string(state.rawValue),
            "since": JSONValue(since?.timestamp), "reason": JSONValue(reason), "call": JSONValue(call),
            "groups": .array(groups.map(JSONValue.string)), "handled": JSONValue(handled),
        ]
    }
}

extension GroupSummary {
    var json: JSONValue {
        [
            "group": .string(group), "waiting": JSONValue(waiting), "callbacks": JSONValue(callbacks),
            "longest_wait_ms": JSONValue(longestWaitMs),
            "agents": .object(agents.map { JSONValue.Member($0.state.rawValue, JSONValue($0.count)) }),
            "answered": JSONValue(answered), "within": JSONValue(within), "abandoned": JSONValue(abandoned),
            "service_level_s": JSONValue(serviceLevel), "service_target": JSONValue(serviceTarget),
        ]
    }
}
