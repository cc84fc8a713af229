import EventLog

extension MetricsReport {
    /// Aligned columns, units as a person reads them. Without keys one figure a line, with keys one row a line.
    /// - Parameter colour: whether headings and empty figures are told apart by terminal colours.
    public func table(colour: Bool = false) -> [String] {
        var lines = [period]
        lines += by.isEmpty ? list(colour) : rowTable(colour)
        if let verdict { lines.append(verdict) }
        return lines + notes
    }

    private var period: String {
        switch (from, to) {
        case (let from?, let to?): "\(from) to \(to)"
        case (let from?, nil): "from \(from): no event"
        case (nil, let to?): "until \(to): no event"
        case (nil, nil): "no event"
        }
    }

    /// Whether the service level reached its target.
    private var verdict: String? {
        guard let target = target(of: total), let level = total["service_level.percent"].real else { return nil }
        let share = Figure.decimal((level * 10).rounded() / 10)
        return "target: \(Figure.decimal(target)) % in time: \(word(total)) (\(share) %)"
    }

    private func word(_ row: Row) -> String { targetVerdict(row, met: "met", missed: "missed", none: "-") }

    /// Of a row: a target of its own is named.
    private func judgement(_ row: Row) -> String {
        guard options.target == nil, let target = target(of: row) else { return word(row) }
        return "\(Figure.decimal(target)) % \(word(row))"
    }

    private func list(_ colour: Bool) -> [String] {
        let width = Figure.all.map(\.title.count).max() ?? 0
        var lines: [String] = []
        for figure in Figure.all {
            let value = total[figure]
            // A cause or a fallback that never was need not be listed.
            if figure.isOneOfMany, value == .whole(0) { continue }
            let isHead = !figure.title.hasPrefix(" ")
            let title = figure.title + String(repeating: " ", count: width - figure.title.count)
            let text = figure.text(value)
            lines.append("\(isHead ? Self.bold(title, colour) : title)  \(Self.aligned(text, 16))")
        }
        return lines
    }

    /// What a table of rows shows: the headline figures, to fit a terminal.
    static let columns: [(key: String, title: String)] = [
        ("received", "received"), ("answered", "answered"), ("abandonment.percent", "abandoned"),
        ("service_level.percent", "in time"), ("wait.mean_ms", "wait"), ("wait.p95_ms", "wait p95"),
        ("hold.count", "holds"), ("hold.mean_ms", "hold"), ("hold_time.per_connection_ms", "hold time"),
        ("talk_time.mean_ms", "talk"), ("handle_time.mean_ms", "handle"), ("transfers.started", "transfers"),
        ("transfers.success_percent", "success"), ("agent_utilization.percent", "busy"),
        ("call_resolution.percent", "resolved"),
    ]

    private func rowTable(_ colour: Bool) -> [String] {
        let columns = Self.columns.compactMap { column in Figure.named(column.key).map { ($0, column.title) } }
        func figures(_ row: Row) -> [String] {
            columns.map { $0.0.text(row[$0.0]) } + (isJudged ? [judgement(row)] : [])
        }
        var table = [by.map(\.rawValue) + columns.map(\.1) + (isJudged ? ["target"] : [])]
        for row in rows { table.append(row.key.map { $0?.printable ?? "-" } + figures(row)) }
        table.append(by.enumerated().map { $0.offset == 0 ? "total" : "" } + figures(total))
        let widths = table[0].indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        return table.enumerated().map { index, row in
            let cells = row.enumerated().map { column, text in
                let space = String(repeating: " ", count: widths[column] - text.count)
                return column < by.count ? text + space : space + text
            }
            let line = cells.joined(separator: "  ")
            return index == 0 || index == table.count - 1 ? Self.bold(line, colour) : line
        }
    }

    /// What reading the log met beside events of known types.
    var notes: [String] {
        var notes: [String] = []
        if input.repeated > 0 { notes.append("\(counted(input.repeated, "repeated event")) counted once") }
        if input.late > 0 {
            notes.append("\(counted(input.late, "event")) too far out of order, counted where they stood")
        }
        if input.dropped > 0 {
            notes.append("\(counted(input.dropped, "event")) passed over: the seq was that of another event")
        }
        if input.odd > 0 { notes.append("\(counted(input.odd, "event")) with a seq far from all others") }
        if input.missing > 0 { notes.append("\(counted(Int(clamping: input.missing), "event")) missing from the log") }
        for file in input.mixed {
            let why = "counted in the file's order, not by time: give each node's log as a file of its own"
            notes.append("\(file) holds the logs of several nodes, \(why)")
        }
        if input.torn > 0 { notes.append("\(counted(input.torn, "torn end")) of a file passed over") }
        for (type, count) in input.unknownTypes.sorted(by: { $0.key < $1.key }) {
            notes.append("\(counted(count, "event")) of unknown type \(type.printable) passed over")
        }
        if input.brokenCount > 0 { notes.append("\(counted(input.brokenCount, "line")) passed over: no event") }
        return notes.isEmpty ? [] : [""] + notes.map { "note: \($0)" }
    }

    private static func bold(_ text: String, _ colour: Bool) -> String { colour ? "\u{1B}[1m\(text)\u{1B}[0m" : text }

    private static func aligned(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}

extension Figure {
    /// One of a list of causes or destinations.
    var isOneOfMany: Bool { key.hasPrefix("transfers.failed.") || key.hasPrefix("transfers.fallbacks.") }

    /// As a person reads it: `1 m 12.4 s`, `85.7 %`, `1204`, `-` where there is none.
    public func text(_ value: Value) -> String {
        guard let real = value.real else { return "-" }
        switch unit {
        case .milliseconds: return DurationText.short(real)
        case .percent:
            let tenths = Int64((real * 10).rounded())
            return "\(tenths / 10).\(abs(tenths) % 10) %"
        case .count: return value.plain ?? "-"
        }
    }
}
