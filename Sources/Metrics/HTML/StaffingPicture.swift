extension HTMLReport {
    /// For each half hour of the week those who were there as columns, those needed as a line of steps.
    var staffingPicture: String {
        let rows = staffing
        if rows.isEmpty { return "<p class=\"note\">No calls.</p>" }
        let short = rows.filter { $0.slot.present < Double($0.needed) }
        var words = "\(counted(rows.count, "half hour")) of the week, "
        words += short.isEmpty ? "each with enough agents." : "\(grouped(short.count)) with too few agents."
        if let most = rows.max(by: { $0.needed < $1.needed }), most.needed > 0 {
            words += " The most are needed on \(most.slot.day) at \(most.slot.time): \(counted(most.needed, "agent"))."
        }
        let label = "Agents logged in as columns, agents needed as a line, by half hour of the week. " + words
        words += " All groups together, as if everybody took every call."
        return lead(words) + Drawing.both(label) { draw(rows, &$0) }
            + legend([
                ("talk", "were there, enough"), ("missed", "were there, too few"),
                ("bad", "needed to hold the service level, by Erlang A, or C where nobody lost patience"),
            ])
    }

    private func draw(_ rows: [Staffing.Row], _ drawing: inout Drawing) {
        let left = 44.0
        let step = (drawing.width - left - 8) / Double(rows.count)
        let base = 180.0
        drawing.height = 208
        let most = max(1, rows.map { max(Double($0.needed), $0.slot.present) }.max() ?? 1)
        func y(_ agents: Double) -> Double { base - 160 * agents / most }
        for agents in stride(from: 0, through: Int(most), by: max(1, Int((most / 5).rounded(.up)))) {
            drawing.line(left, y(Double(agents)), drawing.width - 8, y(Double(agents)), "line")
            drawing.words(left - 8, y(Double(agents)) + 4, "\(agents)", "end")
        }
        let severalDays = Set(rows.map(\.slot.weekday)).count > 1
        let labelWidth = severalDays ? 84.0 : 52.0
        let every = max(1, Int((labelWidth / step).rounded(.up)))
        let gap = step > 8 ? 1.5 : step / 8
        var points: [(x: Double, y: Double)] = []
        for (index, row) in rows.enumerated() {
            let x = left + Double(index) * step
            let present = Figure.decimal((row.slot.present * 10).rounded() / 10)
            let arrivals = Figure.decimal((row.slot.arrivals * 10).rounded() / 10)
            let title =
                "\(row.slot.day) \(row.slot.time): \(present) were there, \(row.needed) needed for \(arrivals) calls of "
                + DurationText.short(row.handle * 1000)
            let colour = row.slot.present < Double(row.needed) ? "missed" : "talk"
            drawing.rect(x + gap, y(row.slot.present), step - 2 * gap, base - y(row.slot.present), colour, title)
            points += [(x, y(Double(row.needed))), (x + step, y(Double(row.needed)))]
            let middle = x + step / 2
            guard index % every == 0, middle + labelWidth / 2 < drawing.width else { continue }
            let name = severalDays ? "\(row.slot.day) \(row.slot.time)" : row.slot.time
            drawing.words(middle, base + 20, name, "middle")
        }
        drawing.polyline(points, "bad")
    }
}
