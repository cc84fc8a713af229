import EventLog
import TransferEngine

extension Configuration {
    /// The effective configuration, in the order and the units of the file; what `warmline check` prints. Passwords
    /// are masked.
    public var json: JSONValue {
        [
            "node": .string(node),
            "sip": sipJSON,
            "registrations": .array(registrations.map(\.json)),
            "media": mediaJSON,
            "agents": .object(agents.map { JSONValue.Member($0.name, $0.json(account(of: $0.name))) }),
            "groups": .object(groups.map { JSONValue.Member($0.name, $0.json) }),
            "lines": .object(lines.map { JSONValue.Member($0.pattern, $0.json) }),
            "transfer": transferJSON,
            "events": [
                "directory": .string(events.directory),
                "durability": .string(events.durability.rawValue),
                "segmentBytes": JSONValue(events.segmentBytes),
                "keepDays": JSONValue(events.keepDays),
                "maxPending": JSONValue(events.maxPending),
                "callerNumbers": "plain",
                "notes": .bool(events.notes),
            ],
            "control": ["socket": .string(control.socket)],
            "metrics": ["textfile": JSONValue(metrics.textfile), "interval": seconds(metrics.interval)],
        ]
    }

    private var sipJSON: JSONValue {
        [
            "listen": .array(sip.listen.map { .string($0.description) }),
            "externalAddress": JSONValue(sip.externalAddress),
            "localNets": strings(sip.localNets),
            "trustedPeers": strings(sip.trustedPeers),
            "realm": JSONValue(sip.realm),
            "lineFrom": .string(sip.lineFrom.rawValue),
            "numbering": numbering?.json ?? .null,
            "tls": [
                "certificate": JSONValue(sip.tls.certificate), "privateKey": JSONValue(sip.tls.privateKey),
                "ca": JSONValue(sip.tls.ca), "verifyPeer": .bool(sip.tls.verifyPeer),
            ],
            "outboundProxy": JSONValue(sip.outboundProxy),
            "sessionExpires": JSONValue(sip.sessionExpires),
            "minSE": JSONValue(sip.minSE),
            "keepAlive": JSONValue(sip.keepAlive),
        ]
    }

    private var mediaJSON: JSONValue {
        [
            "address": .string(media.address.text),
            "externalAddress": JSONValue(media.externalAddress),
            "ports": .array([JSONValue(media.ports.lowerBound), JSONValue(media.ports.upperBound)]),
            "codecs": strings(media.codecs),
            "srtp": .string(media.srtp.rawValue),
            "musicOnHold": JSONValue(media.musicOnHold),
            "rtpTimeout": seconds(media.rtpTimeout),
        ]
    }

    private var transferJSON: JSONValue {
        let codes = transfer.featureCodes
        return [
            "consultTimeout": seconds(transfer.consultTimeout),
            "noResponseTimeout": seconds(transfer.noResponseTimeout),
            "completionTimeout": seconds(transfer.completionTimeout),
            "drainTimeout": seconds(transfer.drainTimeout),
            "codeTimeout": seconds(transfer.codeTimeout),
            "firstDigitTimeout": seconds(transfer.firstDigitTimeout),
            "digitTimeout": seconds(transfer.digitTimeout),
            "fallback": strings(transfer.fallback.map(\.text)),
            "targets": .object(
                transfer.targets.map { JSONValue.Member($0.digits, strings($0.destinations.map(\.text))) }),
            "dial": JSONValue(transfer.dial),
            "allow": strings(transfer.allow),
            "holdSignalling": .string(transfer.holdSignalling.rawValue),
            "completion": .string(completion.rawValue),
            "featureCodes": [
                "consult": JSONValue(codes.consult), "cancel": JSONValue(codes.cancel),
                "complete": JSONValue(codes.complete), "merge": JSONValue(codes.merge),
                "swap": JSONValue(codes.swap), "blind": JSONValue(codes.blind), "hold": JSONValue(codes.hold),
            ],
        ]
    }
}

private func strings(_ texts: [String]) -> JSONValue { .array(texts.map(JSONValue.string)) }

private func seconds(_ milliseconds: Int) -> JSONValue { .double(Double(milliseconds) / 1000) }

extension Configuration.Registration {
    fileprivate var json: JSONValue {
        [
            "server": servers.count == 1 ? .string(servers[0]) : strings(servers), "user": .string(user),
            "password": password == nil ? .null : .string(Configuration.Account.mask),
            "realm": JSONValue(realm), "expires": JSONValue(expires),
        ]
    }
}

extension Numbering {
    fileprivate var json: JSONValue {
        [
            "country": .string(country), "international": .string(international), "national": .string(national),
        ]
    }
}

extension AgentSettings {
    fileprivate func json(_ account: Configuration.Account?) -> JSONValue {
        let mask = JSONValue.string(Configuration.Account.mask)
        return [
            "uri": JSONValue(uri), "name": JSONValue(displayName), "skills": strings(skills), "tier": JSONValue(tier),
            "wrapUp": seconds(wrapUp), "maxCalls": JSONValue(maxCalls),
            "password": account?.password == nil ? .null : mask,
            "ha1": account?.md5 == nil && account?.sha256 == nil ? .null : mask,
            "holdSignalling": JSONValue(holdSignalling?.rawValue),
        ]
    }
}

extension GroupSettings {
    fileprivate var json: JSONValue {
        [
            "members": strings(members), "strategy": .string(strategy), "ringTimeout": seconds(ringTimeout),
            "maxWait": seconds(maxWait), "serviceLevel": JSONValue(serviceLevel), "overflow": JSONValue(overflow?.text),
        ]
    }
}

extension LineSettings {
    fileprivate var json: JSONValue {
        [
            "to": .string(to.text), "answer": .string(answer.rawValue), "overflow": JSONValue(overflow?.text),
            "holdSignalling": JSONValue(holdSignalling?.rawValue),
        ]
    }
}

extension Destination {
    /// As the configuration writes it.
    var text: String {
        switch self {
        case .agent(let name): "agent:\(name)"
        case .group(let name): "group:\(name)"
        case .uri(let uri): uri
        }
    }
}

extension TransferSettings.Step {
    /// As the configuration writes it.
    var text: String {
        switch self {
        case .next: "next"
        case .agent: "agent"
        case .group(let name): "group:\(name)"
        case .uri(let uri): uri
        }
    }
}
