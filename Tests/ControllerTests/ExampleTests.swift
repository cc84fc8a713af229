import Foundation
import Testing

@testable import Controller

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// What lies beside the sources for users: example configurations, other programs' files, the manual.
@Suite struct ExampleTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func files(_ folder: String, _ suffix: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path).filter {
            $0.hasSuffix(suffix)
        }.sorted()
    }

    @Test func everyExampleConfigurationIsAccepted() throws {
        let files = try Self.files("dialplans", ".json5")
        #expect(files.count >= 4)
        for file in files { _ = try Configuration.load(file: Self.root.appending(path: "dialplans/\(file)").path) }
    }

    @Test func everyXMLExampleIsWellFormed() throws {
        let files = try Self.files("dialplans", ".xml")
        #expect(!files.isEmpty)
        for file in files {
            let data = try Data(contentsOf: Self.root.appending(path: "dialplans/\(file)"))
            #expect(XMLParser(data: data).parse(), "\(file)")
        }
    }

    /// Every key of the effective configuration stands in warmline.json5(5); names that users choose do not.
    @Test func theManualNamesEveryKey() throws {
        let example = Self.root.appending(path: "dialplans/standalone/warmline.json5").path
        let manual = try String(
            contentsOf: Self.root.appending(path: "Sources/Support/man/warmline.json5.5.in"), encoding: .utf8)
        let chosen: Set = ["agents", "groups", "lines"]
        func check(_ value: JSONValue, _ path: [String]) {
            for member in value.members ?? [] {
                let isChosen = path.count == 1 && chosen.contains(path[0])
                if !isChosen, path != ["transfer", "targets"] {
                    #expect(manual.contains(member.key), "\((path + [member.key]).joined(separator: "."))")
                }
                check(member.value, path + [member.key])
            }
        }
        check(try Configuration.load(file: example).json, [])
    }

    /// Where warmline.json5(5) names keys with their section they are the ones that exist, and all of them.
    @Test(arguments: ["events", "control", "metrics"]) func theManualNamesNoOtherKey(section: String) throws {
        let manual = try String(
            contentsOf: Self.root.appending(path: "Sources/Support/man/warmline.json5.5.in"), encoding: .utf8)
        let named = manual.split(separator: "\n").filter { $0.hasPrefix(".B \(section).") }.flatMap { line in
            line.dropFirst(3).split(separator: ", ").map(String.init)
        }
        let known = Configuration().json[section]?.members?.map { "\(section).\($0.key)" }
        #expect(named.sorted() == known?.sorted())
    }

    /// The METRICS section of warmline(1) against what `metrics` prints: the same keys, each once, with its unit and a text.
    @Test func theManualNamesEveryFigure() throws {
        let pages = try Program("completion", "man").output.components(separatedBy: "\n.SH METRICS\n")
        let section = try #require(pages.count == 2 ? pages[1] : nil)
        let entries = section.components(separatedBy: "\n.TP\n.BR ").dropFirst().sorted()
        let scratch = Scratch()
        let printed = JSONValue(parsing: Data(try Program("metrics", "--json", scratch.path).output.utf8))
        let keys = try #require(printed?["total"]?.members?.map(\.key)).sorted()
        #expect(keys.count > 50)
        #expect(entries.map { $0.prefix { $0 != " " } } == keys.map { $0[...] })
        for (entry, key) in zip(entries, keys) {
            let unit = key.hasSuffix("_ms") ? "ms" : key.hasSuffix("percent") ? "%" : "count"
            #expect(entry.hasPrefix("\(key) \" (\(unit))\"\n"), "\(key)")
            #expect(entry.split(separator: "\n").count > 1, "\(key) is not explained")
        }
    }
}
