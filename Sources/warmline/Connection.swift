import Controller

/// What names the running controller.
let connectionOptions = [
    Option("socket", "PATH", "its control socket (./warmline.sock)"),
    Option("config", "FILE", "the configuration that it runs with, which names the socket"),
]

let jsonOption = Option("json", nil, "print JSON")

/// The control socket of the controller that the options name.
func socketPath(_ arguments: Arguments) throws -> String {
    if let path = arguments.value("socket") { return path }
    if let file = arguments.value("config") { return try Configuration.load(file: file).control.socket }
    return Configuration.Control.defaultSocket
}

func connect(_ arguments: Arguments) throws -> ControlClient {
    try ControlClient(path: try socketPath(arguments))
}

/// The logs to read: those named, else the log of the configuration named, else of the running controller.
func logPaths(_ operands: [String], _ arguments: Arguments) throws -> [String] {
    if !operands.isEmpty { return operands }
    if let file = arguments.value("config"), arguments.value("socket") == nil {
        return [try Configuration.load(file: file).events.directory]
    }
    do {
        let status = try connect(arguments).call("status")
        if let directory = status["events"]?["directory"]?.text { return [directory] }
    } catch let error as ControllerError {
        throw Failure.usage("which log? Name a path, --config or --socket (\(error))")
    }
    throw Failure.failed("the controller does not say where its log is")
}
