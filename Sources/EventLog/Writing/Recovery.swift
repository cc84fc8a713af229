import CallEvents
import Glibc

/// Reads what the last run left behind, and puts the end of the newest segment in order.
struct Recovery {
    private(set) var summary = LogRecovery()
    /// What is open at the end of the log.
    private(set) var state = LogState()
    /// When the last whole line of the newest segment was written.
    private var lastWall: Int64 = 0

    /// How far back what is open is looked for, in microseconds, where no segment says it: a day.
    private static let reach: Int64 = 24 * 3600 * 1_000_000

    init(directory: String) throws(LogError) {
        var names = try LogReader.segments(in: directory)
        while let newest = names.last {
            let path = "\(directory)/\(newest)"
            let (whole, size, wall) = try Self.wholeBytes(of: path, first: newest.first)
            lastWall = wall
            if whole < size {
                try Self.cut(path, at: whole)
                summary.tornBytes += Int(size - whole)
            }
            if whole > 0 { break }
            // Nothing of it was ever written: its name is free for the next segment.
            guard unlink(path) == 0 else { throw LogError("cannot remove", path, errno) }
            names.removeLast()
        }
        try read(names.map { LogReader.File(path: "\(directory)/\($0)", first: $0.first) })
        summary.lostCalls = state.openCalls
        summary.wasInterrupted =
            summary.tornBytes > 0 || summary.lastSeq > 0 && (state.openCalls > 0 || !state.isStopping)
    }

    /// Follows the log from the last segment that says what was open, or from as far before as open calls reach back: a
    /// day at most, so that a start does not read all of a log.
    private mutating func read(_ files: [LogReader.File]) throws(LogError) {
        guard !files.isEmpty else { return }
        var start = files.count - 1
        while start > 0, try !Self.opensWithState(files[start].path), try reaches(files[start]) { start -= 1 }
        // The one before may have been left after a failure, with lines that this one repeats only in part.
        start = max(start - 1, 0)
        var step = 1
        while true {
            try read(from: files[start...])
            guard start > 0, state.lacksArrivals, try reaches(files[start]) else { return }
            // Each time twice as far, so that nothing is read many times.
            for _ in 0..<step where start > 0 {
                guard try reaches(files[start]) else { break }
                start -= 1
            }
            step *= 2
        }
    }

    /// Whether what stands before the file is recent enough to be asked for.
    private func reaches(_ file: LogReader.File) throws(LogError) -> Bool {
        var reader = try LineReader(path: file.path)
        var parser = EventParser()
        guard let line = try reader.next(), (try? parser.parse(line)) != nil else { return true }
        return parser.wall >= lastWall - Self.reach
    }

    private mutating func read(from files: ArraySlice<LogReader.File>) throws(LogError) {
        var state = LogState()
        var last: UInt64 = 0
        do {
            try LogReader.forEach(in: Array(files), keepsRepeats: false, skipsTails: true) { parser in
                last = max(last, parser.seq)
                guard let event = try? parser.logged() else { return }
                state.apply(CallRecord(time: event.time, call: event.call, event: event.event))
            }
        } catch {
            throw (error as? LogError) ?? LogError("cannot read", files.first?.path ?? "", because: "\(error)")
        }
        self.state = state
        summary.lastSeq = last
    }

    /// How many bytes of a segment are whole events in sequence, how many it has, and when the last of these was.
    private static func wholeBytes(
        of path: String, first: UInt64
    ) throws(LogError) -> (whole: Int64, size: Int64, wall: Int64) {
        var reader = try LineReader(path: path)
        var parser = EventParser()
        var next = first
        var whole: Int64 = 0
        var wall: Int64 = 0
        while let line = try reader.next() {
            guard (try? parser.parse(line)) != nil, parser.seq == next, (try? parser.event()) != nil else { break }
            next += 1
            whole = reader.offset
            wall = parser.wall
        }
        return (whole, reader.identity()?.size ?? whole, wall)
    }

    private static func opensWithState(_ path: String) throws(LogError) -> Bool {
        var reader = try LineReader(path: path)
        var parser = EventParser()
        guard let line = try reader.next(), (try? parser.parse(line)) != nil, parser.type == .logSegment,
            let segment = try? parser.event(), case .logSegment(let fields) = segment
        else { return false }
        for _ in 0..<(fields.openCalls + fields.agents) {
            guard let line = try reader.next(), (try? parser.parse(line)) != nil,
                parser.type == .callOpen || parser.type == .agentStateChanged
            else { return false }
        }
        return true
    }

    /// Moves everything from `offset` on to `FILE.torn`, behind what an earlier cut put there.
    private static func cut(_ path: String, at offset: Int64) throws(LogError) {
        let source = open(path, O_RDWR | O_CLOEXEC)
        guard source >= 0 else { throw LogError("cannot open", path, errno) }
        defer { close(source) }
        let tornPath = path + ".torn"
        let torn = open(tornPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard torn >= 0 else { throw LogError("cannot create", tornPath, errno) }
        defer { close(torn) }
        lseek(source, off_t(offset), SEEK_SET)
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(source, &buffer, buffer.count)
            guard count >= 0 else { throw LogError("cannot read", path, errno) }
            if count == 0 { break }
            guard write(torn, buffer, count) == count else { throw LogError("cannot write", tornPath, errno) }
        }
        guard fsync(torn) == 0 else { throw LogError("cannot sync", tornPath, errno) }
        guard ftruncate(source, off_t(offset)) == 0, fsync(source) == 0 else {
            throw LogError("cannot cut", path, errno)
        }
    }
}
