import CallEvents

extension HTMLReport {
    /// Agents shown; the rest have shorter holds.
    private static let agentsShown = 20

    /// Who held callers how long, the longest mean first.
    var agentsTable: String {
        var rows = agents.rows.filter { $0.cell.hold.count > 0 && $0.key.first.flatMap { $0 } != nil }
        if rows.isEmpty { return "<p class=\"note\">No caller was held by an agent.</p>" }
        rows.sort { ($0.cell.hold.mean ?? 0) > ($1.cell.hold.mean ?? 0) }
        let shown = rows.prefix(Self.agentsShown)
        let most = max(1, shown.compactMap { $0.cell.hold.mean }.max() ?? 1)
        var text = """
            <table class="bars" aria-label="Hold time per agent"><thead><tr><th scope="col">Agent</th>\
            <th scope="col">Mean hold</th><th scope="col">Longest</th><th scope="col">Holds</th>\
            <th scope="col" class="extra">Hung up</th></tr></thead><tbody>

            """
        for row in shown {
            let hold = row.cell.hold
            let mean = hold.mean ?? 0
            let bar = "<i aria-hidden=\"true\" style=\"width:\(Markup.number(100 * mean / most))%\"></i>"
            text += "<tr><th scope=\"row\">\(Markup.escaped(row.key.first.flatMap { $0 } ?? ""))"
            text += "<span class=\"narrow bar\">\(bar)</span></th><td class=\"bar\"><span class=\"wide\">\(bar)</span>"
            text += "\(DurationText.short(mean))</td><td>\(DurationText.short(hold.max))</td>"
            text += "<td>\(grouped(hold.count))</td><td class=\"extra\">\(grouped(row.cell.holdAbandoned))</td></tr>\n"
        }
        text += "</tbody></table>"
        let held = rows.reduce(0) { $0 + $1.cell.hold.count }
        let sum = rows.reduce(Int64(0)) { $0 + $1.cell.hold.sum }
        var words = "\(counted(rows.count, "agent")) held callers \(grouped(held)) times, on average for "
        words += "\(DurationText.short(Double(sum) / Double(max(1, held))))."
        if rows.count > shown.count { words += " The \(shown.count) longest are shown." }
        return lead(words) + text
    }
}
