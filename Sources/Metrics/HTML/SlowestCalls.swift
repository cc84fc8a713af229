import CallEvents
import EventLog

/// Finds the calls whose callers spent most time without a voice, waits and holds together.
enum SlowestCalls {
    static func find(_ count: Int, paths: [String], options: MetricsOptions) throws(InputError) -> [Timeline] {
        let chains = try LogChain.find(paths)
        var longest: [(call: UInt64, ms: Int64)] = []
        var reader = FactReader()
        var fact = Fact()
        for chain in chains {
            let lines = ChainReader(chain)
            var last: UInt64 = 0
            while let line = try lines.next() {
                guard (try? reader.read(line, into: &fact)) != nil, fact.seq > last else { continue }
                last = fact.seq
                guard fact.type == .callEnded, options.includes(fact.arrived) else { continue }
                let ms = fact.length + fact.holdMs
                if longest.count == count, let least = longest.last, least.ms >= ms { continue }
                let place = longest.firstIndex { $0.ms < ms } ?? longest.count
                longest.insert((fact.call, ms), at: place)
                if longest.count > count { longest.removeLast() }
            }
        }
        return try timelines(of: longest.map(\.call), chains)
    }

    private static func timelines(of calls: [UInt64], _ chains: [LogChain]) throws(InputError) -> [Timeline] {
        var events: [UInt64: [LoggedEvent]] = [:]
        let wanted = Set(calls)
        var reader = FactReader()
        var fact = Fact()
        var parser = EventParser()
        for chain in chains {
            let lines = ChainReader(chain)
            var last: UInt64 = 0
            while let line = try lines.next() {
                guard (try? reader.read(line, into: &fact)) != nil, fact.seq > last else { continue }
                last = fact.seq
                guard wanted.contains(fact.call), fact.type != .agentStateChanged, (try? parser.parse(line)) != nil,
                    let event = try? parser.logged()
                else { continue }
                events[fact.call, default: []].append(event)
            }
        }
        return calls.compactMap { call in
            guard let events = events[call], let id = events.first?.call else { return nil }
            return Timeline(call: id, events: events)
        }
    }
}
