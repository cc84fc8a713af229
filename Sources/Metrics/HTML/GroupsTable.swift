extension HTMLReport {
    /// What each of several groups reached, against its target; empty where none has one.
    var groupsTable: String {
        let rows = groups.rows.filter { $0.key.first.flatMap { $0 } != nil && $0["service_level.percent"].real != nil }
        guard groups.isJudged, rows.count > 1 else { return "" }
        var text = """
            <table class="bars" aria-label="Service level per group"><thead><tr><th scope="col">Group</th>\
            <th scope="col">Service level</th><th scope="col">Target</th><th scope="col">Reached</th></tr></thead><tbody>

            """
        for row in rows {
            let target = groups.target(of: row).map { "\(Figure.decimal($0)) %" } ?? "–"
            let verdict = groups.meetsTarget(row).map { $0 ? "✓ met" : "✗ missed" } ?? "–"
            let level = row["service_level.percent"].real.map(Self.percent) ?? "–"
            text += "<tr><th scope=\"row\">\(Markup.escaped(row.key.first.flatMap { $0 } ?? ""))</th>"
            text += "<td>\(level)</td><td>\(target)</td><td>\(verdict)</td></tr>\n"
        }
        return text + "</tbody></table>"
    }
}
