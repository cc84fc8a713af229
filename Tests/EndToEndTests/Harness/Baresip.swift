import Foundation

/// A baresip without a terminal: commanded over its control socket, its voice a WAV file with a sine, and what it
/// hears written to another one while it hears it.
///
/// It sends RTP from 127.0.0.1 whatever address it is given, and the controller takes no packets from elsewhere than the
/// SDP says: so its address is 127.0.0.1, with ports that follow from the number of the test's process.
final class Baresip: Softphone {
    let name: String
    let tone: Int
    let uri: String
    let child: Child
    private let directory: URL
    private let control: NetstringSocket

    private static let address = "127.0.0.1"
    /// libre 1.1's jitter buffer stays deaf for a new SSRC whose sequence numbers are below the former one's. What the
    /// controller sends is one stream; what comes from node to node is the other phone's own.
    private static let withoutBuffer = "jitter_buffer_delay 0-0"

    init(
        _ name: String, user: String, tone: Int, ports: PhonePorts, _ habits: PhoneHabits = PhoneHabits(), scene: Scene
    ) async throws {
        self.name = name
        self.tone = tone
        uri = ports.uri(user)
        directory = scene.directory.appending(path: "baresip-\(name)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let path = directory.path(percentEncoded: false)
        try Sound.sine(tone).write(to: directory.appending(path: "voice.wav"))
        let config = """
            poll_method epoll
            sip_listen \(Baresip.address):\(ports.sip)
            net_interface \(Baresip.address)
            \(Rtpengine.isWanted ? Baresip.withoutBuffer : "")
            rtp_ports \(ports.rtp.lowerBound)-\(ports.rtp.upperBound)
            audio_source aufile,\(path)/voice.wav
            audio_player aubridge,\(name)
            audio_alert aubridge,\(name)-alert
            audio_srate \(Sound.rate)
            audio_channels 1
            snd_path \(path)
            ctrl_tcp_listen \(Baresip.address):\(ports.control)
            module_path \(try Baresip.modules())
            module g711.so
            module aufile.so
            module aubridge.so
            module sndfile.so
            module srtp.so
            module_tmp account.so
            module_app menu.so
            module_app ctrl_tcp.so

            """
        let secure = habits.encrypts ? ";mediaenc=srtp-mand" : ""
        let account = "<\(uri)>;regint=0;answermode=\(habits.answers ? "auto" : "manual")\(secure)\n"
        for (file, text) in [("config", config), ("accounts", account), ("contacts", "")] {
            try Data(text.utf8).write(to: directory.appending(path: file))
        }
        let child = try Child(name, try Executables.system("baresip"), ["-f", path])
        self.child = child
        scene.others.append(child)
        self.control = try await wait(for: "the control socket of baresip \(name)") {
            guard child.exitStatus == nil else { throw Failure("baresip ended: \(child.output)\(child.errors)") }
            return NetstringSocket(Baresip.address, ports.control)
        }
    }

    func command(_ command: String, _ parameters: String = "") {
        control.send(#"{"command":"\#(command)","params":"\#(parameters)","token":"t"}"#)
    }

    func call(_ uri: String) { command("dial", uri) }
    func answer() { command("accept") }
    func hangUp() { command("hangup") }
    func hold() { command("hold") }
    func resume() { command("resume") }
    func transfer(to uri: String) { command("transfer", uri) }

    /// Presses keys one after another, at the speed of a hand: baresip sends a digit while its key is down.
    func press(_ digits: String) async throws {
        for digit in digits {
            command("sndcode", String(digit))
            try await Task.sleep(for: .milliseconds(120))
        }
    }

    /// Waits for an event of the control socket, such as `CALL_ESTABLISHED`.
    func says(_ event: String, _ count: Int = 1) async throws {
        try await wait(for: "baresip \(name) says \(event)") {
            self.control.received().components(separatedBy: "\"type\":\"\(event)\"").count > count
        }
    }

    /// What was received last in the latest call.
    var sound: Sound {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path(percentEncoded: false))) ?? []
        let latest = files.filter { $0.hasSuffix("-dec.wav") }.max() ?? "none"
        return Sound(endOf: directory.appending(path: latest))
    }

    private static func modules() throws -> String {
        let places = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules", "/usr/lib64/baresip/modules"]
        guard let found = places.first(where: { FileManager.default.fileExists(atPath: $0 + "/sndfile.so") }) else {
            throw Failure("baresip's modules are not installed: run `make deps`")
        }
        return found
    }
}

/// baresip's control socket: JSON in netstrings over TCP.
private final class NetstringSocket {
    private let descriptor: Int32
    private var text = ""

    /// Null while nobody listens there yet.
    init?(_ address: String, _ port: Int) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = in_port_t(port).bigEndian
        inet_pton(AF_INET, address, &name.sin_addr)
        let connected = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if connected != 0 {
            close(descriptor)
            return nil
        }
    }

    deinit { close(descriptor) }

    func send(_ message: String) {
        let bytes = Array("\(message.utf8.count):\(message),".utf8)
        _ = write(descriptor, bytes, bytes.count)
    }

    /// Everything that came so far.
    func received() -> String {
        var buffer = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count <= 0 { return text }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
    }
}
