import CallEvents
import EventLog
import Foundation

/// A directory of its own below the temporary directory, removed with the value.
final class LogFixture {
    let directory: String

    init() throws {
        directory = NSTemporaryDirectory() + "warmline-metrics-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Writes events as a segment, named by the first; `tail` follows the last newline.
    @discardableResult
    func write(_ events: [LoggedEvent], name: String? = nil, tail: String = "") throws -> String {
        let text = events.map(Self.line).joined() + tail
        return try write(text: text, name: name ?? SegmentName(first: events.first?.seq ?? 1).description)
    }

    @discardableResult
    func write(text: String, name: String) throws -> String {
        let path = "\(directory)/\(name)"
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    static func line(_ event: LoggedEvent) -> String { LineEncoder.line(event) + "\n" }
}

/// Runs a command and keeps what it prints.
func output(_ run: ((String) -> Void, (String) -> Void) throws -> Int32) rethrows -> (
    status: Int32, out: [String], err: [String]
) {
    var out: [String] = []
    var err: [String] = []
    let status = try run({ out.append($0) }, { err.append($0) })
    return (status, out, err)
}
