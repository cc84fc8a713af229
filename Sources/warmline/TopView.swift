import CallEvents
import Controller
import EventLog

/// What `top` shows, made of the answers of the control socket: no terminal in it, so that it can be tested.
struct TopView {
    var calls: [JSONValue] = []
    var agents: [JSONValue] = []
    var status: JSONValue = .null
    /// The call that keys act on.
    var selected: String?
    /// What the last key did, or the question that it asks.
    var message = ""
    /// Wall-clock time, in microseconds.
    var now: Int64 = 0

    static let keys = "↑↓ select  h hold/resume  c complete  x cancel  s swap  K hang up  q quit"

    /// Keeps the selection on a call that is there.
    mutating func settle() {
        if let selected, calls.contains(where: { $0["call"]?.text == selected }) { return }
        selected = calls.first?["call"]?.text
    }

    mutating func move(_ step: Int) {
        guard let index = calls.firstIndex(where: { $0["call"]?.text == selected }) else { return settle() }
        let next = min(max(0, index + step), calls.count - 1)
        selected = calls[next]["call"]?.text
    }

    /// The rows, and which of them is highlighted.
    func rows(columns: Int, rows height: Int) -> (rows: [String], highlighted: Int?) {
        var rows = [headline, countLine]
        var highlighted: Int?
        var table = Table(["CALL", "STATE", "FOR", "CALLER", "LINE", "AGENT", "TARGET", "HOLDS", "IN ALL"])
        for call in calls {
            table.add([
                call.word("call"), call.word("state"), age(call["since"]), call["caller"]?.text ?? call.word("from"),
                call.word("line"), call.word("agent"), call.word("target"), call.word("holds"), age(call["arrived"]),
            ])
        }
        rows.append("")
        let listed = agentLines(columns: columns)
        let room = max(3, height - rows.count - listed.count - 2)
        // A window on the calls that has the selected one in it.
        let lines = table.lines
        let index = calls.firstIndex { $0["call"]?.text == selected } ?? 0
        let first = max(0, min(index - (room - 2) / 2, calls.count - (room - 1)))
        rows.append(calls.isEmpty ? "no open calls" : lines[0])
        for (offset, line) in lines.dropFirst().enumerated().dropFirst(first).prefix(room - 1) {
            if offset == index { highlighted = rows.count }
            rows.append(line)
        }
        rows += listed
        while rows.count < height - 1 { rows.append("") }
        rows = Array(rows.prefix(height - 1))
        rows.append(message.isEmpty ? Self.keys : message)
        return (rows.map { String($0.prefix(columns)) }, highlighted)
    }

    private var headline: String {
        "warmline \(status.word("version"))  \(status.word("node"))  \(status.word("state"))  up "
            + clock((status["uptime_ms"]?.number ?? 0) / 1000)
    }

    private var countLine: String {
        var counts: [(state: String, count: Int)] = []
        for call in calls {
            let state = call.word("state")
            if let index = counts.firstIndex(where: { $0.state == state }) {
                counts[index].count += 1
            } else {
                counts.append((state, 1))
            }
        }
        let states = counts.map { "\($0.count) \($0.state)" }.joined(separator: ", ")
        let longest = calls.filter { Self.waits($0.word("state")) }.compactMap { seconds(since: $0["since"]) }.max()
        var text = "\(calls.count) calls"
        if !states.isEmpty { text += ": \(states)" }
        if let longest { text += "; longest waiting \(clock(longest))" }
        if status["events"]?["writable"] == .bool(false) { text += "; THE LOG IS DOWN" }
        return text
    }

    /// Whether a caller in this state has nobody to talk to.
    private static func waits(_ state: String) -> Bool { state != "talking" && state != "swapped" && state != "over" }

    private func agentLines(columns: Int) -> [String] {
        guard !agents.isEmpty else { return [] }
        let words = agents.map { "\($0.word("agent")) \($0.word("state")) \(age($0["since"]))" }
        let width = (words.map(\.count).max() ?? 0) + 2
        let perRow = max(1, columns / max(1, width))
        var lines = ["", "AGENTS"]
        for start in stride(from: 0, to: words.count, by: perRow) {
            lines.append(words[start..<min(start + perRow, words.count)].map { pad($0, to: width) }.joined())
        }
        return lines
    }

    private func seconds(since value: JSONValue?) -> Int64? {
        guard let time = value?.text.flatMap({ WallTime(timestamp: $0) }) else { return nil }
        return max(0, (now - time.microseconds) / 1_000_000)
    }

    private func age(_ value: JSONValue?) -> String { seconds(since: value).map(clock) ?? "-" }

    /// `0:07`, `12:31`, `1:02:07`.
    private func clock(_ seconds: Int64) -> String {
        let two = { (value: Int64) in value < 10 ? "0\(value)" : "\(value)" }
        let hours = seconds / 3600
        let minutes = seconds / 60 % 60
        return (hours > 0 ? "\(hours):\(two(minutes))" : "\(minutes)") + ":\(two(seconds % 60))"
    }
}
