/// What figures may be told apart by.
public enum GroupKey: String, CaseIterable, Sendable {
    case group, agent, line, node, target, skill, code
    case quarterHour = "quarter-hour"
    case halfHour = "half-hour"
    case hour, day, week, month, year

    /// Whether the key is a stretch of time.
    public var isInterval: Bool {
        switch self {
        case .group, .agent, .line, .node, .target, .skill, .code: false
        case .quarterHour, .halfHour, .hour, .day, .week, .month, .year: true
        }
    }

    /// The keys of a list like `group,hour`.
    /// - Throws: `UsageError` naming an unknown key.
    public static func list(_ text: String) throws(UsageError) -> [GroupKey] {
        var keys: [GroupKey] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let key = GroupKey(rawValue: String(word)) else {
                let known = allCases.map(\.rawValue).joined(separator: ", ")
                throw UsageError("--by: unknown key \"\(word)\"; known are \(known)")
            }
            if !keys.contains(key) { keys.append(key) }
        }
        guard keys.count <= CellKey.limit else { throw UsageError("--by: at most \(CellKey.limit) keys") }
        return keys
    }
}

/// A wrong use of a command: exit status 2.
public struct UsageError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// The values of the keys asked for: names' numbers, and the beginnings of intervals.
struct CellKey: Hashable {
    static let limit = 8
    var values = SIMD8<Int64>(repeating: 0)
}

/// What a counted thing belongs to.
struct Attributes {
    /// When it began, microseconds since 1970.
    var began: Int64
    var node = Name.null
    var agent = Name.null
    var group = Name.null
    var line = Name.null
    var target = Name.null
    var code = Name.null
    var skills: Int32 = 0
}
