import Foundation
import TransferEngine

// `sip` and `media`: addresses, ports, codecs.

extension ConfigurationReader {
    mutating func readSIP(_ section: ConfigSection) {
        let defaults = Configuration.SIP()
        readListen(section)
        configuration.sip.externalAddress = externalAddress(section)
        configuration.sip.localNets = networks(section, "localNets", default: defaults.localNets)
        configuration.sip.trustedPeers = networks(section, "trustedPeers", default: defaults.trustedPeers)
        configuration.sip.realm = realm(section)
        configuration.sip.lineFrom = section.word("lineFrom", default: defaults.lineFrom)
        readNumbering(section)
        readTLS(section.section("tls"))
        configuration.sip.outboundProxy = section.optionalString("outboundProxy")
        if let proxy = configuration.sip.outboundProxy { checkURI(proxy, at: section.place(of: "outboundProxy")) }
        // RFC 4028 §4: nobody may ask for less than 90 seconds.
        configuration.sip.minSE = section.int("minSE", in: 90...86_400, default: defaults.minSE)
        configuration.sip.sessionExpires = section.int(
            "sessionExpires", in: 0...86_400, default: max(defaults.sessionExpires, configuration.sip.minSE))
        if configuration.sip.sessionExpires != 0, configuration.sip.sessionExpires < configuration.sip.minSE {
            section.add(
                "sessionExpires",
                "must be 0 (none) or at least minSE (\(configuration.sip.minSE)), is \(configuration.sip.sessionExpires)"
            )
        }
        configuration.sip.keepAlive = section.int("keepAlive", in: 0...86_400, default: defaults.keepAlive)
        section.finish()
    }

    private mutating func readListen(_ section: ConfigSection) {
        guard let node = section.node("listen") else { return }
        let texts = section.strings("listen", default: [])
        if node.value == .array([]) { section.add("listen", "must name at least one address") }
        var listen: [ListenAddress] = []
        for (index, text) in texts.enumerated() {
            let place = section.elementPlace("listen", index)
            do {
                let entry = try ListenAddress(parsing: text)
                let clash = listen.first {
                    ($0.transport == .udp) == (entry.transport == .udp) && $0.port == entry.port && entry.port != 0
                        && $0.address.overlaps(entry.address)
                }
                if let clash { section.mistakes.add(place, "\(entry) overlaps \(clash)") }
                listen.append(entry)
            } catch {
                section.mistakes.add(place, "\"\(text)\" \(error)")
            }
        }
        configuration.sip.listen = listen
    }

    private mutating func readNumbering(_ section: ConfigSection) {
        guard let node = section.node("numbering") else { return }
        if case .null = node.value { return }
        let numbering = section.section("numbering")
        let country = numbering.string("country", default: "")
        let international = numbering.string("international", default: "00")
        let national = numbering.string("national", default: "0")
        let isDigits = { (text: String) in text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        }
        if !isDigits(country) || !(1...3).contains(country.count) || country.hasPrefix("0") {
            numbering.add("country", "must be a country code such as \"371\", is \"\(country)\"")
        }
        if !isDigits(international) || international.isEmpty {
            numbering.add("international", "must be the digits dialled before a country code, is \"\(international)\"")
        }
        if !isDigits(national) {
            numbering.add("national", "must be the digits dialled before an area code, is \"\(national)\"")
        }
        numbering.finish()
        configuration.numbering = Numbering(country: country, international: international, national: national)
    }

    mutating func readMedia(_ section: ConfigSection) {
        let defaults = Configuration.Media()
        readMediaAddress(section)
        configuration.media.externalAddress = externalAddress(section)
        if let external = configuration.media.externalAddress.flatMap(IPAddress.init),
            !configuration.media.addresses.contains(where: { $0.isV6 == external.isV6 })
        {
            section.add(
                "externalAddress", "must be of the same kind as media.address (\(configuration.media.address.text))")
        }
        readPorts(section)
        readCodecs(section)
        configuration.media.srtp = section.word("srtp", default: defaults.srtp)
        configuration.media.musicOnHold = section.optionalString("musicOnHold")
        if let file = configuration.media.musicOnHold, let reason = soundMistake(file) {
            section.add("musicOnHold", reason)
        }
        configuration.media.rtpTimeout = section.seconds("rtpTimeout", in: 0...86_400, default: defaults.rtpTimeout)
        readMediaEngine(section)
        section.finish()
    }

    /// One address, or a list of one or two, an IPv4 and an IPv6 one.
    private mutating func readMediaAddress(_ section: ConfigSection) {
        let texts: [(text: String, place: ConfigPlace)]
        if case .array(let elements) = section.node("address")?.value {
            texts = section.strings("address", default: []).enumerated().map {
                ($1, section.elementPlace("address", $0))
            }
            guard (1...2).contains(elements.count) else {
                return section.add(
                    "address", "must be one address, or an IPv4 and an IPv6 one, is a list of \(elements.count)")
            }
            guard texts.count == elements.count else { return }
        } else {
            let text = section.string("address", default: configuration.media.address.text)
            texts = [(text, section.place(of: "address"))]
        }
        var addresses: [IPAddress] = []
        for (text, place) in texts {
            guard let address = IPAddress(text) else {
                section.mistakes.add(place, "\"\(text)\" is no IP address")
                continue
            }
            if address.isWildcard {
                section.mistakes.add(place, "must be one address: it is what SDP tells phones to send to")
            }
            if let other = addresses.first(where: { $0.isV6 == address.isV6 }) {
                section.mistakes.add(
                    place, "is \(address.isV6 ? "IPv6" : "IPv4") as \(other.text) is: a list has one address of each")
            }
            addresses.append(address)
        }
        guard let first = addresses.first else { return }
        configuration.media.address = first
        configuration.media.otherAddress = addresses.dropFirst().first { $0.isV6 != first.isV6 }
    }

    private mutating func readPorts(_ section: ConfigSection) {
        guard let node = section.node("ports") else { return }
        guard case .array(let elements) = node.value, elements.count == 2, case .number(let low) = elements[0].value,
            case .number(let high) = elements[1].value, let first = Int(exactly: low), let last = Int(exactly: high)
        else { return section.add("ports", "must be [FIRST, LAST], two whole numbers") }
        guard first <= last, (1...65_535).contains(first), (1...65_535).contains(last) else {
            return section.add("ports", "must be two ports from 1 to 65535, the first not above the last")
        }
        let ports = first...last
        configuration.media.ports = ports
        // A transfer joins three parties.
        let pairs = Configuration.Media.pairs(in: ports)
        if pairs < 3 {
            section.add(
                "ports",
                "\(first) to \(last) hold \(pairs) \(pairs == 1 ? "pair" : "pairs") for RTP and RTCP; a transfer needs at least 3"
            )
        }
        for entry in configuration.sip.listen
        where entry.transport == .udp && ports.contains(entry.port)
            && configuration.media.addresses.contains(where: entry.address.overlaps)
        {
            section.add("ports", "\(first) to \(last) overlap sip.listen's \(entry)")
        }
    }

    private mutating func readCodecs(_ section: ConfigSection) {
        let known = Configuration.Media().codecs
        let codecs = section.strings("codecs", default: known)
        if section.node("codecs")?.value == .array([]) {
            section.add("codecs", "must name at least one of \(known.joined(separator: ", "))")
        }
        for (index, codec) in codecs.enumerated() {
            let place = section.elementPlace("codecs", index)
            if !known.contains(codec) {
                section.mistakes.add(place, "must be one of \(known.joined(separator: ", ")), is \"\(codec)\"")
            }
            if codecs.firstIndex(of: codec) != index { section.mistakes.add(place, "\"\(codec)\" stands here twice") }
        }
        configuration.media.codecs = codecs
    }

    /// What is wrong with a sound file, as far as can be told without reading all of it.
    func soundMistake(_ file: String) -> String? {
        guard let handle = FileHandle(forReadingAtPath: file) else { return "\"\(file)\" cannot be read" }
        defer { try? handle.close() }
        // RIFF, a length, WAVE
        guard let head = try? handle.read(upToCount: 12), head.count == 12, head.prefix(4) == Data("RIFF".utf8),
            head.suffix(4) == Data("WAVE".utf8)
        else { return "\"\(file)\" is no WAV file" }
        return nil
    }

    private func externalAddress(_ section: ConfigSection) -> String? {
        guard let text = section.optionalString("externalAddress") else { return nil }
        guard let address = IPAddress(text), !address.isWildcard else {
            section.add("externalAddress", "\"\(text)\" is no address that a peer could send to")
            return nil
        }
        return address.text
    }

    private func networks(_ section: ConfigSection, _ key: String, default fallback: [String]) -> [String] {
        section.strings(key, default: fallback).enumerated().compactMap { index, text in
            guard let network = IPAddress.network(text) else {
                section.mistakes.add(
                    section.elementPlace(key, index), "\"\(text)\" is no network such as 10.0.0.0/8 or fd00::/8")
                return nil
            }
            return network
        }
    }
}
