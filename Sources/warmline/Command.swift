/// One command of the command line.
struct Command: Sendable {
    var name: String
    /// What stands behind the name: `CALL TARGET[,TARGET…]`.
    var operands: String
    /// How many operands there may be.
    var count: ClosedRange<Int>
    /// One line for the list of commands.
    var summary: String
    /// What else is to be said.
    var details: String
    var options: [Option]
    /// Returns the exit status.
    var run: @Sendable (Arguments) throws -> Int32

    init(
        _ name: String, operands: String = "", count: ClosedRange<Int> = 0...0, _ summary: String,
        details: String = "", options: [Option] = [], run: @escaping @Sendable (Arguments) throws -> Int32
    ) {
        self.name = name
        self.operands = operands
        self.count = count
        self.summary = summary
        self.details = details
        self.options = options
        self.run = run
    }

    var help: String {
        var usage = "usage: warmline \(name)"
        if !operands.isEmpty { usage += " \(operands)" }
        if !options.isEmpty { usage += " [OPTIONS]" }
        var text = "\(usage)\n\n\(summary)\n"
        if !details.isEmpty { text += "\n\(details)\n" }
        let all = options + [Option("help", nil, "print this and exit")]
        let names = all.map { "--\($0.name)" + ($0.value.map { " \($0)" } ?? "") }
        let width = names.map(\.count).max() ?? 0
        text += "\noptions:\n"
        for (name, option) in zip(names, all) {
            text += "  \(name)\(String(repeating: " ", count: width - name.count))  \(option.help)\n"
        }
        return String(text.dropLast())
    }

    /// Parses the words behind the name and runs.
    func execute(_ words: [String]) throws -> Int32 {
        let arguments = try Arguments(words, command: name, options: options)
        if arguments.has("help") {
            output(help)
            return 0
        }
        guard count.contains(arguments.operands.count) else {
            let wanted = operands.isEmpty ? "takes no operands" : "takes \(operands)"
            throw Failure.usage("\(name) \(wanted); see warmline \(name) --help")
        }
        return try run(arguments)
    }
}
