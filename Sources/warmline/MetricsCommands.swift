import Foundation
import Metrics

/// The commands that count a log.
let metricsCommands: [Command] = [
    Command(
        "metrics", operands: "[PATH…]", count: 0...1000, "hold time, waits, service level, utilization, resolution",
        details: """
            PATH is a log's directory or one of its files, of any number of nodes; without it, the log of the
            configuration or the running controller that --config or --socket names. Exit status 1: a line was no event
            (it is named, the figures are printed); 2: a path is no log.
            """,
        options: [
            Option("since", "TIME", "what began at or after it: 2026-03-02, 2026-03-02T09:00, with or without offset"),
            Option("until", "TIME", "what began before it"),
            Option("tz", "ZONE", "in which hours and days begin: Europe/Riga, local (UTC)"),
            Option("by", "KEY[,KEY]", "rows by " + GroupKey.allCases.map(\.rawValue).joined(separator: ", ")),
            Option("format", "FORMAT", MetricsCommand.Format.allCases.map(\.rawValue).joined(separator: ", ")),
            Option("service-level", "SECONDS", "the threshold of calls that have none of their own (20)"),
            Option("short-abandon", "SECONDS", "waits abandoned no later are not held against the service level (5)"),
            Option("direction", "WORD", "which calls count: inbound, outbound, internal, callback (inbound)"),
            Option("explain", "KEY", "print the formula of a figure, or of all that begin so; all: of every one"),
            jsonOption,
        ] + connectionOptions
    ) { arguments in
        do {
            if let key = arguments.value("explain") {
                try MetricsCommand.explain(key == "all" ? nil : key).forEach { output($0) }
                return 0
            }
            var command = try MetricsCommand(
                paths: [], since: arguments.value("since"), until: arguments.value("until"),
                by: arguments.value("by"), timeZone: arguments.value("tz"),
                format: arguments.value("format") ?? (arguments.has("json") ? "json" : nil),
                serviceLevel: arguments.value("service-level"), shortAbandon: arguments.value("short-abandon"),
                direction: arguments.value("direction"))
            command.colour = isatty(STDOUT_FILENO) == 1
            command.paths = try logPaths(arguments.operands, arguments)
            return command.run(out: { output($0) }, err: { complain($0, prefix: false) })
        } catch let error as UsageError {
            throw Failure.usage("\(error)")
        }
    }
]
