/// One option of a command.
struct Option: Sendable {
    /// Without the dashes.
    var name: String
    /// What stands for its value in the help; null: a flag.
    var value: String?
    var help: String

    init(_ name: String, _ value: String? = nil, _ help: String = "") {
        self.name = name
        self.value = value
        self.help = help
    }
}

/// Why a command did not do what it was asked; its exit status is `status`.
enum Failure: Error {
    /// The command line or the configuration is wrong: 2.
    case usage(String)
    /// It could not be done: 1.
    case failed(String)

    var status: Int32 {
        switch self {
        case .usage: 2
        case .failed: 1
        }
    }
}

/// What stood on the command line after the command's name.
struct Arguments {
    private var values: [String: [String]] = [:]
    private(set) var operands: [String] = []

    /// Reads options as GNU programs do: anywhere among the operands, `--name value` and `--name=value`, unambiguous
    /// beginnings of names; `--` ends them. (`getopt_long` itself is not in Swift's Glibc module.) `--help` is always
    /// known.
    init(_ words: [String], command: String, options: [Option]) throws(Failure) {
        let known = options + [Option("help")]
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                operands += rest
                return
            }
            guard word.hasPrefix("-"), word != "-" else {
                operands.append(word)
                continue
            }
            let parts = word.drop { $0 == "-" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = word == "-h" ? "help" : String(parts.first ?? "")
            let exact = known.filter { $0.name == name }
            let matches = exact.isEmpty && !name.isEmpty ? known.filter { $0.name.hasPrefix(name) } : exact
            guard matches.count == 1, let option = matches.first, word.hasPrefix("--") || word == "-h" else {
                let what =
                    matches.count > 1
                    ? "could be " + matches.map { "--\($0.name)" }.joined(separator: " or ")
                    : "is not an option of \(command)"
                throw .usage("\(word) \(what); see warmline \(command) --help")
            }
            var value = parts.count > 1 ? String(parts[1]) : nil
            if option.value == nil, value != nil { throw .usage("--\(option.name) takes no value") }
            if let meaning = option.value, value == nil {
                guard let next = rest.popFirst() else { throw .usage("--\(option.name) needs a value: \(meaning)") }
                value = next
            }
            values[option.name, default: []].append(value ?? "")
        }
    }

    func has(_ name: String) -> Bool { values[name] != nil }

    /// The last value given.
    func value(_ name: String) -> String? { values[name]?.last }

    func values(_ name: String) -> [String] { values[name] ?? [] }
}
