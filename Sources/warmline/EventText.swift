import EventLog

/// One event on one line: time, call, type, then the type's own fields.
enum EventText {
    /// As wide as the longest type that calls have.
    private static let typeWidth = 19
    private static let callWidth = 22
    private static let envelope: Set<String> = ["v", "seq", "time", "mono_ms", "node", "type", "call"]

    static func line(_ parser: borrowing EventParser) -> String {
        var fields: [String] = []
        parser.forEachField { key, json in
            guard !envelope.contains(key) else { return }
            let value = String(decoding: json, as: UTF8.self)
            // Null says nothing; quotes only where the text has blanks.
            guard value != "null" else { return }
            let inner = value.dropFirst().dropLast()
            let plain = value.hasPrefix("\"") && !inner.isEmpty && !inner.contains { " \\\"".contains($0) }
            fields.append("\(key)=\(plain ? String(inner) : value)")
        }
        let head = [
            LocalTime.full(parser.time.wallTime.timestamp), pad(parser.call ?? "-", to: callWidth),
            pad(parser.typeName, to: typeWidth),
        ]
        return (head + [fields.joined(separator: " ")]).joined(separator: "  ").printable
    }
}
