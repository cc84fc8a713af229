// loggen COUNT DIRECTORY [SEED [NODE [AGENTS]]]: writes a simulated log of COUNT events, in segments as the controller does.

import CallEvents
import EventLog
import Glibc
import LogGenerator

/// The size at which the controller begins a new segment.
let segmentBytes = 67_108_864

func fail(_ message: String) -> Never {
    let line = "loggen: \(message)\n"
    write(STDERR_FILENO, line, line.utf8.count)
    exit(2)
}

let arguments = CommandLine.arguments
guard (3...6).contains(arguments.count), let count = Int(arguments[1]), count > 0 else {
    fail("usage: loggen COUNT DIRECTORY [SEED [NODE [AGENTS]]]")
}
var settings = LogGenerator.Settings()
settings.seed = arguments.count > 3 ? UInt64(arguments[3]) ?? 1 : 1
if arguments.count > 4 {
    settings.node = arguments[4]
    // Each node has agents of its own.
    settings.agentPrefix = arguments[4]
}
settings.groups = ["billing", "support", "sales", "orders", "premium"]
settings.agentsPerGroup = arguments.count > 5 ? Int(arguments[5]) ?? 40 : 40
// As many calls as keep the agents as busy, however few they are.
settings.meanBetweenCalls = 48 / Double(settings.agentsPerGroup)
settings.callers = 200_000
var generator = LogGenerator(settings: settings)
mkdir(arguments[2], 0o700)

var encoder = LineEncoder(node: settings.node)
var file: UnsafeMutablePointer<FILE>?
var written = 0
for _ in 0..<count {
    let event = generator.next()
    if file == nil || written >= segmentBytes {
        if let file { fclose(file) }
        let path = "\(arguments[2])/\(SegmentName(first: event.seq))"
        file = fopen(path, "w")
        if file == nil { fail("cannot write \(path): \(String(cString: strerror(errno)))") }
        written = 0
    }
    encoder.removeAll()
    encoder.append(CallRecord(time: event.time, call: event.call, event: event.event), seq: event.seq)
    guard fwrite(encoder.bytes, 1, encoder.bytes.count, file) == encoder.bytes.count else {
        fail("cannot write: \(String(cString: strerror(errno)))")
    }
    written += encoder.bytes.count
}
if let file, fclose(file) != 0 { fail("cannot write: \(String(cString: strerror(errno)))") }
