import CallEvents
import Controller
import EventLog

/// `top`: the calls and agents of a running controller as they are now, and keys that act on the selected call.
let topCommand = Command(
    "top", "a live view of calls and agents, with keys",
    details: """
        Draws only what changes, so that it works over a slow line. Keys: arrows or j and k select a call; h holds and
        resumes, c completes, x cancels, s swaps, K hangs up after a question, q quits.
        """,
    options: [Option("every", "SECONDS", "how often it looks (1)")] + connectionOptions
) { arguments in
    let text = arguments.value("every") ?? "1"
    guard let seconds = Double(text), seconds >= 0.2, seconds <= 60 else {
        throw Failure.usage("--every \(text): 0.2 to 60 seconds")
    }
    let client = try connect(arguments)
    _ = try client.call("status")
    let terminal = try Terminal()
    defer { terminal.close() }
    var top = Top(client: client, terminal: terminal, interval: Int32(seconds * 1000))
    try top.run()
    return 0
}

private struct Top {
    let client: ControlClient
    let terminal: Terminal
    let interval: Int32
    var view = TopView()
    /// The call that is hung up when `y` is pressed.
    var doomed: String?

    mutating func run() throws {
        var due = EventTime.now().mono
        while true {
            let now = EventTime.now()
            if now.mono >= due {
                try look()
                due = now.mono + Int64(interval) * 1000
            }
            view.now = EventTime.now().wall
            let size = terminal.size
            let (rows, highlighted) = view.rows(columns: size.columns, rows: size.rows)
            terminal.draw(rows, highlighted: highlighted)
            let patience = max(0, (due - EventTime.now().mono) / 1000 + 1)
            guard let key = terminal.key(milliseconds: Int32(clamping: patience)) else { continue }
            guard press(key) else { return }
            // What a key did shows at once.
            due = EventTime.now().mono
        }
    }

    private mutating func look() throws {
        view.status = try client.call("status")
        view.calls = try client.call("calls.list").elements ?? []
        view.agents = try client.call("agents.list").elements ?? []
        view.settle()
    }

    /// False when it is time to go.
    private mutating func press(_ key: Terminal.Key) -> Bool {
        if let call = doomed {
            doomed = nil
            view.message = ""
            if key == .character("y") { ask("hangup", of: call) }
            return key != .ended
        }
        view.message = ""
        switch key {
        case .up, .character("k"): view.move(-1)
        case .down, .character("j"): view.move(1)
        case .character("h"): toggleHold()
        case .character("c"): ask("complete")
        case .character("x"): ask("cancel")
        case .character("s"): ask("swap")
        case .character("K"):
            doomed = view.selected
            if let call = doomed { view.message = "hang up \(call)? y: yes, any other key: no" }
        case .character("q"), .ended: return false
        case .resized, .character: break
        }
        return true
    }

    private mutating func toggleHold() {
        let call = view.calls.first { $0["call"]?.text == view.selected }
        ask(call?["state"]?.text == "held" ? "resume" : "hold")
    }

    private mutating func ask(_ command: String, of call: String? = nil) {
        guard let call = call ?? view.selected else { return }
        do {
            _ = try client.call("call.\(command)", ["call": .string(call)])
            view.message = "\(command) \(call): done"
        } catch {
            view.message = "\(command) \(call): \(error)"
        }
    }
}
