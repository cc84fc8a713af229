import TransferEngine

// What `--log-level debug` says of a leg. Digits are told by their number only: they may be somebody's PIN.

extension Input {
    /// The leg that it is about.
    var leg: LegID? {
        switch self {
        case .legProgress(let leg, _, _), .legAnswered(let leg, _), .legEnded(let leg, _), .legMedia(let leg, _, _, _),
            .rtpTimeout(let leg), .digit(let leg, _), .identity(let leg, _), .reoffered(let leg, _, _, _),
            .handedOver(let leg, _, _, _):
            leg
        default: nil
        }
    }

    var text: String {
        switch self {
        case .invite(let invitation):
            "< INVITE \(invitation.requestURI) from \(invitation.from) at \(invitation.source)"
        case .inviteRefused(let from, let to, let status): "< INVITE \(to) from \(from), refused with \(status)"
        case .legProgress(let leg, let status, let early):
            "leg \(leg.number) < \(status)\(early ? " with early media" : "")"
        case .legAnswered(let leg, let codec): "leg \(leg.number) answered, \(codec ?? "no codec")"
        case .legEnded(let leg, let end):
            ["leg \(leg.number) ended by \(end.how.rawValue)", end.sipStatus.map(String.init), end.reason].compactMap(
                \.self
            )
            .joined(separator: " ")
        case .legMedia(let leg, let sends, let receives, let codec):
            "leg \(leg.number) \(sends ? "sends" : "sends nothing"), \(receives ? "receives" : "receives nothing"), \(codec ?? "-")"
        case .rtpTimeout(let leg): "leg \(leg.number) has gone silent: no RTP"
        case .digit(let leg, _): "leg \(leg.number) sent a digit"
        case .identity(let leg, let identity): "leg \(leg.number) says that it is \(identity.uri) now"
        case .routed: "the relay has switched"
        case .toneEnded: "a tone has ended"
        case .reoffered(let leg, _, let status, let codec):
            "leg \(leg.number) < \(status) to our re-INVITE, \(codec ?? "-")"
        case .handedOver(let leg, _, let status, _): "leg \(leg.number) < \(status) to our REFER"
        case .registered(let agent, let contact): "\(agent) \(contact.map { "registered at \($0)" } ?? "unregistered")"
        case .command(_, let command): "command \(caseName(command))"
        default: caseName(self)
        }
    }
}

extension Effect {
    /// The leg that it is about.
    var leg: LegID? {
        switch self {
        case .adopt(let leg, _, _), .invite(let leg, _), .ring(let leg, _, _), .answer(let leg, _), .hangUp(let leg, _),
            .hold(let leg, _, _), .matchCodec(let leg, _, _), .tone(let leg, _, _),
            .announce(let leg, _, _), .stopTone(let leg), .sendDigits(let leg, _),
            .identify(let leg, _, _), .handOver(let leg, _, _, _):
            leg
        case .route(let routes, _): routes.first?.leg
        default: nil
        }
    }

    var text: String {
        switch self {
        case .adopt(let leg, _, _): "leg \(leg.number) is the one that came in"
        case .refuse(_, let status, _): "> \(status) to the INVITE"
        case .invite(let leg, let invite): "leg \(leg.number) > INVITE \(invite.uri), Call-ID \(invite.sipCallID)"
        case .ring(let leg, let status, let early):
            "leg \(leg.number) > \(status)\(early == nil ? "" : " with early media")"
        case .answer(let leg, _): "leg \(leg.number) > 200"
        case .hangUp(let leg, let how):
            ["leg \(leg.number) > hang up", how.sipStatus == 0 ? nil : String(how.sipStatus), how.reason].compactMap(
                \.self
            )
            .joined(separator: " ")
        case .hold(let leg, let hold, _): "leg \(leg.number) > re-INVITE: \(hold ? "held" : "no longer held")"
        case .matchCodec(let leg, let other, _): "leg \(leg.number) > re-INVITE: the codec of leg \(other.number)"
        case .route(let routes, _):
            routes.map { "leg \($0.leg.number) hears \(hearing($0.source))" }.joined(separator: ", ")
        case .tone(let leg, let tone, _): "leg \(leg.number) is played the tone \(tone.rawValue)"
        case .announce(let leg, let words, _):
            "leg \(leg.number) is told \(words.files { _ in false }.joined(separator: " "))"
        case .stopTone(let leg): "leg \(leg.number) is told no more"
        case .sendDigits(let leg, let digits): "leg \(leg.number) > \(digits.count) digits"
        case .identify(let leg, let identity, _): "leg \(leg.number) is told that it talks with \(identity.uri)"
        case .handOver(let leg, let other, _, _): "leg \(leg.number) > REFER to the peer of leg \(other.number)"
        default: caseName(self)
        }
    }

    private func hearing(_ source: MediaSource) -> String {
        if case .leg(let other) = source { "leg \(other.number)" } else { caseName(source) }
    }
}

/// The case of an enum without its values.
private func caseName(_ value: Any) -> String { String("\(value)".prefix { $0 != "(" }) }
