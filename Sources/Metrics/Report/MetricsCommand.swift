import CallEvents
import Foundation

/// `warmline metrics [PATH…]`: the figures of logs.
public struct MetricsCommand: Sendable {
    /// How the figures are written.
    public enum Format: String, CaseIterable, Sendable { case table, json, csv, prometheus, html }

    /// Directories of segments, or files.
    public var paths: [String]
    public var options: MetricsOptions
    public var format: Format
    /// Whether the table may use a terminal's colours.
    public var colour = false
    /// A file to be written instead of the standard output, whole or not at all.
    public var output: String?
    /// Seconds after which it is written anew, again and again; null: once.
    public var every: Double?

    /// - Throws: `UsageError` for a format, key, time zone, moment or number that is none.
    public init(
        paths: [String], since: String? = nil, until: String? = nil, by: String? = nil, timeZone: String? = nil,
        format: String? = nil, serviceLevel: String? = nil, shortAbandon: String? = nil, direction: String? = nil,
        target: String? = nil, output: String? = nil, follow: Bool = false, every: String? = nil
    ) throws(UsageError) {
        self.paths = paths
        self.format = try Self.word(format, "--format", Format.table)
        var options = MetricsOptions()
        if let timeZone { options.timeZone = try Self.zone(timeZone) }
        if let by { options.by = try GroupKey.list(by) }
        options.since = try Self.moment(since, "--since", options.timeZone)
        options.until = try Self.moment(until, "--until", options.timeZone)
        if let since = options.since, let until = options.until, since > until {
            throw UsageError("--since is after --until")
        }
        if let serviceLevel {
            guard let seconds = Int(serviceLevel), seconds >= 0 else {
                throw UsageError("--service-level: \"\(serviceLevel)\" is not a number of seconds")
            }
            options.serviceLevel = seconds
        }
        if let shortAbandon {
            guard let seconds = Double(shortAbandon), seconds >= 0, seconds < 1e9 else {
                throw UsageError("--short-abandon: \"\(shortAbandon)\" is not a number of seconds")
            }
            options.shortAbandonMs = Int64((seconds * 1000).rounded())
        }
        options.direction = try Self.word(direction, "--direction", Direction.inbound)
        if let target {
            guard let percent = Double(target), (0...100).contains(percent) else {
                throw UsageError("--target: \"\(target)\" is not a percentage")
            }
            options.target = percent
        }
        if self.format == .html, !options.by.isEmpty {
            throw UsageError("--by: the html page has rows of its own")
        }
        if self.format == .prometheus {
            if options.target != nil { throw UsageError("--target: prometheus compares in its rules") }
            if options.by.contains(where: \.isInterval) {
                throw UsageError("--format prometheus has no intervals: a series is read at many times")
            }
        }
        self.options = options
        self.output = output
        if follow || every != nil { self.every = try Self.seconds(every ?? "5s") }
        if self.every != nil, output == nil { throw UsageError("--follow needs --output FILE") }
    }

    private static func seconds(_ text: String) throws(UsageError) -> Double {
        let number = text.hasSuffix("s") ? String(text.dropLast()) : text
        guard let seconds = Double(number), seconds >= 0.1, seconds < 86_400 else {
            throw UsageError("--every: \"\(text)\" is not a number of seconds such as 5s")
        }
        return seconds
    }

    /// The figures go to `out`, line by line without newlines, errors and lines that are no event to `err`.
    /// - Returns: the exit status: 1 when a line was no event or too far out of order, 2 when a path is no log.
    public func run(out: (String) -> Void, err: (String) -> Void) -> Int32 {
        let feed = MetricsFeed(paths: paths, options: options, format: format, refresh: every)
        do {
            guard let every, let output else { return try once(feed, out, err) }
            while true {
                try feed.readOn(broken: err)
                try feed.write(to: output)
                Thread.sleep(forTimeInterval: every)
            }
        } catch {
            err("warmline metrics: \(error)")
            return 2
        }
    }

    private func once(
        _ feed: MetricsFeed, _ out: (String) -> Void, _ err: (String) -> Void
    ) throws(InputError) -> Int32 {
        var broken: [String] = []
        try feed.readOn(isGrowing: false) { if broken.count < Self.brokenNamed { broken.append($0) } }
        if let output { try feed.write(to: output) } else { feed.lines(colour: colour).forEach(out) }
        broken.forEach(err)
        let more = feed.brokenCount - broken.count
        if more > 0 { err("and \(counted(more, "more line")) that \(more == 1 ? "is" : "are") no event") }
        return feed.brokenCount == 0 && feed.isInOrder ? 0 : 1
    }

    /// How many lines that are no event are named one by one.
    private static let brokenNamed = 20

    /// The formula of the figures whose keys begin so, or else contain it, as text; of all figures without a key.
    /// - Throws: `UsageError` for an unknown key.
    public static func explain(_ key: String?) throws(UsageError) -> [String] {
        guard let key else { return Figure.all.map { "\($0.key): \($0.explanation)" } }
        let word = key.lowercased()
        var found = Figure.all.filter { $0.key.hasPrefix(word) }
        // A word of the table or of the middle of a key finds as well.
        if found.isEmpty { found = Figure.all.filter { $0.key.contains(word) || $0.title.lowercased().contains(word) } }
        if found.isEmpty || key.isEmpty {
            throw UsageError("--explain: unknown key \"\(key)\"; --explain all lists every one")
        }
        return found.map { "\($0.key): \($0.explanation)" }
    }

    static func word<Word: RawRepresentable & CaseIterable>(
        _ text: String?, _ option: String, _ standard: Word
    ) throws(UsageError) -> Word where Word.RawValue == String {
        guard let text else { return standard }
        guard let word = Word(rawValue: text) else {
            let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw UsageError("\(option): unknown \"\(text)\"; known are \(known)")
        }
        return word
    }

    static func zone(_ name: String) throws(UsageError) -> TimeZone {
        if name == "UTC" || name == "Z" { return TimeZone(secondsFromGMT: 0)! }
        // Abbreviations mean different zones in different places.
        guard name.contains("/") || name.hasPrefix("GMT") || name == "local" else {
            throw UsageError("--tz: \"\(name)\" is not a time zone such as Europe/Riga, UTC or local")
        }
        if name == "local" { return TimeZone.current }
        guard let zone = TimeZone(identifier: name) else {
            throw UsageError("--tz: \"\(name)\" is not a time zone such as Europe/Riga, UTC or local")
        }
        return zone
    }

    private static func moment(
        _ text: String?, _ option: String, _ zone: TimeZone
    ) throws(UsageError) -> Int64? {
        guard let text else { return nil }
        guard let moment = MomentParser(timeZone: zone).parse(text) else {
            throw UsageError("\(option): \"\(text)\" is not a moment such as 2026-03-02 or 2026-03-02T09:00+02:00")
        }
        return moment
    }
}
