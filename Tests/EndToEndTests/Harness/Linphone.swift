import Foundation

/// linphonec without a terminal, commanded on its standard input; WAV files are its sound card.
final class Linphone: AttendingPhone {
    let name: String
    let tone: Int
    let uri: String
    let child: Child
    private let heard: URL
    private let sendsInfo: Bool

    init(_ name: String, user: String, tone: Int, ports: PhonePorts, _ habits: PhoneHabits, scene: Scene) async throws {
        self.name = name
        self.tone = tone
        uri = ports.uri(user)
        sendsInfo = habits.info
        let directory = scene.directory.appending(path: "linphone-\(name)")
        // Without a place for its database it never listens.
        try FileManager.default.createDirectory(
            at: directory.appending(path: ".local/share/linphone"), withIntermediateDirectories: true)
        let voice = directory.appending(path: "voice.wav")
        heard = directory.appending(path: "heard.wav")
        try Sound.sine(tone).write(to: voice)
        let settings = """
            [sip]
            sip_port=\(ports.sip)
            sip_tcp_port=0
            sip_tls_port=0
            bind_address=127.0.0.1
            contact="\(name)" <\(uri)>
            default_proxy=-1
            guess_hostname=0
            auto_net_state_mon=0
            use_info=\(habits.info ? 1 : 0)
            use_rfc2833=\(habits.info ? 0 : 1)
            media_encryption=\(habits.encrypts ? "srtp" : "none")
            media_encryption_mandatory=\(habits.encrypts ? 1 : 0)

            [rtp]
            bind_address=127.0.0.1
            audio_rtp_port=\(ports.rtp.lowerBound)-\(ports.rtp.upperBound)

            [sound]
            echocancellation=0

            [video]
            enabled=0

            """
        let file = directory.appending(path: "linphonerc")
        try Data(settings.utf8).write(to: file)
        let path = directory.path(percentEncoded: false)
        child = try Child(
            name, try Executables.system("linphonec"), ["-c", file.path(percentEncoded: false), "-d", "0"],
            environment: ["HOME": path, "TERM": "dumb"])
        scene.others.append(child)
        child.send("soundcard use files")
        child.send("play \(voice.path(percentEncoded: false))")
        child.send("record \(heard.path(percentEncoded: false))")
        child.send("autoanswer \(habits.answers ? "enable" : "disable")")
        // It takes commands before it listens.
        let deadline = ContinuousClock.now + .seconds(soon)
        while !child.lines.contains(where: { $0.text == "sip port = \(ports.sip)" }) {
            guard child.exitStatus == nil else { throw Failure("linphonec ended: \(child.output)\(child.errors)") }
            guard ContinuousClock.now < deadline else { throw Failure("linphonec \(name) does not listen") }
            try await Task.sleep(for: .milliseconds(300))
            child.send("ports")
        }
    }

    func call(_ uri: String) { child.send("call \(uri)") }
    func answer() { child.send("answer") }
    func hangUp() { child.send("terminate") }
    func hold() { child.send("pause") }
    func resume() { child.send("resume") }
    /// linphonec sleeps for a second behind each digit and meanwhile runs nothing: what it sends by SIP has to be pressed
    /// digit by digit, as by a hand, for it to read our answer before the next.
    func press(_ digits: String) async throws {
        for line in sendsInfo ? digits.map(String.init) : [digits] {
            child.send(line)
            if sendsInfo { try await Task.sleep(for: .milliseconds(1300)) }
        }
    }
    func transfer(to uri: String) { child.send("transfer \(uri)") }
    func transferToSecondCall() { child.send("transfer 1 --to-call 2") }

    var sound: Sound { Sound(endOf: heard) }
}
