import CallEvents

extension HTMLReport {
    /// What transfers came to: a verdict, and the kinds or causes it is made of.
    private struct Outcome {
        var name: String
        var colour: String
        var parts: [(name: String, count: Int)]
        var count: Int { parts.reduce(0) { $0 + $1.count } }
    }

    private var outcomes: [Outcome] {
        let cell = total.total.cell
        let completed = TransferKind.allCases.map {
            ($0.rawValue.replacing("_", with: "-"), Int(cell.transfersCompleted[$0]))
        }
        let failed = Cause.allCases.map { ($0.rawValue.replacing("_", with: " "), Int(cell.transfersFailed[$0])) }
        return [
            Outcome(name: "completed", colour: "talk", parts: completed.filter { $0.1 > 0 }),
            Outcome(name: "failed", colour: "hold", parts: failed.filter { $0.1 > 0 }.sorted { $0.1 > $1.1 }),
            Outcome(name: "given up", colour: "ring", parts: [("given up", cell.transfersCancelled)]),
            Outcome(name: "under way", colour: "wait", parts: [("under way", cell.transfersOpen)]),
        ].filter { $0.count > 0 }
    }

    /// Bands from the transfers started to what came of them, and on to how or why, as thick as they are many.
    var transfersPicture: String {
        let started = total.total.cell.transfersStarted
        if started == 0 { return "<p class=\"note\">No transfer was started.</p>" }
        let outcomes = outcomes
        let list = outcomes.flatMap { outcome in
            outcome.parts.map { "\($0.count) \($0.name == outcome.name ? "" : "\(outcome.name), ")\($0.name)" }
        }
        let picture = Drawing.both("\(started) transfers: " + list.joined(separator: "; ")) { drawing in
            flow(outcomes, started, &drawing)
        }
        return lead(transferWords) + picture
    }

    private var transferWords: String {
        let cell = total.total.cell
        let fallbacks = FallbackStep.allCases.filter { cell.fallbacks[$0] > 0 }.map {
            "\(grouped(cell.fallbacks[$0])) to \($0 == .next ? "a next target" : "the \($0.rawValue)")"
        }
        var words = "\(counted(cell.transfersStarted, "transfer")) started."
        if !fallbacks.isEmpty {
            words += " Where a target was not had, callers went on: \(fallbacks.joined(separator: ", "))."
        }
        return words
    }

    private func flow(_ outcomes: [Outcome], _ started: Int, _ drawing: inout Drawing) {
        let scale = 190 / Double(started)
        let slot = drawing.isNarrow ? 34.0 : 22.0
        let x = drawing.isNarrow ? (0.0, 92.0, 196.0) : (96.0, 290.0, 540.0)
        let node = 10.0
        // The right-hand column first: every part has room for its words.
        var y = 8.0
        var places: [[Double]] = []
        for outcome in outcomes {
            places.append([])
            for part in outcome.parts {
                let thick = Double(part.count) * scale
                let room = max(thick, slot)
                places[places.count - 1].append(y + (room - thick) / 2)
                y += room + 4
            }
            y += 8
        }
        drawing.height = max(y, 190 + 40) + 4
        let top = (drawing.height - 190) / 2
        drawing.rect(x.0, top, node, 190, "consult", "\(grouped(started)) transfers started")
        if !drawing.isNarrow {
            drawing.words(x.0 - 10, top + 92, grouped(started), "end", "ink", bold: true)
            drawing.words(x.0 - 10, top + 108, "started", "end")
        }
        var from = top
        for (outcome, parts) in zip(outcomes, places) {
            let thick = Double(outcome.count) * scale
            let bottom = (parts.last ?? 0) + Double(outcome.parts.last?.count ?? 0) * scale
            var place = ((parts.first ?? 0) + bottom - thick) / 2
            let title = "\(grouped(outcome.count)) \(outcome.name)"
            drawing.band(from: x.0 + node, from, to: x.1, place, thick: thick, outcome.colour, title: title)
            drawing.rect(x.1, place, node, max(thick, 1), outcome.colour, title)
            if thick > 40, outcome.parts.count > 1, !drawing.isNarrow {
                drawing.words(x.1 + 20, place + thick / 2 - 3, outcome.name, "start", "ink", bold: true)
                drawing.words(x.1 + 20, place + thick / 2 + 14, share(outcome.count, started), "start", "ink")
            }
            from += thick
            for (part, end) in zip(outcome.parts, parts) {
                let thick = Double(part.count) * scale
                let name = part.name == outcome.name ? part.name : "\(outcome.name): \(part.name)"
                let title = "\(name): \(share(part.count, started))"
                drawing.band(from: x.1 + node, place, to: x.2, end, thick: thick, outcome.colour, title: title)
                drawing.rect(x.2, end, node, max(thick, 1), outcome.colour, title)
                let middle = end + thick / 2
                if drawing.isNarrow {
                    drawing.words(x.2 + 16, middle - 3, name.replacing("completed: ", with: ""), "start", "ink")
                    drawing.words(x.2 + 16, middle + 12, share(part.count, started))
                } else {
                    drawing.words(x.2 + 20, middle + 4.5, title, "start", "ink")
                }
                place += thick
            }
        }
    }

    private func share(_ count: Int, _ all: Int) -> String {
        "\(grouped(count)) (\(Self.percent(100 * Double(count) / Double(all))))"
    }
}
