import Controller

/// What names the running controller.
let connectionOptions = [
    Option("socket", "PATH", "its control socket (./warmline.sock, else the service's)"),
    Option("config", "FILE", "the configuration that it runs with, which names the socket"),
]

let jsonOption = Option("json", nil, "print JSON")

/// The controller that the options name; null: they name none.
private func namedPlace(_ arguments: Arguments) -> ControllerPlace? {
    if let path = arguments.value("socket") { return .socket(path) }
    return arguments.value("config").map { .configuration($0) }
}

/// The control socket of the controller that the options name, else of the one that is there.
func socketPath(_ arguments: Arguments) throws -> String {
    switch namedPlace(arguments) ?? .present() {
    case .socket(let path): path
    case .configuration(let file): try Configuration.load(file: file).control.socket
    case nil: Configuration.Control.defaultSocket
    }
}

func connect(_ arguments: Arguments) throws -> ControlClient {
    let hint = namedPlace(arguments) == nil ? "name it by --socket or --config" : nil
    return try ControlClient(path: try socketPath(arguments), hint: hint)
}

/// The logs to read: those named, else the log of the configuration named, else of the running controller, else, where
/// nothing is named, of the service that is not running.
func logPaths(_ operands: [String], _ arguments: Arguments) throws -> [String] {
    if !operands.isEmpty { return operands }
    let named = namedPlace(arguments)
    if case .configuration(let file) = named { return [try Configuration.load(file: file).events.directory] }
    do {
        let status = try ControlClient(path: try socketPath(arguments)).call("status")
        if let directory = status["events"]?["directory"]?.text { return [directory] }
    } catch let error as ControllerError {
        if named == nil, let file = ControllerPlace.serviceConfiguration() {
            return [try Configuration.load(file: file).events.directory]
        }
        throw Failure.usage("which log? Name a path, --config or --socket (\(error))")
    }
    throw Failure.failed("the controller does not say where its log is")
}
