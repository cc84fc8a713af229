extension Numbering {
    /// Numbers shorter than this are extensions, where there is no prefix that tells.
    private static let shortestNational = 7

    /// A number in E.164 where the plan tells how; anything else unchanged.
    func international(_ number: String) -> String {
        guard !number.isEmpty, number.allSatisfy(\.isASCIIDigit) else { return number }
        if !self.international.isEmpty, number.hasPrefix(self.international) {
            let rest = number.dropFirst(self.international.count)
            return rest.isEmpty ? number : "+" + rest
        }
        if national.isEmpty {
            return number.count >= Self.shortestNational ? "+" + country + number : number
        }
        if number.hasPrefix(national) {
            let rest = number.dropFirst(national.count)
            return rest.isEmpty ? number : "+" + country + rest
        }
        return number
    }
}

/// A caller's number in one form: the user part without escapes, parameters and visual separators (RFC 3966 §5.1.1),
/// in E.164 where the plan tells how. Null for nobody: no user part, or a word that says anonymous.
func normalisedCaller(_ uri: String, numbering: Numbering?) -> String? {
    var user: Substring
    if let address = SIPAddress(uri) {
        guard let decoded = address.decodedUser, address.host != "anonymous.invalid" else { return nil }
        user = Substring(decoded)
    } else if uri.lowercased().hasPrefix("tel:") {
        user = uri.dropFirst(4)
    } else {
        return nil
    }
    if let semicolon = user.firstIndex(of: ";") { user = user[..<semicolon] }
    let digits = user.filter { !"-.() ".contains($0) }
    let looksLikeNumber = !digits.isEmpty && digits.allSatisfy { $0.isASCIIDigit || "+*#".contains($0) }
    let text = looksLikeNumber ? digits : String(user)
    guard !text.isEmpty, !["anonymous", "unknown", "unavailable", "restricted"].contains(text.lowercased()) else {
        return nil
    }
    return numbering?.international(text) ?? text
}
