import CallEvents

extension HTMLReport {
    /// The figures that are looked at first, with their target where they have one.
    var headlines: String {
        let keys = [
            ("service_level.percent", "answered in time"), ("hold_time.per_connection_ms", "waiting and hold together"),
            ("first_response_time.mean_ms", "arrival to a human's voice"), ("abandonment.percent", "left unanswered"),
            ("received", "inbound"), ("transfers.success_percent", "of those not given up"),
            ("agent_utilization.percent", "of the time logged in"), ("call_resolution.percent", "of calls received"),
        ]
        var text = "<div class=\"cards\">"
        for (key, note) in keys {
            guard let figure = Figure.named(key) else { continue }
            let value = total.total[figure]
            var verdict = note
            var mark = ""
            if key == "service_level.percent", let target = total.options.target, let real = value.real {
                let met = real >= target
                verdict = "target \(Figure.decimal(target)) %: \(met ? "met" : "missed")"
                mark = met ? " good" : " bad"
            }
            let title = key == "transfers.success_percent" ? "Transfers completed" : figure.title
            text += "<div class=\"card\"><h3>\(Markup.escaped(title))</h3>"
            text += "<p class=\"value\(mark)\">\(Markup.escaped(figure.text(value)))</p>"
            text += "<p class=\"note\">\(Markup.escaped(verdict))</p></div>\n"
        }
        return text + "</div>"
    }

    private static func open(_ height: Double, _ label: String) -> String {
        "<svg viewBox=\"0 0 900 \(Markup.number(height))\" role=\"img\" aria-label=\"\(Markup.escaped(label))\" "
            + "font-family=\"system-ui,sans-serif\" font-size=\"13\"><title>\(Markup.escaped(label))</title>\n"
    }

    private static func rect(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ colour: String, _ title: String
    ) -> String {
        "<rect x=\"\(Markup.number(x))\" y=\"\(Markup.number(y))\" width=\"\(Markup.number(width))\" "
            + "height=\"\(Markup.number(height))\" rx=\"2\" fill=\"var(--\(colour))\"><title>\(Markup.escaped(title))"
            + "</title></rect>\n"
    }

    private static func label(
        _ x: Double, _ y: Double, _ text: String, _ anchor: String = "start", soft: Bool = false
    ) -> String {
        "<text x=\"\(Markup.number(x))\" y=\"\(Markup.number(y))\" text-anchor=\"\(anchor)\" "
            + "fill=\"var(--\(soft ? "soft" : "ink"))\">\(Markup.escaped(text))</text>\n"
    }

    var waitingPicture: String {
        let edges = [0, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 3600]
        let counts = total.total.cell.waitSeconds
        var bars: [(name: String, count: Int)] = []
        for (from, to) in zip(edges, edges.dropFirst()) {
            let before = from == 0 ? 0 : counts.count(upTo: from)
            bars.append(
                (to <= 60 ? "\(to) s" : "\(Figure.decimal(Double(to) / 60)) m", counts.count(upTo: to) - before))
        }
        while let last = bars.last, last.count == 0, bars.count > 5 { bars.removeLast() }
        let most = Double(max(1, bars.map(\.count).max() ?? 1))
        let width = 860.0 / Double(bars.count)
        var text = Self.open(230, "Number of first waits by their length")
        for (index, bar) in bars.enumerated() {
            let height = 170 * Double(bar.count) / most
            let x = 20 + Double(index) * width
            text += Self.rect(x + 3, 195 - height, width - 6, height, "wait", "up to \(bar.name): \(bar.count)")
            if bar.count > 0 { text += Self.label(x + width / 2, 190 - height, "\(bar.count)", "middle", soft: true) }
            text += Self.label(x + width / 2, 213, "≤ \(bar.name)", "middle")
        }
        return text + "</svg>"
    }

    var timesPicture: String {
        let rows = times.rows.filter { $0.cell.received > 0 }
        if rows.isEmpty { return "<p class=\"note\">No calls.</p>" }
        let width = 850.0 / Double(rows.count)
        var text = Self.open(250, "Service level as bars, abandonment as a line, in percent")
        for percent in stride(from: 0, through: 100, by: 25) {
            let y = 200 - 1.8 * Double(percent)
            text += "<line x1=\"40\" x2=\"895\" y1=\"\(Markup.number(y))\" y2=\"\(Markup.number(y))\" "
            text += "stroke=\"var(--line)\"/>\n" + Self.label(34, y + 4, "\(percent)", "end", soft: true)
        }
        if let target = total.options.target {
            let y = Markup.number(200 - 1.8 * min(100, max(0, target)))
            text += "<line x1=\"40\" x2=\"895\" y1=\"\(y)\" y2=\"\(y)\" stroke=\"var(--ink)\" stroke-dasharray=\"5 4\">"
            text += "<title>target \(Figure.decimal(target)) %</title></line>\n"
        }
        var line: [String] = []
        for (index, row) in rows.enumerated() {
            let x = 43 + Double(index) * width
            let name = row.key.first.flatMap { $0 } ?? ""
            let level = row["service_level.percent"].real
            let left = row["abandonment.percent"].real ?? 0
            let value = level.map { "\(Figure.decimal($0)) %" } ?? "none"
            let title =
                "\(name): service level \(value), abandoned \(Figure.decimal(left)) %, \(row.cell.received) calls"
            let height = 1.8 * (level ?? 0)
            text += Self.rect(x + 1, 200 - height, max(1, width - 2), height, "talk", title)
            line.append("\(Markup.number(x + width / 2)),\(Markup.number(200 - 1.8 * left))")
            if rows.count <= 24 || index % (rows.count / 12 + 1) == 0 {
                let short =
                    times.by == [.day] ? String(name.dropFirst(5).prefix(5)) : String(name.dropFirst(11).prefix(5))
                text += Self.label(x + width / 2, 218, short, "middle", soft: true)
            }
        }
        text += "<polyline points=\"\(line.joined(separator: " "))\" fill=\"none\" stroke=\"var(--bad)\" "
        text += "stroke-width=\"2.5\"/>\n"
        text += Self.rect(44, 230, 12, 12, "talk", "service level") + Self.label(62, 241, "service level")
        text += Self.rect(164, 234, 12, 4, "bad", "abandonment") + Self.label(182, 241, "abandoned")
        return text + "</svg>"
    }

    var agentsPicture: String {
        var rows = agents.rows.filter { $0.cell.hold.count > 0 && $0.key.first.flatMap { $0 } != nil }
        if rows.isEmpty { return "<p class=\"note\">No caller was held by an agent.</p>" }
        rows.sort { ($0.cell.hold.mean ?? 0) > ($1.cell.hold.mean ?? 0) }
        let shown = rows.prefix(20)
        let most = max(1, shown.compactMap { $0.cell.hold.mean }.max() ?? 1)
        var text = Self.open(Double(shown.count) * 24 + 10, "Mean length of hold segments by agent")
        for (index, row) in shown.enumerated() {
            let mean = row.cell.hold.mean ?? 0
            let y = Double(index) * 24 + 4
            let name = row.key.first.flatMap { $0 } ?? ""
            let value = "\(DurationText.short(mean)) × \(row.cell.hold.count)"
            text += Self.label(150, y + 13, String(name.prefix(20)), "end")
            text += Self.rect(158, y, max(1, 600 * mean / most), 17, "hold", "\(name): \(value)")
            text += Self.label(166 + 600 * mean / most, y + 13, value, soft: true)
        }
        text += "</svg>"
        if rows.count > shown.count {
            text += "<p class=\"note\">The 20 longest of \(rows.count) agents; mean length × number of segments.</p>"
        }
        return text
    }

    /// A band from the transfers started to each outcome, as wide as it is frequent.
    var transfersPicture: String {
        let cell = total.total.cell
        var ends: [(name: String, count: Int, colour: String)] = []
        for kind in TransferKind.allCases {
            let name = "completed, \(kind.rawValue.replacing("_", with: "-"))"
            ends.append((name, Int(cell.transfersCompleted[kind]), "talk"))
        }
        for cause in Cause.allCases {
            let name = "failed: \(cause.rawValue.replacing("_", with: " "))"
            ends.append((name, Int(cell.transfersFailed[cause]), "hold"))
        }
        ends.append(("cancelled", cell.transfersCancelled, "ring"))
        ends.append(("still open", cell.transfersOpen, "wait"))
        ends.removeAll { $0.count == 0 }
        let started = cell.transfersStarted
        if started == 0 { return "<p class=\"note\">No transfer was started.</p>" }
        let label = "\(started) transfers: " + ends.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
        let gap = 14.0
        let scale = 180 / Double(started)
        let height = 200 + gap * Double(ends.count)
        var text = Self.open(height + 10, label)
        let top = (height - 180) / 2
        text += Self.rect(130, top, 16, 180, "consult", "\(started) transfers started")
        text += Self.label(122, top + 94, "\(started) started", "end")
        var from = top
        var to = 6.0
        for end in ends {
            let band = Double(end.count) * scale
            let thick = max(band, 1)
            text += "<path d=\"M146,\(Markup.number(from)) C360,\(Markup.number(from)) 360,\(Markup.number(to)) "
            text += "560,\(Markup.number(to)) L560,\(Markup.number(to + thick)) C360,\(Markup.number(to + thick)) "
            text += "360,\(Markup.number(from + thick)) 146,\(Markup.number(from + thick)) Z\" "
            text += "fill=\"var(--\(end.colour))\" fill-opacity=\"0.55\"/>\n"
            text += Self.rect(560, to, 14, thick, end.colour, "\(end.count) \(end.name)")
            let share = Figure.decimal((Double(end.count) / Double(started) * 1000).rounded() / 10)
            text += Self.label(582, to + thick / 2 + 4, "\(end.name): \(end.count) (\(share) %)")
            from += band
            to += thick + gap
        }
        return text + "</svg>"
    }
}
