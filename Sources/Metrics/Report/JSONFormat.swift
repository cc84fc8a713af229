extension MetricsReport {
    /// One JSON object: `from`, `to`, `total`, with keys `by`, and what reading the log met as `input`.
    public func json() -> String {
        var object = JSONText()
        object.field("from", from)
        object.field("to", to)
        object.raw("total", Self.figures(total, into: JSONText()).closed())
        if !by.isEmpty {
            let rows = self.rows.map { row in
                var key = JSONText()
                for (name, value) in zip(by, row.key) { key.field(name.rawValue, value) }
                var object = JSONText()
                object.raw("key", key.closed())
                var figures = Self.figures(row, into: object)
                if isJudged {
                    figures.raw("target.percent", target(of: row).map(Figure.decimal) ?? "null")
                    figures.raw("target.met", targetVerdict(row, none: "null"))
                }
                return figures.closed()
            }
            object.raw("by", "[" + rows.joined(separator: ",") + "]")
        }
        if isJudged {
            var verdict = JSONText()
            verdict.raw("percent", target(of: total).map(Figure.decimal) ?? "null")
            verdict.raw("met", targetVerdict(total, none: "null"))
            object.raw("target", verdict.closed())
        }
        object.raw("input", inputJSON)
        return object.closed()
    }

    private static func figures(_ row: Row, into object: JSONText) -> JSONText {
        var object = object
        for figure in Figure.all { object.raw(figure.key, row[figure].plain ?? "null") }
        return object
    }

    private var inputJSON: String {
        var object = JSONText()
        object.field("events", input.events)
        object.raw("nodes", "[" + input.nodes.map(JSONText.quoted).joined(separator: ",") + "]")
        object.field("repeated", input.repeated)
        object.field("missing", Int(clamping: input.missing))
        object.field("out_of_order", input.late)
        object.field("seq_taken", input.dropped)
        object.field("seq_odd", input.odd)
        object.field("torn", input.torn)
        object.field("mixed", input.mixed.count)
        object.field("not_events", input.brokenCount)
        var types = JSONText()
        for (type, count) in input.unknownTypes.sorted(by: { $0.key < $1.key }) { types.field(type, count) }
        object.raw("unknown_types", types.closed())
        return object.closed()
    }
}
