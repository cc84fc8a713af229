import CTelephony
import CallEvents
import Foundation
import TransferEngine

@testable import Controller

/// A clock that stands still until it is moved.
final class ManualClock: @unchecked Sendable {
    private let lock = NSLock()
    private var mono: Int64 = 1_000_000

    var now: EventTime {
        lock.withLock { EventTime(wall: 1_763_000_000_000_000 + mono, mono: mono) }
    }

    func advance(milliseconds: Int64) { lock.withLock { mono += milliseconds * 1000 } }
}

/// Writes down what it is told to do; reports a switch as done, as the relay does.
final class FakeTelephony: Telephony, @unchecked Sendable {
    private let inbox: Inbox<RunMessage>
    private let clock: @Sendable () -> EventTime
    private let lock = NSLock()
    private var commands: [String] = []
    private var nextLeg: UInt64 = 100
    private var failing: Set<String> = []
    private var packets: [UInt64: UInt64] = [:]

    init(inbox: Inbox<RunMessage>, clock: @escaping @Sendable () -> EventTime) {
        self.inbox = inbox
        self.clock = clock
    }

    /// What was commanded since the last look.
    func take() -> [String] {
        lock.withLock {
            defer { commands = [] }
            return commands
        }
    }

    /// From now on commands of these names fail.
    func fail(_ names: String...) { lock.withLock { failing = Set(names) } }

    /// So many packets have come on the leg, until it is hung up: then nothing is known of it any more.
    func received(_ count: UInt64, on leg: UInt64) { lock.withLock { packets[leg] = count } }

    private func note(_ name: String, _ rest: String) -> tel_result {
        lock.withLock {
            commands.append("\(name) \(rest)")
            return failing.contains(name) ? TEL_ERR_INVALID : TEL_OK
        }
    }

    func invite(_ invite: Invite, codecsOf: UInt64) -> UInt64 {
        guard note("invite", invite.uri) == TEL_OK else { return 0 }
        return lock.withLock {
            nextLeg += 1
            return nextLeg
        }
    }

    func ring(_ leg: UInt64, status: Int, early: UInt64) -> tel_result { note("ring", "\(leg) \(status)") }
    func answer(_ leg: UInt64, codecOf: UInt64) -> tel_result { note("answer", "\(leg)") }
    func hangUp(_ leg: UInt64, _ how: HangUp) -> tel_result {
        lock.withLock { packets[leg] = nil }
        return note("hangUp", "\(leg) \(how.sipStatus)")
    }
    func hold(_ leg: UInt64, _ hold: Bool, token: UInt64) -> tel_result { note("hold", "\(leg) \(hold)") }
    func matchCodec(_ leg: UInt64, to: UInt64, token: UInt64) -> tel_result { note("matchCodec", "\(leg) \(to)") }
    func play(_ tone: Tone, on leg: UInt64, token: UInt64) -> tel_result { note("play", "\(leg) \(tone)") }
    func announce(_ words: Announcement, on leg: UInt64, token: UInt64) -> tel_result {
        note("announce", "\(leg) \(words.files { _ in false }.joined(separator: " "))")
    }
    func stopTone(_ leg: UInt64) -> tel_result { note("stopTone", "\(leg)") }
    func music(_ path: String) -> UInt32 { path == "known.wav" ? 7 : 0 }
    func handOver(_ leg: UInt64, to: UInt64, referredBy: String?, token: UInt64) -> tel_result {
        note("handOver", "\(leg) \(to)")
    }
    func identify(_ leg: UInt64, _ identity: Identity, isEntitled: Bool) -> tel_result {
        note("identify", "\(leg) \(identity.uri)")
    }
    func sendDigits(_ leg: UInt64, _ digits: String) -> tel_result { note("sendDigits", "\(leg) \(digits)") }
    func refer(_ id: ReferID, _ reply: ReferReply) -> tel_result { note("refer", "\(id.number) \(reply)") }
    func setAccepting(_ accepting: Bool, retryAfter: Int) { _ = note("accepting", "\(accepting)") }
    func admit(_ admission: Admission) -> tel_result { note("admit", admission.users.joined(separator: " ")) }
    func lastError() -> String { "as told" }
    func media(of leg: UInt64) -> LegMedia? {
        guard let count = lock.withLock({ packets[leg] }) else { return nil }
        var stats = tel_leg_stats()
        stats.packets_received = count
        return LegMedia(stats)
    }

    func route(_ changes: [tel_route_change], token: UInt64) -> tel_result {
        let result = note(
            "route", changes.map { "\($0.leg)=\($0.source.rawValue)/\($0.from)" }.joined(separator: " "))
        if result == TEL_OK {
            inbox.post(.telephony(TelephonyEvent(leg: 0, time: clock(), kind: .routed(token: token))))
        }
        return result
    }
}

/// Keeps what is logged.
final class FakeLog: EventSink, @unchecked Sendable {
    private let lock = NSLock()
    private var kept: [CallRecord] = []

    var records: [CallRecord] { lock.withLock { kept } }
    var types: [String] { records.map(\.event.type) }

    func wake() {}

    func enqueue(_ record: CallRecord) -> UInt64 {
        lock.withLock {
            // Tests of the loop are about calls; agents' states would stand between all of it.
            if case .agentStateChanged = record.event { return UInt64(kept.count) }
            kept.append(record)
            return UInt64(kept.count)
        }
    }
}

/// A run loop whose turns the test makes, with nothing real around it.
final class Bench {
    static let configuration = """
        { node: "n", agents: { anna: { uri: "sip:1001@127.0.0.1:5081" }, boris: {} },
          lines: { "7000": { to: "agent:anna" }, "7001": { to: "agent:boris" } } }
        """

    let inbox = Inbox<RunMessage>()
    let telephony: FakeTelephony
    let log = FakeLog()
    let clock = ManualClock()
    let loop: EngineLoop
    private var batch: [RunMessage] = []

    init(durability: String = "batch", lineFrom: Configuration.LineSource = .requestURI) throws {
        let configuration = try Configuration.parse(Self.configuration, file: "bench")
        let settings = EngineLoop.Settings(
            lineFrom: lineFrom, waitsForLog: durability == "always", callPrefix: "n-",
            users: configuration.agentsByUser, admission: configuration.admission)
        telephony = FakeTelephony(inbox: inbox, clock: { [clock] in clock.now })
        loop = EngineLoop(
            engine: TransferEngine(configuration: configuration.engine()), settings: settings, inbox: inbox,
            telephony: telephony, log: log, clock: { [clock] in clock.now })
    }

    /// One turn with these messages; never without one, which would wait.
    func turn(_ messages: RunMessage...) {
        messages.forEach { inbox.post($0) }
        loop.turn(&batch)
    }

    /// Lets reports of what was commanded come in, and what they lead to.
    func settle() {
        for _ in 0..<5 { turn(event(9999, .rtpTimeout)) }
    }

    func event(_ leg: UInt64, _ kind: TelephonyEvent.Kind) -> RunMessage {
        .telephony(TelephonyEvent(leg: leg, time: clock.now, kind: kind))
    }

    func invite(_ leg: UInt64, to line: String = "7000", from: String? = nil) -> RunMessage {
        event(
            leg,
            .incoming(
                TelephonyEvent.Incoming(
                    sipCallID: "c\(leg)", requestURI: "sip:\(line)@127.0.0.1", to: "sip:desk@127.0.0.1",
                    calledParty: "sip:7001@127.0.0.1", from: from ?? "sip:5550\(leg)@127.0.0.1", trusted: true)))
    }

    /// A caller (leg 1) and anna (leg 101), talking.
    func talk() {
        turn(invite(1))
        turn(event(101, .progress(status: 180, earlyMedia: false)))
        turn(event(101, .answered(codec: "PCMA")))
        turn(event(1, .answered(codec: "PCMA")))
        settle()
    }
}
