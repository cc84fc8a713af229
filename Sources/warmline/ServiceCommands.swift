import Controller
import Foundation
import Glibc

/// The commands that run or check a controller, and `replay`.
let serviceCommands: [Command] = [
    Command(
        "serve", operands: "--config FILE", "run the controller in the foreground",
        details: """
            Says `ready` on stdout once it takes calls, and READY=1 to the socket that NOTIFY_SOCKET names, where there is
            one. SIGTERM or SIGINT: no new calls, running ones go on for transfer.drainTimeout; a second one ends them at
            once. SIGHUP: as `warmline reload`. Relative paths in a configuration are relative to the directory in which
            warmline runs.
            """,
        options: [
            configOption,
            Option("log-level", "LEVEL", "notice, info (a line for each event), debug (and for each leg) (notice)"),
            Option("trace-sip", "FILE", "record every SIP message as pcap, for Wireshark or sngrep"),
            Option("trace", "FILE", "record everything the engine is told, for `warmline replay`"),
        ]
    ) { arguments in
        let level = arguments.value("log-level") ?? LogLevel.notice.rawValue
        guard let logLevel = LogLevel(rawValue: level) else {
            throw Failure.usage("--log-level \(level): the levels are notice, info and debug")
        }
        let settings = try configuration(arguments)
        settings.warnings.forEach { complain("warning: \($0)") }
        let service = Service(
            configuration: settings, file: arguments.value("config") ?? "", trace: arguments.value("trace"),
            traceSIP: arguments.value("trace-sip"),
            logLevel: logLevel)
        try service.run(ready: { output("ready") }, say: { complain($0) })
        return 0
    },
    Command(
        "check", operands: "--config FILE", "validate a configuration and print it with every default filled in",
        details: """
            Every mistake is named on a line of its own: file, line, key and reason. Passwords are masked in what is
            printed. Relative paths in a configuration are relative to the directory in which warmline runs.
            """,
        options: [configOption, Option("quiet", nil, "print mistakes alone")]
    ) { arguments in
        let settings = try configuration(arguments)
        settings.warnings.forEach { complain("warning: \($0)") }
        if !arguments.has("quiet") { output(settings.json.pretty) }
        return 0
    },
    Command(
        "replay", operands: "FILE", count: 1...1, "feed a recorded trace to the engine and print its effects",
        details: """
            A diagnostic. FILE was written by `serve --trace`. Prints one effect a line as JSON with sorted keys; the same
            trace gives the same bytes every time.
            """
    ) { arguments in
        try Replay.run(path: arguments.operands[0], output: { output($0) })
        return 0
    },
]

let configOption = Option("config", "FILE", "the configuration (JSON5)")

private func configuration(_ arguments: Arguments) throws -> Configuration {
    guard let file = arguments.value("config") else { throw Failure.usage("--config FILE is missing") }
    return try Configuration.load(file: file)
}

/// A result: one line, or several, on stdout. What cannot be written ends the process: quietly when nobody reads any more
/// (`| head`), else saying why.
func output(_ text: String) {
    guard !writeAll(text + "\n", to: STDOUT_FILENO) else { return }
    if errno != EPIPE { complain("cannot write to the standard output: \(String(cString: strerror(errno)))") }
    exit(1)
}

/// - Returns: false, with `errno`, where not all of it could be written.
func writeAll(_ text: String, to descriptor: Int32) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
        var written = 0
        while written < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
            if count < 0, errno == EINTR { continue }
            if count < 0 { return false }
            written += count
        }
        return true
    }
}
