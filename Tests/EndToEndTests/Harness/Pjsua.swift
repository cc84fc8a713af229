import Foundation

/// PJSIP's own phone, pjsua, commanded by its menu on standard input, with no sound card.
///
/// The environment's WARMLINE_PJSUA names the program, whose libraries lie beside it (`docker/deps.sh --assertions`).
final class Pjsua: AttendingPhone {
    let name: String
    let tone: Int
    let uri: String
    let child: Child
    private let habits: PhoneHabits
    private let heard: URL

    init(_ name: String, user: String, tone: Int, ports: PhonePorts, _ habits: PhoneHabits, scene: Scene) async throws {
        self.name = name
        self.tone = tone
        self.habits = habits
        uri = ports.uri(user)
        guard let program = ProcessInfo.processInfo.environment["WARMLINE_PJSUA"] else {
            throw Failure("WARMLINE_PJSUA does not say where pjsua is")
        }
        let voice = scene.directory.appending(path: "pjsua-\(name)-voice.wav").path(percentEncoded: false)
        heard = scene.directory.appending(path: "pjsua-\(name)-heard.wav")
        try Sound.sine(tone).write(to: URL(filePath: voice))
        var options = [
            "--id=\(uri)", "--local-port=\(ports.sip)", "--bound-addr=127.0.0.1", "--ip-addr=127.0.0.1", "--no-tcp",
            "--rtp-port=\(ports.rtp.lowerBound)", "--null-audio", "--no-tones", "--no-vad",
            "--clock-rate=\(Sound.rate)",
            "--play-file=\(voice)", "--auto-play", "--rec-file=\(heard.path(percentEncoded: false))", "--auto-rec",
            "--log-level=3", "--app-log-level=3", "--no-color",
        ]
        // Without being told it sends no 180 either.
        options.append("--auto-answer=\(habits.answers ? 200 : 180)")
        if habits.encrypts { options += ["--use-srtp=2", "--srtp-secure=0"] }
        let libraries = URL(filePath: program).deletingLastPathComponent().appending(path: "../lib")
        child = try Child(
            name, program, options, environment: ["LD_LIBRARY_PATH": libraries.path(percentEncoded: false)])
        scene.others.append(child)
        try await wait(for: "pjsua \(name) is ready") {
            guard child.exitStatus == nil else { throw Failure("pjsua ended: \(child.output)\(child.errors)") }
            return child.lines.contains { $0.text.contains("You have 0 active call") }
        }
    }

    /// A command of the menu and the answers to what it asks.
    private func choose(_ lines: String...) { lines.forEach { child.send($0) } }

    func call(_ uri: String) { choose("m", uri) }
    func answer() { choose("a", "200") }
    func hangUp() { choose("h") }
    func hold() { choose("H") }
    func resume() { choose("v") }
    func press(_ digits: String) async throws { choose(habits.info ? "*" : "#", digits) }
    func transfer(to uri: String) { choose("x", uri) }
    /// From the second call back to the first; that one goes to call 1, which is the second.
    func transferToSecondCall() { choose("[", "X", "1") }

    var sound: Sound { Sound(endOf: heard) }
}
