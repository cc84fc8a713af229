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
            "callers": .object(callers.map { JSONValue.Member($0.pattern, JSONValue($0.priority)) }),
            "agentCodes": [
                "login": JSONValue(agentCodes.login), "logout": JSONValue(agentCodes.logout),
                "ready": JSONValue(agentCodes.ready), "pause": JSONValue(agentCodes.pause),
                "resolve": JSONValue(agentCodes.resolve),
            ],
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
            "address": media.otherAddress == nil
                ? .string(media.address.text) : strings(media.addresses.map(\.text)),
            "externalAddress": JSONValue(media.externalAddress),
            "ports": .array([JSONValue(media.ports.lowerBound), JSONValue(media.ports.upperBound)]),
            "codecs": strings(media.codecs),
            "srtp": .string(media.srtp.rawValue),
            "musicOnHold": JSONValue(media.musicOnHold),
            "rtpTimeout": seconds(media.rtpTimeout),
            "engine": .string(media.engine.rawValue),
            "rtpengines": strings(media.rtpengines.map(\.description)),
            "rtpengineDigits": JSONValue(media.rtpengineDigits?.description),
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
            "maxFallbacks": JSONValue(transfer.maxFallbacks),
            "targets": .object(
                transfer.targets.map { JSONValue.Member($0.digits, strings($0.destinations.map(\.text))) }),
            "dial": JSONValue(transfer.dial),
            "allow": strings(transfer.allow),
            "holdSignalling": .string(transfer.holdSignalling.rawValue),
            "completion": .string(transfer.completion.rawValue),
            "callerId": .string(transfer.callerID.rawValue),
            "passHeaders": strings(passHeaders),
            "featureCodes": [
                "consult": JSONValue(codes.consult), "cancel": JSONValue(codes.cancel),
                "complete": JSONValue(codes.complete), "merge": JSONValue(codes.merge),
                "swap": JSONValue(codes.swap), "blind": JSONValue(codes.blind), "hold": JSONValue(codes.hold),
                "resolve": JSONValue(codes.resolve),
            ],
        ]
    }
}

private func strings(_ texts: [String]) -> JSONValue { .array(texts.map(JSONValue.string)) }

private func optionalSeconds(_ milliseconds: Int?) -> JSONValue { milliseconds.map(seconds) ?? .null }

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
            "holdSignalling": JSONValue(holdSignalling?.rawValue), "login": .string(login.rawValue),
            "maxNoAnswer": JSONValue(maxNoAnswer),
        ]
    }
}

extension GroupSettings {
    fileprivate var json: JSONValue {
        [
            "members": strings(members), "strategy": .string(strategy.rawValue), "ringTimeout": seconds(ringTimeout),
            "maxWait": seconds(maxWait), "maxQueue": JSONValue(maxQueue), "serviceLevel": serviceLevelJSON,
            "serviceTarget": JSONValue(serviceTarget), "overflow": JSONValue(overflow?.text),
            "tierAfter": optionalSeconds(tierAfter), "skillsAfter": optionalSeconds(skillsAfter),
            "raiseAfter": optionalSeconds(raiseAfter), "newCallers": JSONValue(newCallers),
            "lastAgentDays": JSONValue(lastAgentDays),
            "callback": callback.map {
                ["digit": .string($0.digit), "attempts": JSONValue($0.attempts), "retryAfter": seconds($0.retryAfter)]
            } ?? .null,
            "music": JSONValue(music), "announceEvery": optionalSeconds(announcements?.every),
            "announceAfter": optionalSeconds(announcements?.after),
            "announce": announcements.map { strings($0.parts.map(\.rawValue)) } ?? .null,
            "sounds": JSONValue(announcements?.sounds),
            "dispositions": .object(
                dispositions.map {
                    JSONValue.Member($0.digit, ["code": .string($0.code), "resolved": .bool($0.resolved)])
                }),
            "verdict": verdict.map {
                ["yes": .string($0.yes), "no": .string($0.no), "timeout": seconds($0.timeout)]
            } ?? .null,
        ]
    }
}

extension GroupSettings {
    /// A table where there are rows, the number alone where there are none.
    private var serviceLevelJSON: JSONValue {
        guard !serviceLevels.isEmpty else { return JSONValue(serviceLevel) }
        return .array(
            serviceLevels.map {
                ["priority": JSONValue($0.priority), "skill": JSONValue($0.skill), "seconds": JSONValue($0.seconds)]
            })
    }
}

extension LineSettings {
    fileprivate var json: JSONValue {
        [
            "to": .string(to.text), "answer": .string(answer.rawValue), "overflow": JSONValue(overflow?.text),
            "holdSignalling": JSONValue(holdSignalling?.rawValue), "priority": JSONValue(priority),
            "skills": strings(skills),
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
