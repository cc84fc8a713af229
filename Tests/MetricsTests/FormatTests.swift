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

    /// Without --target each group is judged by what the log says of it, where all calls of a row have the same target.
    @Test func groupsAreJudgedByTheirOwnTargets() throws {
        var story = Story(call: nil)
        // Three calls a group, two of them in time; a fourth whose group has no target.
        for (number, (group, target)) in [("sales", 60), ("support", 80), ("other", nil)].enumerated() {
            for call in 0..<3 {
                story.call = "ctl-1-\(number)-\(call)"
                let arrived = story.time.wallTime
                story.add(
                    .callArrived(
                        CallArrived(
                            from: "sip:1@h", to: "sip:7000@h", line: "7\(number)", sipCallID: "\(number)\(call)",
                            direction: .inbound)))
                story.add(.callQueued(CallQueued(group: group, position: 1, serviceLevelS: 5, serviceTarget: target)))
                let wait = call == 0 ? 8_000 : 1_000
                story.after(Int64(wait), .callDequeued(CallDequeued(group: group, queueMs: wait, outcome: .answered)))
                story.add(
                    .callAnswered(
                        CallAnswered(
                            agent: "anna", group: group, line: "7\(number)", waitMs: wait, ringMs: 0, human: true,
                            serviceLevelS: 5)))
                story.add(
                    .callEnded(
                        CallEnded(
                            endedBy: .caller, cause: .normal, arrived: arrived, line: "7\(number)", group: group,
                            waitMs: wait, abandoned: false)))
            }
        }
        let log = try LogFixture()
        try log.write(story.events)
        func run(_ by: String?, _ format: String, target: String? = nil) throws -> [String] {
            try lines(MetricsCommand(paths: [log.directory], by: by, format: format, target: target))
        }
        let table = try run("group", "table")
        func ending(_ group: String) -> String? { table.first { $0.hasPrefix(group) }.map { String($0.suffix(12)) } }
        #expect(ending("sales")?.hasSuffix(" 60 % met") == true, "\(table)")
        #expect(ending("support")?.hasSuffix(" 80 % missed") == true)
        // The groups' calls together, and a group without a target, have none.
        #expect(ending("other")?.hasSuffix(" -") == true && ending("total")?.hasSuffix(" -") == true)
        let csv = try run("group", "csv")
        #expect(csv[0].hasSuffix(",target.percent,target.met"))
        #expect(
            csv.filter { $0.hasSuffix(",60,true") }.count == 1 && csv.filter { $0.hasSuffix(",80,false") }.count == 1)
        #expect(csv.filter { $0.hasSuffix(",,") }.count == 1)
        let json = try #require(
            JSONSerialization.jsonObject(with: Data(try run("line", "json").joined().utf8)) as? [String: Any])
        let rows = try #require(json["by"] as? [[String: Any]])
        #expect(rows.map { $0["target.met"] as? Bool } == [true, false, nil])
        #expect(rows.map { $0["target.percent"] as? Int } == [60, 80, nil])
        #expect((json["target"] as? [String: Any])?["percent"] is NSNull)
        let page = try run(nil, "html").joined(separator: "\n")
        #expect(page.contains("<td>60 %</td><td>✓ met</td>") && page.contains("<td>80 %</td><td>✗ missed</td>"))
        // Of one group alone the whole is judged; --target goes before all of them.
        #expect(try run("group", "table", target: "99").filter { $0.hasSuffix(" missed") }.count == 4)
        let alone = try LogFixture()
        try alone.write(Array(story.events.prefix { $0.call != "ctl-1-1-0" }))
        let whole = try lines(MetricsCommand(paths: [alone.directory], format: "table"))
        #expect(whole.contains("target: 60 % in time: met (66.7 %)"), "\(whole)")
        let page2 = try lines(MetricsCommand(paths: [alone.directory], format: "html")).joined(separator: "\n")
        #expect(page2.contains("target 60 %: met"))
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
        // What the colours mean: those that it has, no others.
        for words in ["waits", "rings", "talks with the caller", "held", "consult", "by itself"] {
            #expect(svg.contains(">\(words)</text>"), "\(words)")
        }
        #expect(!svg.contains(">three-way</text>"))
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
