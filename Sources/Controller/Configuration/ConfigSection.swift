import EventLog

/// One thing that is wrong in a configuration.
public struct ConfigurationMistake: Hashable, Sendable, CustomStringConvertible {
    public var file: String
    /// From 1; null where the file could not be read at all.
    public var line: Int?
    /// `agents.anna.uri`; empty for the file as a whole.
    public var path: String
    public var reason: String

    public init(file: String, line: Int? = nil, path: String, reason: String) {
        self.file = file
        self.line = line
        self.path = path
        self.reason = reason
    }

    /// `warmline.json5:12: agents.anna.uri: …`
    public var description: String {
        let place = line.map { "\(file):\($0)" } ?? file
        return path.isEmpty ? "\(place): \(reason)" : "\(place): \(path): \(reason)"
    }
}

/// Everything wrong with a configuration, in the file's order.
public struct ConfigurationError: Error, Sendable {
    public var mistakes: [ConfigurationMistake]
}

/// Collects mistakes, so that one run names them all.
final class MistakeCollector {
    let file: String
    private(set) var mistakes: [ConfigurationMistake] = []

    init(file: String) { self.file = file }

    func add(_ place: ConfigPlace, _ reason: String) {
        mistakes.append(ConfigurationMistake(file: file, line: place.line, path: place.path, reason: reason))
    }
}

/// Where a value stands.
struct ConfigPlace: Hashable {
    var path: String
    var line: Int

    func appending(_ key: String, line: Int? = nil) -> ConfigPlace {
        // A key that holds dots or blanks is quoted, so that the path stays readable.
        let plain = key.unicodeScalars.allSatisfy { $0 == "_" || $0 == "-" || $0.properties.isAlphabetic || $0.isDigit }
        let step = plain && !key.isEmpty ? key : "\"\(key)\""
        return ConfigPlace(path: path.isEmpty ? step : "\(path).\(step)", line: line ?? self.line)
    }

    func element(_ index: Int, line: Int) -> ConfigPlace { ConfigPlace(path: "\(path)[\(index)]", line: line) }
}

extension Unicode.Scalar {
    fileprivate var isDigit: Bool { ("0"..."9").contains(self) }
}

/// One object of the file. Every key is asked for once; `finish` then refuses those that nobody asked for.
final class ConfigSection {
    let place: ConfigPlace
    let mistakes: MistakeCollector
    private let members: [ConfigNode.Member]
    private var known: Set<String> = []

    init(_ members: [ConfigNode.Member], at place: ConfigPlace, mistakes: MistakeCollector) {
        self.place = place
        self.mistakes = mistakes
        self.members = members
        var seen: Set<String> = []
        for member in members where !seen.insert(member.key).inserted {
            mistakes.add(place.appending(member.key, line: member.line), "stands here twice")
        }
    }

    func add(_ key: String, _ reason: String) { mistakes.add(self.place(of: key), reason) }

    func place(of key: String) -> ConfigPlace {
        place.appending(key, line: members.first { $0.key == key }?.line)
    }

    /// The value of a key; null where it is missing or wrong and a mistake has been noted. `null` counts as missing
    /// only for those that say so.
    func node(_ key: String) -> ConfigNode? {
        known.insert(key)
        return members.first { $0.key == key }?.node
    }

    /// Whether a key is missing or null: what is named and cannot be used has been complained of already.
    func isNull(_ key: String) -> Bool { node(key).map { $0.value == .null } ?? true }

    /// Names of the objects within this one, in the file's order.
    func entries() -> [ConfigNode.Member] {
        known.formUnion(members.map(\.key))
        return members
    }

    func finish() {
        for member in members where !known.contains(member.key) {
            let hint = member.key.nearest(of: known).map { "; did you mean \($0)?" } ?? ""
            mistakes.add(place.appending(member.key, line: member.line), "unknown key\(hint)")
        }
    }
}

// MARK: - values

extension ConfigSection {
    func section(_ key: String) -> ConfigSection {
        guard let node = node(key) else { return ConfigSection([], at: place(of: key), mistakes: mistakes) }
        return Self.section(node, at: place(of: key), mistakes: mistakes)
    }

    static func section(_ node: ConfigNode, at place: ConfigPlace, mistakes: MistakeCollector) -> ConfigSection {
        guard case .object(let members) = node.value else {
            mistakes.add(place, "expected an object { … }, found \(node.kind)")
            return ConfigSection([], at: place, mistakes: mistakes)
        }
        return ConfigSection(members, at: place, mistakes: mistakes)
    }

    func string(_ key: String, default fallback: String) -> String {
        guard let node = node(key) else { return fallback }
        guard case .string(let text) = node.value else {
            add(key, "expected a string, found \(node.kind)")
            return fallback
        }
        return text
    }

    func optionalString(_ key: String, default fallback: String? = nil) -> String? {
        guard let node = node(key) else { return fallback }
        switch node.value {
        case .null: return nil
        case .string(let text): return text
        default:
            add(key, "expected a string or null, found \(node.kind)")
            return fallback
        }
    }

    func bool(_ key: String, default fallback: Bool) -> Bool {
        guard let node = node(key) else { return fallback }
        guard case .bool(let value) = node.value else {
            add(key, "expected true or false, found \(node.kind)")
            return fallback
        }
        return value
    }

    func int(_ key: String, in range: ClosedRange<Int>, default fallback: Int) -> Int {
        guard let node = node(key) else { return fallback }
        return int(node, key, in: range) ?? fallback
    }

    func optionalInt(_ key: String, in range: ClosedRange<Int>, default fallback: Int? = nil) -> Int? {
        guard let node = node(key) else { return fallback }
        if case .null = node.value { return nil }
        return int(node, key, in: range) ?? fallback
    }

    private func int(_ node: ConfigNode, _ key: String, in range: ClosedRange<Int>) -> Int? {
        guard case .number(let number) = node.value else {
            add(key, "expected a whole number, found \(node.kind)")
            return nil
        }
        guard let value = Int(exactly: number) else {
            add(key, "expected a whole number, found \(node.kind)")
            return nil
        }
        guard range.contains(value) else {
            add(key, "must be \(Self.words(range)), is \(value)")
            return nil
        }
        return value
    }

    /// Seconds, fractions allowed, as milliseconds.
    func seconds(_ key: String, in range: ClosedRange<Double>, default fallback: Int) -> Int {
        guard let node = node(key) else { return fallback }
        guard case .number(let number) = node.value else {
            add(key, "expected a number of seconds, found \(node.kind)")
            return fallback
        }
        guard range.contains(number) else {
            add(
                key,
                "must be from \(plain(range.lowerBound)) to \(plain(range.upperBound)) seconds, is \(plain(number))")
            return fallback
        }
        return Int((number * 1000).rounded())
    }

    /// Seconds as milliseconds; null where the key is missing or null.
    func optionalSeconds(_ key: String, in range: ClosedRange<Double>) -> Int? {
        guard let node = node(key) else { return nil }
        if case .null = node.value { return nil }
        return seconds(key, in: range, default: 0)
    }

    func strings(_ key: String, default fallback: [String]) -> [String] {
        guard let node = node(key) else { return fallback }
        guard case .array(let elements) = node.value else {
            add(key, "expected a list of strings, found \(node.kind)")
            return fallback
        }
        return elements.enumerated().compactMap { index, element in
            guard case .string(let text) = element.value else {
                mistakes.add(elementPlace(key, index), "expected a string, found \(element.kind)")
                return nil
            }
            return text
        }
    }

    /// Where the element of a list stands; for mistakes found after the list was read.
    func elementPlace(_ key: String, _ index: Int) -> ConfigPlace {
        let list = place(of: key)
        guard let node = members.first(where: { $0.key == key })?.node, case .array(let elements) = node.value,
            elements.indices.contains(index)
        else { return list }
        return list.element(index, line: elements[index].line)
    }

    func word<Word: RawRepresentable & CaseIterable>(_ key: String, default fallback: Word) -> Word
    where Word.RawValue == String {
        optionalWord(key, null: false) ?? fallback
    }

    func optionalWord<Word: RawRepresentable & CaseIterable>(_ key: String, null: Bool = true) -> Word?
    where Word.RawValue == String {
        guard let node = node(key) else { return nil }
        if null, case .null = node.value { return nil }
        let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
        guard case .string(let text) = node.value else {
            add(key, "expected one of \(words), found \(node.kind)")
            return nil
        }
        guard let word = Word(rawValue: text) else {
            add(key, "must be one of \(words), is \"\(text)\"")
            return nil
        }
        return word
    }

    private static func words(_ range: ClosedRange<Int>) -> String {
        range.upperBound == .max ? "\(range.lowerBound) or more" : "from \(range.lowerBound) to \(range.upperBound)"
    }
}

/// A number without a needless `.0`.
func plain(_ number: Double) -> String {
    Int(exactly: number).map(String.init) ?? String(number)
}

extension ConfigNode {
    /// What a value is, for messages.
    var kind: String {
        switch value {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let number): "the number \(plain(number))"
        case .string(let text): "the string \"\(text)\""
        case .array: "a list"
        case .object: "an object"
        }
    }
}
