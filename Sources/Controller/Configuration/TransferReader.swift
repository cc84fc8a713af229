import TransferEngine

// `transfer`: timeouts, the fallback chain, targets, what may be dialled, feature codes.

extension ConfigurationReader {
    mutating func readTransfer(_ section: ConfigSection) {
        var transfer = TransferSettings()
        let hour = 3600.0
        transfer.consultTimeout = section.seconds("consultTimeout", in: 0.1...hour, default: transfer.consultTimeout)
        transfer.noResponseTimeout = section.seconds(
            "noResponseTimeout", in: 0.1...32, default: transfer.noResponseTimeout)
        transfer.completionTimeout = section.seconds(
            "completionTimeout", in: 0.1...hour, default: transfer.completionTimeout)
        transfer.drainTimeout = section.seconds("drainTimeout", in: 0...24 * hour, default: transfer.drainTimeout)
        transfer.codeTimeout = section.seconds("codeTimeout", in: 0.1...60, default: transfer.codeTimeout)
        transfer.firstDigitTimeout = section.seconds(
            "firstDigitTimeout", in: 0.1...60, default: transfer.firstDigitTimeout)
        transfer.digitTimeout = section.seconds("digitTimeout", in: 0.1...60, default: transfer.digitTimeout)
        readFallback(section, into: &transfer)
        transfer.maxFallbacks = section.int("maxFallbacks", in: 1...1000, default: transfer.maxFallbacks)
        readTargets(section.section("targets"), into: &transfer)
        readDialling(section, into: &transfer)
        transfer.holdSignalling = section.word("holdSignalling", default: transfer.holdSignalling)
        transfer.completion = section.word("completion", default: transfer.completion)
        transfer.callerID = section.word("callerId", default: transfer.callerID)
        readPassHeaders(section)
        readFeatureCodes(section.section("featureCodes"), into: &transfer)
        section.finish()
        configuration.transfer = transfer
        refuseUndialable(section.section("targets"))
    }

    /// The caller's own words, and none of those by which a call is controlled.
    private mutating func readPassHeaders(_ section: ConfigSection) {
        let names = section.strings("passHeaders", default: configuration.passHeaders)
        let most = 16
        if names.count > most { section.add("passHeaders", "must name at most \(most) headers") }
        for (index, name) in names.enumerated() {
            let place = section.elementPlace("passHeaders", index)
            let lowercased = name.lowercased()
            let isToken = name.utf8.allSatisfy { byte in
                byte == UInt8(ascii: "-") || Character(Unicode.Scalar(byte)).isASCIILetterOrDigit
            }
            if !isToken || name.utf8.count > 63 || lowercased != "user-to-user" && !lowercased.hasPrefix("x-") {
                section.mistakes.add(place, "must be User-to-User or the name of an X- header, is \"\(name)\"")
            }
            if names.firstIndex(where: { $0.lowercased() == lowercased }) != index {
                section.mistakes.add(place, "\"\(name)\" stands here twice")
            }
        }
        configuration.passHeaders = names
    }

    /// Targets that could never be had: addresses that the allow-list does not let, digits that are a code before they
    /// are whole.
    private func refuseUndialable(_ section: ConfigSection) {
        let engine = configuration.engine()
        for target in configuration.transfer.targets {
            for case .uri(let uri) in target.destinations where !engine.permits(uri: uri) {
                section.add(target.digits, "\(uri) is nobody's of agents, and transfer.allow does not let it")
            }
            if let cancel = configuration.transfer.featureCodes.cancel, target.digits.hasPrefix(cancel) {
                section.add(target.digits, "begins with the code for cancel (\(cancel)) and could never be dialled")
            }
        }
    }

    private func readFallback(_ section: ConfigSection, into transfer: inout TransferSettings) {
        guard section.node("fallback") != nil else { return }
        let steps = section.strings("fallback", default: [])
        transfer.fallback = steps.enumerated().compactMap { index, text in
            let place = section.elementPlace("fallback", index)
            if steps.firstIndex(of: text) != index { section.mistakes.add(place, "\"\(text)\" stands here twice") }
            switch text {
            case "next": return .next
            case "agent": return .agent
            default: break
            }
            guard !text.hasPrefix("agent:"), text.hasPrefix("group:") || SIPAddress.scheme(of: text) != nil else {
                section.mistakes.add(place, "must be next, agent, group:NAME or a SIP URI, is \"\(text)\"")
                return nil
            }
            switch destination(text, at: place) {
            case .group(let name): return .group(name)
            case .uri(let uri): return .uri(uri)
            case .agent, nil: return nil
            }
        }
    }

    private func readTargets(_ section: ConfigSection, into transfer: inout TransferSettings) {
        transfer.targets = section.entries().map { member in
            let place = section.place(of: member.key)
            if !isTargetName(member.key) {
                section.mistakes.add(
                    place, "must be digits a phone can dial (0 to 9 and *), or a name of letters and digits")
            }
            let texts: [(text: String, place: ConfigPlace)]
            switch member.node.value {
            case .string(let text):
                texts = [(text, place)]
            case .array(let elements):
                if elements.isEmpty { section.mistakes.add(place, "must name at least one target") }
                texts = elements.enumerated().compactMap { index, element in
                    guard case .string(let text) = element.value else {
                        section.mistakes.add(
                            place.element(index, line: element.line), "expected a string, found \(element.kind)")
                        return nil
                    }
                    return (text, place.element(index, line: element.line))
                }
            default:
                section.mistakes.add(place, "expected a target or a list of targets, found \(member.node.kind)")
                texts = []
            }
            for (index, entry) in texts.enumerated() where texts.firstIndex(where: { $0.text == entry.text }) != index {
                section.mistakes.add(entry.place, "\"\(entry.text)\" stands here twice")
            }
            return TransferSettings.Target(
                digits: member.key, destinations: texts.compactMap { target($0.text, at: $0.place) })
        }
    }

    /// A destination, or a group with the skills that are asked of its member: `group:l2+billing`.
    private func target(_ text: String, at place: ConfigPlace) -> Destination? {
        let parts = text.split(separator: "+", omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 1, let group = parts[0].dropping(prefix: "group:") else {
            return destination(text, at: place)
        }
        guard configuration.groups.contains(where: { $0.name == group }) else {
            return destination(parts[0], at: place)
        }
        checkSkills(Array(parts.dropFirst())) { _ in place }
        return .group(([group] + parts.dropFirst()).joined(separator: "+"))
    }

    /// `#` ends what is dialled and cannot be part of it.
    private func isTargetName(_ text: String) -> Bool {
        !text.isEmpty && text.count <= 64
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "*-_.+".contains($0)) }
    }

    private func readDialling(_ section: ConfigSection, into transfer: inout TransferSettings) {
        transfer.dial = section.optionalString("dial")
        if let dial = transfer.dial {
            let placeholder = "{digits}"
            let parts = dial.components(around: placeholder)
            if parts.count != 2 {
                section.add("dial", "must hold \(placeholder) once, is \"\(dial)\"")
            } else {
                checkURI(parts.joined(separator: "0"), at: section.place(of: "dial"))
            }
        }
        transfer.allow = section.strings("allow", default: [])
        for (index, pattern) in transfer.allow.enumerated() {
            // The engine's own kind of regular expression.
            do {
                _ = try Regex(pattern)
            } catch {
                section.mistakes.add(
                    section.elementPlace("allow", index), "\"\(pattern)\" is no regular expression: \(error)")
            }
        }
    }
}

extension Character {
    fileprivate var isASCIILetterOrDigit: Bool { isASCII && (isLetter || isNumber) }
}

extension String {
    /// The text split at every occurrence of `separator`.
    fileprivate func components(around separator: String) -> [String] {
        var parts: [String] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
