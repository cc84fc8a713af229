import Testing

@testable import Controller

/// Each kind of mistake gets its message: one row, one mistake.
@Suite struct ConfigurationMistakeTests {
    private func mistakes(_ text: String) -> [String] {
        do {
            _ = try Configuration.parse(text, file: "f")
            return []
        } catch {
            return error.mistakes.map { "\($0.path): \($0.reason)" }
        }
    }

    private static let agents = "agents: { a: { uri: 'sip:1@h' }, b: {} }, groups: { g: { members: ['a'] } }, "

    @Test(arguments: [
        ("[]", ": expected an object { … }, found a list"),
        ("{ node: 1 }", "node: expected a string, found the number 1"),
        ("{ node: 'a b' }", "node: must be 1 to 64 letters, digits, ‘-’, ‘_’ or ‘.’, is \"a b\""),
        ("{ colour: 1 }", "colour: unknown key"),
        ("{ sip: { lisen: [] } }", "sip.lisen: unknown key; did you mean listen?"),
        ("{ node: 'a', node: 'b' }", "node: stands here twice"),
        ("{ sip: [] }", "sip: expected an object { … }, found a list"),
        ("{ sip: { listen: [] } }", "sip.listen: must name at least one address"),
        (
            "{ sip: { listen: 'udp:1.2.3.4:5' } }",
            "sip.listen: expected a list of strings, found the string \"udp:1.2.3.4:5\""
        ),
        ("{ sip: { listen: [5060] } }", "sip.listen[0]: expected a string, found the number 5060"),
        (
            "{ sip: { listen: ['127.0.0.1'] } }",
            "sip.listen[0]: \"127.0.0.1\" must be TRANSPORT:ADDRESS:PORT, such as udp:127.0.0.1:5070 or tcp:[::1]:5070"
        ),
        (
            "{ sip: { listen: ['sctp:127.0.0.1:1'] } }",
            "sip.listen[0]: \"sctp:127.0.0.1:1\" \"sctp\" is no transport: udp, tcp or tls"
        ),
        ("{ sip: { listen: ['udp:host:1'] } }", "sip.listen[0]: \"udp:host:1\" \"host\" is no IP address"),
        ("{ sip: { listen: ['udp:::1:5060'] } }", "sip.listen[0]: \"udp:::1:5060\" \"::1\" is no IP address"),
        (
            "{ sip: { listen: ['udp:1.2.3.4:70000'] } }",
            "sip.listen[0]: \"udp:1.2.3.4:70000\" \"70000\" is no port from 0 to 65535"
        ),
        (
            "{ sip: { listen: ['tls:1.2.3.4:5061'], tls: { certificate: '/etc/ssl/certs/ca-certificates.crt', verifyPeer: false } } }",
            "sip.tls.privateKey: is missing: sip.listen has tls:1.2.3.4:5061"
        ),
        (
            "{ sip: { listen: ['udp:0.0.0.0:5060', 'udp:10.0.0.1:5060'] } }",
            "sip.listen[1]: udp:10.0.0.1:5060 overlaps udp:0.0.0.0:5060"
        ),
        (
            "{ sip: { trustedPeers: ['10.0.0.0/33'] } }",
            "sip.trustedPeers[0]: \"10.0.0.0/33\" is no network such as 10.0.0.0/8 or fd00::/8"
        ),
        ("{ sip: { localNets: ['lan'] } }", "sip.localNets[0]: \"lan\" is no network such as 10.0.0.0/8 or fd00::/8"),
        ("{ sip: { externalAddress: 'pbx' } }", "sip.externalAddress: \"pbx\" is no address that a peer could send to"),
        (
            "{ sip: { lineFrom: 'from' } }",
            "sip.lineFrom: must be one of request-uri, to, p-called-party-id, is \"from\""
        ),
        (
            "{ sip: { lineFrom: 3 } }",
            "sip.lineFrom: expected one of request-uri, to, p-called-party-id, found the number 3"
        ),
        ("{ sip: { numbering: {} } }", "sip.numbering.country: must be a country code such as \"371\", is \"\""),
        (
            "{ sip: { tls: { certificate: '/nonexistent.pem' } } }",
            "sip.tls.certificate: \"/nonexistent.pem\" cannot be read"
        ),
        (
            "{ sip: { tls: { privateKey: '/etc/passwd' } } }",
            "sip.tls.privateKey: \"/etc/passwd\" holds no private key in PEM"
        ),
        ("{ sip: { tls: { ca: '/etc/passwd' } } }", "sip.tls.ca: \"/etc/passwd\" holds no certificate in PEM"),
        ("{ sip: { tls: { verifyPeer: 1 } } }", "sip.tls.verifyPeer: expected true or false, found the number 1"),
        (
            "{ sip: { outboundProxy: 'proxy' } }",
            "sip.outboundProxy: \"proxy\" is no SIP URI: it must begin with sip: or sips:"
        ),
        ("{ sip: { minSE: 30 } }", "sip.minSE: must be from 90 to 86400, is 30"),
        ("{ sip: { sessionExpires: 60 } }", "sip.sessionExpires: must be 0 (none) or at least minSE (90), is 60"),
        ("{ sip: { keepAlive: 1.5 } }", "sip.keepAlive: expected a whole number, found the number 1.5"),
        ("{ registrations: {} }", "registrations: expected a list of objects, found an object"),
        ("{ registrations: [{ user: 'w' }] }", "registrations[0].server: is missing"),
        (
            "{ registrations: [{ server: 5, user: 'w' }] }",
            "registrations[0].server: expected a SIP URI or a list of SIP URIs, found the number 5"
        ),
        ("{ registrations: [{ server: [], user: 'w' }] }", "registrations[0].server: must name 1 to 8 servers"),
        (
            "{ registrations: [{ server: 'pbx', user: 'w' }] }",
            "registrations[0].server: \"pbx\" is no SIP URI: it must begin with sip: or sips:"
        ),
        (
            "{ registrations: [{ server: 'sip:w@pbx', user: 'w' }] }",
            "registrations[0].server: \"sip:w@pbx\" must have no user part: that is registrations.user"
        ),
        (
            "{ registrations: [{ server: 'sip:pbx' }] }",
            "registrations[0].user: must be the user part of a SIP URI, 1 to 63 bytes long"
        ),
        (
            "{ registrations: [{ server: 'sip:pbx', user: 'w', password: '' }] }",
            "registrations[0].password: must not be empty"
        ),
        (
            "{ registrations: [{ server: 'sip:pbx', user: 'w', expires: 5 }] }",
            "registrations[0].expires: must be from 30 to 86400, is 5"
        ),
        (
            "{ registrations: [{ server: 'sip:pbx', user: 'w', pasword: 'x' }] }",
            "registrations[0].pasword: unknown key; did you mean password?"
        ),
        (
            "{ sip: { realm: 'a\"b' } }",
            "sip.realm: must be 1 to 63 printable ASCII characters, no quotes or backslashes"
        ),
        ("{ agents: { a: { password: '' } } }", "agents.a.password: must not be empty"),
        ("{ agents: { a: { password: 5 } } }", "agents.a.password: expected a string"),
        (
            "{ agents: { a: { password: '\(String(repeating: "x", count: 128))' } } }",
            "agents.a.password: is longer than 127 bytes"
        ),
        (
            "{ agents: { a: { ha1: 'x' } } }",
            "agents.a.ha1: must be the 32 (MD5) or 64 (SHA-256) hexadecimal digits of the hash, or a list of both"
        ),
        ("{ agents: { a: { ha1: [] } } }", "agents.a.ha1: is an empty list: name a hash, or leave the key out"),
        ("{ agents: { a: { ha1: 5 } } }", "agents.a.ha1: expected a string or a list of strings"),
        ("{ agents: { a: { password: ['x'] } } }", "agents.a.password: expected a string"),
        (
            "{ agents: { a: { password: 'x', ha1: '\(String(repeating: "0", count: 32))' } } }",
            "agents.a.ha1: stands beside a password: one of the two is enough"
        ),
        (
            "{ agents: { a: { ha1: '\(String(repeating: "0", count: 32))' }, b: { ha1: '\(String(repeating: "0", count: 64))' } } }",
            "agents.a.ha1: is for MD5 alone and other agents' are for SHA-256 alone: phones cannot be asked for both"
        ),
        (
            "{ media: { address: '0.0.0.0' } }",
            "media.address: must be one address: it is what SDP tells phones to send to"
        ),
        (
            "{ media: { address: '::1', externalAddress: '192.0.2.1' } }",
            "media.externalAddress: must be of the same kind as media.address (::1)"
        ),
        ("{ media: { address: 'x' } }", "media.address: \"x\" is no IP address"),
        ("{ media: { address: 5 } }", "media.address: expected a string, found the number 5"),
        (
            "{ media: { address: [] } }",
            "media.address: must be one address, or an IPv4 and an IPv6 one, is a list of 0"
        ),
        (
            "{ media: { address: ['127.0.0.1', '::1', '127.0.0.2'] } }",
            "media.address: must be one address, or an IPv4 and an IPv6 one, is a list of 3"
        ),
        (
            "{ media: { address: ['127.0.0.1', '127.0.0.2'] } }",
            "media.address[1]: is IPv4 as 127.0.0.1 is: a list has one address of each"
        ),
        (
            "{ media: { address: ['::1', 'fd00::1'] } }",
            "media.address[1]: is IPv6 as ::1 is: a list has one address of each"
        ),
        ("{ media: { address: ['::1', 'x'] } }", "media.address[1]: \"x\" is no IP address"),
        (
            "{ media: { address: ['::', '127.0.0.1'] } }",
            "media.address[0]: must be one address: it is what SDP tells phones to send to"
        ),
        (
            "{ media: { address: ['127.0.0.1', '::1'], engine: 'rtpengine', rtpengines: ['udp:127.0.0.1:2223'] } }",
            "media.address: must be one address with media.engine \"rtpengine\": ::1 is a second one"
        ),
        (
            "{ sip: { listen: ['udp:[::1]:20000'] }, media: { address: ['127.0.0.1', '::1'], ports: [20000, 20999] } }",
            "media.ports: 20000 to 20999 overlap sip.listen's udp:[::1]:20000"
        ),
        (
            "{ media: { ports: [9, 2] } }",
            "media.ports: must be two ports from 1 to 65535, the first not above the last"
        ),
        (
            "{ media: { ports: [20001, 20006] } }",
            "media.ports: 20001 to 20006 hold 2 pairs for RTP and RTCP; a transfer needs at least 3"
        ),
        ("{ media: { ports: [5000, 6000] } }", "media.ports: 5000 to 6000 overlap sip.listen's udp:127.0.0.1:5070"),
        ("{ media: { codecs: [] } }", "media.codecs: must name at least one of PCMA, PCMU, G722, opus"),
        ("{ media: { codecs: ['speex'] } }", "media.codecs[0]: must be one of PCMA, PCMU, G722, opus, is \"speex\""),
        ("{ media: { codecs: ['PCMA', 'PCMA'] } }", "media.codecs[1]: \"PCMA\" stands here twice"),
        ("{ media: { srtp: 'on' } }", "media.srtp: must be one of off, optional, required, is \"on\""),
        ("{ media: { musicOnHold: '/nonexistent.wav' } }", "media.musicOnHold: \"/nonexistent.wav\" cannot be read"),
        ("{ media: { musicOnHold: '/etc/passwd' } }", "media.musicOnHold: \"/etc/passwd\" is no WAV file"),
        ("{ media: { rtpTimeout: -1 } }", "media.rtpTimeout: must be from 0 to 86400 seconds, is -1"),
        ("{ media: { rtpTimeout: '30' } }", "media.rtpTimeout: expected a number of seconds, found the string \"30\""),
        (
            "{ agents: { 'a b': {} } }",
            "agents.\"a b\": the name of an agent must be 1 to 64 letters, digits, ‘-’, ‘_’ or ‘.’, is \"a b\""
        ),
        (
            "{ agents: { a: { uri: 'tel:+371' } } }",
            "agents.a.uri: \"tel:+371\" is no SIP URI: it must begin with sip: or sips:"
        ),
        (
            "{ agents: { a: { uri: 'sip:host' } } }",
            "agents.a.uri: needs a user part: it is how the agent's own calls are known"
        ),
        (
            "{ agents: { a: { uri: 'sip:1@h?X=1' } } }",
            "agents.a.uri: \"sip:1@h?X=1\" must not carry headers (the part after ‘?’)"
        ),
        ("{ agents: { a: { uri: 'sip:1@h:0' } } }", "agents.a.uri: \"sip:1@h:0\" has no valid port"),
        ("{ agents: { a: { uri: 'sip:1@a!b' } } }", "agents.a.uri: \"sip:1@a!b\" has no valid host"),
        (
            "{ agents: { a: { uri: 'sip:1 2@h' } } }",
            "agents.a.uri: \"sip:1 2@h\" holds a character that a URI cannot have"
        ),
        ("{ agents: { a: { uri: 'sip:@h' } } }", "agents.a.uri: \"sip:@h\" has an empty user part"),
        ("{ agents: { a: { uri: 'sip:1@h' }, '1': {} } }", "agents.1: has the same user part (1) as the agent a"),
        (
            "{ agents: { a: { uri: 'sip:b@h' }, b: { uri: 'sip:2@h' } } }",
            "agents.a: has the user part b, which is the name of another agent"
        ),
        (
            "{ agents: { a: { uri: 'sip:1@h' } }, transfer: { targets: { '2': ['sip:1@h', 'sip:9@h'] }, allow: ['sip:8@h'] } }",
            "transfer.targets.2: sip:9@h is nobody's of agents, and transfer.allow does not let it"
        ),
        (
            "{ agents: { a: {} }, transfer: { targets: { '*15': 'agent:a' } } }",
            "transfer.targets.\"*15\": begins with the code for cancel (*1) and could never be dialled"
        ),
        ("{ agents: { a: { tier: 0 } } }", "agents.a.tier: must be from 1 to 1000, is 0"),
        ("{ agents: { a: { maxCalls: '1' } } }", "agents.a.maxCalls: expected a whole number, found the string \"1\""),
        ("{ agents: { a: { skills: 'x' } } }", "agents.a.skills: expected a list of strings, found the string \"x\""),
        (
            "{ agents: { a: { holdSignalling: 'sip' } } }",
            "agents.a.holdSignalling: must be one of media, reinvite, is \"sip\""
        ),
        ("{ groups: { g: {} } }", "groups.g.members: must name at least one agent"),
        ("{ groups: { g: { members: ['x'] } } }", "groups.g.members[0]: names the unknown agent \"x\""),
        (
            "{ agents: { a: {} }, groups: { g: { members: ['a', 'a'] } } }",
            "groups.g.members[1]: \"a\" stands here twice"
        ),
        (
            "{ agents: { a: {} }, groups: { a: { members: ['a'] } } }",
            "groups.a: has the name of an agent: a target of this name would be ambiguous"
        ),
        (
            "{ agents: { a: {} }, groups: { g: { members: ['a'], strategy: 'x' } } }",
            "groups.g.strategy: must be one of longest-idle, linear, round-robin, fewest-calls, ring-all, is \"x\""
        ),
        (
            "{ agents: { a: {} }, groups: { g: { members: ['a'], overflow: 'group:g' } } }",
            "groups.g.overflow: leads back to the group itself"
        ),
        (
            "{ agents: { a: {} }, groups: { g: { members: ['a'], maxWait: 0 } } }",
            "groups.g.maxWait: must be from 1 to 86400 seconds, is 0"
        ),
        (
            "{ lines: { '7*0': { to: 'sip:h' } } }",
            "lines.\"7*0\": must be a number, a prefix such as \"+3120*\", or \"*\""
        ),
        ("{ lines: { '7': { to: 5 } } }", "lines.7.to: expected a string or null, found the number 5"),
        ("{ lines: { '7': {} } }", "lines.7.to: is missing: where does the line lead?"),
        ("{ lines: { '7': { to: 'anna' } } }", "lines.7.to: must be agent:NAME, group:NAME or a SIP URI, is \"anna\""),
        ("{ lines: { '7': { to: 'agent:x' } } }", "lines.7.to: names the unknown agent \"x\""),
        ("{ lines: { '7': { to: 'sip:h', overflow: 'group:x' } } }", "lines.7.overflow: names the unknown group \"x\""),
        ("{ lines: { '7': { to: 'sip:h', overflow: 'sip:h' } } }", "lines.7.overflow: is where the line leads anyway"),
        (
            "{ lines: { '7': { to: 'sip:h', answer: 'now' } } }",
            "lines.7.answer: must be one of agent, queue, is \"now\""
        ),
        ("{ transfer: { consultTimeout: 0 } }", "transfer.consultTimeout: must be from 0.1 to 3600 seconds, is 0"),
        (
            "{ transfer: { fallback: ['queue'] } }",
            "transfer.fallback[0]: must be next, agent, group:NAME or a SIP URI, is \"queue\""
        ),
        ("{ transfer: { fallback: ['group:x'] } }", "transfer.fallback[0]: names the unknown group \"x\""),
        ("{ transfer: { fallback: ['next', 'next'] } }", "transfer.fallback[1]: \"next\" stands here twice"),
        (
            "{ transfer: { targets: { '#2': 'sip:h' }, allow: ['sip:h'] } }",
            "transfer.targets.\"#2\": must be digits a phone can dial (0 to 9 and *), or a name of letters and digits"
        ),
        ("{ transfer: { targets: { '2': [] } } }", "transfer.targets.2: must name at least one target"),
        (
            "{ transfer: { targets: { '2': 5 } } }",
            "transfer.targets.2: expected a target or a list of targets, found the number 5"
        ),
        ("{ transfer: { targets: { '2': [null] } } }", "transfer.targets.2[0]: expected a string, found null"),
        ("{ transfer: { targets: { '2': 'group:x+s' } } }", "transfer.targets.2: names the unknown group \"x\""),
        (
            "{ agents: { a: { skills: ['s'] } }, groups: { g: { members: ['a'] } }, transfer: { targets: { '2': 'group:g+s+t' } } }",
            "transfer.targets.2: no agent has the skill \"t\""
        ),
        (
            "{ agents: { a: {} }, lines: { '7': { to: 'agent:a', skills: ['s'] } } }",
            "lines.7.skills[0]: no agent has the skill \"s\""
        ),
        (
            "{ agents: { a: {} }, groups: { g: { members: ['a'], serviceLevel: [{ skill: 's', seconds: 5 }] } } }",
            "groups.g.serviceLevel[0].skill: no agent has the skill \"s\""
        ),
        ("{ lines: { '7': { to: 'group:x' } } }", "lines.7.to: names the unknown group \"x\""),
        (
            "{ agents: { a: {} }, groups: { g: { members: ['a'], overflow: 'agent:x' } } }",
            "groups.g.overflow: names the unknown agent \"x\""
        ),
        ("{ transfer: { targets: { '2': 'agent:x' } } }", "transfer.targets.2: names the unknown agent \"x\""),
        (
            "{ transfer: { targets: { '2': ['sip:h', 'sip:h'] }, allow: ['sip:h'] } }",
            "transfer.targets.2[1]: \"sip:h\" stands here twice"
        ),
        ("{ transfer: { dial: 'sip:x@h' } }", "transfer.dial: must hold {digits} once, is \"sip:x@h\""),
        (
            "{ transfer: { dial: '{digits}@h' } }",
            "transfer.dial: \"0@h\" is no SIP URI: it must begin with sip: or sips:"
        ),
        (
            "{ transfer: { completion: 'replace' } }",
            "transfer.completion: must be one of bridge, refer, is \"replace\""
        ),
        (
            "{ transfer: { passHeaders: ['Via'] } }",
            "transfer.passHeaders[0]: must be User-to-User or the name of an X- header, is \"Via\""
        ),
        ("{ transfer: { passHeaders: ['X-A', 'x-a'] } }", "transfer.passHeaders[1]: \"x-a\" stands here twice"),
        (
            "{ transfer: { featureCodes: { consult: '*x' } } }",
            "transfer.featureCodes.consult: must be 1 to 8 of the keys 0 to 9, *, #, A to D, or null, is \"*x\""
        ),
        (
            "{ transfer: { featureCodes: { blind: '*21' } } }",
            "transfer.featureCodes.blind: *21 begins with the code for consult (*2); both are listened for while talking"
        ),
        (
            "{ transfer: { featureCodes: { swap: '*1' } } }",
            "transfer.featureCodes.swap: *1 is also the code for cancel (*1); both are listened for in a consult"
        ),
        ("{ events: { directory: '' } }", "events.directory: must not be empty"),
        ("{ events: { durability: 'none' } }", "events.durability: must be one of batch, always, is \"none\""),
        ("{ events: { segmentBytes: 1 } }", "events.segmentBytes: must be from 65536 to 2147483647, is 1"),
        ("{ events: { keepDays: 0 } }", "events.keepDays: must be from 1 to 36500, is 0"),
        (
            "{ events: { callerNumbers: 'pseudonym' } }",
            "events.callerNumbers: pseudonyms are not supported by this version"
        ),
        ("{ events: { notes: 1 } }", "events.notes: expected true or false, found the number 1"),
        (
            "{ metrics: { textfile: 'collector/' } }",
            "metrics.textfile: must be the path of a file, is \"collector/\""
        ),
        ("{ metrics: { interval: 0 } }", "metrics.interval: must be from 1 to 86400 seconds, is 0"),
    ])
    func message(text: String, expected: String) {
        // A code that begins two others is told of both; the rest have exactly one mistake.
        let found = mistakes(text)
        #expect(found.first == expected)
        if !text.contains("featureCodes") { #expect(found.count == 1, "\(found)") }
    }

    @Test func whatIsMissingTwiceIsNotTheSame() {
        func found(_ dispositions: String) -> [String] {
            mistakes(
                "{ agents: { a: {} }, groups: { g: { members: ['a'], dispositions: \(dispositions) } } }")
        }
        let key = "groups.g.dispositions"
        func missing(_ digit: Int) -> String {
            "\(key).\(digit).code: is missing: what stands in the log for the digit \(digit)?"
        }
        #expect(found("{ '1': {}, '2': {} }") == [missing(1), missing(2)])
        #expect(found("{ '1': { code: '' } }") == ["\(key).1.code: must not be empty"])
        #expect(found("{ '1': { code: 5 } }") == ["\(key).1.code: expected a string, found the number 5"])
        #expect(
            found("{ '1': { code: 'x' }, '2': { code: 'x' } }") == ["\(key).2.code: \"x\" stands at another digit too"])
        #expect(
            mistakes("{ agents: { a: {} }, groups: { g: { members: ['a'], serviceLevel: [{ seconds: 'x' }] } } }")
                == ["groups.g.serviceLevel[0].seconds: expected a whole number, found the string \"x\""])
    }

    @Test func aBrokenExpressionIsRefused() {
        let found = mistakes("{ transfer: { allow: ['sip:1', 'sip:(1'] } }")
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("transfer.allow[1]: \"sip:(1\" is no regular expression: ") == true)
    }

    @Test func aSocketPathTooLongIsRefused() {
        let path = String(repeating: "x", count: 108)
        #expect(
            mistakes("{ control: { socket: '\(path)' } }") == [
                "control.socket: is 108 bytes long; a Unix socket's path has at most 107"
            ])
    }

    /// `*2` is both consult and complete: they are never listened for at once.
    @Test func equalCodesInDifferentStatesAreFine() {
        #expect(mistakes("{ transfer: { featureCodes: { consult: '#1', blind: '*2', complete: '#1' } } }") == [])
        #expect(mistakes("{ transfer: { featureCodes: { consult: '7', complete: '77' } } }") == [])
    }
}
