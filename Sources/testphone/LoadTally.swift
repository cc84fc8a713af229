import Glibc

/// What a run counted.
struct LoadTally {
    var completed = 0
    private(set) var failures: [String: Int] = [:]
    /// Seconds: INVITE to 200 at the caller; first digit to INVITE at the target; agent's BYE to the target's voice.
    var answerDelays: [Double] = []
    var dialDelays: [Double] = []
    var joinDelays: [Double] = []
    var packetsSent = 0
    var packetsReceived = 0
    /// Held callers: what was measured at each stage.
    var stages: [Stage] = []
    /// The steps of a ramp; one where the rate is steady.
    var steps: [Step] = []

    struct Stage {
        var held: Int
        var hearMusic: Int
        /// Packets a second, each way, of each call: 50 where neither side is short of CPU.
        var musicRate: Double
        var sentRate: Double
        /// While the callers send nothing, and while they send.
        var silentPercent: Double
        var sendingPercent: Double
        var residentPerCall: Double
        var proportionalPerCall: Double
    }

    struct Step {
        var rate: Double
        var started = 0
        var failed = 0
        var late = 0

        /// No call failed, and at most one in a hundred (two in a short step) was late.
        var good: Bool { failed == 0 && late <= max(2, started / 100) }
    }

    /// The highest rate of a ramp that it and all before bore.
    var knee: Double? { steps.prefix(while: \.good).last?.rate }

    mutating func fail(_ reason: String) { failures[reason, default: 0] += 1 }

    var failed: Int { failures.values.reduce(0, +) }
}

extension LoadRun {
    func print(before: LoadSample?, elapsed: Double) {
        var report = LoadReport()
        report.add("started", Double(started))
        report.add("completed", Double(tally.completed))
        report.add("failed", Double(tally.failed))
        report.add("seconds", elapsed)
        if options.mode != .held, let before, let after = options.pid.flatMap({ LoadSample(pid: $0) }) {
            report.add("cpu_ms_per_call", (after.cpu - before.cpu) / Double(tally.completed))
            report.add("cpu_percent", (after.cpu - before.cpu) / (after.at - before.at) / 10)
            report.add("rss_kb", Double(after.resident))
        }
        for stage in tally.stages {
            report.add("held_\(stage.held)_hear_music", Double(stage.hearMusic))
            report.add("held_\(stage.held)_music_packets_per_second", stage.musicRate)
            report.add("held_\(stage.held)_sent_packets_per_second", stage.sentRate)
            report.add("held_\(stage.held)_silent_cpu_percent_per_call", stage.silentPercent / Double(stage.held))
            report.add("held_\(stage.held)_sending_cpu_percent_per_call", stage.sendingPercent / Double(stage.held))
            report.add("held_\(stage.held)_rss_kb_per_call", stage.residentPerCall)
            report.add("held_\(stage.held)_pss_kb_per_call", stage.proportionalPerCall)
        }
        if options.ramp > 1 { report.add("knee_calls_per_second", tally.knee ?? .nan) }
        report.add("answer", delays: tally.answerDelays)
        if options.mode == .transfer {
            report.add("dial_to_target", delays: tally.dialDelays)
            if options.rtp { report.add("complete_to_voice", delays: tally.joinDelays) }
        }
        if options.rtp {
            report.add("rtp_sent", Double(tally.packetsSent))
            report.add("rtp_received", Double(tally.packetsReceived))
        }
        if let own = LoadSample(pid: getpid()) { report.add("load_cpu_percent", own.cpu / elapsed / 10) }
        report.print(json: options.json)
        guard !tally.failures.isEmpty else { return }
        for (reason, count) in tally.failures.sorted(by: { $0.value > $1.value }) { complain("\(count) × \(reason)") }
    }
}
