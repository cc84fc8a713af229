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
            Option("target", "PERCENT", "the service level to be reached, met or missed (the groups' serviceTarget)"),
            Option("output", "FILE", "write the file, whole or not at all, instead of the standard output"),
            Option("follow", nil, "write it again and again, a wallboard: needs --output"),
            Option("every", "SECONDS", "how often (5s); implies --follow"),
            Option("direction", "WORD", "which calls count: inbound, outbound, internal, callback, other (inbound)"),
            Option("explain", "KEY", "print the formula of the figures that are called so; all: of every one"),
            jsonOption,
        ] + connectionOptions
    ) { arguments in
        do {
            if let key = arguments.value("explain") {
                try MetricsCommand.explain(key == "all" ? nil : key).forEach { output($0) }
                return 0
            }
            if arguments.has("json"), let format = arguments.value("format"), format != "json" {
                throw UsageError("--json and --format \(format): one of them")
            }
            var command = try MetricsCommand(
                paths: [], since: arguments.value("since"), until: arguments.value("until"),
                by: arguments.value("by"), timeZone: arguments.value("tz"),
                format: arguments.value("format") ?? (arguments.has("json") ? "json" : nil),
                serviceLevel: arguments.value("service-level"), shortAbandon: arguments.value("short-abandon"),
                direction: arguments.value("direction"), target: arguments.value("target"),
                output: arguments.value("output"), follow: arguments.has("follow"),
                every: arguments.value("every"))
            command.colour = isatty(STDOUT_FILENO) == 1
            command.paths = try logPaths(arguments.operands, arguments)
            return command.run(out: { output($0) }, err: { complain($0, prefix: false) })
        } catch let error as UsageError {
            throw Failure.usage("\(error)")
        }
    },
    Command(
        "export", operands: "[PATH…]", count: 0...1000, "the log for other tools: queue_log or one row a call",
        details: """
            Calls of every direction, where `warmline metrics` counts inbound ones unless told otherwise.

            queue_log: Asterisk's lines (ENTERQUEUE, CONNECT, ABANDON, EXITWITHTIMEOUT, RINGNOANSWER, ATTENDEDTRANSFER,
            BLINDTRANSFER, COMPLETEAGENT, COMPLETECALLER), for the queue reports that read them. The format has whole
            seconds, one queue at a time and one agent a call: holds, consults that failed, fallbacks, wrap-up and verdicts
            are not in it. csv: one row for each call that ended, with what was waited, talked and held.
            """,
        options: [Option("format", "FORMAT", "queue_log or csv (csv)")] + connectionOptions
    ) { arguments in
        do {
            var command = try ExportCommand(paths: [], format: arguments.value("format"))
            command.paths = try logPaths(arguments.operands, arguments)
            return command.run(out: { output($0) }, err: { complain($0, prefix: false) })
        } catch let error as UsageError {
            throw Failure.usage("\(error)")
        }
    },
    Command(
        "staffing", operands: "[PATH…]", count: 0...1000, "the agents needed to hold a service level",
        details: """
            Arrivals and handle times of each weekday and half hour, and the agents that Erlang C, and Erlang A with the
            patience measured, ask for, beside those who were there: logged in and not paused. A half hour counts by
            the time in which the log was being written; calls dated more than a week away from the rest are left out.
            Of one group it is not known who was there for it.
            """,
        options: [
            Option("since", "TIME", "what began at or after it"), Option("until", "TIME", "what began before it"),
            Option("group", "NAME", "the calls of this group alone"),
            Option("direction", "WORD", "which calls count: inbound, outbound, internal, callback, other (inbound)"),
            Option("target", "PERCENT/SECONDS", "answered within the seconds (80/20)"),
            Option("shrinkage", "PERCENT", "time on the payroll in which nobody takes calls (0)"),
            Option("tz", "ZONE", "in which half hours begin (UTC)"), jsonOption,
        ] + connectionOptions
    ) { arguments in
        do {
            var command = try StaffingCommand(
                paths: [], since: arguments.value("since"), until: arguments.value("until"),
                group: arguments.value("group"), direction: arguments.value("direction"),
                target: arguments.value("target"), shrinkage: arguments.value("shrinkage"),
                timeZone: arguments.value("tz"), json: arguments.has("json"))
            command.paths = try logPaths(arguments.operands, arguments)
            return command.run(out: { output($0) }, err: { complain($0, prefix: false) })
        } catch let error as UsageError {
            throw Failure.usage("\(error)")
        }
    },
]
