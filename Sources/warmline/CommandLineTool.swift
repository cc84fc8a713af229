import Controller
import Foundation
import Metrics

/// The command line: finds the command, runs it, says what went wrong.
enum CommandLineTool {
    static let commands: [Command] =
        serviceCommands + callCommands + [topCommand] + logCommands + metricsCommands + [completionCommand]

    static func main(_ words: [String]) -> Int32 {
        // A closed one of these would be the number of the next file or socket, and get what is meant for the user: the
        // file that stands there instead fails as a closed one does.
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
        // A reader that went away (`| head`) is noticed by the failed write, not by the signal.
        signal(SIGPIPE, SIG_IGN)
        do {
            return try run(words)
        } catch let failure as Failure {
            switch failure {
            case .usage(let reason), .failed(let reason): complain(reason)
            }
            return failure.status
        } catch let error as UsageError {
            complain(error.description)
            return 2
        } catch let error as ConfigurationError {
            error.mistakes.forEach { complain($0.description, prefix: false) }
            return 2
        } catch {
            complain("\(error)")
            return 1
        }
    }

    private static func run(_ words: [String]) throws -> Int32 {
        guard let first = words.first else {
            complain(overview, prefix: false)
            return 2
        }
        switch first {
        case "--help", "-h", "help":
            guard words.count > 1, first == "help" else {
                output(overview)
                return 0
            }
            return try command(words[1]).execute(["--help"])
        case "--version":
            output("warmline \(warmlineVersion)")
            return 0
        default:
            return try command(first).execute(Array(words.dropFirst()))
        }
    }

    private static func command(_ name: String) throws(Failure) -> Command {
        guard let command = commands.first(where: { $0.name == name }) else {
            throw .usage("there is no command \(name); see warmline --help")
        }
        return command
    }

    private static var overview: String {
        let names = commands.map { $0.operands.isEmpty ? $0.name : "\($0.name) \($0.operands)" }
        let width = min(44, names.map(\.count).max() ?? 0)
        var text = "usage: warmline COMMAND [OPTIONS]\n\nAn attended-transfer call controller.\n\n"
        for (name, command) in zip(names, commands) {
            let gap = name.count > width ? "\n  " + String(repeating: " ", count: width) : pad(name, to: width)
            text += "  \(name)\(gap)  \(command.summary)\n"
        }
        return text
            + "\nwarmline COMMAND --help says more of each. Exit status: 0 done, 1 could not be done, 2 wrong usage."
    }

    private static func pad(_ name: String, to width: Int) -> String {
        String(repeating: " ", count: width - name.count)
    }
}

/// A diagnostic: one line on stderr.
func complain(_ text: String, prefix: Bool = true) {
    let line = (prefix ? "warmline: " : "") + text + "\n"
    // Where nobody can be told, the exit status says it.
    _ = writeAll(line, to: STDERR_FILENO)
}
