import TransferEngine

/// With `durability: always`, holds back a call's SIP messages and control replies until the lines it has logged before
/// them are on the disk, at most `patience`. Routes, tones and timers never wait, nor does another call, nor the engine.
/// The engine thread's own.
struct Outbox {
    /// In microseconds: after so long a message goes all the same, and `status` says `late`.
    static let patience: Int64 = 250_000

    private struct Waiting {
        var effect: Effect
        var ticket: UInt64
        var due: Int64
    }

    private struct Call {
        /// The last line logged for it.
        var ticket: UInt64 = 0
        var waiting: [Waiting] = []
    }

    private var calls: [String: Call] = [:]
    private var legs: [LegID: String] = [:]
    private var requests: [RequestID: String] = [:]
    /// Legs whose INVITE is still held back: nothing can be done to them yet.
    private var unborn: Set<LegID> = []
    private var durable: UInt64 = 0
    /// Messages that went before their lines were safe.
    private(set) var late = 0

    var isEmpty: Bool { calls.values.allSatisfy { $0.waiting.isEmpty } }

    /// When the first message held back loses its patience.
    var next: Int64? { calls.values.compactMap { $0.waiting.first?.due }.min() }

    mutating func noteLeg(_ leg: LegID, of call: String) { legs[leg] = call }

    mutating func noteRequest(_ request: RequestID, of call: String) { requests[request] = call }

    mutating func noteLine(of call: String, ticket: UInt64) { calls[call, default: Call()].ticket = ticket }

    /// The leg is over.
    mutating func forget(leg: LegID) { legs[leg] = nil }

    /// Whether the effect has to wait; if so it is kept and comes out of `release` in its turn.
    mutating func holdsBack(_ effect: Effect, now: Int64) -> Bool {
        if case .invite(let leg, let invite) = effect { legs[leg] = invite.call }
        guard let name = call(of: effect), let call = calls[name], call.ticket > durable || !call.waiting.isEmpty else {
            return false
        }
        if case .invite(let leg, _) = effect { unborn.insert(leg) }
        calls[name]?.waiting.append(Waiting(effect: effect, ticket: call.ticket, due: now + Self.patience))
        return true
    }

    /// The call for whose lines the effect must wait; null for one that never waits.
    private mutating func call(of effect: Effect) -> String? {
        switch effect {
        case .invite(_, let invite): return invite.call
        case .ring(let leg, _, _), .answer(let leg, _), .hangUp(let leg, _), .hold(let leg, _, _),
            .matchCodec(let leg, _, _), .sendDigits(let leg, _), .identify(let leg, _, _),
            .handOver(let leg, _, _, _):
            return legs[leg]
        case .refer(_, let call, _): return call
        case .reply(let request, _): return requests.removeValue(forKey: request)
        case .route(let routes, _):
            // A switch never waits, but for a leg that does not exist yet.
            return routes.lazy.map(\.leg).first { unborn.contains($0) }.flatMap { legs[$0] }
        case .tone(let leg, _, _), .announce(let leg, _, _), .stopTone(let leg):
            return unborn.contains(leg) ? legs[leg] : nil
        case .adopt, .refuse, .startTimer, .stopTimer, .log, .accepting, .finished: return nil
        }
    }

    /// Everything up to the ticket is on the disk.
    mutating func noteDurable(_ ticket: UInt64) { durable = max(durable, ticket) }

    /// What may go out now, in the order in which each call said it; calls by name.
    mutating func release(now: Int64) -> [Effect] {
        var released: [Effect] = []
        for name in calls.keys.sorted() {
            guard var call = calls[name] else { continue }
            let count = call.waiting.prefix { $0.ticket <= durable || $0.due <= now }.count
            for waiting in call.waiting.prefix(count) {
                if waiting.ticket > durable { late += 1 }
                if case .invite(let leg, _) = waiting.effect { unborn.remove(leg) }
                released.append(waiting.effect)
            }
            call.waiting.removeFirst(count)
            calls[name] = call.waiting.isEmpty && call.ticket <= durable ? nil : call
        }
        return released
    }
}
