import EventLog
import Metrics

/// Writes `metrics.textfile` every `metrics.interval`, for node_exporter's textfile collector: what `warmline metrics
/// --format prometheus` prints. The figures come from the log alone, followed as any other reader follows it; nothing waits
/// for this thread.
final class Textfile: @unchecked Sendable {
    private let path: String
    private let feed: MetricsFeed
    private let interval: Int64
    private let say: @Sendable (String) -> Void
    private let monitor = Monitor()
    private var isStopping = false
    private var thread: JoinableThread?
    /// What went wrong last time, which is said once.
    private var failure: String?

    init(path: String, log: String, milliseconds: Int, say: @escaping @Sendable (String) -> Void) {
        self.path = path
        self.say = say
        feed = MetricsFeed(paths: [log], options: MetricsOptions(), format: .prometheus)
        interval = Int64(milliseconds) * 1000
        thread = startThread("textfile") { [self] in run() }
    }

    /// Writes the file once more, when the log has been closed, and ends.
    func stop() {
        monitor.lock()
        isStopping = true
        monitor.broadcast()
        monitor.unlock()
        thread?.join()
    }

    private func run() {
        var isLast = false
        while true {
            update()
            if isLast { return }
            isLast = wait()
        }
    }

    /// True when it is time to end.
    private func wait() -> Bool {
        monitor.lock()
        defer { monitor.unlock() }
        if !isStopping { monitor.wait(microseconds: interval) }
        return isStopping
    }

    private func update() {
        do {
            try feed.readOn { [say] in say("metrics: \($0)") }
            try feed.write(to: path)
            if failure != nil { say("metrics.textfile is written again") }
            failure = nil
        } catch {
            if failure != error.description { say("metrics.textfile: \(error)") }
            failure = error.description
        }
    }
}
