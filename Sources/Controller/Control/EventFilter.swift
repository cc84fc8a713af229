import EventLog

/// Which events to show: those of a call, those of a type.
public struct EventFilter: Sendable {
    /// A call's id; null: every call's, and those of none.
    public var call: String?
    /// A type, in which `*` stands for any text: `consult.*`; null: every type.
    public var type: String?

    public init(call: String? = nil, type: String? = nil) {
        self.call = call
        self.type = type
    }

    /// What is wrong with the type, where no event is called so.
    public var mistake: String? {
        guard let type else { return nil }
        let known = EventType.allCases.map(\.name).filter { !$0.isEmpty }
        if known.contains(where: { Self.matches(Array(type.utf8)[...], Array($0.utf8)[...]) }) { return nil }
        // `hold` is what `hold.started` begins with.
        let families = known.contains { $0.hasPrefix("\(type).") } ? ["\(type).*"] : []
        guard let near = families.first ?? type.nearest(of: known) else {
            return "no event is called \"\(type.printable)\"; there are \(known.joined(separator: ", "))"
        }
        return "no event is called \"\(type.printable)\"; did you mean \(near)?"
    }

    /// Whether a line passes.
    public func passes(_ parser: borrowing EventParser) -> Bool {
        if let call, parser.call != call { return false }
        guard let type else { return true }
        return Self.matches(Array(type.utf8)[...], Array(parser.typeName.utf8)[...])
    }

    /// Glob matching of `*` alone, without backtracking over more than the last one.
    static func matches(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        var pattern = pattern
        var text = text
        var star: (pattern: ArraySlice<UInt8>, text: ArraySlice<UInt8>)?
        while let byte = text.first {
            if pattern.first == UInt8(ascii: "*") {
                pattern.removeFirst()
                star = (pattern, text)
            } else if pattern.first == byte {
                pattern.removeFirst()
                text.removeFirst()
            } else if let last = star {
                // The star takes one byte more.
                star = (last.pattern, last.text.dropFirst())
                pattern = last.pattern
                text = last.text.dropFirst()
            } else {
                return false
            }
        }
        return pattern.allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
