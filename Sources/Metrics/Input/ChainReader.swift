/// Reads a node's log file after file, line after line, as far as it goes at present.
final class ChainReader {
    let node: String
    private var files: [LogChain.File]
    private var lines: FileLines?
    private var index = -1
    private var bytesBefore = 0

    init(_ chain: LogChain) {
        node = chain.node
        files = chain.files
    }

    /// The file of the line handed over last.
    var file: String { index >= 0 && index < files.count ? files[index].path : "" }
    /// The number of that line in its file, from 1.
    var number: Int { lines?.number ?? 0 }
    /// Whether that line ended in a newline.
    var isWhole: Bool { lines?.isWhole ?? true }
    /// Bytes read so far.
    var bytes: Int { bytesBefore + (lines?.bytes ?? 0) }

    /// Files that have come; those that belong before the present one are not read any more.
    func add(_ files: [LogChain.File]) {
        if index > 0 {
            self.files.removeFirst(index)
            index = 0
        }
        let present = index < 0 ? nil : self.files.first
        self.files += files.filter { file in present.map { !file.isBefore($0) } ?? true }
        let start = index + 1
        if start < self.files.count { self.files[start...].sort { $0.isBefore($1) } }
    }

    /// The next line without its newline, valid until the next call; null at the end of the last file.
    /// - Parameter isLast: nothing is waited for: what stands behind the last newline is handed over as well.
    func next(isLast: Bool = true) throws(InputError) -> UnsafeRawBufferPointer? {
        while true {
            if let lines {
                if let line = try lines.next() {
                    if line.count < 8, line.isBlank { continue }
                    return line
                }
                // The last file may grow, and another may follow it.
                if !isLast, index + 1 >= files.count { return nil }
                if let rest = lines.rest(), !rest.isBlank { return rest }
            } else if index + 1 >= files.count {
                return nil
            }
            try nextFile()
        }
    }

    /// Whether what follows the broken line handed over last is said again by the next file: the writer left this file
    /// after a failure, and wrote all lines since the last good sync to a new one.
    func isLeft(after lastSeq: UInt64) -> Bool {
        index + 1 < files.count && files[index + 1].first <= lastSeq + 1
    }

    /// Passes over the rest of the present file.
    func leaveFile() throws(InputError) { try nextFile() }

    private func nextFile() throws(InputError) {
        bytesBefore += lines?.bytes ?? 0
        index = min(index + 1, files.count)
        lines = index < files.count ? try FileLines(path: files[index].path) : nil
    }
}
