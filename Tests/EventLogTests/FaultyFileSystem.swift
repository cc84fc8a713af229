import Foundation
import Glibc

@testable import EventLog

/// The machine's file system, of which a test says what fails.
final class FaultyFileSystem: LogFileSystem, @unchecked Sendable {
    enum Operation: Hashable { case create, write, sync }

    private let real = POSIXFileSystem()
    private let lock = NSLock()
    /// The error with which an operation fails, for as long as it is set.
    private var failing: [Operation: Int32] = [:]
    /// As `failing`, but so many times only.
    private var failingOnce: [Operation: [Int32]] = [:]
    /// How many bytes a write takes at most.
    private var writeLimit = Int.max
    /// How many bytes can be written before the disk is full; null: any number.
    private var space: Int?
    private(set) var syncs = 0
    private(set) var writes = 0

    private func locked<Result>(_ body: () -> Result) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return body()
    }

    func fail(_ operation: Operation, with code: Int32?) { locked { failing[operation] = code } }
    func failNext(_ operation: Operation, with code: Int32) {
        locked { failingOnce[operation, default: []].append(code) }
    }
    func limitWrites(to bytes: Int) { locked { writeLimit = bytes } }
    func leaveSpace(_ bytes: Int?) { locked { space = bytes } }

    private func check(_ operation: Operation, _ path: String) throws(LogError) {
        let code: Int32? = locked {
            if operation == .sync { syncs += 1 }
            if operation == .write { writes += 1 }
            if failingOnce[operation]?.isEmpty == false { return failingOnce[operation]?.removeFirst() }
            return failing[operation]
        }
        if let code { throw LogError("cannot \(operation)", path, code) }
    }

    /// How many of so many bytes the disk takes.
    private func take(_ bytes: Int) -> Int {
        locked {
            let taken = min(bytes, writeLimit, space ?? Int.max)
            if let left = space { space = left - taken }
            return taken
        }
    }

    func makeDirectory(_ path: String) throws(LogError) { try real.makeDirectory(path) }
    func lock(_ path: String) throws(LogError) -> any LogLock { try real.lock(path) }
    func remove(_ path: String) throws(LogError) { try real.remove(path) }
    func syncDirectory(_ path: String) throws(LogError) { try real.syncDirectory(path) }

    func create(_ path: String) throws(LogError) -> any LogFile {
        try check(.create, path)
        return File(files: self, real: try real.create(path), path: path)
    }

    private final class File: LogFile, @unchecked Sendable {
        let files: FaultyFileSystem
        let real: any LogFile
        let path: String

        init(files: FaultyFileSystem, real: any LogFile, path: String) {
            self.files = files
            self.real = real
            self.path = path
        }

        func write(_ bytes: UnsafeRawBufferPointer) throws(LogError) -> Int {
            try files.check(.write, path)
            let count = files.take(bytes.count)
            if count == 0, !bytes.isEmpty { throw LogError("cannot write", path, ENOSPC) }
            return try real.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }

        func sync() throws(LogError) {
            try files.check(.sync, path)
            try real.sync()
        }

        func truncate(to size: Int64) throws(LogError) { try real.truncate(to: size) }
        var isStillNamed: Bool { real.isStillNamed }
        func close() { real.close() }
    }
}

/// Collects what a writer tells, and waits for it.
final class WriterEars: @unchecked Sendable {
    private let condition = NSCondition()
    private var durable: LogWriter.Ticket = 0
    private var health: [Bool] = []
    private var left: [UInt8] = []

    var callbacks: LogWriter.Callbacks {
        LogWriter.Callbacks(
            durable: { [self] ticket in tell { durable = ticket } },
            health: { [self] status in tell { health.append(status.writable) } },
            leftOver: { [self] bytes in tell { left += bytes } })
    }

    private func tell(_ change: () -> Void) {
        condition.lock()
        change()
        condition.broadcast()
        condition.unlock()
    }

    /// Waits until it is so; false when a bound has passed.
    private func wait(_ isSo: () -> Bool) -> Bool {
        let bound = Date(timeIntervalSinceNow: 10)
        condition.lock()
        defer { condition.unlock() }
        while !isSo() {
            if !condition.wait(until: bound) { return isSo() }
        }
        return true
    }

    func waitForDurable(_ ticket: LogWriter.Ticket) -> Bool { wait { durable >= ticket } }
    func waitForHealth(_ told: [Bool]) -> Bool { wait { health == told } }

    var leftOver: String {
        condition.lock()
        defer { condition.unlock() }
        return String(decoding: left, as: UTF8.self)
    }

    var toldHealth: [Bool] {
        condition.lock()
        defer { condition.unlock() }
        return health
    }
}
