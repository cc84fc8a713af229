extension Configuration {
    /// How an agent's phone proves that it is that agent's: by digest (RFC 7616, RFC 8760). Kept apart from the agents'
    /// settings, which go to the engine and its traces.
    public struct Account: Hashable, Sendable {
        public var agent: String
        /// The user part of the agent's address.
        public var user: String
        public var password: String?
        /// Hash of user, realm and password, in hexadecimal digits.
        public var md5: String?
        public var sha256: String?

        /// What `warmline check` shows instead of a secret.
        static let mask = "********"
    }

    func account(of agent: String) -> Account? { accounts.first { $0.agent == agent } }
}

extension ConfigurationReader {
    /// Who reads the file need not know how long a password is, so that no message quotes one.
    func account(_ section: ConfigSection, agent: String, user: String) -> Configuration.Account? {
        var account = Configuration.Account(agent: agent, user: user)
        account.password = secret(section, "password")
        let hashes = section.secrets("ha1")
        for hash in hashes {
            let isHexadecimal = hash.utf8.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
            switch hash.utf8.count {
            case 32 where isHexadecimal && account.md5 == nil: account.md5 = hash.lowercased()
            case 64 where isHexadecimal && account.sha256 == nil: account.sha256 = hash.lowercased()
            default:
                section.add(
                    "ha1", "must be the 32 (MD5) or 64 (SHA-256) hexadecimal digits of the hash, or a list of both")
                return nil
            }
        }
        if account.password != nil, !hashes.isEmpty {
            section.add("ha1", "stands beside a password: one of the two is enough")
        }
        return account.password == nil && hashes.isEmpty ? nil : account
    }

    func secret(_ section: ConfigSection, _ key: String) -> String? {
        guard let node = section.node(key), node.value != .null else { return nil }
        guard case .string(let text) = node.value else {
            section.add(key, "expected a string")
            return nil
        }
        if text.isEmpty { section.add(key, "must not be empty") }
        if text.utf8.count > 127 { section.add(key, "is longer than 127 bytes") }
        return text
    }

    /// A challenge goes to phones that have not said whose they are: it must suit all.
    func checkAccounts(_ accounts: [Configuration.Account], in section: ConfigSection) {
        let hashed = accounts.filter { $0.password == nil }
        guard let first = hashed.first(where: { $0.sha256 == nil }), hashed.contains(where: { $0.md5 == nil }) else {
            return
        }
        section.mistakes.add(
            section.place(of: first.agent).appending("ha1"),
            "is for MD5 alone and other agents' are for SHA-256 alone: phones cannot be asked for both")
    }

    func realm(_ section: ConfigSection) -> String? {
        guard let realm = section.optionalString("realm") else { return nil }
        let isPrintable = realm.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }
        if !isPrintable || realm.contains("\\") || !(1...63).contains(realm.utf8.count) {
            section.add("realm", "must be 1 to 63 printable ASCII characters, no quotes or backslashes")
        }
        return realm
    }
}

extension ConfigSection {
    /// A string or a list of strings; what is wrong is not quoted. Null counts as missing.
    func secrets(_ key: String) -> [String] {
        guard let node = node(key) else { return [] }
        switch node.value {
        case .null: return []
        case .string(let text): return [text]
        case .array([]):
            add(key, "is an empty list: name a hash, or leave the key out")
            return []
        case .array(let elements):
            let texts = elements.compactMap { if case .string(let text) = $0.value { text } else { nil } }
            if texts.count == elements.count { return texts }
            fallthrough
        default:
            add(key, "expected a string or a list of strings")
            return []
        }
    }
}
