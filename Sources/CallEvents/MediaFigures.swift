/// How a leg's RTP fared, as `party.left` and `call.ended` state it. All null where nothing is known: the process died.
public struct MediaFigures: Codable, Hashable, Sendable {
    /// Packets received from the leg's phone.
    public var packets: Int?
    /// What was lost on the way from it, by the sequence numbers.
    public var packetsLost: Int?
    /// What was lost on the way to it, by its last RTCP report.
    public var peerPacketsLost: Int?
    /// Interarrival jitter (RFC 3550 §6.4.1) of what came last, in microseconds.
    public var jitterUs: Int?
    /// Round trip by its last RTCP report, in microseconds; null without one.
    public var roundTripUs: Int?

    public init(
        packets: Int? = nil, packetsLost: Int? = nil, peerPacketsLost: Int? = nil, jitterUs: Int? = nil,
        roundTripUs: Int? = nil
    ) {
        self.packets = packets
        self.packetsLost = packetsLost
        self.peerPacketsLost = peerPacketsLost
        self.jitterUs = jitterUs
        self.roundTripUs = roundTripUs
    }
}
