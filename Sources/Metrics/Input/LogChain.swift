import EventLog
import Glibc

/// The files that hold one node's log, in the order in which they were written.
struct LogChain {
    struct File {
        var path: String
        /// The sequence number of its first event.
        var first: UInt64

        func isBefore(_ other: File) -> Bool { (first, path) < (other.first, other.path) }
    }

    var node: String
    var files: [File]

    /// The logs of each node found at the paths: directories of segments, or single files, in any order, a file more
    /// than once. Where none is an event yet, the log is empty.
    static func find(_ paths: [String]) throws(InputError) -> [LogChain] {
        var finder = LogFinder(paths: paths)
        return try finder.find()
    }
}

/// What a path must be to be read as a log.
public enum LogPath {
    /// - Throws: where there is nothing at the path, a directory has other files and no segment, or a file no event. What
    ///   is empty is a log that has not begun.
    public static func check(_ path: String) throws(InputError) { _ = try LogChain.find([path]) }
}

/// Finds the files of logs, and again those that have come since.
struct LogFinder {
    /// A name, and which file has it: a writer whose file was taken away may give its name to another.
    private struct Found: Hashable {
        var path: String
        var device: UInt64
        var inode: UInt64
    }

    let paths: [String]
    /// Those found before that are still there.
    private var known: Set<Found> = []

    init(paths: [String]) { self.paths = paths }

    /// The files that were not there, or had no event, when it was asked last.
    mutating func find() throws(InputError) -> [LogChain] {
        var chains: [String: [LogChain.File]] = [:]
        var present: Set<Found> = []
        for path in paths {
            for file in try Self.files(at: path) {
                guard let found = Self.identity(file) else { continue }
                if known.contains(found) {
                    present.insert(found)
                } else if let (node, first) = try Self.firstEvent(of: file) {
                    present.insert(found)
                    chains[node, default: []].append(LogChain.File(path: file, first: first))
                }
            }
        }
        known = present
        return chains.keys.sorted().map { node in
            LogChain(node: node, files: (chains[node] ?? []).sorted { $0.isBefore($1) })
        }
    }

    private static func identity(_ path: String) -> Found? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Found(path: path, device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    private static func files(at path: String) throws(InputError) -> [String] {
        var status = stat()
        guard stat(path, &status) == 0 else { throw InputError("cannot open", path, errno: errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { return [path] }
        let names = try names(in: path)
        let segments = names.filter { SegmentName(fileName: $0) != nil }
        // A directory whose log has not begun holds nothing but its lock; such names begin with a dot.
        if segments.isEmpty, names.contains(where: { !$0.hasPrefix(".") }) {
            let logs = names.map { "\(path)/\($0)" }.filter(holdsSegments).sorted()
            let hint = logs.isEmpty ? "" : "; logs are in " + logs.prefix(10).joined(separator: " ")
            throw InputError("\(path) holds no log: no segment is in it\(hint)")
        }
        return segments.sorted().map { "\(path)/\($0)" }
    }

    private static func names(in directory: String) throws(InputError) -> [String] {
        guard let stream = opendir(directory) else { throw InputError("cannot list", directory, errno: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
                })
        }
        return names
    }

    private static func holdsSegments(_ path: String) -> Bool {
        (try? names(in: path))?.contains { SegmentName(fileName: $0) != nil } ?? false
    }

    /// Node and number of the first event; null where the file has no whole line.
    private static func firstEvent(of path: String) throws(InputError) -> (node: String, first: UInt64)? {
        guard let lines = try FileLines(path: path) else { return nil }
        var parser = EventParser(isBounded: true)
        var met = 0
        var objection: LineError?
        // A torn beginning may precede the first event, but a file of other things is no log.
        while met < 100, let line = try lines.next() {
            do {
                try parser.parse(line)
                return (parser.node, parser.seq)
            } catch {
                if line.isBlank { continue }
                objection = objection ?? error
                met += 1
            }
        }
        if met == 0, let line = lines.rest(), !line.isBlank {
            if (try? parser.parse(line)) != nil { return (parser.node, parser.seq) }
            // The torn beginning of an event, or what a file system leaves of one that never reached the disk.
            met = line[0] == UInt8(ascii: "{") || line[0] == 0 ? 0 : 1
        }
        if met > 0 {
            let why = objection.map { ": \($0)" } ?? ""
            throw InputError("\(path) is not an event log: no line of it is an event\(why)")
        }
        return nil
    }
}
