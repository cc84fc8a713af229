import CallEvents
import EventLog

/// The call in text: its lanes as bars to scale, then what happened, line by line, with arrows between the lanes.
extension Timeline {
    /// - Parameter width: columns of the bars.
    public func text(width: Int = 64) -> String {
        let shown = printable
        let lines = shown.heading + [""] + shown.bars(width: max(16, width)) + [""] + shown.ladder
        return lines.joined(separator: "\n") + "\n"
    }

    /// With names that do nothing to a terminal.
    private var printable: Timeline {
        var shown = self
        shown.lanes = lanes.map(\.printable)
        for index in marks.indices { shown.marks[index].text = marks[index].text.printable }
        return shown
    }

    private var heading: [String] {
        var lines = ["call \(call.printable), \(Self.utc(arrived.wall))"]
        guard let ended else { return lines + [stillOpen] }
        var parts = [
            "waited \(DurationText.short(Int64(ended.waitMs)))", "talked \(DurationText.short(Int64(ended.talkMs)))",
            "held \(DurationText.short(Int64(ended.holdMs)))",
        ]
        if ended.callerHoldMs > 0 { parts.append("own hold \(DurationText.short(Int64(ended.callerHoldMs)))") }
        let total = DurationText.short(Int64(ended.waitMs + ended.talkMs + ended.holdMs))
        var line = "\(total): \(parts.joined(separator: ", ")); \(counted(ended.transfers, "transfer"))"
        if ended.abandoned { line += "; abandoned" }
        lines.append(line)
        return lines
    }

    /// Where the log ends, not where the present is: of a call that goes on this is all that is known.
    var stillOpen: String { "still open; its last event came after \(DurationText.short(length))" }

    private static func utc(_ wall: Int64) -> String {
        let calendar = CivilTime(wall: wall)
        return "\(calendar.date) \(calendar.time) UTC"
    }

    /// What a span looks like.
    static func glyph(_ kind: Kind) -> Character {
        switch kind {
        case .waiting: "."
        case .ringing: "~"
        case .talk: "█"
        case .hold: "♪"
        case .callerHold: "▌"
        case .consult: "▒"
        case .conference: "▓"
        case .idle: "-"
        }
    }

    private static func word(_ kind: Kind) -> String {
        switch kind {
        case .waiting: "waits"
        case .ringing: "rings"
        case .talk: "talks with the caller"
        case .hold: "held"
        case .callerHold: "holds"
        case .consult: "consult"
        case .conference: "three-way"
        case .idle: "is by itself"
        }
    }

    private func bars(width: Int) -> [String] {
        let end = max(1, spans.map(\.to).max() ?? 1)
        let names = lanes.map(\.count).max() ?? 0
        func column(_ at: Int64) -> Int { Int(Int64(width) * at / end) }
        var lines: [String] = []
        for lane in lanes.indices {
            var bar = [Character](repeating: " ", count: width)
            for span in spans where span.lane == lane {
                // However short, a span is seen.
                let from = min(column(span.from), width - 1)
                let to = max(column(span.to), from + 1)
                for index in from..<min(to, width) { bar[index] = Self.glyph(span.kind) }
            }
            let text = String(bar).trimmingEnd()
            lines.append("  \(Self.padded(lanes[lane], names))  \(text)")
        }
        let scale = "0 s" + String(repeating: " ", count: max(1, width - 3 - DurationText.short(end).count))
        lines.append("  \(Self.padded("", names))  \(scale)\(DurationText.short(end))")
        lines.append("  " + legend)
        return lines
    }

    private var legend: String {
        var seen: [Character] = []
        var words: [String] = []
        for span in spans {
            let glyph = Self.glyph(span.kind)
            if seen.contains(glyph) { continue }
            seen.append(glyph)
            let word = span.kind == .talk ? "talks" : Self.word(span.kind)
            words.append("\(glyph) \(word)")
        }
        return words.joined(separator: "   ")
    }

    /// Rows of what happened; each lane a column with its state, the arrow from whom it came to whom it went.
    private var ladder: [String] {
        let column = max(9, (lanes.map(\.count).max() ?? 0) + 2)
        let times = marks.map { DurationText.seconds($0.at) }
        let timeWidth = max(8, (times.map(\.count).max() ?? 0) + 2)
        var lines = [
            Self.padded("  time s", timeWidth + 2) + lanes.map { Self.padded($0, column) }.joined()
        ]
        for (index, mark) in marks.enumerated() {
            // A row shows what its event led to.
            var row = [Character](repeating: " ", count: lanes.count * column)
            for lane in lanes.indices { row[lane * column] = rail(lane, index) }
            if mark.from != mark.to {
                let low = min(mark.from, mark.to) * column
                let high = max(mark.from, mark.to) * column
                for position in (low + 1)..<high { row[position] = mark.isFailure ? "╌" : "─" }
                row[mark.to > mark.from ? high - 1 : low + 1] = mark.isFailure ? "×" : mark.to > mark.from ? "▶" : "◀"
            }
            let time = String(repeating: " ", count: timeWidth - times[index].count) + times[index]
            lines.append("\(time)  \(String(row)) \(mark.text)")
        }
        return lines
    }

    /// What a lane shows in the row of a mark; where it shows nothing any more, that it has ended.
    private func rail(_ lane: Int, _ index: Int) -> Character {
        func kind(_ index: Int) -> Kind? {
            guard marks.indices.contains(index), marks[index].lanes.indices.contains(lane) else { return nil }
            return marks[index].lanes[lane]
        }
        guard let kind = kind(index) else {
            // Between two events of one instant a lane is not over: ringing ends before talk begins.
            let rest = marks.indices[(index + 1)...].prefix { marks[$0].at == marks[index].at }
            if rest.contains(where: { kind($0) != nil }) { return "┆" }
            return kind(index - 1) == nil ? " " : "┴"
        }
        switch kind {
        case .waiting, .ringing, .idle: return "┆"
        case .hold: return "♪"
        case .callerHold: return "▌"
        case .consult, .talk, .conference: return "│"
        }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}

extension String {
    fileprivate func trimmingEnd() -> String {
        guard let last = lastIndex(where: { $0 != " " }) else { return "" }
        return String(self[...last])
    }
}
