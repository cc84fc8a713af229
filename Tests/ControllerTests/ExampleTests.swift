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
}
