import Foundation

/// A baresip without a terminal: commanded over its control socket, its voice a WAV file with a sine, and what it
/// hears written to another one while it hears it.
///
/// It sends RTP from 127.0.0.1 whatever address it is given, and the controller takes no packets from elsewhere than the
/// SDP says: so its address is 127.0.0.1, with ports that follow from the number of the test's process.
final class Baresip {
    let name: String
    let tone: Int
    let uri: String
    let child: Child
    private let directory: URL
    private let control: NetstringSocket

    private static let rate = 8000

    private static let address = "127.0.0.1"

    /// The nth baresip's SIP port; TLS has the next one.
    static func port(_ number: Int) -> Int { 21000 + Int(getpid()) % 150 * 80 + 4 * number }

    init(_ name: String, user: String, tone: Int, number: Int, answers: Bool, scene: Scene) async throws {
        self.name = name
        self.tone = tone
        let port = Baresip.port(number)
        let control = Baresip.port(0) + 20 + number
        let rtp = Baresip.port(0) + 32 + 8 * number
        uri = "sip:\(user)@\(Baresip.address):\(port)"
        directory = scene.directory.appending(path: "baresip-\(name)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let path = directory.path(percentEncoded: false)
        try Baresip.sine(tone).write(to: directory.appending(path: "voice.wav"))
        let config = """
            poll_method epoll
            sip_listen \(Baresip.address):\(port)
            net_interface \(Baresip.address)
            rtp_ports \(rtp)-\(rtp + 7)
            audio_source aufile,\(path)/voice.wav
            audio_player aubridge,\(name)
            audio_alert aubridge,\(name)-alert
            audio_srate \(Baresip.rate)
            audio_channels 1
            snd_path \(path)
            ctrl_tcp_listen \(Baresip.address):\(control)
            module_path \(try Baresip.modules())
            module g711.so
            module aufile.so
            module aubridge.so
            module sndfile.so
            module_tmp account.so
            module_app menu.so
            module_app ctrl_tcp.so

            """
        let account = "<\(uri)>;regint=0;answermode=\(answers ? "auto" : "manual")\n"
        for (file, text) in [("config", config), ("accounts", account), ("contacts", "")] {
            try Data(text.utf8).write(to: directory.appending(path: file))
        }
        let child = try Child(name, try Executables.system("baresip"), ["-f", path])
        self.child = child
        scene.others.append(child)
        self.control = try await wait(for: "the control socket of baresip \(name)") {
            guard child.exitStatus == nil else { throw Failure("baresip ended: \(child.output)\(child.errors)") }
            return NetstringSocket(Baresip.address, control)
        }
    }

    func command(_ command: String, _ parameters: String = "") {
        control.send(#"{"command":"\#(command)","params":"\#(parameters)","token":"t"}"#)
    }

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

    /// In the last 0.3 s this frequency was the loudest by far.
    func hears(_ hz: Int, _ what: String) async throws {
        try await wait(for: "baresip \(name) hears \(what) (\(hz) Hz)") { try self.heard().isTone(hz) }
    }

    /// Something was heard in the last 0.3 s that is neither silence nor any of these voices.
    func hearsMusic(not voices: [Int]) async throws {
        try await wait(for: "baresip \(name) hears music") {
            let sound = try self.heard()
            return sound.power > 1000 && !voices.contains { sound.isTone($0) }
        }
    }

    /// The last 0.3 s of what was received in the latest call.
    private func heard() throws -> Sound {
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path(percentEncoded: false))
        guard let latest = files.filter({ $0.hasSuffix("-dec.wav") }).max() else { return Sound(samples: []) }
        let bytes = try Data(contentsOf: directory.appending(path: latest)).dropFirst(44)
        let tail = Array(bytes.suffix(Baresip.rate * 3 / 10 * 2))
        return Sound(
            samples: stride(from: 0, to: tail.count - 1, by: 2).map {
                Double(Int16(bitPattern: UInt16(tail[$0]) | UInt16(tail[$0 + 1]) << 8))
            })
    }

    private struct Sound {
        var samples: [Double]

        var power: Double { samples.isEmpty ? 0 : samples.reduce(0) { $0 + $1 * $1 } / Double(samples.count) }

        /// Goertzel: the share of the power that stands at this frequency.
        func isTone(_ hz: Int) -> Bool {
            guard samples.count >= Baresip.rate / 5, power > 1000 else { return false }
            let step = 2 * cos(2 * Double.pi * Double(hz) / Double(Baresip.rate))
            var last = 0.0
            var before = 0.0
            for sample in samples { (last, before) = (sample + step * last - before, last) }
            let magnitude = last * last + before * before - step * last * before
            let count = Double(samples.count)
            return magnitude * 2 / (count * count) > 0.7 * power
        }
    }

    private static func modules() throws -> String {
        let places = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules", "/usr/lib64/baresip/modules"]
        guard let found = places.first(where: { FileManager.default.fileExists(atPath: $0 + "/sndfile.so") }) else {
            throw Failure("baresip's modules are not installed: run `make deps`")
        }
        return found
    }

    /// A minute of a sine: RIFF, 16 bits, mono.
    private static func sine(_ hz: Int) -> Data {
        let samples = (0..<rate * 60).map { index in
            Int16(5000 * sin(2 * Double.pi * Double(hz) * Double(index) / Double(rate)))
        }
        var data = Data()
        func append<Value: FixedWidthInteger>(_ value: Value) {
            withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
        }
        data.append(contentsOf: "RIFF".utf8)
        append(UInt32(36 + samples.count * 2))
        data.append(contentsOf: "WAVEfmt ".utf8)
        append(UInt32(16))
        append(UInt16(1))
        append(UInt16(1))
        append(UInt32(rate))
        append(UInt32(rate * 2))
        append(UInt16(2))
        append(UInt16(16))
        data.append(contentsOf: "data".utf8)
        append(UInt32(samples.count * 2))
        samples.forEach { append($0) }
        return data
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
