import EventLog
import Glibc

/// The files that hold one node's log, in the order in which they were written.
struct LogChain {
    struct File {
        var path: String
        /// The sequence number of its first event.
        var first: UInt64
    }

    var node: String
    var files: [File]

    /// The logs of each node found at the paths: directories of segments, or single files, in any order, a file more
    /// than once. Where none is an event yet, the log is empty.
    static func find(_ paths: [String]) throws(InputError) -> [LogChain] {
        var chains: [String: [File]] = [:]
        for path in paths {
            for file in try files(at: path) {
                guard let (node, first) = try firstEvent(of: file) else { continue }
                chains[node, default: []].append(File(path: file, first: first))
            }
        }
        return chains.keys.sorted().map { node in
            let files = chains[node] ?? []
            return LogChain(node: node, files: files.sorted { ($0.first, $0.path) < ($1.first, $1.path) })
        }
    }

    private static func files(at path: String) throws(InputError) -> [String] {
        var status = stat()
        guard stat(path, &status) == 0 else { throw InputError("cannot open", path, errno: errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { return [path] }
        guard let stream = opendir(path) else { throw InputError("cannot list", path, errno: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            if SegmentName(fileName: name) != nil { names.append(name) }
        }
        if names.isEmpty, try !isEmptyDirectory(path) { throw InputError("\(path) holds no log: no segment is in it") }
        return names.sorted().map { "\(path)/\($0)" }
    }

    /// A directory whose log has not begun holds nothing but its lock.
    private static func isEmptyDirectory(_ path: String) throws(InputError) -> Bool {
        guard let stream = opendir(path) else { throw InputError("cannot list", path, errno: errno) }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            // Names that begin with a dot: the directory itself, its parent, the lock.
            if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { return false }
        }
        return true
    }

    /// Node and number of the first event; null where the file has no whole line.
    private static func firstEvent(of path: String) throws(InputError) -> (node: String, first: UInt64)? {
        let lines = try FileLines(path: path)
        var parser = EventParser()
        var met = 0
        while let line = try lines.next() {
            if (try? parser.parse(line)) != nil { return (parser.node, parser.seq) }
            met += lines.isWhole ? 1 : 0
            // A torn beginning may precede the first event, but a file of other things is no log.
            if met >= 100 { break }
        }
        if met > 0 { throw InputError("\(path) is not an event log: no line of it is an event") }
        return nil
    }
}
