import CallEvents

extension HTMLReport {
    /// Columns by the length of the wait, those who reached a person told apart from those who did not.
    var waitingPicture: String {
        let cell = total.total.cell
        if cell.wait.count == 0 { return "<p class=\"note\">Nobody has waited.</p>" }
        let bars = waitingBars
        let most = Double(max(1, bars.map(\.all).max() ?? 1))
        let label =
            "Number of callers by the length of their wait: "
            + bars.map { "\($0.name): \($0.all), of whom \($0.answered) reached a person" }.joined(separator: "; ")
        let picture = Drawing.both(label) { drawing in
            let base = 196.0
            drawing.height = 232
            let left = 8.0
            let step = (drawing.width - 2 * left) / Double(bars.count)
            drawing.line(left, base + 0.5, drawing.width - left, base + 0.5, "line")
            for (index, bar) in bars.enumerated() {
                let x = left + Double(index) * step
                let gap = drawing.isNarrow ? 1.5 : 3.0
                let answered = 160 * Double(bar.answered) / most
                let others = 160 * Double(bar.all - bar.answered) / most
                let title = "\(bar.name): \(grouped(bar.all)) callers, \(grouped(bar.answered)) reached a person"
                drawing.rect(x + gap, base - answered, step - 2 * gap, answered, "talk", title)
                drawing.rect(x + gap, base - answered - others, step - 2 * gap, others, "bad", title)
                if bar.all > 0, !drawing.isNarrow || bars.count <= 9 {
                    drawing.words(x + step / 2, base - answered - others - 6, grouped(bar.all), "middle")
                }
                if index > 0 { drawing.words(x, base + 17, bar.from, "middle") }
            }
            // The threshold lies between two columns, or is none of their edges.
            for (number, threshold) in thresholds.prefix(2).enumerated() {
                guard let index = bars.firstIndex(where: { $0.seconds == threshold }), index > 0 else { continue }
                let x = left + Double(index) * step
                let y = 12 + 14 * Double(number)
                drawing.line(x, y - 8, x, base, "ink", dash: "4 3")
                let isLate = x > drawing.width * 0.6
                drawing.words(x + (isLate ? -6 : 6), y, "in time: \(threshold) s", isLate ? "end" : "start", "ink")
            }
            drawing.words(drawing.width / 2, base + 34, "waited, in seconds (m: minutes)", "middle")
        }
        return lead(waitingWords) + picture
            + legend([("talk", "reached a person"), ("bad", "hung up, or went elsewhere")])
    }

    private var waitingWords: String {
        let wait = total.total.cell.wait
        guard let median = wait.value(at: 0.5), let ninety = wait.value(at: 0.9) else { return "" }
        return "Half of the callers waited no longer than \(DurationText.short(median)), nine in ten no longer than "
            + "\(DurationText.short(ninety)); the longest wait was \(DurationText.short(wait.max))."
    }

    /// The service level's thresholds, in seconds.
    private var thresholds: [Int] { Set([total.options.serviceLevel] + total.options.thresholds).sorted() }

    /// From `seconds` on; `from` is that as the axis writes it.
    private struct Bar {
        var seconds: Int
        var from: String
        var name: String
        var all: Int
        var answered: Int
    }

    private var waitingBars: [Bar] {
        let cell = total.total.cell
        let edges = Set([0, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 3600])
            .union(thresholds.filter { (1...600).contains($0) }.prefix(2)).sorted()
        var bars: [Bar] = []
        for (index, from) in edges.enumerated() {
            let to = index + 1 < edges.count ? edges[index + 1] : nil
            let all = to.map(cell.waitSeconds.count) ?? cell.wait.count
            let answered = to.map(cell.responseSeconds.count) ?? cell.response.count
            let before =
                from == 0 ? (0, 0) : (cell.waitSeconds.count(upTo: from), cell.responseSeconds.count(upTo: from))
            let name = to.map { "\(from) to \($0) s" } ?? "over an hour"
            bars.append(
                Bar(
                    seconds: from, from: Self.edge(from), name: name, all: all - before.0,
                    answered: answered - before.1))
        }
        while let last = bars.last, last.all == 0, bars.count > 5 { bars.removeLast() }
        return bars
    }

    private static func edge(_ seconds: Int) -> String {
        seconds < 120 || seconds % 60 != 0 ? "\(seconds)" : "\(seconds / 60)m"
    }
}
