import CallEvents

/// What whoever steps in is told about a call: who had it before, and why it comes to them. Short, oldest first.
struct Past: Codable, Sendable {
    /// A call that went through many hands must not fill a header.
    private static var longest: Int { 8 }

    private(set) var steps: [String] = []

    mutating func add(_ step: String) {
        if steps.count >= Self.longest { steps.removeFirst() }
        steps.append(step)
    }

    /// As a text message tells it: null when nothing has happened yet.
    var text: String? { steps.isEmpty ? nil : "before: " + steps.joined(separator: "; ") }

    /// `X-Warmline-History`: null when nothing has happened yet.
    var header: String? {
        steps.isEmpty ? nil : "X-Warmline-History: " + steps.joined(separator: "; ").filter(\.isPrintableASCII)
    }
}

extension Character {
    /// A line break would begin another header (RFC 3261 §7.3).
    fileprivate var isPrintableASCII: Bool { asciiValue.map { (0x20..<0x7F).contains($0) } ?? false }
}

extension Call {
    /// A party is no longer with the caller.
    mutating func noteLeft(_ party: Party, endedBy: EndedBy, cause: Cause, _ context: Context) {
        past.add(stay(of: party, cause, context))
    }

    private func stay(of party: Party, _ cause: Cause, _ context: Context) -> String {
        let seconds = Books.ms(party.since, context.now) / 1_000
        let why =
            if cause == .agentLost || cause == .lost { "lost" } else if let transfer {
                transfer.kind == .blind ? "blind transfer" : "transfer"
            } else { "left" }
        return "\(party.agent ?? party.uri) \(seconds)s \(why)"
    }

    /// What whoever is called now is told. An agent who transfers blindly is gone by the time of an answer.
    func past(for purpose: Attempt.Purpose, _ context: Context) -> Past {
        guard case .consult = purpose, transfer?.kind == .blind, let party else { return past }
        var past = past
        past.add(stay(of: party, .normal, context))
        return past
    }

    /// Somebody could not be had.
    mutating func noteFailed(_ candidate: Candidate, _ cause: Cause) {
        past.add("\(candidate.name) \(cause.rawValue)")
    }
}
