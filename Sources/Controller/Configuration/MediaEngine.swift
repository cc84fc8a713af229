// `media.engine`: who carries RTP.

extension Configuration {
    /// Who carries RTP.
    public enum MediaEngine: String, Hashable, Sendable, CaseIterable {
        /// The controller itself.
        case relay
        /// Nodes of rtpengine.
        case rtpengine
    }
}

extension ConfigurationReader {
    /// As many as the telephony side has room for.
    private static let mostNodes = 16

    mutating func readMediaEngine(_ section: ConfigSection) {
        configuration.media.engine = section.word("engine", default: Configuration.Media().engine)
        let texts = section.strings("rtpengines", default: [])
        configuration.media.rtpengines = texts.enumerated().compactMap { index, text in
            node(text, section, at: section.elementPlace("rtpengines", index))
        }
        configuration.media.rtpengineDigits = section.optionalString("rtpengineDigits").flatMap {
            node($0, section, at: section.place(of: "rtpengineDigits"))
        }
        guard configuration.media.engine == .rtpengine else {
            if !texts.isEmpty { section.add("rtpengines", "has nodes, but media.engine is \"relay\"") }
            return
        }
        if texts.isEmpty { section.add("rtpengines", "must name at least one node, such as udp:127.0.0.1:2223") }
        if texts.count > Self.mostNodes { section.add("rtpengines", "names more than \(Self.mostNodes) nodes") }
        if let other = configuration.media.otherAddress {
            section.add("address", "must be one address with media.engine \"rtpengine\": \(other.text) is a second one")
        }
        if configuration.media.externalAddress != nil {
            section.add(
                "externalAddress",
                "has no meaning with media.engine \"rtpengine\": give the node's --interface the address as IP!EXTERNAL"
            )
        }
    }

    private func node(_ text: String, _ section: ConfigSection, at place: ConfigPlace) -> ListenAddress? {
        do {
            let address = try ListenAddress(parsing: text)
            if address.transport == .udp && address.port != 0 && !address.address.isWildcard { return address }
            section.mistakes.add(place, "must be udp:ADDRESS:PORT, is \"\(text)\"")
        } catch {
            section.mistakes.add(place, "\"\(text)\" \(error)")
        }
        return nil
    }
}
