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
            var broken = 0
            let events = try Self.events(of: call, in: paths) { place in
                broken += 1
                err(place)
            }
            guard let timeline = Timeline(call: call, events: events) else {
                err("warmline timeline: no call \(call) in \(paths.joined(separator: ", "))")
                return 1
            }
            (svg ? timeline.svg() : timeline.text()).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                .forEach {
                    out(String($0))
                }
            return broken == 0 ? 0 : 1
        } catch {
            err("warmline timeline: \(error)")
            return 2
        }
    }

    /// What the logs say of one call.
    /// - Parameter broken: is told of each line that is no event.
    static func events(of call: String, in paths: [String], broken: (String) -> Void) throws(InputError)
        -> [LoggedEvent]
    {
        var events: [LoggedEvent] = []
        var parser = EventParser()
        for chain in try LogChain.find(paths) {
            let reader = ChainReader(chain)
            var last: UInt64 = 0
            while let line = try reader.next() {
                do {
                    try parser.parse(line)
                    guard parser.seq > last else { continue }
                    last = parser.seq
                    guard parser.call == call, parser.type != .agentStateChanged else { continue }
                    events.append(try parser.logged())
                } catch {
                    if !reader.isWhole || reader.isLeft(after: last) {
                        if reader.isWhole { try reader.leaveFile() }
                        continue
                    }
                    broken("\(reader.file):\(reader.number): not an event: \(error)")
                }
            }
        }
        return events
    }
}
