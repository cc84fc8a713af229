import CallEvents
import Foundation
import LogGenerator
import Testing

@testable import Metrics

@Suite struct FormatTests {
    private static let events: [LoggedEvent] = {
        var settings = LogGenerator.Settings()
        settings.seed = 9
        settings.meanBetweenCalls = 8
        var generator = LogGenerator(settings: settings)
        return generator.wholeCalls(2500)
    }()

    private func log() throws -> LogFixture {
        let log = try LogFixture()
        try log.write(Self.events)
        return log
    }

    private func lines(_ command: MetricsCommand) -> [String] {
        output { command.run(out: $0, err: $1) }.out
    }

    @Test func csvHasAHeadingAndARowForEachKey() throws {
        let log = try log()
        let rows = try lines(MetricsCommand(paths: [log.directory], by: "agent,line", format: "csv"))
        let heading = rows[0].split(separator: ",", omittingEmptySubsequences: false)
        #expect(heading.prefix(3) == ["agent", "line", "received"])
        #expect(heading.count == 2 + Figure.all.count)
        #expect(rows.count > 20)
        for row in rows {
            #expect(row.split(separator: ",", omittingEmptySubsequences: false).count == heading.count)
        }
        let whole = try lines(MetricsCommand(paths: [log.directory], format: "csv"))
        #expect(whole.count == 2)
        let report = try MetricsReport.count(Self.events)
        #expect(whole[1].hasPrefix(report.total["received"].plain ?? "-"))
    }

    @Test func csvQuotesWhatNeedsIt() {
        #expect(MetricsReport.line(["a", "b,c", "d\"e", ""]) == "a,\"b,c\",\"d\"\"e\",")
    }

    /// Every line of the exposition text is a comment or a sample; histograms rise and end in their count.
    @Test func prometheusText() throws {
        let log = try log()
        let command = try MetricsCommand(
            paths: [log.directory], by: "group", format: "prometheus", serviceLevel: "17")
        let text = lines(command)
        var types: [String: String] = [:]
        var samples: [String: Double] = [:]
        let sample = try Regex(#"^([a-z_]+)(\{[^{}]*\})? (-?[0-9.]+)$"#)
        for line in text {
            let words = line.split(separator: " ")
            if line.hasPrefix("# TYPE") {
                #expect(types.updateValue(String(words[3]), forKey: String(words[2])) == nil, "\(line)")
            } else if !line.hasPrefix("# HELP") {
                #expect(line.wholeMatch(of: sample) != nil, "\(line)")
                let name = String(words.dropLast().joined(separator: " "))
                #expect(samples.updateValue(try #require(Double(words.last ?? "")), forKey: name) == nil, "\(line)")
            }
        }
        for (name, type) in types { #expect((type == "counter") == name.hasSuffix("_total"), "\(name)") }
        let report = try MetricsReport.count(Self.events, options: MetricsOptions(by: [.group]))
        for row in report.rows {
            guard let group = row.key[0] else { continue }
            let waits = row["wait.count"].real ?? -1
            #expect(samples["warmline_wait_seconds_count{group=\"\(group)\"}"] == waits)
            let sum = try #require(samples["warmline_wait_seconds_sum{group=\"\(group)\"}"])
            #expect(abs(sum * 1000 - (row["wait.total_ms"].real ?? -1)) < 0.5)
            var last = 0.0
            // The threshold asked for is among the bounds.
            for bound in ["1", "10", "17", "20", "60", "3600", "+Inf"] {
                let label = "warmline_wait_seconds_bucket{group=\"\(group)\",le=\"\(bound)\"}"
                let count = try #require(samples[label], "\(label)")
                #expect(count >= last)
                last = count
            }
            #expect(last == waits)
        }
        // Exactly as many as were no longer than the bound.
        let obvious = ObviousFigures(Self.events)
        let short = obvious.calls.filter { !$0.isLeft && $0.waitMs.map { $0 <= 17_000 } ?? false }.count
        let found = samples.filter { $0.key.hasPrefix("warmline_wait_seconds_bucket") && $0.key.contains("\"17\"") }
        #expect(found.values.reduce(0, +) == Double(short))
        #expect(throws: UsageError.self) { try MetricsCommand(paths: [], by: "hour", format: "prometheus") }
    }

    @Test func theFileIsWrittenWholeOrNotAtAll() throws {
        let log = try log()
        let path = log.directory + "/out/metrics.prom"
        let command = try MetricsCommand(paths: [log.directory], format: "prometheus", output: path)
        let missing = output { command.run(out: $0, err: $1) }
        #expect(missing.status == 2)
        try FileManager.default.createDirectory(atPath: log.directory + "/out", withIntermediateDirectories: true)
        #expect(output { command.run(out: $0, err: $1) }.status == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: log.directory + "/out") == ["metrics.prom"])
        #expect(try String(contentsOfFile: path, encoding: .utf8).contains("warmline_calls_received_total "))
        #expect(throws: UsageError.self) { try MetricsCommand(paths: [], follow: true) }
    }

    /// Each row is judged by the target, in every format; what cannot show it says so.
    @Test func eachRowMeetsOrMissesTheTarget() throws {
        let log = try log()
        let report = try MetricsReport.count(Self.events, options: MetricsOptions(by: [.group]))
        let levels = report.rows.compactMap { $0["service_level.percent"].real }.sorted()
        let target = (levels[0] + levels[levels.count - 1]) / 2
        let met = levels.filter { $0 >= target }.count
        #expect(met > 0 && met < levels.count)
        func run(_ format: String) throws -> [String] {
            try lines(MetricsCommand(paths: [log.directory], by: "group", format: format, target: "\(target)"))
        }
        let table = try run("table").dropFirst(2).prefix(report.rows.count)
        #expect(table.filter { $0.hasSuffix("met") }.count == met)
        #expect(table.filter { $0.hasSuffix("missed") }.count == levels.count - met)
        #expect(try run("csv").filter { $0.hasSuffix(",true") }.count == met)
        let json = try #require(
            JSONSerialization.jsonObject(with: Data(try run("json").joined().utf8)) as? [String: Any])
        let rows = try #require(json["by"] as? [[String: Any]])
        #expect(rows.filter { $0["target.met"] as? Bool == true }.count == met)
        #expect(throws: UsageError.self) { try MetricsCommand(paths: [], format: "prometheus", target: "80") }
        #expect(throws: UsageError.self) { try MetricsCommand(paths: [], by: "group", format: "html") }
    }

    @Test func thePeriodNeverEndsBeforeItBegins() throws {
        let log = try log()
        func period(_ since: String?, _ until: String?) throws -> String? {
            try lines(MetricsCommand(paths: [log.directory], since: since, until: until)).first
        }
        #expect(try period("2200-01-01", nil) == "from 2200-01-01T00:00:00Z: no event")
        #expect(try period(nil, "1990-01-01") == "until 1990-01-01T00:00:00Z: no event")
        let empty = try LogFixture()
        try FileManager.default.createDirectory(atPath: empty.directory, withIntermediateDirectories: true)
        #expect(try lines(MetricsCommand(paths: [empty.directory])).first == "no event")
    }

    @Test func thePageIsWellFormedAndFetchesNothing() throws {
        let log = try log()
        let page = try lines(MetricsCommand(paths: [log.directory], format: "html", target: "80")).joined()
        for part in [
            "<!DOCTYPE html>", "<html lang=\"en\">", "Hold time per connection", "target 80 %:",
            "What became of transfers", "prefers-color-scheme:dark", "@media print", "name=\"viewport\"",
        ] {
            #expect(page.contains(part), "\(part)")
        }
        for part in ["<script", "<link", "src=", "@import", "url("] { #expect(!page.contains(part), "\(part)") }
        // Every drawing is there for wide and for narrow screens, and has a name; ten calls are drawn.
        let drawings = page.components(separatedBy: "<svg").dropFirst()
        #expect(drawings.count == 2 * (4 + 10))
        #expect(drawings.allSatisfy { $0.contains("role=\"img\" aria-label=\"") })
        #expect(!page.contains("http-equiv"))
        for (count, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (-1000, "-1,000")] {
            #expect(grouped(count) == text)
        }
        for tag in ["svg", "section", "table", "rect", "text", "title", "div", "p", "h2"] {
            let opened = page.components(separatedBy: "<\(tag)>").count + page.components(separatedBy: "<\(tag) ").count
            let closedByName = page.components(separatedBy: "</\(tag)>").count - 1
            // Sheets of a drawing that stands alone close themselves; there are none in a page.
            #expect(opened - 2 == closedByName, "\(tag)")
        }
    }

    @Test func aTimelineAsADrawingIsXML() throws {
        let story = Story.attendedTransfer()
        let svg = try #require(Timeline(call: "ctl-1-a", events: story.events)).svg()
        let checker = XMLCheck()
        #expect(checker.names(of: svg).contains("svg"))
        #expect(svg.contains("hold 1"))
        #expect(svg.contains("anna: consult 2 with clara, 7.0 s, from 19.0 s"))
        // Names of callers and agents cannot break out of it.
        var evil = Story(call: "ctl-1-a")
        evil.add(
            .callArrived(CallArrived(from: "sip:x", to: "sip:y", line: nil, sipCallID: "1", direction: .inbound)))
        evil.after(
            10, .callAlerting(CallAlerting(agent: "<b>&\"'</svg>", group: nil, attempt: 1, sipCallID: "2")))
        evil.after(1000, .serviceAlive(ServiceAlive()))
        evil.after(1, .callAnswered(CallAnswered(agent: nil, waitMs: 1011, human: true)))
        let escaped = try #require(Timeline(call: "ctl-1-a", events: evil.events)).svg()
        #expect(!escaped.contains("<b>"))
    }
}

/// The elements of a small XML document, each opened and closed in turn; none where they are not.
private struct XMLCheck {
    func names(of text: String) -> Set<String> {
        var names: Set<String> = []
        var open: [String] = []
        var rest = text[...]
        while let start = rest.firstIndex(of: "<"), let end = rest[start...].firstIndex(of: ">") {
            let tag = rest[rest.index(after: start)..<end]
            rest = rest[rest.index(after: end)...]
            let name = String(tag.prefix { $0.isLetter || $0.isNumber })
            if tag.hasPrefix("/") {
                guard open.popLast() == String(tag.dropFirst()) else { return [] }
            } else {
                names.insert(name)
                if !tag.hasSuffix("/") { open.append(name) }
            }
        }
        return open.isEmpty ? names : []
    }
}
