import Controller
import EventLog
import Foundation
import Metrics

/// The commands that read a log.
let logCommands: [Command] = [
    Command(
        "events", operands: "[PATH]", count: 0...1, "the event log, readable",
        details: """
            PATH is a log's directory or one of its files; without it, the log of the configuration or the running
            controller that --config or --socket names. Times are local. --json prints the lines as they stand. Exit
            status 2: the path is no log.
            """,
        options: [
            Option("follow", nil, "go on with what is written from now on"),
            Option("call", "ID", "only the events of one call"),
            Option("type", "GLOB", "only the events of a type: hold.started, 'consult.*'"),
            jsonOption,
        ] + connectionOptions
    ) { arguments in
        let path = try logPaths(arguments.operands, arguments)[0]
        let filter = EventFilter(call: arguments.value("call"), type: arguments.value("type"))
        if let mistake = filter.mistake { throw Failure.usage("--type: \(mistake)") }
        do {
            try LogPath.check(path)
        } catch {
            throw Failure.usage("\(error)")
        }
        let json = arguments.has("json")
        let call = arguments.value("call")
        var isKnown = call == nil
        let show = { (parser: borrowing EventParser) in
            if !isKnown, parser.call == call { isKnown = true }
            guard filter.passes(parser) else { return }
            output(json ? String(decoding: parser.line, as: UTF8.self) : EventText.line(parser))
        }
        if arguments.has("follow") {
            try LogFollower(path: path).run(show)
        } else {
            try LogReader(path: path).forEach(show)
        }
        // One that is followed may be yet to come.
        if !isKnown, let call { throw Failure.failed("no call \(call) in \(path)") }
        return 0
    },
    Command(
        "verify", operands: "[PATH…]", count: 0...1000, "hold logs against their rules and print each breach",
        details: "Exit status 0: no rule is broken; 1: one is; 2: a path is no log.",
        options: [
            Option("complete", nil, "what is open at the end of the log is a breach as well"), jsonOption,
        ] + connectionOptions
    ) { arguments in
        VerifyCommand(
            paths: try logPaths(arguments.operands, arguments), complete: arguments.has("complete"),
            json: arguments.has("json")
        ).run(out: { output($0) }, err: { complain($0, prefix: false) })
    },
    Command(
        "timeline", operands: "CALL [PATH…]", count: 1...1000, "one call, open or past, as lanes and a ladder",
        options: [Option("svg", nil, "a drawing instead of text")] + connectionOptions
    ) { arguments in
        let paths = try logPaths(Array(arguments.operands.dropFirst()), arguments)
        return TimelineCommand(call: arguments.operands[0], paths: paths, svg: arguments.has("svg"))
            .run(out: { output($0) }, err: { complain($0, prefix: false) })
    },
]
