import Foundation

/// A running testphone and what it has said.
final class TestPhone: Sendable {
    struct Event: Sendable {
        var name: String
        var call: Int
        /// Everything that the line says, as text.
        var fields: [String: String]

        subscript(_ key: String) -> String? { fields[key] }
        /// CLOCK_BOOTTIME in microseconds.
        var mono: Int { Int(fields["mono_us"] ?? "") ?? 0 }
    }

    let name: String
    let tone: Int
    let uri: String
    let child: Child

    init(
        _ name: String, user: String, tone: Int, address: String, port: Int, transport: String = "udp",
        _ options: [String]
    ) throws {
        self.name = name
        self.tone = tone
        uri = "sip:\(user)@\(address):\(port)"
        child = try Child(
            name, Executables.testphone,
            [
                "--listen", "\(transport):\(address):\(port)", "--user", user, "--tone", String(tone), "--name", name,
                "--codecs", "PCMA,PCMU",
            ] + options)
    }

    func send(_ command: String) { child.send(command) }

    var events: [Event] {
        child.lines.compactMap { line in
            guard !line.error, let object = try? JSONSerialization.jsonObject(with: Data(line.text.utf8)),
                let fields = object as? [String: Any], let name = fields["event"] as? String
            else { return nil }
            let texts = fields.mapValues { value in
                if let flag = value as? Bool, "\(type(of: value))".contains("Bool") { return flag ? "true" : "false" }
                return "\(value)"
            }
            return Event(name: name, call: fields["call"] as? Int ?? 0, fields: texts)
        }
    }

    func event(_ name: String, call: Int? = nil, _ wanted: [String: String] = [:]) -> Event? {
        events.first { event in
            event.name == name && (call == nil || event.call == call) && wanted.allSatisfy { event[$0.key] == $0.value }
        }
    }

    /// Waits for a line, which may have come already.
    @discardableResult
    func says(
        _ event: String, call: Int? = nil, _ wanted: [String: String] = [:], within seconds: Double = soon
    ) async throws -> Event {
        let which = call.map { " in call \($0)" } ?? ""
        return try await wait(seconds, for: "\(name) says \(event)\(which) \(wanted)") {
            self.event(event, call: call, wanted)
        }
    }

    /// What the phone hears at this moment: in this call, or in the latest one.
    func hearing(call: Int? = nil) -> (hz: Int, label: String)? {
        let events = self.events
        guard let call = call ?? events.last(where: { $0.call > 0 })?.call else { return nil }
        for event in events.reversed() where event.call == call {
            if event.name == "ended" { return nil }
            if event.name == "heard" { return (Int(event["hz"] ?? "") ?? 0, event["label"] ?? "") }
        }
        return nil
    }

    func hears(_ other: TestPhone, call: Int? = nil, within seconds: Double = soon) async throws {
        try await wait(seconds, for: "\(name) hears \(other.name) (\(other.tone) Hz)\(instead(call))") {
            self.isHearing(other, call: call)
        }
    }

    func isHearing(_ other: TestPhone, call: Int? = nil) -> Bool {
        guard let heard = hearing(call: call) else { return false }
        return abs(heard.hz - other.tone) <= 15
    }

    func hearsMusic(call: Int? = nil, within seconds: Double = soon) async throws {
        try await wait(seconds, for: "\(name) hears music\(instead(call))") {
            self.hearing(call: call)?.label == "music"
        }
    }

    /// As `hearsMusic`, where the music may be over already.
    func heardMusic(within seconds: Double = soon) async throws {
        try await wait(seconds, for: "\(name) has heard music\(instead(nil))") {
            self.event("heard", ["label": "music"]) != nil
        }
    }

    /// Any of the frequencies, at any time from `mono` on: for tones that last a moment.
    func heard(_ frequencies: [Int], since mono: Int = 0, within seconds: Double = soon) async throws {
        try await wait(seconds, for: "\(name) hears one of \(frequencies) Hz\(instead(nil))") {
            self.events.contains { event in
                event.name == "heard" && event.mono >= mono
                    && frequencies.contains { abs((Int(event["hz"] ?? "") ?? 0) - $0) <= 15 }
            }
        }
    }

    /// The frequencies heard in the latest call one after another; silence and what has none are left out.
    func tones() -> [Int] {
        let heard = events.filter { $0.name == "heard" }
        var tones: [Int] = []
        for event in heard where event.call == heard.last?.call {
            let hz = Int(event["hz"] ?? "") ?? 0
            if hz > 0, tones.last.map({ abs($0 - hz) > 15 }) ?? true { tones.append(hz) }
        }
        return tones
    }

    /// The frequencies one right after another, at any time in the latest call.
    func hears(_ sequence: [Int], within seconds: Double = soon) async throws {
        try await wait(seconds, for: "\(name) hears \(sequence) Hz; it has heard \(self.tones())") {
            let tones = self.tones()
            return tones.indices.contains { Self.agree(tones[$0...].prefix(sequence.count), sequence) }
        }
    }

    /// Nothing but these was heard at the end of the latest call.
    func heardLast(_ sequence: [Int]) -> Bool { Self.agree(tones().suffix(sequence.count), sequence) }

    private static func agree(_ heard: ArraySlice<Int>, _ sequence: [Int]) -> Bool {
        heard.count == sequence.count && zip(heard, sequence).allSatisfy { abs($0 - $1) <= 15 }
    }

    /// Neither hears the other any more.
    func isApart(from other: TestPhone, within seconds: Double = soon) async throws {
        try await wait(seconds, for: "\(name) and \(other.name) no longer hear one another") {
            !self.isHearing(other) && !other.isHearing(self)
        }
    }

    private func instead(_ call: Int?) -> String {
        hearing(call: call).map { ", but it hears \($0.hz) Hz (\($0.label))" } ?? ", but it has heard nothing yet"
    }
}
