import CallEvents
import EventLog
import Foundation

/// One self-contained page: no script, nothing fetched, readable on a phone and on paper.
struct HTMLReport {
    let total: MetricsReport
    /// By hour, or by day for a long period.
    let times: MetricsReport
    let agents: MetricsReport
    let groups: MetricsReport
    /// What each half hour of the week needs.
    let staffing: [Staffing.Row]
    /// The calls whose callers waited longest, the longest first.
    let slowest: [Timeline]

    /// The slowest calls that are shown.
    static let slowestShown = 10
    /// Hours shown one by one; a longer period is shown by day.
    private static let hoursShown: Int64 = 4 * 24
    /// What the pictures are counted by besides the whole.
    static let keys: [GroupKey] = [.agent, .halfHour, .group]

    /// - Parameter others: the figures by `keys`.
    init(total: MetricsReport, others: [MetricsReport], slowest: [Timeline]) {
        self.total = total
        self.slowest = slowest
        agents = others[0]
        let halves = others[1]
        groups = others[2]
        let hours = (total.lastWall - total.firstWall) / 3_600_000_000
        times = halves.joined(hours > Self.hoursShown ? .day : .hour)
        var staffing = Staffing()
        if let target = total.target(of: total.total), target > 0, target < 100 { staffing.target = target / 100 }
        staffing.threshold = Double(total.options.serviceLevel)
        self.staffing = staffing.rows(halves)
    }

    /// - Parameter refresh: seconds after which a browser loads the page again, for a wallboard.
    func page(refresh: Double? = nil) -> String {
        let nodes = total.input.nodes
        let again = refresh.map { "<meta http-equiv=\"refresh\" content=\"\(max(1, Int($0.rounded(.up))))\">\n" } ?? ""
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            \(again)<title>warmline: \(Markup.escaped(period))</title>
            <style>\(Markup.palette)\(Self.style)</style>
            </head>
            <body>
            <header><h1>Waiting, held and transferred calls</h1><p>\(Markup.escaped(period))</p>\(warnings)</header>
            <main>
            \(headlines)
            \(section("waiting", "How long callers waited for an answer", waitingPicture))
            \(section("times", "Service level and abandonment by \(unit)", timesPicture + groupsTable))
            \(section("agents", "Hold time per agent", agentsTable))
            \(section("transfers", "What became of transfers", transfersPicture))
            \(section("staffing", "Agents needed, and those who were there", staffingPicture))
            \(section("slowest", "The callers who waited longest", slowestPictures, isLong: true))
            \(section("figures", "All figures", allFigures, isLong: true))
            </main>
            <footer><p>\(grouped(total.input.events)) events of \(counted(nodes.count, "node"))\
            \(nodes.isEmpty ? "" : ": ")\(Markup.escaped(nodes.joined(separator: ", "))). The formula of each figure: \
            warmline metrics --explain KEY.</p></footer>
            </body>
            </html>

            """
    }

    /// - Parameter isLong: whether it may be broken across printed pages.
    private func section(_ id: String, _ title: String, _ content: String, isLong: Bool = false) -> String {
        "<section aria-labelledby=\"\(id)\"\(isLong ? " class=\"long\"" : "")>"
            + "<h2 id=\"\(id)\">\(Markup.escaped(title))</h2>\n\(content)\n</section>"
    }

    /// What a drawing shows, in words.
    func lead(_ text: String) -> String { text.isEmpty ? "" : "<p class=\"lead\">\(Markup.escaped(text))</p>\n" }

    /// What the colours mean.
    func legend(_ entries: [(colour: String, text: String)]) -> String {
        let items = entries.map {
            "<li><i aria-hidden=\"true\" style=\"background:var(--\($0.colour))\"></i>\(Markup.escaped($0.text))</li>"
        }
        return "<ul class=\"legend\">\(items.joined())</ul>"
    }

    /// `Monday 2 March 2026, 09:00 to 17:45, UTC`.
    private var period: String {
        guard total.from != nil else { return "No event" }
        let from = moment(total.options.since ?? total.firstWall)
        let to = moment(total.options.until ?? total.lastWall)
        let zone = total.options.timeZone
        let name = zone.secondsFromGMT() == 0 && zone.identifier == "GMT" ? "UTC" : zone.identifier
        return "\(from.day), \(from.time) to \(from.day == to.day ? "" : "\(to.day), ")\(to.time), \(name)"
    }

    private func moment(_ wall: Int64) -> (day: String, time: String) {
        let offset = total.options.timeZone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(wall) / 1e6))
        let civil = CivilTime(wall: wall, offset: offset)
        let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
        let months = [
            "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November", "December",
        ]
        let day = "\(days[civil.weekday]) \(civil.day) \(months[civil.month - 1]) \(civil.year)"
        return (day, String(civil.time.prefix(5)))
    }

    /// What was wrong with the log: figures of a log with gaps are to be read with care.
    private var warnings: String {
        let notes = total.notes.filter { !$0.isEmpty }.map { "<p>\(Markup.escaped($0))</p>" }
        return notes.isEmpty ? "" : "<div class=\"warn\" role=\"note\">\(notes.joined())</div>"
    }

    /// A table for each figure that stands apart, with its parts.
    private var allFigures: String {
        var tables: [(title: String, rows: String)] = []
        for figure in Figure.all {
            let value = total.total[figure]
            if figure.isOneOfMany, value == .whole(0) { continue }
            let isHead = !figure.title.hasPrefix(" ")
            let subject = String(figure.key.prefix { $0 != "." })
            if tables.isEmpty || isHead && Self.subject(subject) != tables.last?.title {
                tables.append((Self.subject(subject), ""))
            }
            let count = figure.unit == .count ? value.real.map { grouped(Int($0)) } : nil
            let title = Markup.escaped(figure.title.drop { $0 == " " }.description)
            tables[tables.count - 1].rows +=
                "<tr\(isHead ? " class=\"head\"" : "") title=\"\(Markup.escaped(figure.explanation))\">"
                + "<th scope=\"row\">\(title)</th><td>\(Markup.escaped(count ?? figure.text(value)))</td></tr>\n"
        }
        let texts = tables.map { "<table><caption>\($0.title)</caption><tbody>\n\($0.rows)</tbody></table>\n" }
        return "<div class=\"figures\">\(texts.joined())</div>"
    }

    /// The heading of a table of figures, by the first part of their keys.
    private static func subject(_ key: String) -> String {
        switch key {
        case "hold_time", "wait", "hold", "first_response_time": "Waiting"
        case "service_level", "abandonment": "Service level"
        case "talk_time", "handle_time": "Handling"
        case "transfers": "Transfers"
        case "agent_time", "agent_utilization", "agent_occupancy": "Agents"
        case "call_resolution", "first_call_resolution": "Resolution"
        default: "Calls"
        }
    }

    private var slowestPictures: String {
        if slowest.isEmpty { return "<p class=\"note\">No call has ended.</p>" }
        let calls = slowest.enumerated().map { index, timeline in
            """
            <article class="call"><h3>\(index + 1). Call \(Markup.escaped(timeline.call))</h3>\
            <p>\(facts(timeline))</p>
            <div class="wide">\(timeline.svg(narrow: false))</div><div class="narrow">\(timeline.svg(narrow: true))</div>\
            </article>

            """
        }
        return lead("Waits and holds together, the longest first.") + legend(Timeline.legend) + calls.joined()
    }

    private func facts(_ timeline: Timeline) -> String {
        let arrived = moment(timeline.arrived.wall)
        var facts = ["\(arrived.day), \(arrived.time)"]
        if let line = timeline.arrival?.line { facts.append("line \(line)") }
        let summary = Markup.escaped(timeline.summary)
        guard let ended = timeline.ended else { return Markup.escaped(facts.joined(separator: ", ")) + ": " + summary }
        let silent = DurationText.short(Int64(ended.waitMs) + Int64(ended.holdMs))
        return "<b>\(silent) without a voice</b> · \(Markup.escaped(facts.joined(separator: ", "))) · \(summary)"
    }
}
