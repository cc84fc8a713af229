/// Writes one JSON object in the order in which its fields are given.
struct JSONText {
    private(set) var text = "{"
    private var isFirst = true

    mutating func field(_ key: String, _ value: String?) { raw(key, value.map(Self.quoted) ?? "null") }
    mutating func field(_ key: String, _ value: Int?) { raw(key, value.map { String($0) } ?? "null") }

    /// A field whose value is JSON already.
    mutating func raw(_ key: String, _ json: String) {
        if !isFirst { text += "," }
        isFirst = false
        text += Self.quoted(key) + ":" + json
    }

    func closed() -> String { text + "}" }

    static func quoted(_ string: String) -> String {
        var result = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
