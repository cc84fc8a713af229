import EventLog

/// One self-contained page: no script, nothing fetched, readable on a phone and on paper.
struct HTMLReport {
    let total: MetricsReport
    /// By hour, or by day for a long period.
    let times: MetricsReport
    let agents: MetricsReport
    /// The calls whose callers waited longest, the longest first.
    let slowest: [Timeline]

    /// The slowest calls that are shown.
    static let slowestShown = 10
    /// Hours shown one by one; a longer period is shown by day.
    private static let hoursShown: Int64 = 4 * 24

    /// Reads the logs: once for the whole and once for each picture.
    static func read(paths: [String], options: MetricsOptions) throws(InputError) -> HTMLReport {
        var options = options
        options.countsSeconds = true
        options.by = []
        let total = try MetricsReport.read(paths: paths, options: options)
        options.countsSeconds = false
        let hours = (total.lastWall - total.firstWall) / 3_600_000_000
        options.by = [hours > hoursShown ? .day : .hour]
        let times = try MetricsReport.read(paths: paths, options: options)
        options.by = [.agent]
        let agents = try MetricsReport.read(paths: paths, options: options)
        let slowest = try SlowestCalls.find(slowestShown, paths: paths, options: options)
        return HTMLReport(total: total, times: times, agents: agents, slowest: slowest)
    }

    func page() -> String {
        let period = "\(total.from ?? "no event") to \(total.to ?? "")"
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <title>warmline: \(Markup.escaped(period))</title>
            <style>\(Markup.palette)\(Self.style)</style>
            </head>
            <body>
            <header><h1>Waiting, held and transferred calls</h1><p>\(Markup.escaped(period)) · \
            \(Markup.escaped(counted(total.input.events, "event"))) of \
            \(Markup.escaped(total.input.nodes.joined(separator: ", ")))</p></header>
            <main>
            \(headlines)
            \(section("How long callers waited for an answer", waitingPicture))
            \(section("Service level and abandonment by \(times.by.first?.rawValue ?? "hour")", timesPicture))
            \(section("Hold time per agent", agentsPicture))
            \(section("What became of transfers", transfersPicture))
            \(section("The callers who waited longest", slowestPictures))
            \(section("All figures", allFigures))
            </main>
            </body>
            </html>

            """
    }

    private func section(_ title: String, _ content: String) -> String {
        "<section><h2>\(Markup.escaped(title))</h2>\n\(content)\n</section>"
    }

    private static let style = """
        *{box-sizing:border-box}body{margin:0 auto;max-width:1000px;padding:1rem;background:var(--paper);\
        color:var(--ink);font:16px/1.45 system-ui,sans-serif}h1{font-size:1.5rem;margin:.2rem 0}\
        h2{font-size:1.1rem;margin:2rem 0 .6rem}header p,.note{color:var(--soft);margin:.2rem 0}\
        .cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(200px,1fr));gap:.7rem;margin-top:1rem}\
        .card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.7rem .9rem}\
        .card h3{font-size:.85rem;font-weight:500;color:var(--soft);margin:0}\
        .card p{margin:.15rem 0 0}.card .value{font-size:1.5rem;font-weight:650}\
        .card .note{font-size:.85rem}.good{color:var(--good)}.bad{color:var(--bad)}\
        svg{width:100%;height:auto;display:block}table{border-collapse:collapse;width:100%;font-size:.92rem}\
        td,th{padding:.2rem .5rem;border-bottom:1px solid var(--line);text-align:left;font-weight:400}\
        td{text-align:right;font-variant-numeric:tabular-nums}.head th{font-weight:650}\
        .timeline{margin:.6rem 0}summary{cursor:pointer;color:var(--soft)}\
        @media print{body{max-width:none}section{break-inside:avoid}details>*{display:block}}
        """

    private var allFigures: String {
        var rows = ""
        for figure in Figure.all {
            let value = total.total[figure]
            if figure.isOneOfMany, value == .whole(0) { continue }
            let head = figure.title.hasPrefix(" ") ? "" : " class=\"head\""
            let title = Markup.escaped(figure.title)
            rows += "<tr\(head) title=\"\(Markup.escaped(figure.explanation))\"><th scope=\"row\">\(title)</th>"
            rows += "<td>\(Markup.escaped(figure.text(value)))</td></tr>\n"
        }
        let notes = total.notes.filter { !$0.isEmpty }.map { "<p class=\"note\">\(Markup.escaped($0))</p>" }
        return "<details><summary>Every figure of the period</summary><table>\(rows)</table></details>"
            + notes.joined()
    }

    private var slowestPictures: String {
        if slowest.isEmpty { return "<p class=\"note\">No call has ended.</p>" }
        return slowest.map { $0.svg(standalone: false) }.joined()
    }
}
