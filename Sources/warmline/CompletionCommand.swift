import Metrics

/// `completion`: what shells and the manual need to know of the commands, made of the same table that runs them.
let completionCommand = Command(
    "completion", operands: "bash|zsh|man", count: 1...1, "shell completion, or the manual's list of commands",
    details: """
        bash: source <(warmline completion bash). zsh: warmline completion zsh > _warmline in a directory of fpath.
        """
) { arguments in
    switch arguments.operands[0] {
    case "bash": output(Completion.bash(CommandLineTool.commands))
    case "zsh": output(Completion.zsh(CommandLineTool.commands))
    case "man": output(Completion.manual(CommandLineTool.commands))
    case let other: throw Failure.usage("completion \(other): bash, zsh or man")
    }
    return 0
}

enum Completion {
    /// Operands are completed by what the running controller has: open calls.
    static func bash(_ commands: [Command]) -> String {
        var cases = ""
        for command in commands {
            let words = options(command).map { "--\($0.name)" }.joined(separator: " ")
            cases += "        \(command.name)) options='\(words)'; operand=\(operand(command)) ;;\n"
        }
        return """
            # bash completion of warmline
            _warmline() {
                local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
                local options='' operand='' i place=()
                if [ "$COMP_CWORD" -eq 1 ]; then
                    COMPREPLY=($(compgen -W '\(commands.map(\.name).joined(separator: " "))' -- "$word"))
                    return
                fi
                case $command in
            \(cases)    esac
                case $before in
                    \(fileOptions(commands).map { "--\($0)" }.joined(separator: "|"))) COMPREPLY=($(compgen -f -- "$word")); return ;;
                esac
                for ((i = 2; i < COMP_CWORD; i++)); do
                    case ${COMP_WORDS[i]} in --socket|--config) place=("${COMP_WORDS[i]}" "${COMP_WORDS[i+1]}") ;; esac
                done
                case $word in
                    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
                    *)
                        case $operand in
                            call) COMPREPLY=($(compgen -W "$(warmline calls --json "${place[@]}" 2>/dev/null |
                                sed -n 's/.*"call": *"\\([^"]*\\)".*/\\1/p')" -- "$word")) ;;
                            path) COMPREPLY=($(compgen -f -- "$word")) ;;
                        esac ;;
                esac
            }
            complete -o filenames -F _warmline warmline
            """
    }

    static func zsh(_ commands: [Command]) -> String {
        var cases = ""
        for command in commands {
            var words = options(command).map { option in
                let value = option.value.map { ":\($0):\(takesFile($0) ? "_files" : " ")" } ?? ""
                return "'--\(option.name)[\(quoted(option.help))]\(value)'"
            }
            switch operand(command) {
            case "call": words.append("'1:call:_warmline_calls'")
            case "path": words.append("'*:path:_files'")
            default: break
            }
            cases += "        \(command.name)) _arguments \(words.joined(separator: " ")) ;;\n"
        }
        let names = commands.map { "'\($0.name):\(quoted($0.summary))'" }.joined(separator: " ")
        return """
            #compdef warmline
            _warmline_calls() {
                local -a calls place
                [[ -n ${opt_args[--socket]} ]] && place=(--socket ${opt_args[--socket]})
                [[ -n ${opt_args[--config]} ]] && place=(--config ${opt_args[--config]})
                calls=(${(f)"$(warmline calls --json $place 2>/dev/null | sed -n 's/.*"call": *"\\([^"]*\\)".*/\\1/p')"})
                compadd -a calls
            }
            _warmline() {
                local -a commands
                commands=(\(names))
                if (( CURRENT == 2 )); then
                    _describe command commands
                    return
                fi
                local command=$words[2]
                shift words
                (( CURRENT-- ))
                case $command in
            \(cases)    esac
            }
            _warmline "$@"
            """
    }

    /// Sections of a manual page, in man(7)'s macros: the commands, and the keys of the figures that `metrics` prints.
    static func manual(_ commands: [Command]) -> String {
        manualCommands(commands) + "\n" + manualFigures
    }

    private static var manualFigures: String {
        let lead = "What metrics prints, by the keys of its json and csv formats; in brackets the unit."
        var lines = [".SH METRICS", troff(lead)]
        for figure in Figure.all {
            lines += [".TP", ".BR \(troff(figure.key)) \" (\(unit(figure.unit)))\"", troff(figure.explanation)]
        }
        return lines.joined(separator: "\n")
    }

    private static func unit(_ unit: Figure.Unit) -> String {
        switch unit {
        case .milliseconds: "ms"
        case .percent: "%"
        case .count: "count"
        }
    }

    private static func manualCommands(_ commands: [Command]) -> String {
        commands.map { command in
            var lines = [".SS \(troff("\(command.name) \(command.operands)"))", troff(command.summary) + "."]
            if !command.details.isEmpty { lines += [".PP", troff(command.details)] }
            for option in command.options {
                lines += [".TP", ".B \(troff("--\(option.name)"))" + (option.value.map { " \(troff($0))" } ?? "")]
                lines.append(troff(option.help))
            }
            return lines.joined(separator: "\n")
        }.joined(separator: "\n")
    }

    private static func options(_ command: Command) -> [Option] {
        command.options + [Option("help", nil, "print its usage and exit")]
    }

    /// What kind of word the command's operands are.
    private static func operand(_ command: Command) -> String {
        if command.operands.hasPrefix("CALL") { return "call" }
        return ["[PATH", "FILE"].contains { command.operands.hasPrefix($0) } ? "path" : "none"
    }

    private static func takesFile(_ value: String) -> Bool { value == "FILE" || value == "PATH" }

    private static func fileOptions(_ commands: [Command]) -> [String] {
        var names: [String] = []
        for option in commands.flatMap(\.options) where option.value.map(takesFile) == true {
            if !names.contains(option.name) { names.append(option.name) }
        }
        return names
    }

    private static func quoted(_ text: String) -> String {
        text.map { "'[]:\\".contains($0) ? ($0 == "'" ? "’" : " ") : String($0) }.joined()
    }

    /// Text in which troff sees no requests of its own.
    private static func troff(_ text: String) -> String {
        let escaped = text.map { character -> String in
            switch character {
            case "\\": "\\e"
            case "-": "\\-"
            case "…": "..."
            case "÷": "\\(di"
            case "×": "\\(mu"
            case "≤": "\\(<="
            case "≥": "\\(>="
            case "−": "\\(mi"
            default: String(character)
            }
        }.joined()
        return escaped.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.hasPrefix(".") || line.hasPrefix("'") ? "\\&\(line)" : String(line)
        }.joined(separator: "\n")
    }
}
