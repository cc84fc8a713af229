// loggen COUNT DIRECTORY [SEED [NODE [AGENTS [NAMES [RUNS]]]]]: writes a simulated log of COUNT events, in segments as the
// controller does. Agents' names begin with NAMES, the node's own unless told otherwise. Each of RUNS runs ends as of a
// controller that was killed: what it left open is not closed.

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
guard (3...8).contains(arguments.count), let count = Int(arguments[1]), count > 0 else {
    fail("usage: loggen COUNT DIRECTORY [SEED [NODE [AGENTS [NAMES [RUNS]]]]]")
}
var settings = LogGenerator.Settings()
settings.seed = arguments.count > 3 ? UInt64(arguments[3]) ?? 1 : 1
if arguments.count > 4 {
    settings.node = arguments[4]
    settings.agentPrefix = arguments.count > 6 ? arguments[6] : arguments[4]
}
settings.groups = ["billing", "support", "sales", "orders", "premium"]
settings.agentsPerGroup = arguments.count > 5 ? Int(arguments[5]) ?? 40 : 40
// As many calls as keep the agents as busy, however few they are.
settings.meanBetweenCalls = 48 / Double(settings.agentsPerGroup)
settings.callers = 200_000
let runs = arguments.count > 7 ? max(1, Int(arguments[7]) ?? 1) : 1
var generator = LogGenerator(settings: settings)
var run = 1
var before: UInt64 = 0
var last = settings.start
mkdir(arguments[2], 0o700)

var encoder = LineEncoder(node: settings.node)
var file: UnsafeMutablePointer<FILE>?
var written = 0
for number in 0..<count {
    if number * runs >= count * run {
        run += 1
        before = UInt64(number)
        // Ten minutes later, with calls of other names.
        settings.seed += 1000
        settings.start = last + 600_000_000
        generator = LogGenerator(settings: settings)
    }
    var event = generator.next()
    event.seq += before
    last = event.time.wall
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
