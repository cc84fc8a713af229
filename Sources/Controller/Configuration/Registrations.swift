extension Configuration {
    /// A PBX or provider that warmline is registered with.
    public struct Registration: Hashable, Sendable {
        /// SIP URIs; the first is used while it takes us, then the next.
        public var servers: [String]
        public var user: String
        public var password: String?
        /// Null: whatever the servers call theirs.
        public var realm: String?
        /// Seconds asked for.
        public var expires: Int

        public init(
            servers: [String], user: String, password: String? = nil, realm: String? = nil, expires: Int = 300
        ) {
            self.servers = servers
            self.user = user
            self.password = password
            self.realm = realm
            self.expires = expires
        }
    }
}

extension ConfigurationReader {
    mutating func readRegistrations() {
        guard let node = root.node("registrations") else { return }
        guard case .array(let elements) = node.value else {
            return root.add("registrations", "expected a list of objects, found \(node.kind)")
        }
        if elements.count > 16 { root.add("registrations", "are \(elements.count); there may be at most 16") }
        for (index, element) in elements.enumerated() {
            let place = root.elementPlace("registrations", index)
            let section = ConfigSection.section(element, at: place, mistakes: root.mistakes)
            var registration = Configuration.Registration(servers: servers(section), user: "")
            registration.user = section.string("user", default: "")
            if !(1...63).contains(registration.user.utf8.count) || !isUserPart(registration.user) {
                section.add("user", "must be the user part of a SIP URI, 1 to 63 bytes long")
            }
            registration.password = secret(section, "password")
            registration.realm = realm(section)
            registration.expires = section.int("expires", in: 30...86_400, default: registration.expires)
            configuration.registrations.append(registration)
            section.finish()
        }
    }

    private func isUserPart(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"@:;?<>\"/\\[]".utf8.contains($0) }
    }

    /// `server`: a URI, or several in the order in which they are tried.
    private func servers(_ section: ConfigSection) -> [String] {
        guard let node = section.node("server") else {
            section.add("server", "is missing")
            return []
        }
        let servers: [String]
        switch node.value {
        case .string(let text): servers = [text]
        case .array: servers = section.strings("server", default: [])
        default:
            section.add("server", "expected a SIP URI or a list of SIP URIs, found \(node.kind)")
            return []
        }
        if !(1...8).contains(servers.count) { section.add("server", "must name 1 to 8 servers") }
        for server in servers {
            let address = checkURI(server, at: section.place(of: "server"))
            if address.map({ !$0.user.isEmpty }) == true {
                section.add("server", "\"\(server)\" must have no user part: that is registrations.user")
            }
        }
        return servers
    }
}
