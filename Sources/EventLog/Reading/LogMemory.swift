import CallEvents
import Glibc

/// What a log says of the past that the present needs: who had which caller last, which calls ended lately, who is still
/// to be called back.
///
/// The newest segments are read, as far back as asked for, each once; of their lines only the few that matter are taken
/// apart. Memory grows with what is remembered alone, and that is bounded.
public struct LogMemory: Sendable {
    /// Somebody called.
    public struct Visit: Hashable, Sendable {
        public var caller: String
        /// The agent who had them last; null: none did.
        public var agent: String?
        /// When the call ended.
        public var time: WallTime
    }

    /// Each oldest first.
    public private(set) var visits: [Visit] = []
    public private(set) var calls: [RememberedCall] = []
    public private(set) var callbacks: [RememberedCallback] = []

    /// - Parameters:
    ///   - path: the log's directory.
    ///   - visitsSince: visits that ended before are not asked for; calls and call-backs, `callsSince`.
    ///   - most: so many visits, and so many calls, at most: the newest.
    ///   - isWanted: asked before each segment: whether to go on.
    /// - Throws: where a file cannot be read.
    public init(
        path: String, visitsSince: WallTime, callsSince: WallTime, most: Int = 200_000, isWanted: () -> Bool = { true }
    ) throws(LogError) {
        var reading = MemoryReading(
            visitsSince: visitsSince.microseconds, callsSince: callsSince.microseconds, most: most)
        for file in try LogReader.files(of: path).reversed() {
            guard isWanted(), try reading.read(file.path) else { break }
        }
        visits = reading.visits.values.sorted { ($0.time.microseconds, $0.caller) < ($1.time.microseconds, $1.caller) }
        calls = reading.calls.values.sorted { ($0.ended.microseconds, $0.call) < ($1.ended.microseconds, $1.call) }
        for index in calls.indices { calls[index].verdict = reading.verdicts[calls[index].call] }
        callbacks = reading.pending.values.sorted {
            ($0.requested.microseconds, $0.request) < ($1.requested.microseconds, $1.request)
        }
        for index in callbacks.indices {
            callbacks[index].attempts = reading.attempts[callbacks[index].request] ?? 0
            callbacks[index].calls = reading.made[callbacks[index].request] ?? 0
        }
    }
}

/// Reads segments, the newest first, each from its beginning: what a newer one says holds.
private struct MemoryReading {
    let visitsSince: Int64
    let callsSince: Int64
    let most: Int
    var visits: [String: LogMemory.Visit] = [:]
    var calls: [String: RememberedCall] = [:]
    var verdicts: [String: Bool] = [:]
    var pending: [String: RememberedCallback] = [:]
    var attempts: [String: Int] = [:]
    var made: [String: Int] = [:]
    /// Requests that have come to an end.
    private var closed: Set<String> = []
    /// Requests whose calls' beginnings have not been found yet.
    private var bare: Set<String> = []
    private var parser = EventParser()

    init(visitsSince: Int64, callsSince: Int64, most: Int) {
        self.visitsSince = visitsSince
        self.callsSince = callsSince
        self.most = most
    }

    /// - Returns: whether the segment before it is asked for.
    mutating func read(_ path: String) throws(LogError) -> Bool {
        var fresh = (visits: [String: LogMemory.Visit](), verdicts: [String: Bool]())
        var first: Int64?
        var reader = try LineReader(path: path)
        while let line = try reader.next() {
            guard first == nil || Self.matters(line), (try? parser.parse(line)) != nil else { continue }
            if first == nil { first = parser.wall }
            switch parser.type {
            case .callEnded: noteEnd(&fresh.visits)
            case .callDisposition:
                if let call = parser.call { fresh.verdicts[call] = parser.bool("resolved") }
            case .callbackRequested: noteRequest()
            case .callbackStarted: noteStart()
            case .callbackCompleted: close()
            case .callbackFailed: if parser.bool("final") == true { close() }
            default: break
            }
        }
        verdicts.merge(fresh.verdicts) { newer, _ in newer }
        for (caller, visit) in fresh.visits {
            if let newer = visits[caller] {
                if newer.agent == nil, visit.agent != nil { visits[caller] = visit }
            } else if visits.count < most {
                visits[caller] = visit
            }
        }
        try findBeginnings(path)
        let begins = first ?? .max
        // A call whose beginning would have to be here, and is not, has none in this log.
        return begins >= min(visitsSince, callsSince)
            || bare.contains { pending[$0].map { $0.arrivedAbout - Self.clockStep <= begins } ?? false }
    }

    /// By how much, in microseconds, a clock that was set may mislead about where a call began.
    private static let clockStep: Int64 = 3600 * 1_000_000

    /// `"type":"`, as eight bytes.
    private static let key = Array("\"type\":\"".utf8).withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
    private static let wanted = ["call.ended\"", "call.disposition\"", "callback."].map { Array($0.utf8) }

    /// Whether the line is of a type that is looked at, as the writer lays lines out.
    private static func matters(_ line: UnsafeRawBufferPointer, _ types: [[UInt8]] = wanted) -> Bool {
        guard let base = line.baseAddress else { return false }
        // The envelope is shorter than this.
        let last = min(line.count, 256) - 8
        var at = 0
        while at < last, base.loadUnaligned(fromByteOffset: at, as: UInt64.self) != key { at += 1 }
        guard at < last else { return false }
        let left = line.count - at - 8
        return types.contains { $0.count <= left && memcmp(base + at + 8, $0, $0.count) == 0 }
    }

    private mutating func noteEnd(_ fresh: inout [String: LogMemory.Visit]) {
        guard let id = parser.call else { return }
        let agent = parser.string("agent")
        if parser.wall >= visitsSince, let caller = parser.string("caller"), agent != nil || fresh[caller] == nil {
            fresh[caller] = LogMemory.Visit(caller: caller, agent: agent, time: WallTime(microseconds: parser.wall))
        }
        guard parser.wall >= callsSince else { return }
        noteMade(id)
        if calls.count < most {
            calls[id] = RememberedCall(
                call: id, agent: agent, group: parser.string("group"), line: parser.string("line"),
                arrived: parser.wallTime("arrived") ?? WallTime(microseconds: parser.wall),
                ended: WallTime(microseconds: parser.wall))
        }
    }

    /// `REQUEST-cN` is the Nth call made for a call-back.
    private mutating func noteMade(_ call: String) {
        guard let dash = call.utf8.lastIndex(of: UInt8(ascii: "-")) else { return }
        let suffix = call[call.index(after: dash)...]
        guard suffix.utf8.first == UInt8(ascii: "c"), let number = Int(suffix.dropFirst()) else { return }
        let request = String(call[..<dash])
        made[request] = max(made[request] ?? 0, number)
    }

    private mutating func noteRequest() {
        guard parser.wall >= callsSince, let id = parser.call, !closed.contains(id),
            let group = parser.string("group"), let caller = parser.string("caller")
        else { return }
        bare.insert(id)
        pending[id] = RememberedCallback(
            request: id, group: group, line: parser.string("line"), caller: caller, from: nil,
            priority: Int(clamping: parser.int("priority") ?? 0), requested: WallTime(microseconds: parser.wall),
            waitMs: Int(clamping: parser.int("wait_ms") ?? 0))
    }

    private mutating func noteStart() {
        guard let request = parser.string("request") else { return }
        attempts[request] = max(attempts[request] ?? 0, Int(clamping: parser.int("attempt") ?? 0))
    }

    private mutating func close() {
        guard let request = parser.string("request") else { return }
        closed.insert(request)
        bare.remove(request)
        pending[request] = nil
    }

    private static let beginnings = ["call.arrived\"", "call.queued\""].map { Array($0.utf8) }

    /// Who it was, and what was asked of the agent, stands where the caller's call began.
    private mutating func findBeginnings(_ path: String) throws(LogError) {
        guard !bare.isEmpty else { return }
        var reader = try LineReader(path: path)
        while let line = try reader.next() {
            guard Self.matters(line, Self.beginnings), (try? parser.parse(line)) != nil, let id = parser.call,
                bare.contains(id) || pending[id]?.from != nil
            else { continue }
            if parser.type == .callArrived {
                pending[id]?.from = parser.string("from")
                bare.remove(id)
            } else if parser.string("group") == pending[id]?.group {
                pending[id]?.skills = parser.strings("skills") ?? []
            }
        }
    }
}

extension RememberedCallback {
    /// When the call came in which it was asked for, microseconds since 1970.
    fileprivate var arrivedAbout: Int64 { requested.microseconds - Int64(waitMs) * 1000 }
}
