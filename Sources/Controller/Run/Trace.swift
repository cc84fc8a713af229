import CallEvents
import Foundation
import TransferEngine

/// A line of a trace: first the configuration, then every input with its instant.
private struct TraceLine: Codable {
    var configuration: EngineConfiguration?
    var at: EventTime?
    var input: Input?
}

/// Records everything the engine was told, for a diagnosis (`serve --trace FILE`). Writes on a thread of its own: the
/// engine thread never touches the disk.
final class TraceWriter: Sendable {
    private enum Message: Sendable {
        case line(Input, EventTime)
        case end
    }

    private let inbox = Inbox<Message>()
    private let thread: JoinableThread

    /// Begins a file, overwriting what is there.
    init(path: String, configuration: EngineConfiguration) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
            let file = FileHandle(forWritingAtPath: path)
        else { throw ControllerError("cannot write the trace \(path): \(String(cString: strerror(errno)))") }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try file.write(contentsOf: encoder.encode(TraceLine(configuration: configuration)) + [UInt8(ascii: "\n")])
        thread = startThread("trace") { [inbox] in
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            var batch: [Message] = []
            while true {
                inbox.take(into: &batch, waitingAtMost: nil)
                var text = Data()
                var isLast = false
                for message in batch {
                    switch message {
                    case .line(let input, let time):
                        guard let line = try? encoder.encode(TraceLine(at: time, input: input)) else { continue }
                        text += line + [UInt8(ascii: "\n")]
                    case .end: isLast = true
                    }
                }
                // A trace that cannot be written is given up; the calls go on.
                guard (try? file.write(contentsOf: text)) != nil, !isLast else { return }
            }
        }
    }

    func write(_ input: Input, at time: EventTime) { inbox.post(.line(input, time)) }

    /// Writes what is left.
    func close() {
        inbox.post(.end)
        thread.join()
    }
}

/// Feeds a recorded trace to a new engine.
public enum Replay {
    /// Calls `output` with each effect as a line of JSON with sorted keys. The same trace gives the same bytes in every
    /// process.
    public static func run(path: String, output: (String) throws -> Void) throws {
        let data = try contents(path)
        let decoder = JSONDecoder()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var engine: TransferEngine?
        for (index, line) in data.split(separator: UInt8(ascii: "\n")).enumerated() {
            let entry: TraceLine
            do {
                entry = try decoder.decode(TraceLine.self, from: line)
            } catch {
                throw ControllerError("\(path):\(index + 1): is no line of a trace that serve --trace has written")
            }
            if let configuration = entry.configuration { engine = TransferEngine(configuration: configuration) }
            guard let input = entry.input, let time = entry.at else { continue }
            guard engine != nil else { throw ControllerError("\(path): the trace does not begin with a configuration") }
            for effect in engine?.handle(input, at: time) ?? [] {
                try output(String(decoding: encoder.encode(effect), as: UTF8.self))
            }
        }
        if engine == nil { throw ControllerError("\(path) is no trace: no configuration is in it") }
    }

    private static func contents(_ path: String) throws(ControllerError) -> Data {
        // FileManager tells of no reason; access(2) has none against reading a directory.
        var status = stat()
        let isDirectory = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        let code = isDirectory ? EISDIR : access(path, R_OK) == 0 ? EIO : errno
        if !isDirectory, let data = FileManager.default.contents(atPath: path) { return data }
        throw ControllerError("cannot read the trace \(path): \(String(cString: strerror(code)))")
    }
}
