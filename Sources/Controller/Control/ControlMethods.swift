import EventLog
import Foundation
import TransferEngine

/// The methods of the control socket.
final class ControlMethods: Sendable {
    /// The one method that does not end: it streams.
    static let follow = "events.follow"

    private let inbox: Inbox<RunMessage>
    private let reloader: Reloader
    /// The part of `status` that needs no engine thread; after it comes the engine's.
    private let serviceStatus: @Sendable (RunStatus) -> JSONValue
    /// Streams the log to a client until it goes. Calls its third part once nothing more can be missed; the fourth says
    /// whether the server stops.
    typealias Stream = @Sendable (EventFilter, LineChannel, () -> Bool, () -> Bool) throws -> Void
    private let stream: Stream

    init(
        inbox: Inbox<RunMessage>, reloader: Reloader, status: @escaping @Sendable (RunStatus) -> JSONValue,
        stream: @escaping Stream
    ) {
        self.inbox = inbox
        self.reloader = reloader
        serviceStatus = status
        self.stream = stream
    }

    func call(_ request: JSONRPC.Request) throws -> JSONValue {
        var parameters = Parameters(request.parameters)
        switch request.method {
        case "status":
            try parameters.finish()
            guard case .status(let status) = try ask(.status) else { throw JSONRPC.Failure.stopping }
            return serviceStatus(status)
        case "reload":
            try parameters.finish()
            return try reload()
        case "calls.list":
            try parameters.finish()
            guard case .calls(let calls) = try ask(.calls) else { throw JSONRPC.Failure.stopping }
            return .array(calls.map(\.json))
        case "call.show":
            let id = try parameters.string("call")
            try parameters.finish()
            guard case .call(let detail, let media) = try ask(.call(id)) else { throw JSONRPC.Failure.stopping }
            guard let detail else { throw JSONRPC.Failure.unknownCall(id) }
            return detail.json(media)
        case "agents.list":
            try parameters.finish()
            guard case .agents(let agents) = try ask(.agents) else { throw JSONRPC.Failure.stopping }
            return .array(agents.map(\.json))
        case "groups.list":
            try parameters.finish()
            guard case .groups(let groups) = try ask(.groups) else { throw JSONRPC.Failure.stopping }
            return .array(groups.map(\.json))
        case "agent.login", "agent.logout", "agent.ready", "agent.pause":
            let name = try parameters.string("agent")
            let command: AgentCommand =
                switch request.method {
                case "agent.login": .login
                case "agent.logout": .logout
                case "agent.ready": .ready
                default: .pause(reason: try parameters.optionalString("reason"))
                }
            try parameters.finish()
            return try done(try ask(.agent(name, command)))
        default:
            let command = try Self.command(request.method, &parameters)
            try parameters.finish()
            return try done(try ask(.command(command)))
        }
    }

    private func reload() throws(JSONRPC.Failure) -> JSONValue {
        do {
            let (changed, warnings) = try reloader.reload()
            return [
                "changed": .array(changed.map(JSONValue.string)),
                "warnings": .array(warnings.map(JSONValue.string)),
            ]
        } catch {
            switch error {
            case .refused(let reasons): throw .refused(reasons.joined(separator: "\n"))
            case .stopping: throw .stopping
            }
        }
    }

    private func done(_ answer: ControlAnswer.Value) throws -> JSONValue {
        guard case .command(let result) = answer else { throw JSONRPC.Failure.stopping }
        switch result {
        case .done: return .object([])
        case .unknownCall(let id): throw JSONRPC.Failure.unknownCall(id)
        case .refused(let reason): throw JSONRPC.Failure.refused(reason)
        }
    }

    /// Answers, then sends a notification `event` for each event as it is written, until the client goes or the server stops.
    func follow(_ request: JSONRPC.Request, client: LineChannel, until isStopping: () -> Bool) throws {
        var parameters = Parameters(request.parameters)
        let filter = EventFilter(
            call: try parameters.optionalString("call"), type: try parameters.optionalString("type"))
        try parameters.finish()
        let begun = {
            guard let id = request.id else { return true }
            return client.send(JSONRPC.response(id, result: .object([])))
        }
        try stream(filter, client, begun, isStopping)
    }

    private func ask(_ wish: ControlRequest.Wish) throws -> ControlAnswer.Value {
        let answer = ControlAnswer()
        guard inbox.post(.control(ControlRequest(wish: wish, answer: answer))) else { throw JSONRPC.Failure.stopping }
        let value = answer.wait()
        if case .stopped = value { throw JSONRPC.Failure.stopping }
        return value
    }

    private static func command(_ method: String, _ parameters: inout Parameters) throws -> Command {
        switch method {
        case "call.hold": return .hold(call: try parameters.string("call"))
        case "call.resume": return .resume(call: try parameters.string("call"))
        case "call.complete": return .complete(call: try parameters.string("call"))
        case "call.cancel": return .cancel(call: try parameters.string("call"))
        case "call.swap": return .swap(call: try parameters.string("call"))
        case "call.merge": return .merge(call: try parameters.string("call"))
        case "call.hangup": return .hangup(call: try parameters.string("call"))
        case "call.consult":
            return .consult(
                call: try parameters.string("call"), targets: try parameters.strings("targets"),
                note: try parameters.optionalString("note"))
        case "call.blind":
            return .blind(call: try parameters.string("call"), targets: try parameters.strings("targets"))
        case "call.resolve":
            return .resolve(
                call: try parameters.string("call"), resolved: try parameters.bool("resolved"),
                code: try parameters.optionalString("code"), note: try parameters.optionalString("note"))
        default: throw JSONRPC.Failure.unknownMethod(method)
        }
    }
}

/// The named parameters of a request; each is asked for once, others are refused.
private struct Parameters {
    private let members: [JSONValue.Member]
    private var known: Set<String> = []

    init(_ value: JSONValue) { members = value.members ?? [] }

    private mutating func value(_ key: String) -> JSONValue? {
        known.insert(key)
        return members.first { $0.key == key }?.value
    }

    mutating func string(_ key: String) throws -> String {
        guard let text = try optionalString(key) else { throw JSONRPC.Failure.invalidParameters("\(key) is missing") }
        return text
    }

    mutating func optionalString(_ key: String) throws -> String? {
        switch value(key) {
        case nil, .null: return nil
        case .string(let text): return text
        default: throw JSONRPC.Failure.invalidParameters("\(key) must be a string")
        }
    }

    mutating func bool(_ key: String) throws -> Bool {
        guard case .bool(let value)? = value(key) else {
            throw JSONRPC.Failure.invalidParameters("\(key) must be true or false")
        }
        return value
    }

    mutating func strings(_ key: String) throws -> [String] {
        let texts = value(key)?.elements?.map(\.text) ?? []
        guard !texts.isEmpty, !texts.contains(where: { $0?.isEmpty ?? true }) else {
            throw JSONRPC.Failure.invalidParameters("\(key) must be a list of at least one string")
        }
        return texts.compactMap(\.self)
    }

    func finish() throws {
        if let unknown = members.first(where: { !known.contains($0.key) }) {
            throw JSONRPC.Failure.invalidParameters("there is no parameter \(unknown.key)")
        }
    }
}
