import CallEvents

/// Fills an event's fields from a line. What the line lacks, or says to be null where null is not possible, stays as it is.
struct FieldReader: FieldVisitor {
    let parser: EventParser
    var cursor: Int
    /// The first field whose value was of another type.
    var error: LineError?

    init(parser: EventParser, cursor: Int) {
        self.parser = parser
        self.cursor = cursor
    }

    private mutating func find(_ key: StaticString) -> ScannedField? {
        guard error == nil else { return nil }
        return parser.find(key, &cursor)
    }

    private mutating func expected(_ what: StaticString, _ key: StaticString) {
        error = LineError("\(key): expected \(what)")
    }

    private mutating func text(_ key: StaticString, _ set: (String?) -> Void) {
        guard let field = find(key) else { return }
        switch field.kind {
        case .string: set(parser.text(field))
        case .null: set(nil)
        default: expected("a string", key)
        }
    }

    private mutating func number(_ key: StaticString, canBeNull: Bool, _ set: (Int?) -> Void) {
        guard let field = find(key) else { return }
        switch field.kind {
        case .number:
            guard let value = EventParser.signed(parser.value(field)) else { return expected("a whole number", key) }
            if parser.isBounded { error = FieldLimits.objection(value, key, FieldLimits.range(of: key)) }
            if error == nil { set(Int(value)) }
        // A length that is not known is not one of nothing.
        case .null where !canBeNull && parser.isBounded && FieldLimits.isDuration(key): expected("a number", key)
        case .null: set(nil)
        default: expected("a number", key)
        }
    }

    private mutating func truth(_ key: StaticString, _ set: (Bool?) -> Void) {
        guard let field = find(key) else { return }
        switch field.kind {
        case .true: set(true)
        case .false: set(false)
        case .null: set(nil)
        default: expected("true or false", key)
        }
    }

    mutating func field(_ key: StaticString, _ value: inout String) { text(key) { value = $0 ?? value } }
    mutating func field(_ key: StaticString, _ value: inout String?) { text(key) { value = $0 } }
    mutating func field(_ key: StaticString, _ value: inout Int) {
        number(key, canBeNull: false) { value = $0 ?? value }
    }
    mutating func field(_ key: StaticString, _ value: inout Int?) { number(key, canBeNull: true) { value = $0 } }
    mutating func field(_ key: StaticString, _ value: inout Bool) { truth(key) { value = $0 ?? value } }
    mutating func field(_ key: StaticString, _ value: inout Bool?) { truth(key) { value = $0 } }

    mutating func field(_ key: StaticString, _ value: inout [String]) {
        guard let field = find(key), field.kind != .null else { return }
        var scanner = JSONScanner(parser.value(field))
        guard field.kind == .array, let items = scanner.strings() else { return expected("an array of strings", key) }
        value = items
    }

    mutating func field(_ key: StaticString, _ value: inout WallTime) {
        guard let field = find(key) else { return }
        do {
            if let time = try parser.instant(field, key) { value = WallTime(microseconds: time) }
        } catch {
            self.error = error
        }
    }

    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value) {
        text(key) { word in
            if let word { value = Value(word: word) }
        }
    }

    mutating func field<Value: LogEnum>(_ key: StaticString, _ value: inout Value?) {
        text(key) { value = $0.map(Value.init(word:)) }
    }
}
