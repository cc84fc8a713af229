/// What a phone can be told to do, on standard input or by a rule.
enum Action: Hashable {
    case call(String)
    case ring(Int)
    case early
    case answer
    case reject(Int, q850: Int, reason: String?)
    case redirect(String)
    case hangup
    case digits(String)
    case hold(Bool)
    case mute(Bool)
    case voice(Bool)
    case tone(Int)
    case busy(Bool)
    case vanish
    case record(String)
    case request(method: String, type: String?, body: String?)
    case refer(String, headers: [String])
    /// Attended: to the other end of the second call.
    case referReplaces(Int, to: String?)
    case takeOver(String, replaces: Int, from: String?, earlyOnly: Bool)
    case identify(String)
    case quit
}

/// An action and the call it is meant for: none is the latest call that is still open.
struct Command: Hashable {
    var action: Action
    var call: Int?
    var delay: Int

    static let help = """
          call URI                      place a call
          ring [STATUS]                 provisional response (180)
          early                         183 with SDP: the tone is sent before the answer
          answer                        200
          reject STATUS [Q850 [TEXT]]   final response, with a Reason header
          redirect URI                  302
          hangup                        BYE, CANCEL or 603, whichever fits
          digits STRING                 RFC 4733 events (with --info-digits: SIP INFO)
          hold | unhold                 re-INVITE
          mute | unmute                 stop or resume sending any RTP
          voice on|off                  send the tone, or nothing
          tone HZ                       another frequency from now on
          busy on|off                   from now on new calls get 486, whatever the rules say
          vanish                        forget the call: no BYE, no answer, no RTP
          record FILE                   what is received, as WAV
          request METHOD [TYPE BODY]    a request in the dialog
          refer URI [NAME: VALUE, …]    REFER (blind transfer), with further headers
          refer-replaces N [URI]        REFER to the other end of call N (attended transfer), or to URI in its place
          take-over N URI [FROM]        call URI, with Replaces naming call N of this phone as URI sees it
          pick-up N URI [FROM]          the same, only while that call rings (early-only)
          identify URI                  tell in mid-call who is here (P-Asserted-Identity)
          quit                          end the phone
        Any of them may be preceded by `after MS` and followed, behind a space, by `@N`, the number of the call it is
        meant for (`hangup @1`, `refer-replaces 2 @1`); else a rule means the call that made it, a line of standard input
        the latest call that is still open.
        """

    /// Reads one line.
    init(_ line: String) throws {
        var words = line.split(whereSeparator: \.isWhitespace).map(String.init)
        delay = 0
        if words.first == "after", words.count > 2 {
            guard let milliseconds = Int(words[1]), milliseconds >= 0 else { throw Usage("after: \(words[1])") }
            delay = milliseconds
            words.removeFirst(2)
        }
        if let last = words.last, last.hasPrefix("@"), words.count > 1 {
            guard let index = Int(last.dropFirst()) else { throw Usage("no call number: \(last)") }
            call = index
            words.removeLast()
        }
        guard let name = words.first else { throw Usage("an empty command") }
        action = try Command.action(name, Array(words.dropFirst()))
    }

    private static func action(_ name: String, _ arguments: [String]) throws -> Action {
        func number(_ text: String) throws -> Int {
            guard let value = Int(text) else { throw Usage("\(name): no number: \(text)") }
            return value
        }
        func one() throws -> String {
            guard arguments.count == 1 else { throw Usage("\(name): one argument is needed") }
            return arguments[0]
        }
        func flag() throws -> Bool {
            let word = try one()
            guard word == "on" || word == "off" else { throw Usage("\(name): on or off") }
            return word == "on"
        }
        switch name {
        case "call": return .call(try one())
        case "ring": return .ring(try arguments.first.map(number) ?? 180)
        case "early": return .early
        case "answer": return .answer
        case "reject":
            guard let status = arguments.first else { throw Usage("reject: which status?") }
            let text = arguments.dropFirst(2).joined(separator: " ")
            return .reject(
                try number(status), q850: arguments.count > 1 ? try number(arguments[1]) : 0,
                reason: text.isEmpty ? nil : text)
        case "redirect": return .redirect(try one())
        case "hangup": return .hangup
        case "digits": return .digits(try one())
        case "hold": return .hold(true)
        case "unhold": return .hold(false)
        case "mute": return .mute(true)
        case "unmute": return .mute(false)
        case "voice": return .voice(try flag())
        case "busy": return .busy(try flag())
        case "tone": return .tone(try number(try one()))
        case "vanish": return .vanish
        case "record": return .record(try one())
        case "request":
            guard let method = arguments.first else { throw Usage("request: which method?") }
            let body = arguments.dropFirst(2).joined(separator: " ").replacing("\\r\\n", with: "\r\n")
            return .request(
                method: method, type: arguments.count > 1 ? arguments[1] : nil, body: body.isEmpty ? nil : body)
        case "refer":
            guard let uri = arguments.first else { throw Usage("refer: where to?") }
            let headers = arguments.dropFirst().joined(separator: " ").split(separator: ",")
            return .refer(uri, headers: headers.map { $0.trimmingPrefix(" ") }.map(String.init))
        case "refer-replaces":
            guard let call = arguments.first else { throw Usage("refer-replaces: which call?") }
            return .referReplaces(try number(call), to: arguments.dropFirst().first)
        case "take-over", "pick-up":
            guard arguments.count == 2 || arguments.count == 3 else { throw Usage("\(name): N URI [FROM]") }
            return .takeOver(
                arguments[1], replaces: try number(arguments[0]), from: arguments.count > 2 ? arguments[2] : nil,
                earlyOnly: name == "pick-up")
        case "identify": return .identify(try one())
        case "quit": return .quit
        default: throw Usage("no such command: \(name)")
        }
    }
}

/// What happens by itself: `[WHO/]EVENT[+MS] COMMAND`.
struct Rule: Hashable {
    enum Event: String, CaseIterable { case start, calling, incoming, ringing, answered, held, unheld, ended }

    /// `in`, `out`, or the user part of the address that was called; none: every call.
    var who: String?
    var event: Event
    var delay: Int
    var command: Command

    init(who: String? = nil, event: Event, delay: Int = 0, _ command: String) throws {
        self.who = who
        self.event = event
        self.delay = delay
        self.command = try Command(command)
    }

    init(_ text: String) throws {
        let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw Usage("--on '\(text)': [WHO/]EVENT[+MS] COMMAND") }
        let (who, rest) = Rule.split(parts[0], at: "/")
        let (word, delay) = Rule.split(rest ?? who, at: "+")
        guard let event = Event(rawValue: word) else {
            let known = Event.allCases.map(\.rawValue).joined(separator: ", ")
            throw Usage("--on '\(text)': no event \(word); there are \(known)")
        }
        guard let milliseconds = Int(delay ?? "0"), milliseconds >= 0 else {
            throw Usage("--on '\(text)': +\(delay ?? "") is no time")
        }
        try self.init(who: rest == nil ? nil : who, event: event, delay: milliseconds, parts[1])
    }

    private static func split(_ text: String, at separator: Character) -> (String, String?) {
        guard let index = text.firstIndex(of: separator) else { return (text, nil) }
        return (String(text[..<index]), String(text[text.index(after: index)...]))
    }
}

/// What was asked cannot be understood; the text says what and why.
struct Usage: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
