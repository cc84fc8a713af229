/// The allow-list of `transfer.allow`: which addresses users and redirects may have dialled.
///
/// `@unchecked`: a `Regex` is not Sendable because it may hold closures; these are made of text and never change.
struct AllowList: @unchecked Sendable {
    let patterns: [String]
    /// Compiled once: that takes longer than all else of a consult.
    private let expressions: [Regex<AnyRegexOutput>]

    init(patterns: [String]) {
        self.patterns = patterns
        // By scalars, so that no combining mark can hide behind the character before it.
        expressions = patterns.compactMap { try? Regex($0).matchingSemantics(.unicodeScalar) }
    }

    /// Whether one of the patterns matches the whole canonical form.
    func permits(_ address: SIPAddress) -> Bool {
        guard let canonical = address.canonical else { return false }
        return expressions.contains { (try? $0.wholeMatch(in: canonical)) != nil }
    }
}

extension AllowList: Codable {
    init(from decoder: any Decoder) throws {
        self.init(patterns: try decoder.singleValueContainer().decode([String].self))
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(patterns)
    }
}
