import CallEvents
import Foundation
import Glibc
import Testing

@testable import EventLog

@Suite struct FileSizeLimitTests {
    /// A disk that is really full, as far as this can be had without one: the kernel cuts the write that crosses the
    /// limit short and refuses the next with EFBIG. The limit is the process's, so the process is one of its own.
    @Test func aFileThatMayNotGrowIsLeftForAnother() async {
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            let ears = WriterEars()
            let writer = try LogWriter(
                LogConfiguration(
                    directory: directory.log, node: "ctl-1", boot: "boot-1", durability: .always, retryDelay: 1...5),
                callbacks: ears.callbacks, clock: { Story.time(4_999_000) })
            let records = Story.day().records
            var ticket: LogWriter.Ticket = 0
            for record in records[..<8] { ticket = writer.append(record) }
            try #require(ears.waitForDurable(ticket))
            let size = try directory.text("00000000000000000001.jsonl").utf8.count
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            // The present file takes half a line more; a new one has room for all the others only without the limit.
            limit.rlim_cur = rlim_t(size + 100)
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            for record in records[8..<40] { writer.append(record) }
            try #require(ears.waitForHealth([false]))
            try #require(writer.status.error?.hasSuffix(": File too large") ?? false)
            for record in records[40...] { ticket = writer.append(record) }
            limit.rlim_cur = limit.rlim_max
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            try #require(ears.waitForHealth([false, true]))
            try #require(ears.waitForDurable(ticket))
            writer.close()
            let events = try LogReader(path: directory.log).events()
            try #require(events.map(\.seq) == Array(1...UInt64(records.count + 1)))
            try #require(events.dropFirst().map(\.event) == records.map(\.event))
        }
    }
}
