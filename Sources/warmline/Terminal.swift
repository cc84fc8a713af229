import Foundation

/// A terminal taken over for a full-screen view, and given back whatever ends it. Draws what has changed and nothing
/// else, so that a view that ticks costs a slow line a few bytes a row.
final class Terminal {
    enum Key: Equatable {
        case up, down, resized, ended
        case character(Character)
    }

    private var original = termios()
    private var shown: [[Character]] = []
    private var isOpen = false
    /// Signals come as bytes, so that they are taken where keys are.
    private let signals = Pipe()

    /// - Throws: `Failure` where stdin or stdout is no terminal.
    init() throws {
        guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1, tcgetattr(STDIN_FILENO, &original) == 0 else {
            throw Failure.failed("top needs a terminal; `warmline calls` prints the same once")
        }
        var set = sigset_t()
        sigemptyset(&set)
        for signal in [SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGCONT] { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        let writer = signals.fileHandleForWriting.fileDescriptor
        Thread.detachNewThread { [set] in
            var set = set
            var signal: Int32 = 0
            while sigwait(&set, &signal) == 0 {
                var byte = UInt8(truncatingIfNeeded: signal)
                _ = write(writer, &byte, 1)
            }
        }
        open()
    }

    private func open() {
        var raw = original
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
        tcsetattr(STDIN_FILENO, TCSANOW, &raw)
        isOpen = true
        shown = []
        // The other screen, no cursor, no wrapping at the right edge.
        put("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[2J")
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        put("\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l")
        tcsetattr(STDIN_FILENO, TCSANOW, &original)
    }

    /// Columns and rows.
    var size: (columns: Int, rows: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Brings the screen to these rows; `highlighted` is shown reversed.
    func draw(_ rows: [String], highlighted: Int?) {
        let rows = rows.prefix(size.rows).enumerated().map { index, text in
            // A mark that is part of what is compared: a row whose highlight changes is drawn again.
            Array((index == highlighted ? "\u{1}" : "") + String(text.prefix(size.columns)))
        }
        put(Self.changes(from: shown, to: rows))
        shown = rows
    }

    /// What turns the rows shown into others: for each row that differs its differing part alone.
    static func changes(from old: [[Character]], to new: [[Character]]) -> String {
        var text = ""
        for index in 0..<max(old.count, new.count) {
            let before = index < old.count ? old[index] : []
            let after = index < new.count ? new[index] : []
            guard before != after else { continue }
            let wasMarked = before.first == "\u{1}"
            let isMarked = after.first == "\u{1}"
            if isMarked || wasMarked {
                let plain = isMarked ? after.dropFirst() : after[...]
                text += "\u{1B}[\(index + 1);1H\u{1B}[K"
                text += isMarked ? "\u{1B}[7m\(String(plain))\u{1B}[0m" : String(plain)
                continue
            }
            var start = 0
            while start < before.count, start < after.count, before[start] == after[start] { start += 1 }
            var end = after.count
            if before.count == after.count {
                while end > start, before[end - 1] == after[end - 1] { end -= 1 }
            }
            text += "\u{1B}[\(index + 1);\(start + 1)H" + String(after[start..<end])
            if after.count < before.count { text += "\u{1B}[K" }
        }
        return text
    }

    /// Waits for a key, at most so long; null when none came.
    func key(milliseconds: Int32) -> Key? {
        var waits = [
            pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
            pollfd(fd: signals.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0),
        ]
        guard poll(&waits, 2, milliseconds) > 0 else { return nil }
        if waits[1].revents != 0 { return signal() }
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        guard count > 0 else { return .ended }
        switch Array(bytes.prefix(count)) {
        case [0x1B, 0x5B, 0x41], [0x1B, 0x4F, 0x41]: return .up
        case [0x1B, 0x5B, 0x42], [0x1B, 0x4F, 0x42]: return .down
        case let key: return key.first.map { .character(Character(Unicode.Scalar($0))) }
        }
    }

    private func signal() -> Key? {
        var byte: UInt8 = 0
        guard read(signals.fileHandleForReading.fileDescriptor, &byte, 1) == 1 else { return nil }
        switch Int32(byte) {
        case SIGWINCH, SIGCONT:
            shown = []
            put("\u{1B}[2J")
            return .resized
        default: return .ended
        }
    }

    private func put(_ text: String) { try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8)) }
}
