/// The call as a drawing: lanes to scale, the time below.
extension Timeline {
    private enum Size {
        static let width = 900.0
        static let names = 120.0
        static let lane = 26.0
        static let bar = 16.0
        static let top = 30.0
        static let axis = 26.0
    }

    /// A drawing that stands alone, with its colours; without, for a page that has them.
    public func svg(standalone: Bool = true) -> String {
        let height = Size.top + Double(lanes.count) * Size.lane + Size.axis + 18
        let title = "Call \(call)"
        var text = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Markup.number(Size.width)) "
        text += "\(Markup.number(height))\" role=\"img\" aria-label=\"\(Markup.escaped(title + ": " + summary))\""
        text += " class=\"timeline\" font-family=\"system-ui,sans-serif\" font-size=\"12\">\n"
        text += "<title>\(Markup.escaped(title))</title>\n<desc>\(Markup.escaped(summary))</desc>\n"
        if standalone {
            text += "<style>\(Markup.palette)\n.sheet{fill:var(--paper)}</style>\n"
            text += "<rect class=\"sheet\" width=\"100%\" height=\"100%\"/>\n"
        }
        text += "<text x=\"4\" y=\"16\" fill=\"var(--ink)\" font-weight=\"600\">\(Markup.escaped(title))"
        text += "<tspan fill=\"var(--soft)\" font-weight=\"400\" dx=\"8\">\(Markup.escaped(summary))</tspan></text>\n"
        for lane in lanes.indices { text += laneSVG(lane) }
        return text + axisSVG(y: Size.top + Double(lanes.count) * Size.lane) + "</svg>\n"
    }

    /// One line of what it came to.
    var summary: String {
        guard let ended else { return "still open after \(DurationText.short(length))" }
        return "waited \(DurationText.short(Int64(ended.waitMs))), talked \(DurationText.short(Int64(ended.talkMs))), "
            + "held \(DurationText.short(Int64(ended.holdMs))), \(counted(ended.transfers, "transfer"))"
    }

    private func x(_ at: Int64) -> Double {
        let end = Double(max(1, spans.map(\.to).max() ?? 1))
        return Size.names + (Size.width - Size.names - 10) * Double(at) / end
    }

    private func laneSVG(_ lane: Int) -> String {
        let y = Size.top + Double(lane) * Size.lane
        let name = Markup.escaped(String(lanes[lane].prefix(18)))
        var text = "<text x=\"4\" y=\"\(Markup.number(y + 13))\" fill=\"var(--ink)\">\(name)</text>\n"
        text += "<line x1=\"\(Markup.number(Size.names))\" x2=\"\(Markup.number(Size.width - 10))\" "
        text += "y1=\"\(Markup.number(y + 8))\" y2=\"\(Markup.number(y + 8))\" stroke=\"var(--line)\"/>\n"
        for span in spans where span.lane == lane {
            let from = x(span.from)
            // However short, a span is seen.
            let width = max(1.5, x(span.to) - from)
            text += "<rect x=\"\(Markup.number(from))\" y=\"\(Markup.number(y))\" width=\"\(Markup.number(width))\" "
            text += "height=\"\(Markup.number(Size.bar))\" rx=\"2\" fill=\"var(--\(Self.colour(span.kind)))\">"
            text += "<title>\(Markup.escaped(describe(span)))</title></rect>\n"
            let label = Self.label(span.kind)
            if !label.isEmpty, width > Double(label.count) * 7 + 6 {
                text += "<text x=\"\(Markup.number(from + 4))\" y=\"\(Markup.number(y + 12))\" fill=\"var(--paper)\" "
                text += "font-size=\"11\">\(label)</text>\n"
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

    private func axisSVG(y: Double) -> String {
        let end = max(1, spans.map(\.to).max() ?? 1)
        let steps: [Int64] = [
            100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000,
            3_600_000,
        ]
        let step = steps.first { end / $0 <= 10 } ?? (end / 10)
        var text = ""
        for at in stride(from: 0, through: end, by: Int64.Stride(step)) {
            let place = Markup.number(x(at))
            text += "<line x1=\"\(place)\" x2=\"\(place)\" y1=\"\(Markup.number(Size.top - 4))\" "
            text += "y2=\"\(Markup.number(y + 4))\" stroke=\"var(--line)\" stroke-dasharray=\"2 3\"/>\n"
            let anchor = x(at) > Size.width - 40 ? "end" : "middle"
            text += "<text x=\"\(place)\" y=\"\(Markup.number(y + 18))\" fill=\"var(--soft)\" font-size=\"11\" "
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
