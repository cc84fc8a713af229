import CallEvents
import Glibc

/// Reads a log from its beginning to its present end: a directory of segments, or one file.
///
/// Lines come as they stand: those that were written again after a failure once, those out of order in their place, and of
/// a file that holds the logs of several nodes all. The torn end of a file that was left is passed over,
/// because the next file says the same again. What stands behind the last newline is a line still being written, unless it is
/// whole.
public struct LogReader {
    public let path: String
    /// Whether lines are handed over again whose `seq` has been read already.
    public var keepsRepeats: Bool

    public init(path: String, keepsRepeats: Bool = false) {
        self.path = path
        self.keepsRepeats = keepsRepeats
    }

    /// Calls `body` with each line, parsed.
    /// - Throws: `LogError` where a file cannot be read, `LineError` naming file and line where one is no event, and
    ///   what `body` throws.
    public func forEach(_ body: (borrowing EventParser) throws -> Void) throws {
        try Self.forEach(in: Self.files(of: path), keepsRepeats: keepsRepeats, skipsTails: false, body)
    }

    /// - Parameter skipsTails: whether the rest of a file is passed over from a line on that is no event, whatever the
    ///   next file begins with.
    static func forEach(
        in files: [File], keepsRepeats: Bool, skipsTails: Bool, _ body: (borrowing EventParser) throws -> Void
    ) throws {
        var parser = EventParser()
        var read = ReadNumbers()
        for (index, file) in files.enumerated() {
            // A file that begins with what has not been read yet was not written because this one failed.
            func isLeft(after seq: UInt64) -> Bool { index + 1 < files.count && files[index + 1].first <= seq + 1 }
            var reader = try LineReader(path: file.path)
            while let line = try reader.next() {
                do {
                    try parser.parse(line, in: file.path, number: reader.lines)
                } catch {
                    if skipsTails || isLeft(after: read.last) { break }
                    throw error
                }
                if read.isNew(parser) || keepsRepeats { try body(parser) }
            }
            let rest = reader.rest
            if !rest.isEmpty, !skipsTails, (try? parser.parse(rest, in: file.path, number: reader.lines + 1)) != nil {
                if read.isNew(parser) || keepsRepeats { try body(parser) }
            }
        }
    }

    /// Every event.
    public func events() throws -> [LoggedEvent] {
        var events: [LoggedEvent] = []
        try forEach { parser in try events.append(parser.logged()) }
        return events
    }

    struct File {
        var path: String
        var first: UInt64
    }

    /// The segments of a directory in their order, or the one file.
    static func files(of path: String) throws(LogError) -> [File] {
        var status = stat()
        guard stat(path, &status) == 0 else { throw LogError("cannot open", path, errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { return [File(path: path, first: 0)] }
        return try segments(in: path).map { File(path: "\(path)/\($0)", first: $0.first) }
    }

    /// The segments of a directory in the order in which they were written.
    static func segments(in directory: String) throws(LogError) -> [SegmentName] {
        guard let stream = opendir(directory) else { throw LogError("cannot list", directory, errno) }
        defer { closedir(stream) }
        var names: [SegmentName] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            if let segment = SegmentName(fileName: name) { names.append(segment) }
        }
        return names.sorted()
    }
}
