import CTelephony
import EventLog

/// Whom `serve` says that it has refused for not being trusted: once a minute for each address, so that somebody whose
/// calls fail finds out why, and somebody who floods fills no log.
final class RefusalNews: @unchecked Sendable {
    private static let interval: Int64 = 60_000_000
    /// More of them are not told apart: the addresses of a flood may be made up.
    private static let mostAddresses = 100

    private let monitor = Monitor()
    // Guarded by `monitor`: when each address was named.
    private var named: [String: Int64] = [:]

    /// The line about a refused INVITE; null: it is not about trust, or there was one of late.
    func line(about event: tel_event) -> String? {
        guard event.kind == TEL_EVENT_REFUSED, event.status == 403, !event.trusted, let source = event.source else {
            return nil
        }
        let address = String(cString: source)
        guard mayName(address, at: event.mono_us) else { return nil }
        let why = event.reason.map { String(cString: $0) } ?? "not in sip.trustedPeers"
        return "refused INVITE from \(address): \(why)"
    }

    /// - Parameter address: with the port, which does not count.
    func mayName(_ address: String, at time: Int64) -> Bool {
        let host = String(address[..<(address.lastIndex(of: ":") ?? address.endIndex)])
        monitor.lock()
        defer { monitor.unlock() }
        if let last = named[host], time - last < Self.interval { return false }
        if named.count >= Self.mostAddresses { named = named.filter { time - $0.value < Self.interval } }
        guard named.count < Self.mostAddresses else { return false }
        named[host] = time
        return true
    }
}
