import CallEvents

/// Writes lines into segments. All lines since the last good sync stay in memory, so that a file which failed can be left
/// and they can be written again. Used by one thread; knows neither queue nor clock.
struct SegmentWriter {
    private let configuration: LogConfiguration
    private let files: any LogFileSystem
    private var lock: any LogLock

    /// What the log says so far, lines not yet synced included: it opens the next segment.
    private(set) var state: LogState
    /// The sequence number of the next line.
    private(set) var nextSeq: UInt64
    /// The lines since the last good sync, and how many of their bytes are in `file`.
    private var unsynced: LineEncoder
    private var written = 0
    private(set) var unsyncedLines = 0

    private var file: (any LogFile)?
    /// The segment being written; of the last one, while there is none.
    private(set) var name: SegmentName?
    /// Bytes in `file`, and how many of them a sync has made safe.
    private var size: Int64 = 0
    private var syncedSize: Int64 = 0
    /// A file that a failed try to write everything again has left: it says nothing that is not in memory.
    private var stale: SegmentName?
    /// Set by a failure until everything since the last good sync is safe again.
    private(set) var failed = false
    /// The wall clock at the segment's beginning; null when the next line begins one.
    private var began: Int64?

    init(
        configuration: LogConfiguration, files: any LogFileSystem, lock: any LogLock, state: LogState, nextSeq: UInt64
    ) {
        self.configuration = configuration
        self.files = files
        self.lock = lock
        self.state = state
        self.nextSeq = nextSeq
        unsynced = LineEncoder(node: configuration.node)
    }

    /// Adds a line, behind the opening of a new segment where the line begins one. Nothing is written yet, but what
    /// stands in the old segment is synced.
    mutating func add(_ record: CallRecord) throws(LogError) {
        // Ends even where the old segment fails: its lines and this one then go to the same new file.
        defer { encode(record) }
        if let began {
            guard !failed, isOver(began: began, at: record.time.wall) else { return }
            try endSegment()
        }
        openSegment(at: record.time, boot: configuration.boot)
    }

    /// Syncs and closes the present segment; the next line begins another.
    mutating func endSegment() throws(LogError) {
        try commit()
        file?.close()
        file = nil
        size = 0
        syncedSize = 0
        began = nil
    }

    /// Begins a segment with the state of the log at that time.
    mutating func openSegment(at time: EventTime, boot: String) {
        began = time.wall
        for record in state.opening(at: time, boot: boot) { encode(record) }
    }

    /// Begins a run of the controller: what a segment says from now on is of this boot of the machine.
    mutating func beginRun(at time: EventTime) {
        state.begin()
        openSegment(at: time, boot: configuration.boot)
    }

    /// Adds a line to the present segment.
    mutating func encode(_ record: CallRecord) {
        unsynced.append(record, seq: nextSeq)
        state.apply(record)
        nextSeq += 1
        unsyncedLines += 1
    }

    /// Writes what is not written yet. After a throw, see `leave`.
    mutating func write() throws(LogError) {
        guard written < unsynced.bytes.count else { return }
        let file: any LogFile
        if let open = self.file { file = open } else { file = try create() }
        while written < unsynced.bytes.count {
            let start = written
            let result = unsynced.bytes.withUnsafeBytes { bytes -> Result<Int, LogError> in
                do throws(LogError) {
                    return .success(try file.write(UnsafeRawBufferPointer(rebasing: bytes[start...])))
                } catch {
                    return .failure(error)
                }
            }
            let count = try result.get()
            guard count > 0 else { throw LogError("cannot write", path(name), because: "nothing was taken") }
            written += count
            size += Int64(count)
        }
    }

    /// Writes and syncs everything: afterwards all lines are safe.
    mutating func commit() throws(LogError) {
        guard unsyncedLines > 0 else { return }
        try write()
        guard let file else { return }
        try file.sync()
        guard file.isStillNamed else {
            throw LogError("cannot keep", path(name), because: "the file has lost its name")
        }
        let isNew = syncedSize == 0
        syncedSize = size
        unsynced.removeAll()
        unsyncedLines = 0
        written = 0
        failed = false
        stale = nil
        if isNew { deleteOld() }
    }

    /// Leaves the present file after a failure: everything since the last good sync will go to a new one.
    mutating func leave() {
        if let file {
            // Half a line must not stand at the end of what readers may already have read.
            if written > 0, let whole = wholeLines() { try? file.truncate(to: size - Int64(written - whole)) }
            file.close()
            // What a first try leaves is kept: should the process die now, it may be all there is.
            if failed, syncedSize == 0 { stale = name }
        }
        file = nil
        written = 0
        failed = true
    }

    /// The lines that could not be written, for whoever can still say them.
    func withUnsynced(_ body: (UnsafeRawBufferPointer) -> Void) { unsynced.bytes.withUnsafeBytes(body) }

    mutating func close() {
        file?.close()
        file = nil
        lock.release()
    }

    /// How many of the written bytes are whole lines; null where all are.
    private func wholeLines() -> Int? {
        let bytes = unsynced.bytes
        guard written < bytes.count, bytes[written - 1] != UInt8(ascii: "\n") else { return nil }
        return (bytes[..<written].lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
    }

    private func isOver(began: Int64, at wall: Int64) -> Bool {
        // A clock that was set back by more than what events of one moment differ by would otherwise never see midnight.
        let tolerance: Int64 = 3_600_000_000
        return Int(size) + unsynced.bytes.count - written >= configuration.segmentBytes
            || Timestamp.day(ofMicroseconds: wall) > Timestamp.day(ofMicroseconds: began) || wall < began - tolerance
    }

    private func path(_ name: SegmentName?) -> String {
        name.map { "\(configuration.directory)/\($0)" } ?? configuration.directory
    }
}

extension SegmentWriter {
    private mutating func create() throws(LogError) -> any LogFile {
        if !lock.isStillNamed {
            try files.makeDirectory(configuration.directory)
            let renewed = try files.lock(path(nil) + "/.lock")
            lock.release()
            lock = renewed
        }
        if let stale {
            try? files.remove(path(stale))
            self.stale = nil
        }
        let file = try createNamed()
        self.file = file
        size = 0
        syncedSize = 0
        try files.syncDirectory(configuration.directory)
        return file
    }

    /// The first free name for the first unsynced line.
    private mutating func createNamed() throws(LogError) -> any LogFile {
        // Each copy is a failure that somebody had to see: there are never many.
        let maxCopies = 10_000
        var name = SegmentName(first: nextSeq - UInt64(unsyncedLines))
        while true {
            do {
                let file = try files.create(path(name))
                self.name = name
                return file
            } catch {
                guard error.code == POSIXFileSystem.nameTaken, name.copy < maxCopies else { throw error }
                name.copy += 1
            }
        }
    }
}

extension SegmentWriter {
    /// Deletes the oldest segments as far as all their events are older than `keepDays`. What cannot be deleted now can
    /// be when the next segment begins.
    private func deleteOld() {
        guard let days = configuration.keepDays, let began else { return }
        let limit = began - Int64(days) * 86_400_000_000
        guard let names = try? LogReader.segments(in: configuration.directory) else { return }
        for segment in names {
            guard segment != name, let end = end(of: segment), end < limit else { return }
            try? files.remove(path(segment))
        }
    }

    /// The time of a segment's last line.
    private func end(of segment: SegmentName) -> Int64? {
        guard var reader = try? LineReader(path: path(segment)) else { return nil }
        reader.seekToTail()
        var parser = EventParser()
        var end: Int64?
        while let line = try? reader.next() {
            if (try? parser.parse(line)) != nil { end = parser.wall }
        }
        return end
    }
}
