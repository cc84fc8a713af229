import Glibc

/// Reads a log that is still being written: what there is, then what comes. It takes only lines that end in a newline,
/// reads each segment to its end before it opens the next, and hands a line that was written again over once.
///
/// One thread reads; `stop` may be called from any.
public final class LogFollower: @unchecked Sendable {
    /// Where to begin.
    public enum Start: Hashable, Sendable {
        case beginning
        /// With the first line that is written from now on.
        case end
        /// With the first line that has a greater `seq`.
        case after(seq: UInt64)
    }

    /// A directory of segments, or one file.
    public let path: String
    private let isDirectory: Bool
    private let watch: DirectoryWatch
    private var parser = EventParser()
    private var reader: LineReader?
    /// Which segment `reader` reads; null in one file.
    private var segment: SegmentName?
    /// Whether `reader` has been read from its first line on, so that lines have numbers.
    private var isCounting = true
    private var read = ReadNumbers()
    /// Lines up to here were not asked for.
    private var floor: UInt64 = 0

    /// - Throws: where there is nothing at the path, or its present end cannot be found.
    public init(path: String, from start: Start = .beginning) throws(LogError) {
        self.path = path
        var status = stat()
        guard stat(path, &status) == 0 else { throw LogError("cannot open", path, errno) }
        isDirectory = status.st_mode & S_IFMT == S_IFDIR
        watch = try DirectoryWatch(path: path)
        switch start {
        case .beginning: break
        case .end: try skipToEnd()
        case .after(let seq):
            floor = seq
            // The segment in which that line stands, or a later one.
            if isDirectory { segment = try LogReader.segments(in: path).last { $0.copy == 0 && $0.first <= seq } }
        }
        if reader == nil { try openFirst() }
    }

    /// Hands over every line that there is by now.
    /// - Throws: as `LogReader.forEach`.
    public func poll(_ body: (borrowing EventParser) throws -> Void) throws {
        // Each turn has read one segment to its end.
        while true {
            try readOn(body)
            guard let next = try next() else { return }
            // What was added between reading and looking for the next.
            try readOn(body)
            try open(next)
        }
    }

    /// Waits until the log may have grown, at most so long.
    /// - Returns: false once `stop` was called.
    public func wait(milliseconds: Int) -> Bool { watch.wait(milliseconds: milliseconds) }

    /// Hands over what there is and what comes, until `stop`.
    public func run(_ body: (borrowing EventParser) throws -> Void) throws {
        // Changes are reported at once; where a file system reports none, this is how late a line can be.
        let longestWait = 500
        repeat { try poll(body) } while wait(milliseconds: longestWait)
    }

    /// Ends `run` and every wait.
    public func stop() { watch.stop() }
}

extension LogFollower {
    private func readOn(_ body: (borrowing EventParser) throws -> Void) throws {
        while let line = try reader?.next() {
            do {
                try parser.parse(line, in: reader?.path ?? path, number: isCounting ? reader?.lines : nil)
            } catch {
                // The next segment says again what this one failed to.
                if let next = try next(), next.first <= max(read.last, floor) + 1 { return try open(next) }
                throw error
            }
            if parser.seq > floor, read.isNew(parser) { try body(parser) }
        }
    }

    /// The segment after the present one, or another file that has taken its name.
    private func next() throws(LogError) -> SegmentName? {
        guard isDirectory else { return nil }
        let names = try LogReader.segments(in: path)
        guard let segment else { return names.first }
        if names.contains(segment), let identity = FileIdentity(path: "\(path)/\(segment)"),
            identity != reader?.identity()
        {
            return segment
        }
        return names.first { $0 > segment }
    }

    private func open(_ segment: SegmentName) throws(LogError) {
        reader = try LineReader(path: "\(path)/\(segment)")
        self.segment = segment
        isCounting = true
    }

    private func openFirst() throws(LogError) {
        guard isDirectory else {
            reader = try LineReader(path: path)
            return
        }
        if segment == nil { segment = try LogReader.segments(in: path).first }
        if let segment { try open(segment) }
    }

    private func skipToEnd() throws(LogError) {
        guard isDirectory else { return try skip(LineReader(path: path)) }
        guard let newest = try LogReader.segments(in: path).last else { return }
        segment = newest
        try skip(LineReader(path: "\(path)/\(newest)"))
    }

    private func skip(_ file: consuming LineReader) throws(LogError) {
        var file = file
        isCounting = !file.seekToTail()
        while let line = try file.next() {
            if (try? parser.parse(line)) != nil { _ = read.isNew(parser) }
        }
        reader = consume file
    }
}
