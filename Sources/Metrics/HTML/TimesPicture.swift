import CallEvents

extension HTMLReport {
    /// Service level as columns, abandonment as a line, and below them how many calls there were.
    var timesPicture: String {
        let rows = times.rows.filter { $0.cell.received > 0 }
        if rows.isEmpty { return "<p class=\"note\">No calls.</p>" }
        let worst = rows.filter { $0["service_level.percent"].real != nil }.min {
            ($0["service_level.percent"].real ?? 0) < ($1["service_level.percent"].real ?? 0)
        }
        var words = "\(counted(rows.count, unit)) with calls."
        if let worst, let level = worst["service_level.percent"].real, rows.count > 1 {
            words += " The lowest service level was \(Self.percent(level)), \(timeName(worst)), "
            words += "with \(grouped(worst.cell.received)) calls."
        }
        let label = "Service level as columns, abandonment as a line, calls received as columns below. " + words
        let picture = Drawing.both(label) { draw(rows, &$0) }
        var keys = [("talk", "service level")]
        if times.isJudged { keys += [("missed", "below the target")] }
        return lead(words) + picture
            + legend(keys + [("bad", "abandoned, both in percent"), ("ring", "calls received")])
    }

    private func draw(_ rows: [MetricsReport.Row], _ drawing: inout Drawing) {
        let left = 44.0
        let step = (drawing.width - left - 8) / Double(rows.count)
        let base = 170.0
        let floor = 248.0
        drawing.height = 276
        for percent in stride(from: 0, through: 100, by: 25) {
            let y = base - 1.5 * Double(percent)
            drawing.line(left, y, drawing.width - 8, y, "line")
            drawing.words(left - 8, y + 4, "\(percent)", "end")
        }
        let most = Double(max(1, rows.map(\.cell.received).max() ?? 1))
        drawing.line(left, floor, drawing.width - 8, floor, "line")
        drawing.words(left - 8, floor - 40, grouped(Int(most)), "end")
        drawing.words(left - 8, floor + 4, "0", "end")
        var points: [(x: Double, y: Double)] = []
        var titles: [String] = []
        let gap = step > 8 ? 1.5 : 0.3
        let columns = min(step - 2 * gap, 72)
        let labels = labelled(rows, apart: Int((56 / step).rounded(.up)))
        for (index, row) in rows.enumerated() {
            let middle = left + (Double(index) + 0.5) * step
            let level = row["service_level.percent"].real
            let abandoned = row["abandonment.percent"].real ?? 0
            let title =
                "\(timeName(row)): service level \(level.map(Self.percent) ?? "none"), abandoned "
                + "\(Self.percent(abandoned)), \(counted(row.cell.received, "call"))"
            let isMissed = times.meetsTarget(row) == false
            let height = 1.5 * (level ?? 0)
            let colour = isMissed ? "missed" : "talk"
            drawing.rect(middle - columns / 2, base - height, columns, height, colour, title)
            let volume = 44 * Double(row.cell.received) / most
            drawing.rect(middle - columns / 2, floor - volume, columns, volume, "ring", title)
            points.append((middle, base - 1.5 * abandoned))
            titles.append(title)
            if labels.contains(index) { drawing.words(middle, floor + 20, shortTime(row), "middle") }
        }
        if let target = times.target(of: times.total) {
            let y = base - 1.5 * min(100, max(0, target))
            drawing.line(left, y, drawing.width - 8, y, "ink", thick: 1.2, dash: "5 4")
        }
        if points.count > 1 { drawing.polyline(points, "bad") }
        for (point, title) in zip(points, titles) where points.count <= 48 {
            drawing.dot(point.x, point.y, "bad", title: title)
        }
    }

    /// `hour` or `day`.
    var unit: String { times.by.first?.rawValue ?? "hour" }

    private func name(_ row: MetricsReport.Row) -> String { row.key.first.flatMap { $0 } ?? "" }

    /// `on 2026-03-02`, `on 2026-03-02 at 09:00`; of one day only the hour.
    private func timeName(_ row: MetricsReport.Row) -> String {
        let day = "on \(name(row).prefix(10))"
        if unit == "day" { return day }
        let hour = "at \(name(row).dropFirst(11).prefix(5))"
        return times.rows.allSatisfy { name($0).prefix(10) == name(row).prefix(10) } ? hour : "\(day) \(hour)"
    }

    /// The rows that the axis names, no nearer to one another than so many: round hours, midnight among them.
    private func labelled(_ rows: [MetricsReport.Row], apart: Int) -> Set<Int> {
        let every = [1, 2, 3, 4, 6, 12, 24].first { $0 >= apart } ?? 24
        var labels: Set<Int> = []
        var last = -apart
        for (index, row) in rows.enumerated() where index - last >= apart {
            let hour = Int(name(row).dropFirst(11).prefix(2)) ?? 0
            if unit != "day", hour % every != 0 { continue }
            labels.insert(index)
            last = index
        }
        return labels
    }

    /// `09:00`; at midnight and of a day `03-02`.
    private func shortTime(_ row: MetricsReport.Row) -> String {
        let time = name(row).dropFirst(11).prefix(5)
        return String(unit == "day" || time == "00:00" ? name(row).dropFirst(5).prefix(5) : time)
    }

    static func percent(_ value: Double) -> String {
        "\(Figure.decimal((value * 10).rounded() / 10)) %"
    }
}
