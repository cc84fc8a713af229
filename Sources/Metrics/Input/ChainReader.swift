/// Reads a node's log file after file, line after line.
final class ChainReader {
    let chain: LogChain
    private var lines: FileLines?
    private var index = -1
    private var bytesBefore = 0

    init(_ chain: LogChain) { self.chain = chain }

    /// The file of the line handed over last.
    var file: String { index >= 0 && index < chain.files.count ? chain.files[index].path : "" }
    /// The number of that line in its file, from 1.
    var number: Int { lines?.number ?? 0 }
    /// Whether that line ended in a newline.
    var isWhole: Bool { lines?.isWhole ?? true }
    /// Bytes read so far.
    var bytes: Int { bytesBefore + (lines?.bytes ?? 0) }

    /// The next line without its newline, valid until the next call; null at the end of the last file.
    func next() throws(InputError) -> UnsafeRawBufferPointer? {
        while true {
            if let line = try lines?.next() { return line }
            try nextFile()
            if lines == nil { return nil }
        }
    }

    /// Whether what follows the broken line handed over last is said again by the next file: the writer left this file
    /// after a failure, and wrote all lines since the last good sync to a new one.
    func isLeft(after lastSeq: UInt64) -> Bool {
        index + 1 < chain.files.count && chain.files[index + 1].first <= lastSeq + 1
    }

    /// Passes over the rest of the present file.
    func leaveFile() throws(InputError) { try nextFile() }

    private func nextFile() throws(InputError) {
        bytesBefore += lines?.bytes ?? 0
        index += 1
        lines = index < chain.files.count ? try FileLines(path: chain.files[index].path) : nil
    }
}
