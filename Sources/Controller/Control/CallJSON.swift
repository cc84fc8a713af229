import CallEvents
import EventLog
import TransferEngine

// What `calls.list` and `call.show` say: the words and units of the log.

extension CallSummary {
    var json: JSONValue { .object(members) }

    fileprivate var members: [JSONValue.Member] {
        [
            .init("call", .string(call)),
            .init("state", .string(state)),
            .init("since", .string(since.timestamp)),
            .init("arrived", .string(arrived.timestamp)),
            .init("caller", JSONValue(caller)),
            .init("from", .string(from)),
            .init("direction", .string(direction.rawValue)),
            .init("line", JSONValue(line)),
            .init("group", JSONValue(group)),
            .init("agent", JSONValue(agent)),
            .init("target", JSONValue(target)),
            .init("holds", JSONValue(holds)),
            .init("transfers", JSONValue(transfers)),
        ]
    }
}

extension CallDetail {
    /// The summary's keys, and a list for each kind of part.
    func json(_ media: [LegMedia?]) -> JSONValue {
        .object(
            summary.members + [
                .init("past", .array(past.map(JSONValue.string))),
                .init("legs", .array(zip(legs, media).map { $0.json($1) })),
                .init("hold_segments", .array(holds.map(\.json))),
                .init("consults", .array(consults.map(\.json))),
                .init("transfer_requests", .array(transfers.map(\.json))),
            ])
    }
}

extension CallDetail.Leg {
    fileprivate func json(_ media: LegMedia?) -> JSONValue {
        [
            "leg": .int(Int64(leg)), "role": .string(role), "uri": .string(uri), "agent": JSONValue(agent),
            "state": .string(state), "codec": JSONValue(codec), "hears": .string(hears),
            "since": .string(since.timestamp), "sip_call_id": .string(sipCallID),
            "packets": JSONValue(media?.figures.packets), "packets_lost": JSONValue(media?.figures.packetsLost),
            "peer_packets_lost": JSONValue(media?.figures.peerPacketsLost),
            "jitter_us": JSONValue(media?.figures.jitterUs), "round_trip_us": JSONValue(media?.figures.roundTripUs),
            "transcoded": media.map { .bool($0.transcoded) } ?? .null,
        ]
    }
}

extension CallDetail.Hold {
    fileprivate var json: JSONValue {
        [
            "hold": JSONValue(hold), "reason": .string(reason.rawValue), "agent": JSONValue(agent),
            "started": .string(started.timestamp), "hold_ms": JSONValue(holdMs),
            "outcome": JSONValue(outcome?.rawValue),
        ]
    }
}

extension CallDetail.Consult {
    fileprivate var json: JSONValue {
        [
            "consult": JSONValue(consult), "transfer": JSONValue(transfer), "target": .string(target),
            "mode": .string(mode.rawValue), "started": .string(started.timestamp), "state": .string(state),
        ]
    }
}

extension CallDetail.Transfer {
    fileprivate var json: JSONValue {
        [
            "transfer": JSONValue(transfer), "kind": .string(kind.rawValue), "agent": JSONValue(agent),
            "target": .string(target), "started": .string(started.timestamp), "state": .string(state),
        ]
    }
}
