/// The call as a drawing: lanes to scale, the time below.
extension Timeline {
    /// Where things stand on the sheet, in its units.
    private struct Sheet {
        var width = 820.0
        var names = 130.0
        var top = 8.0
        let lane = 26.0
        let bar = 17.0
        let axis = 26.0
        /// Of a drawing that stands alone, the line that says what the colours mean.
        var legend = 0.0
        /// The call's last instant, in milliseconds.
        let end: Int64

        /// Ticks no nearer to one another than this.
        var tick: Double { width < 500 ? 64 : 72 }
        func x(_ at: Int64) -> Double { names + (width - names - 12) * Double(at) / Double(end) }
    }

    /// A drawing that stands alone, with its colours and a heading.
    public func svg() -> String {
        var sheet = sheet
        sheet.top = 34
        sheet.legend = 24
        let sheetHeight = sheet.top + Double(lanes.count) * sheet.lane + sheet.axis + sheet.legend
        let title = "Call \(call)"
        var text = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Markup.number(sheet.width)) "
        text += "\(Markup.number(sheetHeight))\" role=\"img\" aria-label=\"\(Markup.escaped(title + ": " + summary))\""
        text += " font-family=\"system-ui,sans-serif\" font-size=\"12\">\n"
        text += "<title>\(Markup.escaped(title))</title>\n<desc>\(Markup.escaped(summary))</desc>\n"
        text += "<style>\(Markup.palette)\n.sheet{fill:var(--card)}</style>\n"
        text += "<rect class=\"sheet\" width=\"100%\" height=\"100%\"/>\n"
        text += "<text x=\"4\" y=\"18\" fill=\"var(--ink)\" font-weight=\"600\">\(Markup.escaped(title))"
        text += "<tspan fill=\"var(--soft)\" font-weight=\"400\" dx=\"8\">\(Markup.escaped(summary))</tspan></text>\n"
        return text + drawing(sheet) + legendSVG(sheet) + "</svg>\n"
    }

    /// What the colours mean, of all that a drawing may have.
    static let legend = [
        ("wait", "waits"), ("ring", "rings"), ("talk", "talks with the caller"), ("hold", "held"),
        ("consult", "consult"), ("conf", "three-way"), ("idle", "by itself"),
    ]

    /// Those that this drawing has, below its axis.
    private func legendSVG(_ sheet: Sheet) -> String {
        let y = sheet.top + Double(lanes.count) * sheet.lane + sheet.axis + 13
        let used = Set(spans.map { Self.colour($0.kind) })
        var x = sheet.names
        var text = ""
        for (colour, words) in Self.legend where used.contains(colour) {
            text += "<rect x=\"\(Markup.number(x))\" y=\"\(Markup.number(y - 9))\" width=\"10\" height=\"10\" rx=\"2\" "
            text += "fill=\"var(--\(colour))\"/>\n<text x=\"\(Markup.number(x + 15))\" y=\"\(Markup.number(y))\" "
            text += "fill=\"var(--soft)\">\(words)</text>\n"
            x += 15 + Double(words.count) * 6.6 + 18
        }
        return text
    }

    /// The same lanes for a page that has the colours and a heading of its own.
    func svg(narrow: Bool) -> String {
        var sheet = sheet
        if narrow {
            sheet.width = 350
            sheet.names = 92
        }
        let height = sheet.top + Double(lanes.count) * sheet.lane + sheet.axis
        return "<svg viewBox=\"0 0 \(Markup.number(sheet.width)) \(Markup.number(height))\" role=\"img\" "
            + "aria-label=\"\(Markup.escaped("Call \(call): \(summary)"))\">\n\(drawing(sheet))</svg>\n"
    }

    private var sheet: Sheet { Sheet(end: max(1, spans.map(\.to).max() ?? 1)) }

    private func drawing(_ sheet: Sheet) -> String {
        axisSVG(sheet) + lanes.indices.map { laneSVG($0, sheet) }.joined()
    }

    /// One line of what it came to.
    var summary: String {
        guard let ended else { return stillOpen }
        return "waited \(DurationText.short(Int64(ended.waitMs))), talked \(DurationText.short(Int64(ended.talkMs))), "
            + "held \(DurationText.short(Int64(ended.holdMs))), \(counted(ended.transfers, "transfer"))"
    }

    private func laneSVG(_ lane: Int, _ sheet: Sheet) -> String {
        let y = sheet.top + Double(lane) * sheet.lane
        // Names of agents are often alike at their beginning: the middle is left out.
        let room = Int((sheet.names - 8) / 7.2)
        let whole = lanes[lane]
        let name = whole.count > room ? whole.prefix(room / 2) + "…" + whole.suffix((room - 1) / 2) : whole[...]
        var text = "<text x=\"4\" y=\"\(Markup.number(y + 13))\" fill=\"var(--ink)\">\(Markup.escaped(String(name)))"
        text += name == whole ? "</text>\n" : "<title>\(Markup.escaped(whole))</title></text>\n"
        for span in spans where span.lane == lane {
            let from = sheet.x(span.from)
            // However short, a span is seen.
            let width = max(1.5, sheet.x(span.to) - from)
            let colour = Self.colour(span.kind)
            text += "<rect x=\"\(Markup.number(from))\" y=\"\(Markup.number(y))\" width=\"\(Markup.number(width))\" "
            text += "height=\"\(Markup.number(sheet.bar))\" rx=\"2\" fill=\"var(--\(colour))\">"
            text += "<title>\(Markup.escaped(describe(span)))</title></rect>\n"
            let label = Self.label(span.kind)
            if !label.isEmpty, width > Double(label.count) * 7.2 + 9 {
                text += "<text x=\"\(Markup.number(from + 5))\" y=\"\(Markup.number(y + 12.5))\" "
                text += "fill=\"var(--on-\(colour))\" font-size=\"12\">\(label)</text>\n"
            }
        }
        return text
    }

    private func describe(_ span: Span) -> String {
        let length = DurationText.short(span.to - span.from)
        let others = span.with.map { lanes[$0] }.joined(separator: " and ")
        let with = others.isEmpty ? "" : " with \(others)"
        return "\(lanes[span.lane]): \(Self.phrase(span.kind))\(with), \(length), from \(DurationText.short(span.from))"
    }

    private static func phrase(_ kind: Kind) -> String {
        switch kind {
        case .waiting: "waits for an answer"
        case .ringing: "rings"
        case .talk: "talks"
        case .hold(let number): "held, segment \(number)"
        case .callerHold: "holds by its own phone"
        case .consult(let number): "consult \(number)"
        case .conference: "three-way"
        case .idle: "is by itself"
        }
    }

    private static func label(_ kind: Kind) -> String {
        switch kind {
        case .waiting: "waits"
        case .ringing: "rings"
        case .talk: "talk"
        case .hold(let number): "hold \(number)"
        case .callerHold: "own hold"
        case .consult(let number): "consult \(number)"
        case .conference: "three-way"
        case .idle: ""
        }
    }

    /// The name of the palette's colour.
    private static func colour(_ kind: Kind) -> String {
        switch kind {
        case .waiting: "wait"
        case .ringing: "ring"
        case .talk: "talk"
        case .hold, .callerHold: "hold"
        case .consult: "consult"
        case .conference: "conf"
        case .idle: "idle"
        }
    }

    private func axisSVG(_ sheet: Sheet) -> String {
        let steps: [Int64] = [
            100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000,
            3_600_000,
        ]
        let most = Int64((sheet.width - sheet.names) / sheet.tick)
        let step = steps.first { sheet.end / $0 <= most } ?? (sheet.end / most)
        let bottom = sheet.top + Double(lanes.count) * sheet.lane
        var text = ""
        for at in stride(from: 0, through: sheet.end, by: Int64.Stride(step)) {
            let place = Markup.number(sheet.x(at))
            text += "<line x1=\"\(place)\" x2=\"\(place)\" y1=\"\(Markup.number(sheet.top - 4))\" "
            text += "y2=\"\(Markup.number(bottom + 2))\" stroke=\"var(--line)\"/>\n"
            let anchor = at == 0 ? "start" : sheet.x(at) > sheet.width - 34 ? "end" : "middle"
            text += "<text x=\"\(place)\" y=\"\(Markup.number(bottom + 16))\" fill=\"var(--soft)\" font-size=\"12\" "
            text += "text-anchor=\"\(anchor)\">\(Self.tick(at))</text>\n"
        }
        return text
    }

    /// `2.5 s`, `4 m`, `1 m 30 s`, `1 h 15 m`: as short as it can be said.
    private static func tick(_ at: Int64) -> String {
        if at < 60_000 { return "\(Figure.decimal(Double(at) / 1000)) s" }
        let seconds = at / 1000 % 60
        let minutes = at / 60_000 % 60
        let hours = at / 3_600_000
        var parts: [String] = []
        if hours > 0 { parts.append("\(hours) h") }
        if minutes > 0 { parts.append("\(minutes) m") }
        if seconds > 0 { parts.append("\(seconds) s") }
        return parts.joined(separator: " ")
    }
}
