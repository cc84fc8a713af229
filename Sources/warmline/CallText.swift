import Controller

// What `status`, `calls` and `show` look like for people.

enum StatusText {
    static func lines(_ status: JSONValue) -> [String] {
        var table = Table([])
        func add(_ name: String, _ value: String) { table.add([name, value]) }
        add("version", status.word("version"))
        add("node", status.word("node"))
        add("state", status.word("state"))
        add("uptime", uptime(status["uptime_ms"]?.number ?? 0))
        add("open calls", status.word("open_calls"))
        for (index, address) in (status["listen"]?.elements ?? []).enumerated() {
            add(index == 0 ? "listening on" : "", address.word)
        }
        for (index, phone) in (status["registered"]?.elements ?? []).enumerated() {
            add(index == 0 ? "registered" : "", "\(phone.word("agent")) at \(phone.word("contact"))")
        }
        for (index, server) in (status["registrations"]?.elements ?? []).enumerated() {
            add(index == 0 ? "registered with" : "", registration(server))
        }
        if let events = status["events"] {
            add("log", "\(events.word("directory")) (\(events.word("durability")))")
            add("log health", health(events))
        }
        if let sip = status["sip"] {
            add(
                "SIP",
                "\(sip.word("messages_received")) received, \(sip.word("messages_sent")) sent, "
                    + "\(sip.word("malformed")) malformed; legs: \(sip.word("legs_open")) open, "
                    + "\(sip.word("legs_peak")) at most, \(sip.word("legs_max")) possible")
        }
        if let sip = status["sip"], ["auth_failed", "auth_replayed"].contains(where: { sip[$0]?.number ?? 0 > 0 }) {
            add(
                "",
                "refused: \(sip.word("auth_failed")) wrong passwords, \(sip.word("auth_replayed")) repeated signatures")
        }
        if let sip = status["sip"], let count = sip["refused_unreported"]?.number, count > 0 {
            add("", "refused and not logged: \(count) INVITEs, more than ten a second, of peers that are not trusted")
        }
        if let sip = status["sip"], let failed = sip["tls_failed"]?.number, failed > 0 {
            add("", "\(failed) TLS connections failed, the last: \(sip.word("tls_last_failure"))")
        }
        if let rtp = status["rtp"] {
            add(
                "RTP",
                "\(rtp.word("received")) received, \(rtp.word("sent")) sent, \(rtp.word("dropped")) dropped; "
                    + "\(rtp.word("digits_dropped")) digits dropped")
            if let refused = rtp["no_port"]?.number, refused > 0 {
                add("", "\(refused) calls found no free port: media.ports is too small, or others use them")
            }
        }
        add("PJSIP", status["sip"]?.word("pjsip") ?? "")
        return Array(table.lines.dropFirst())
    }

    private static func registration(_ server: JSONValue) -> String {
        let name = "\(server.word("user")) at \(server.word("server"))"
        switch server.word("state") {
        case "registered": return "\(name), for another \(server.word("expires_s")) s"
        case "failed":
            return "\(name): FAILED with \(server.word("sip_status")), again in \(server.word("retry_s")) s"
        default: return "\(name): trying"
        }
    }

    private static func health(_ events: JSONValue) -> String {
        var words = [events["writable"] == .bool(true) ? "writable" : "DOWN: \(events.word("error"))"]
        words.append("safe up to \(events.word("synced_seq"))")
        for (key, text) in [
            ("waiting", "waiting"), ("late", "messages late"), ("dropped", "lines dropped"),
            ("refused_unlogged", "refusals not logged"), ("failures", "failures"),
        ] {
            if let number = events[key]?.number, number > 0 { words.append("\(number) \(text)") }
        }
        return words.joined(separator: ", ")
    }

    private static func uptime(_ milliseconds: Int64) -> String {
        let seconds = milliseconds / 1000
        let days = seconds / 86_400
        let clock = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
        return (days > 0 ? "\(days) d " : "") + clock.joined(separator: ":")
    }
}

enum CallText {
    static func list(_ calls: JSONValue) -> [String] {
        guard let calls = calls.elements, !calls.isEmpty else { return ["no open calls"] }
        var table = Table(["CALL", "STATE", "SINCE", "CALLER", "LINE", "GROUP", "AGENT", "TARGET"])
        for call in calls {
            table.add([
                call.word("call"), call.word("state"), clock(call["since"]), call["caller"]?.text ?? call.word("from"),
                call.word("line"), call.word("group"), call.word("agent"), call.word("target"),
            ])
        }
        return table.lines
    }

    static func detail(_ call: JSONValue) -> [String] {
        var head = Table([])
        for key in [
            "call", "state", "since", "arrived", "caller", "from", "direction", "line", "group", "agent", "target",
        ] {
            head.add([key, key == "since" || key == "arrived" ? clock(call[key]) : call.word(key)])
        }
        var lines = Array(head.lines.dropFirst())
        if let past = call["past"]?.elements, !past.isEmpty {
            lines += ["", "before: \(past.map(\.word).joined(separator: "; "))"]
        }
        lines += rows(call["legs"], "legs", ["leg", "role", "state", "codec", "hears", "agent", "uri", "since"])
        lines += rows(
            call["legs"], "media",
            ["leg", "packets", "packets_lost", "peer_packets_lost", "jitter_us", "round_trip_us", "transcoded"])
        lines += rows(
            call["hold_segments"], "hold segments", ["hold", "reason", "agent", "started", "hold_ms", "outcome"])
        lines += rows(
            call["transfer_requests"], "transfers", ["transfer", "kind", "agent", "target", "started", "state"])
        lines += rows(call["consults"], "consults", ["consult", "transfer", "target", "mode", "started", "state"])
        return lines
    }

    private static func rows(_ list: JSONValue?, _ title: String, _ keys: [String]) -> [String] {
        guard let list = list?.elements, !list.isEmpty else { return [] }
        var table = Table(keys.map { $0.uppercased() })
        for entry in list {
            table.add(keys.map { $0 == "since" || $0 == "started" ? clock(entry[$0]) : entry.word($0) })
        }
        return ["", "\(title):"] + table.lines.map { "  \($0)" }
    }

    /// The local time of day of a time stamp of the log.
    private static func clock(_ value: JSONValue?) -> String { LocalTime.clock(value?.text ?? "") }
}

extension JSONValue {
    /// A value as a word for people: `-` for null.
    var word: String {
        switch self {
        case .null: "-"
        case .string(let text): text
        default: line
        }
    }

    /// The word of a key.
    func word(_ key: String) -> String { self[key]?.word ?? "-" }
}
