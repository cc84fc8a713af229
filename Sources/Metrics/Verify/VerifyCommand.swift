import EventLog

/// `warmline verify [PATH…]`: holds logs against their rules and prints each breach.
public struct VerifyCommand: Sendable {
    /// Directories of segments, or files.
    public var paths: [String]
    /// Whether what is open at the end of the log is a breach.
    public var complete: Bool
    /// One JSON object a breach instead of a line of text.
    public var json: Bool

    public init(paths: [String], complete: Bool = false, json: Bool = false) {
        self.paths = paths
        self.complete = complete
        self.json = json
    }

    /// Breaches and the summary go to `out`, line by line without newlines, errors to `err`.
    /// - Returns: the exit status: 0 when no rule is broken, 1 when one is, 2 when a path is no log.
    public func run(out: (String) -> Void, err: (String) -> Void) -> Int32 {
        do {
            return try check(out)
        } catch {
            err("warmline verify: \(error)")
            return 2
        }
    }

    private func check(_ out: (String) -> Void) throws(InputError) -> Int32 {
        var verifier = Verifier(complete: complete)
        var broken = 0
        var torn = 0
        let chains = try LogChain.find(paths)
        var parser = EventParser(isBounded: true)
        for chain in chains {
            let reader = ChainReader(chain)
            var lastSeq: UInt64 = 0
            while let line = try reader.next() {
                do {
                    try parser.parse(line)
                    let event = try parser.logged()
                    lastSeq = event.seq
                    verifier.check(event, file: reader.file, line: reader.number).forEach { show($0, out) }
                } catch {
                    if !reader.isWhole || reader.isLeft(after: lastSeq) {
                        torn += 1
                        if reader.isWhole { try reader.leaveFile() }
                        continue
                    }
                    broken += 1
                    let breach = Breach(
                        node: chain.node, file: reader.file, line: reader.number, rule: .line,
                        text: "not an event: \(error)")
                    show(breach, out)
                }
            }
        }
        verifier.finish().forEach { show($0, out) }
        let breaches = verifier.breaches + broken
        if !json {
            var summary = "\(counted(verifier.events, "event")) of \(counted(chains.count, "node")): "
            summary += breaches == 0 ? "no breach" : counted(breaches, "breach", "breaches")
            if torn > 0 { summary += "; \(counted(torn, "torn end")) of a file passed over" }
            out(summary)
        }
        return breaches == 0 ? 0 : 1
    }

    private func show(_ breach: Breach, _ out: (String) -> Void) {
        guard json else { return out(breach.description) }
        var object = JSONText()
        object.field("node", breach.node)
        object.field("file", breach.file)
        object.field("line", breach.line)
        object.field("seq", breach.seq.map { Int(clamping: $0) })
        object.field("call", breach.call)
        object.field("rule", breach.rule.rawValue)
        object.field("text", breach.text)
        out(object.closed())
    }
}

/// `1 event`, `2 events`.
func counted(_ number: Int, _ one: String, _ many: String? = nil) -> String {
    "\(number) \(number == 1 ? one : many ?? one + "s")"
}
