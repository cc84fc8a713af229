import CTelephony
import Foundation

/// What the command line asks for.
struct Options {
    var listen: [String] = []
    var user = "testphone"
    var name: String?
    var from: String?
    var tone = 700
    /// What it takes its address for, which nobody reaches.
    var nat: String?
    var hears = true
    var codecs = ["PCMA", "PCMU", "G722", "opus"]
    var rtpPorts: (first: UInt16, last: UInt16)?
    var server: String?
    var password: String?
    var srtp = TEL_SRTP_OFF
    var certificate: String?
    var privateKey: String?
    var authorities: String?
    var rules: [Rule] = []
    var record: String?
    var infoDigits = false
    var offer = true
    var maxForwards = 0
    var headers: [String] = []
    var shownHeaders: [String] = []
    var messages = false
    var once = false
    var rtp = true
    var byeAfterNotify = false
    var onRefer = ReferPolicy.refuse(603)
    var rtpTimeout = 0
    var faults = Faults()

    var target: String?

    /// What is done about a REFER.
    enum ReferPolicy {
        case follow, ignore, bye
        case refuse(Int)
    }

    /// `tel_faults` with strings that live.
    struct Faults {
        var answerOnCancel = false
        var refuseReinvite = 0
        var refuseCount = 0
        var method: String?
        var nth: [String: Int] = [:]
        var delay = 0
        var plainHold = false
        var inactiveHold = false
    }

    private struct Entry: Sendable {
        var name: String
        var argument: String?
        var help: String
        var apply: @Sendable (inout Options, String) throws -> Void
    }

    private static let entries: [(String, [Entry])] = [
        (
            "The phone",
            [
                Entry(
                    name: "listen", argument: "udp:ADDR:PORT",
                    help: "where to listen, tcp: and tls: too; may be repeated"
                ) {
                    $0.listen.append($1)
                },
                Entry(name: "user", argument: "USER", help: "user part of the own address (testphone)") {
                    $0.user = $1
                },
                Entry(name: "name", argument: "TEXT", help: "display name") { $0.name = $1 },
                Entry(name: "from", argument: "URI", help: "From of calls, where it is not sip:USER@ADDR:PORT") {
                    $0.from = $1
                },
                Entry(
                    name: "nat", argument: "ADDRESS", help: "as from behind NAT: this address in Via, Contact and SDP"
                ) {
                    $0.nat = $1
                },
                Entry(name: "tone", argument: "HZ", help: "the voice: a sine of this frequency (700)") {
                    $0.tone = try number($1)
                },
                Entry(name: "codecs", argument: "LIST", help: "in order of preference (PCMA,PCMU,G722,opus)") {
                    $0.codecs = $1.split(separator: ",").map(String.init)
                },
                Entry(
                    name: "rtp-ports", argument: "A-B",
                    help: "for RTP and RTCP (40 ports that follow from the SIP port)"
                ) {
                    let ends = $1.split(separator: "-").compactMap { UInt16($0) }
                    guard ends.count == 2, ends[0] < ends[1] else { throw Usage("--rtp-ports \($1): A-B is needed") }
                    $0.rtpPorts = (ends[0], ends[1])
                },
                Entry(name: "rtp-timeout", argument: "MS", help: "report when no RTP comes for so long (0: never)") {
                    $0.rtpTimeout = try number($1)
                },
                Entry(name: "register", argument: "URI", help: "register USER with this server") { $0.server = $1 },
                Entry(name: "password", argument: "TEXT", help: "sign what servers want signed, as USER, with this") {
                    $0.password = $1
                },
                Entry(name: "srtp", argument: "off|optional|required", help: "encrypted RTP with keys in SDP (off)") {
                    guard
                        let mode = ["off": TEL_SRTP_OFF, "optional": TEL_SRTP_OPTIONAL, "required": TEL_SRTP_REQUIRED][
                            $1]
                    else { throw Usage("--srtp \($1): off, optional or required is needed") }
                    $0.srtp = mode
                },
                Entry(name: "tls-certificate", argument: "FILE", help: "PEM, for --listen tls:ADDR:PORT") {
                    $0.certificate = $1
                },
                Entry(name: "tls-key", argument: "FILE", help: "its private key") { $0.privateKey = $1 },
                Entry(
                    name: "tls-ca", argument: "FILE", help: "verify servers by these authorities (without: not at all)"
                ) {
                    $0.authorities = $1
                },
                Entry(name: "no-rtp", argument: nil, help: "send no RTP at all") { options, _ in options.rtp = false },
                Entry(name: "deaf", argument: nil, help: "do not decode what is received: no `heard`, no `stream`") {
                    options, _ in options.hears = false
                },
                Entry(name: "record", argument: "FILE", help: "what is received, as WAV; %d becomes the call's number")
                {
                    $0.record = $1
                },
                Entry(name: "show", argument: "LIST", help: "headers of INVITEs that `incoming` says, by name") {
                    $0.shownHeaders = $1.split(separator: ",").map(String.init)
                },
                Entry(name: "messages", argument: nil, help: "take MESSAGE, and say so in Allow") { options, _ in
                    options.messages = true
                },
                Entry(name: "once", argument: nil, help: "end with the first call; exit status 0 if it was answered") {
                    options, _ in options.once = true
                },
            ]
        ),
        (
            "What it does by itself (else it rings, and waits for commands)",
            [
                Entry(name: "call", argument: "URI", help: "place a call at the start") {
                    $0.target = $1
                },
                Entry(name: "answer-after", argument: "MS", help: "ring, then answer; 0: at once") {
                    let delay = try number($1)
                    if delay > 0 { $0.rules.append(try Rule(who: "in", event: .incoming, "ring")) }
                    $0.rules.append(try Rule(who: "in", event: .incoming, delay: delay, "answer"))
                },
                Entry(name: "reject", argument: "CODE[,Q850[,TEXT]]", help: "reject with a status, a Reason header") {
                    let words = $1.split(separator: ",", maxSplits: 2).joined(separator: " ")
                    $0.rules.append(try Rule(who: "in", event: .incoming, "reject \(words)"))
                },
                Entry(name: "ring-forever", argument: nil, help: "never answer") { options, _ in
                    options.rules.append(try Rule(who: "in", event: .incoming, "ring"))
                },
                Entry(name: "redirect", argument: "URI", help: "302 to there") {
                    $0.rules.append(try Rule(who: "in", event: .incoming, "redirect \($1)"))
                },
                Entry(name: "early-media", argument: nil, help: "183 with SDP, and the tone before the answer") {
                    options, _ in options.rules.append(try Rule(who: "in", event: .incoming, "early"))
                },
                Entry(name: "hangup-after", argument: "MS", help: "after the answer") {
                    $0.rules.append(try Rule(event: .answered, delay: number($1), "hangup"))
                },
                Entry(name: "digits", argument: "STRING", help: "send these after the answer") {
                    $0.rules.append(try Rule(event: .answered, delay: 300, "digits \($1)"))
                },
                Entry(name: "digits-after", argument: "MS", help: "… so long after it (300); follows --digits") {
                    guard let last = $0.rules.indices.last, case .digits = $0.rules[last].command.action else {
                        throw Usage("--digits-after follows --digits")
                    }
                    $0.rules[last].delay = try number($1)
                },
                Entry(name: "on", argument: "'[WHO/]EVENT[+MS] COMMAND'", help: "any of it, see below; may be repeated")
                {
                    $0.rules.append(try Rule($1))
                },
            ]
        ),
        (
            "How it does it",
            [
                Entry(name: "info-digits", argument: nil, help: "digits by SIP INFO instead of RFC 4733") {
                    options, _ in options.infoDigits = true
                },
                Entry(name: "no-sdp", argument: nil, help: "INVITEs without an offer") { options, _ in
                    options.offer = false
                },
                Entry(name: "max-forwards", argument: "N", help: "of INVITEs (70)") { $0.maxForwards = try number($1) },
                Entry(name: "header", argument: "'NAME: VALUE'", help: "in INVITEs; may be repeated") {
                    $0.headers.append($1)
                },
                Entry(
                    name: "bye-after-notify", argument: nil, help: "hang up once a REFER of ours has been carried out"
                ) {
                    options, _ in options.byeAfterNotify = true
                },
                Entry(
                    name: "refer", argument: "follow|ignore|bye|STATUS",
                    help: "a REFER: call there and tell; 202 and no more; 202 and hang up; refuse (603)"
                ) {
                    switch $1 {
                    case "follow": $0.onRefer = .follow
                    case "ignore": $0.onRefer = .ignore
                    case "bye": $0.onRefer = .bye
                    default: $0.onRefer = .refuse(try number($1))
                    }
                },
                Entry(name: "inactive-hold", argument: nil, help: "hold by a=inactive") { options, _ in
                    options.faults.inactiveHold = true
                },
                Entry(name: "old-style-hold", argument: nil, help: "hold by c=0.0.0.0 (RFC 2543)") { options, _ in
                    options.faults.plainHold = true
                },
            ]
        ),
        (
            "How it misbehaves",
            [
                Entry(name: "answer-on-cancel", argument: nil, help: "200 to the INVITE when a CANCEL comes") {
                    options, _ in options.faults.answerOnCancel = true
                },
                Entry(name: "refuse-reinvite", argument: "CODE[:N]", help: "every re-INVITE and UPDATE, or the first N")
                {
                    let parts = $1.split(separator: ":").map(String.init)
                    $0.faults.refuseReinvite = try number(parts[0])
                    $0.faults.refuseCount = parts.count > 1 ? try number(parts[1]) : 0
                },
                Entry(
                    name: "fault", argument: "WHAT:METHOD:N[:MS]",
                    help: "the Nth such message: drop-tx, duplicate-tx, delay-tx, drop-rx; METHOD * is any"
                ) {
                    let parts = $1.split(separator: ":").map(String.init)
                    guard parts.count >= 3, ["drop-tx", "duplicate-tx", "delay-tx", "drop-rx"].contains(parts[0]) else {
                        throw Usage("--fault \($1): WHAT:METHOD:N[:MS] is needed")
                    }
                    $0.faults.method = parts[1] == "*" ? nil : parts[1]
                    $0.faults.nth[parts[0]] = try number(parts[2])
                    if parts.count > 3 { $0.faults.delay = try number(parts[3]) }
                },
            ]
        ),
    ]

    private static let examples = """
        Rules: WHO is `in`, `out` or the user part of the address called; EVENT is start, calling, incoming, ringing,
        answered, held, unheld or ended; COMMAND is a command.

        Commands, one a line on standard input:
        \(Command.help)

        Standard output has one JSON object a line: time, mono_us, event (ready, calling, incoming, ringing, answered,
        digit, heard, stream, held, unheld, reoffered, identity, message, response,
        notify, ended, error, …), call, and what belongs to the event. `heard` says what is
        received: hz (0: silence, -1: no dominant tone) and label (silence, music, tone, unclear).

        Examples:
          testphone --listen udp:127.0.0.1:5082 --user 1002 --answer-after 2000
          testphone --listen udp:127.0.0.1:5083 --user 1003 --reject 486
          testphone --listen udp:127.0.0.1:5081 --user 1001 --answer-after 500 --digits '*21002#' --digits-after 1000
          testphone --listen udp:127.0.0.1:5090 --user 3100 --tone 500 --call sip:7000@127.0.0.1:5070 --hangup-after 9000
          testphone --listen udp:127.0.0.1:5081 --user 1001 --on 'in/incoming+300 answer' \\
              --on 'answered+2000 digits *21002#' --on 'answered+9000 hangup'

        `testphone load --help`: many calls at once, to measure a server.
        """

    static var help: String {
        var text =
            "usage: testphone [OPTION…]\n\nA scriptable SIP softphone: each phone's voice is a sine of its own.\n"
        for (title, entries) in entries {
            text += "\n\(title):\n"
            for entry in entries {
                let left = "  --\(entry.name)\(entry.argument.map { " \($0)" } ?? "")"
                let gap =
                    left.count < 34
                    ? String(repeating: " ", count: 34 - left.count) : "\n" + String(repeating: " ", count: 34)
                text += left + gap + entry.help + "\n"
            }
        }
        return text + "\n" + examples
    }

    /// Reads the command line, `--name value` or `--name=value`; nil where help was asked for. (Swift's Glibc module
    /// has no getopt_long.)
    init?(_ arguments: [String]) throws {
        let known = Self.entries.flatMap(\.1)
        var rest = arguments.dropFirst()
        while let word = rest.popFirst() {
            if word == "--help" || word == "-h" { return nil }
            guard word.hasPrefix("--") else { throw Usage("unexpected: \(word)") }
            let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let entry = known.first(where: { $0.name == parts[0] }) else {
                throw Usage("no such option: \(word)")
            }
            if entry.argument == nil {
                guard parts.count == 1 else { throw Usage("--\(entry.name) takes no value") }
                try entry.apply(&self, "")
            } else {
                guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
                    throw Usage("--\(entry.name): a value is needed")
                }
                try entry.apply(&self, value)
            }
        }
        if listen.isEmpty { listen = ["udp:127.0.0.1:0"] }
        if let target { rules.append(try Rule(event: .start, "call \(target)")) }
    }

    private static func number(_ text: String) throws -> Int {
        guard let value = Int(text), value >= 0 else { throw Usage("no number: \(text)") }
        return value
    }
}
