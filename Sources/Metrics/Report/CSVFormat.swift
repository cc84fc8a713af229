extension MetricsReport {
    /// RFC 4180: a heading of keys and figures' keys, then a row for each value of the keys, or one for the total. What has
    /// no value is empty.
    public func csv() -> [String] {
        let judged = isJudged
        let heading = by.map(\.rawValue) + Figure.all.map(\.key) + (judged ? ["target.percent", "target.met"] : [])
        let rows = by.isEmpty ? [total] : self.rows
        return [Self.line(heading)]
            + rows.map { row in
                let verdict =
                    judged ? [target(of: row).map(Figure.decimal) ?? "", targetVerdict(row, none: "")] : []
                return Self.line(row.key.map { $0 ?? "" } + Figure.all.map { row[$0].plain ?? "" } + verdict)
            }
    }

    /// One line, without its end.
    static func line(_ fields: [String]) -> String { fields.map(quoted).joined(separator: ",") }

    private static func quoted(_ field: String) -> String {
        guard field.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return field }
        return "\"" + field.replacing("\"", with: "\"\"") + "\""
    }
}
