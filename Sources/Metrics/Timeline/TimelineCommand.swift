import CallEvents
import EventLog

/// `warmline timeline CALL [PATH…]`: one call, drawn.
public struct TimelineCommand: Sendable {
    public var call: String
    /// Directories of segments, or files.
    public var paths: [String]

    /// A drawing instead of text.
    public var svg: Bool

    public init(call: String, paths: [String], svg: Bool = false) {
        self.call = call
        self.paths = paths
        self.svg = svg
    }

    /// The drawing goes to `out`, line by line without newlines, errors to `err`.
    /// - Returns: the exit status: 1 when there is no such call or a line was no event, 2 when a path is no log.
    public func run(out: (String) -> Void, err: (String) -> Void) -> Int32 {
        do {
            var stream = EventStream()
            var events: [LoggedEvent] = []
            try stream.read(
                LogChain.find(paths), where: { $0.call == call && $0.type != .agentStateChanged }, err: err
            ) { events.append($0) }
            guard let timeline = Timeline(call: call, events: events) else {
                err("warmline timeline: no call \(call) in \(paths.joined(separator: ", "))")
                return 1
            }
            (svg ? timeline.svg() : timeline.text()).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                .forEach {
                    out(String($0))
                }
            return stream.broken == 0 ? 0 : 1
        } catch {
            err("warmline timeline: \(error)")
            return 2
        }
    }
}
