import EventLog
import Foundation

extension Service {
    /// Sends each new event of the log to a client as a notification, until the client goes or the controller has ended,
    /// its last event included. `begun` answers the client: every event from then on will come to it.
    func stream(
        _ filter: EventFilter, to client: LineChannel, begun: () -> Bool, until isStopping: () -> Bool
    ) throws {
        let follower = try LogFollower(path: configuration.events.directory, from: .end)
        var isThere = begun()
        while isThere, !client.isGone {
            let isLast = isStopping()
            try follower.poll { parser in
                guard isThere, filter.passes(parser) else { return }
                let line = String(decoding: parser.line, as: UTF8.self)
                isThere = client.send(JSONRPC.notification("event", parameters: line))
            }
            if isLast { return }
            _ = follower.wait(milliseconds: 200)
        }
    }
}
