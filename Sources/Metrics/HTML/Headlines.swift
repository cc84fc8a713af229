import CallEvents

extension HTMLReport {
    /// The figures that are looked at first, with their target where they have one.
    var headlines: String {
        let cell = total.total.cell
        let judged = cell.answered + cell.abandoned - cell.shortAbandoned
        var within = "\(grouped(cell.answeredWithin)) of \(grouped(judged)) answered in time"
        if cell.breached > 0 { within += ", \(grouped(cell.breached)) waited past it" }
        var cards = [serviceLevelCard(within)]
        cards.append(
            card(
                "hold_time.per_connection_ms", "waiting and hold together, each time a voice was reached", isFirst: true
            ))
        cards.append(
            card(
                "first_response_time.mean_ms",
                "to a person's voice"
                    + (cell.response.count == 0 ? "" : "; half within \(text("first_response_time.median_ms"))"),
                isFirst: true))
        cards.append(
            card(
                "abandonment.percent",
                "\(grouped(cell.abandoned)) left before an answer, \(grouped(cell.holdAbandoned)) while held",
                isFirst: true))
        var received = "\(grouped(cell.answered)) answered"
        if cell.open > 0 { received += ", \(grouped(cell.open)) waiting" }
        if cell.inProgress > 0 { received += ", \(grouped(cell.inProgress)) in progress" }
        if cell.givenUp > 0 { received += ", \(grouped(cell.givenUp)) given up" }
        if cell.callbacksRequested > 0 {
            received += ", \(grouped(cell.callbacksCompleted)) of \(grouped(cell.callbacksRequested)) called back"
        }
        cards.append(card("received", received))
        let kept = cell.transfersStarted - cell.transfersCancelled
        cards.append(
            card(
                "transfers.success_percent",
                "\(grouped(cell.transfersCompleted.total)) of \(grouped(kept)) not given up",
                title: "Transfers completed"))
        cards.append(card("agent_utilization.percent", "of the time logged in"))
        cards.append(
            card(
                "call_resolution.percent",
                "\(grouped(cell.resolved)) resolved, \(grouped(cell.received - cell.disposed)) without a verdict"))
        return "<div class=\"cards\">\(cards.joined())</div>"
    }

    private func text(_ key: String) -> String {
        guard let figure = Figure.named(key) else { return "" }
        let text = figure.unit == .count ? total.total[figure].real.map { grouped(Int($0)) } : nil
        return text ?? figure.text(total.total[figure])
    }

    private func card(_ key: String, _ note: String, isFirst: Bool = false, title: String? = nil) -> String {
        let title = title ?? Figure.named(key)?.title ?? key
        let explanation = Figure.named(key)?.explanation ?? ""
        return """
            <div class="card\(isFirst ? " first" : "")" title="\(Markup.escaped(explanation))">\
            <h2>\(Markup.escaped(title))</h2><p class="value">\(Markup.escaped(text(key)))</p>\
            <p class="note">\(Markup.escaped(note))</p></div>

            """
    }

    private func serviceLevelCard(_ note: String) -> String {
        guard let target = total.target(of: total.total), let level = total.total["service_level.percent"].real else {
            return card("service_level.percent", note, isFirst: true)
        }
        let met = level >= target
        let verdict = "target \(Figure.decimal(target)) %: \(met ? "met" : "missed")"
        let explanation = Figure.named("service_level.percent")?.explanation ?? ""
        return """
            <div class="card first" title="\(Markup.escaped(explanation))"><h2>Service level</h2>\
            <p class="value">\(Markup.escaped(text("service_level.percent")))</p>\
            <p class="verdict \(met ? "good" : "bad")"><span aria-hidden="true">\(met ? "✓" : "✗")</span> \
            \(Markup.escaped(verdict))</p>\
            <div class="meter" aria-hidden="true"><i class="\(met ? "good" : "bad")" \
            style="width:\(Markup.number(min(100, max(0, level))))%"></i>\
            <b style="left:\(Markup.number(target))%"></b></div>\
            <p class="note">\(Markup.escaped(note))</p></div>

            """
    }
}

/// A count with its thousands apart: `12,345`.
func grouped(_ count: some BinaryInteger) -> String {
    var text = String(count)
    var place = text.count - 3
    while place > (text.hasPrefix("-") ? 1 : 0) {
        text.insert(",", at: text.index(text.startIndex, offsetBy: place))
        place -= 3
    }
    return text
}
