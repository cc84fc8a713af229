import Foundation

/// The command line's end of the control socket.
public final class ControlClient {
    private let channel: LineChannel
    private let path: String
    private var id: Int64 = 0

    /// Connects to a running controller.
    /// - Parameter hint: what else there is to say where none is running.
    public init(path: String, hint: String? = nil) throws(ControllerError) {
        guard UnixAddress(path) != nil else {
            throw ControllerError("\"\(path)\" is no path for a Unix socket")
        }
        guard let channel = LineChannel(path: path) else {
            let reason =
                switch errno {
                case ENOENT, ECONNREFUSED: "no controller is running there" + (hint.map { "; \($0)" } ?? "")
                default: String(cString: strerror(errno))
                }
            // Whoever reads it elsewhere sees which was meant.
            let directory = FileManager.default.currentDirectoryPath
            let whole = path.hasPrefix("/") ? path : (directory == "/" ? "" : directory) + "/" + path
            throw ControllerError("control socket \(whole): \(reason)")
        }
        self.channel = channel
        self.path = path
    }

    /// Asks for one thing and waits for the answer.
    /// - Throws: `ControllerError` with the controller's reason.
    public func call(_ method: String, _ parameters: JSONValue = .object([])) throws(ControllerError) -> JSONValue {
        id += 1
        let request: JSONValue = [
            "jsonrpc": "2.0", "id": .int(id), "method": .string(method), "params": parameters,
        ]
        guard channel.send(request.line), case .line(let line) = channel.receive() else {
            throw ControllerError("control socket \(path): the controller went away")
        }
        guard let response = JSONValue(parsing: line), response["id"]?.number == id else {
            throw ControllerError("control socket \(path): the answer makes no sense")
        }
        if let error = response["error"] {
            throw ControllerError(error["message"]?.text ?? "the controller refused")
        }
        return response["result"] ?? .null
    }
}
