import EventLog
import TransferEngine

/// The configuration of a controller as read, defaults filled in. Times are in milliseconds. Relative paths are
/// relative to the working directory of the process, as those of the command line are.
public struct Configuration: Hashable, Sendable {
    public var node = "ctl-1"
    public var sip = SIP()
    /// `sip.numbering`
    public var numbering: Numbering?
    public var registrations: [Registration] = []
    public var media = Media()
    /// In the file's order.
    public var agents: [AgentSettings] = []
    /// Of the agents who have a password, in the same order.
    public var accounts: [Account] = []
    public var groups: [GroupSettings] = []
    public var lines: [LineSettings] = []
    public var callers: [CallerPriority] = []
    public var agentCodes = AgentCodes()
    public var transfer = TransferSettings()
    /// Headers of a caller's INVITE that go on to whoever is called for them.
    public var passHeaders = ["User-to-User"]
    public var events = Events()
    public var control = Control()
    public var metrics = Metrics()

    public init() {}

    public struct SIP: Hashable, Sendable {
        public var listen = [
            ListenAddress(transport: .udp, address: IPAddress("127.0.0.1")!, port: 5070),
            ListenAddress(transport: .tcp, address: IPAddress("127.0.0.1")!, port: 5070),
        ]
        public var externalAddress: String?
        public var localNets: [String] = []
        public var trustedPeers = ["127.0.0.1/32"]
        /// Of the challenges to those who are not trusted; null: the node's name.
        public var realm: String?
        public var lineFrom = LineSource.requestURI
        public var tls = TLS()
        public var outboundProxy: String?
        /// Seconds; 0: none offered.
        public var sessionExpires = 1800
        public var minSE = 90
        /// Seconds between two OPTIONS in the dialog of a held leg; 0: none.
        public var keepAlive = 30
    }

    /// Which header of an INVITE names the line.
    public enum LineSource: String, Hashable, Sendable, CaseIterable {
        case requestURI = "request-uri"
        case to
        case calledParty = "p-called-party-id"
    }

    public struct Media: Hashable, Sendable {
        public var address = IPAddress("127.0.0.1")!
        /// One of the other kind, IPv4 or IPv6.
        public var otherAddress: IPAddress?
        public var externalAddress: String?
        public var ports: ClosedRange<Int> = 20000...20999
        public var codecs = ["PCMA", "PCMU", "G722", "opus"]
        public var srtp = SRTP.off
        public var musicOnHold: String?
        public var rtpTimeout = 30_000
        public var engine = MediaEngine.relay
        /// Nodes of rtpengine by their ng addresses.
        public var rtpengines: [ListenAddress] = []
        /// Where these log digits to.
        public var rtpengineDigits: ListenAddress?

        var addresses: [IPAddress] { [address] + (otherAddress.map { [$0] } ?? []) }

        /// A port pair is an even port for RTP and the next one for RTCP.
        static func pairs(in ports: ClosedRange<Int>) -> Int {
            let first = ports.lowerBound + ports.lowerBound % 2
            return max(0, (ports.upperBound + 1 - first) / 2)
        }
    }

    public struct Events: Hashable, Sendable {
        public var directory = "events"
        public var durability = Durability.batch
        public var segmentBytes = 67_108_864
        public var keepDays: Int?
        public var maxPending = 1_000_000
        public var notes = true
    }

    public struct Control: Hashable, Sendable {
        public static let defaultSocket = "warmline.sock"
        /// Where the unit and the configurations for PBXs have it.
        public static let serviceSocket = "/run/warmline/warmline.sock"
        public var socket = Control.defaultSocket
    }

    public struct Metrics: Hashable, Sendable {
        /// Where the figures are written for Prometheus; null: nowhere.
        public var textfile: String?
        public var interval = 15_000
    }
}
