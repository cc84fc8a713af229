/// A value as text with every dictionary in order: equal values give equal text, in any process.
func dump(_ value: Any) -> String {
    let mirror = Mirror(reflecting: value)
    if let text = value as? String { return "\"\(text)\"" }
    switch mirror.displayStyle {
    case .dictionary, .set:
        return "{" + mirror.children.map { dump($0.value) }.sorted().joined(separator: ",") + "}"
    case .optional:
        return mirror.children.first.map { dump($0.value) } ?? "nil"
    case nil: return "\(value)"
    default:
        let name = mirror.displayStyle == .enum && mirror.children.isEmpty ? "\(value)" : "\(type(of: value))"
        guard !mirror.children.isEmpty else { return name }
        return name + "(" + mirror.children.map { "\($0.label ?? "")=\(dump($0.value))" }.joined(separator: ",") + ")"
    }
}
