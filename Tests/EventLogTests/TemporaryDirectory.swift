import Foundation

@testable import EventLog

/// A directory that is removed when the test ends.
final class TemporaryDirectory: Sendable {
    let path: String

    /// - Parameter inMemory: where the system has such a place; for tests that sync thousands of times.
    init(inMemory: Bool = false) throws {
        let memory = URL(fileURLWithPath: "/dev/shm")
        let hasMemory = inMemory && FileManager.default.isWritableFile(atPath: memory.path)
        let parent = hasMemory ? memory : FileManager.default.temporaryDirectory
        let url = parent.appendingPathComponent("warmline-log-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A log's directory in it, not made yet.
    var log: String { path + "/events" }

    func names(in directory: String? = nil) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory ?? log).filter { !$0.hasPrefix(".") }.sorted()
    }

    func text(_ name: String) throws -> String {
        try String(decoding: Data(contentsOf: URL(fileURLWithPath: "\(log)/\(name)")), as: UTF8.self)
    }
}
