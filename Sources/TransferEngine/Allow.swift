/// The allow-list of `transfer.allow`: which addresses users and redirects may have dialled.
struct AllowList: Codable, Hashable, Sendable {
    var patterns: [String]

    /// Whether one of the patterns matches the whole canonical form. Patterns are compiled at each use: a `Regex` is
    /// neither Codable nor Sendable, and an address outside the configuration is dialled seldom.
    func permits(_ address: SIPAddress) -> Bool {
        guard let canonical = address.canonical else { return false }
        return patterns.contains { pattern in
            guard let regex = try? Regex(pattern) else { return false }
            // By scalars, so that no combining mark can hide behind the character before it.
            let match = try? regex.matchingSemantics(.unicodeScalar).wholeMatch(in: canonical)
            return match != nil
        }
    }
}
