import Foundation

/// A phone that others have written, used as by a hand: its voice is a sine of its own from a WAV file, and what it hears
/// it writes to another one meanwhile.
///
/// These phones send RTP from 127.0.0.1 whatever address they are given, and the controller takes no packets from
/// elsewhere than the SDP says: so that is their address, and their ports are their own.
protocol Softphone: AnyObject {
    var name: String { get }
    var tone: Int { get }
    var uri: String { get }

    func call(_ uri: String)
    /// The call that rings.
    func answer()
    /// The call it is in; one that rings is rejected.
    func hangUp()
    func hold()
    func resume()
    func press(_ digits: String) async throws
    /// Its own blind transfer of the call it is in.
    func transfer(to uri: String)

    /// The last 0.3 s of what it hears.
    var sound: Sound { get }
}

/// A phone whose own transfer can also be attended.
protocol AttendingPhone: Softphone {
    /// With one call held, joins it to its second one.
    func transferToSecondCall()
}

/// What a phone does without being told.
struct PhoneHabits: Sendable {
    var answers = false
    /// Digits by SIP INFO instead of RFC 4733.
    var info = false
    /// SRTP (SDES) and nothing else.
    var encrypts = false
}

/// The ports of one phone on 127.0.0.1, which no other phone of this test run has.
struct PhonePorts: Sendable {
    let sip: Int
    var control: Int { sip + 2 }
    var rtp: ClosedRange<Int> { sip + 4...sip + 19 }

    init() { sip = Numbers.next() }

    func uri(_ user: String) -> String { "sip:\(user)@127.0.0.1:\(sip)" }

    private enum Numbers {
        private static let lock = NSLock()
        nonisolated(unsafe) private static var count = 0

        /// The number of the process keeps two test runs apart. Below the ports that the system gives away itself.
        static func next() -> Int {
            lock.withLock {
                count += 1
                return 10000 + Int(getpid()) % 18 * 1000 + count % 50 * 20
            }
        }
    }
}

extension Softphone {
    func hears(_ hz: Int, _ what: String, within seconds: Double = soon) async throws {
        try await wait(seconds, for: "\(name) hears \(what) (\(hz) Hz)") { sound.isTone(hz) }
    }

    func hears(_ other: TestPhone) async throws { try await hears(other.tone, other.name) }
    func hears(_ other: any Softphone) async throws { try await hears(other.tone, other.name) }

    /// Something is heard that is neither silence nor any of these voices.
    func hearsMusic(not voices: [Int]) async throws {
        try await wait(for: "\(name) hears music") {
            let sound = sound
            return !sound.isSilence && !voices.contains { sound.isTone($0) }
        }
    }
}

extension TestPhone {
    func hears(_ other: any Softphone, call: Int? = nil) async throws {
        try await wait(for: "\(name) hears \(other.name) (\(other.tone) Hz), not \(hearing(call: call)?.hz ?? 0)") {
            abs((self.hearing(call: call)?.hz ?? 0) - other.tone) <= 15
        }
    }
}
