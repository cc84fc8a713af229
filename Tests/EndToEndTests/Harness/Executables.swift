import Foundation

/// Where the programs are that the tests start.
enum Executables {
    static let warmline = built("warmline")
    static let testphone = built("testphone")

    /// The source tree.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// SwiftPM puts executables beside the test bundle, whatever build directory and configuration were chosen.
    private static func built(_ name: String) -> String {
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        let arguments = CommandLine.arguments.map { URL(filePath: $0) }
        let candidates =
            [own, Bundle.main.bundleURL].map { $0.deletingLastPathComponent() }
            + arguments.filter { $0.pathExtension == "xctest" }.map { $0.deletingLastPathComponent() }
            + [root.appending(path: ".build/debug")]
        for directory in candidates {
            let path = directory.appending(path: name).path(percentEncoded: false)
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        return root.appending(path: ".build/debug/\(name)").path(percentEncoded: false)
    }

    /// A program of the system that a test needs; a test without it fails and says how to get it.
    static func system(_ name: String) throws -> String {
        for directory in (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":") {
            let path = "\(directory)/\(name)"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw Failure("\(name) is not installed: run `make deps`")
    }
}
