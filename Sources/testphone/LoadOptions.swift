/// What `testphone load` is asked to do.
struct LoadOptions {
    /// The story that every call of a run tells.
    enum Mode: String, CaseIterable {
        /// A calls, B answers, B dials a target by feature codes, C answers, B hangs up, A talks with C, A hangs up.
        case transfer
        /// A calls, B answers, A hangs up.
        case plain
        /// A calls and is held: by B's hold code, or by nobody (`--no-agent`) in a line that answers with music.
        case held
        /// Nobody calls: only CPU and memory of `--pid` over `--duration`.
        case watch
    }

    var mode = Mode.watch
    /// Where calls are sent, IPv4.
    var server = "127.0.0.1"
    var serverPort: UInt16 = 5070
    /// The phones' address. SIP of A, B and C: `port`, + 1, + 2; their RTP: + 10, + 12, + 14.
    var address = "127.0.0.1"
    var port: UInt16 = 6000
    /// The number A dials, and how many from there on are dialled in turn.
    var line = 7000
    var lines = 1
    /// Calls started per second.
    var rate = 10.0
    /// Seconds in which calls are started.
    var duration = 10.0
    /// How many callers are held, stage by stage.
    var calls = [100]
    /// Seconds from A's answer to B's first digit, and from C's answer to B's BYE.
    var talk = 0.3
    var consult = 0.5
    /// Seconds from A's answer to A's BYE.
    var length = 3.5
    var digits = "*2300"
    /// Milliseconds that a digit sounds, and the pause after it.
    var digitLength = 60
    var digitPause = 40
    /// A, B and C send 50 packets a second each; without it digits go as SIP INFO.
    var rtp = true
    /// Held callers: whether an agent answers and holds.
    var agent = true
    /// Every `step` seconds the rate is multiplied by this, until calls fail or are answered late; 1: never.
    var ramp = 1.0
    var step = 2.0
    /// The process that is measured.
    var pid: Int32?
    var json = false
}

/// A command line that cannot be carried out; `message` says why.
struct LoadUsageError: Error {
    let message: String
}

extension LoadOptions {
    static let usage = """
        usage: testphone load MODE [options]

        Puts load on a SIP server and prints what it cost: CPU of the server (--pid), calls, failures, delays.

          transfer   A calls, B answers, B dials a target, C answers, B hangs up, A hangs up
          plain      A calls, B answers, A hangs up
          held       callers on hold, by B's code or in a line that answers with music (--no-agent): each stage is
                     measured while they send nothing and while they send RTP
          watch      CPU and memory of --pid alone

          --server HOST:PORT     where A's calls go (127.0.0.1:5070)
          --address HOST:PORT    the phones: A here, B at PORT+1, C at PORT+2; RTP from PORT+10 (127.0.0.1:6000)
          --line NUMBER          what A dials (7000)
          --lines N              so many numbers from there on, in turn (1)
          --rate N               calls started per second (10)
          --duration SECONDS     how long calls are started, or held callers measured (10)
          --calls N[,N…]         held callers, measured stage by stage (100)
          --talk SECONDS         from A's answer to B's first digit (0.3)
          --consult SECONDS      from C's answer to B's BYE (0.5)
          --length SECONDS       from A's answer to A's BYE (3.5)
          --digits STRING        what B dials (*2300; held: *5)
          --digit-length MS      how long a digit sounds (60)
          --digit-pause MS       silence after it (40)
          --no-rtp               nobody sends RTP; digits go as SIP INFO
          --ramp FACTOR          the rate grows by it in each step, until calls fail or are answered late
          --step SECONDS         length of a step (2)
          --no-agent             held: without an agent's leg
          --pid PID              the process to measure
          --json                 one JSON object instead of text
        """

    /// Reads a command line without the word `load`.
    init(arguments: [String]) throws {
        var rest = arguments[...]
        guard let word = rest.popFirst() else { throw LoadUsageError(message: "a mode is missing") }
        guard let mode = Mode(rawValue: word) else { throw LoadUsageError(message: "unknown mode \(word)") }
        self.mode = mode
        if mode == .plain { length = 1 }
        if mode == .held { digits = "*5" }
        while let option = rest.popFirst() {
            switch option {
            case "--no-rtp": rtp = false
            case "--no-agent": agent = false
            case "--json": json = true
            default:
                guard let value = rest.popFirst() else { throw LoadUsageError(message: "\(option) needs a value") }
                guard try set(option, value) else { throw LoadUsageError(message: "\(option): \(value) will not do") }
            }
        }
        if mode == .watch && pid == nil { throw LoadUsageError(message: "watch needs --pid") }
    }

    /// Whether the value could be used.
    private mutating func set(_ option: String, _ value: String) throws -> Bool {
        switch option {
        case "--server": return Self.endpoint(value, &server, &serverPort)
        case "--address": return Self.endpoint(value, &address, &port) && port <= 65000 && port % 2 == 0
        case "--line": return Self.number(value, &line, 0...999_999_999)
        case "--lines": return Self.number(value, &lines, 1...10000)
        case "--ramp": return Self.number(value, &ramp, 1...10)
        case "--step": return Self.number(value, &step, 0.1...3600)
        case "--rate": return Self.number(value, &rate, 0.01...10000)
        case "--duration": return Self.number(value, &duration, 0.1...86400)
        case "--talk": return Self.number(value, &talk, 0...3600)
        case "--consult": return Self.number(value, &consult, 0...3600)
        case "--length": return Self.number(value, &length, 0...3600)
        case "--digits": digits = value
        case "--calls":
            calls = value.split(separator: ",").compactMap { Int($0) }.filter { 11...30000 ~= $0 }
            return !calls.isEmpty
        case "--digit-length": return Self.number(value, &digitLength, 40...1000)
        case "--digit-pause": return Self.number(value, &digitPause, 20...1000)
        case "--pid":
            var number = 0
            guard Self.number(value, &number, 1...Int(Int32.max)) else { return false }
            pid = Int32(number)
        default: throw LoadUsageError(message: "unknown option \(option)")
        }
        return true
    }

    private static func number(_ text: String, _ result: inout Double, _ range: ClosedRange<Double>) -> Bool {
        guard let value = Double(text), range.contains(value) else { return false }
        result = value
        return true
    }

    private static func number(_ text: String, _ result: inout Int, _ range: ClosedRange<Int>) -> Bool {
        guard let value = Int(text), range.contains(value) else { return false }
        result = value
        return true
    }

    private static func endpoint(_ text: String, _ host: inout String, _ port: inout UInt16) -> Bool {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let number = UInt16(parts[1]) else { return false }
        host = String(parts[0])
        port = number
        return true
    }
}
