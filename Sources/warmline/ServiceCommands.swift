import Controller

private let configOption = Option("config", "FILE", "the configuration (JSON5)")

/// The commands that run or check a controller.
let serviceCommands: [Command] = [
    Command(
        "check", "--config FILE", "validate a configuration and print it with every default filled in",
        details: """
            Every mistake is named on a line of its own: file, line, key and reason. Passwords are masked in what is
            printed. Relative paths in a configuration are relative to the directory in which warmline runs.
            """,
        options: [configOption]
    ) { arguments in
        print(try configuration(arguments).json.pretty)
        return 0
    }
]

private func configuration(_ arguments: Arguments) throws -> Configuration {
    guard let file = arguments.value("config") else { throw Failure.usage("--config FILE is missing") }
    return try Configuration.load(file: file)
}
