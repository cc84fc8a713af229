import Foundation
import Testing
import TransferEngine

@testable import Controller

@Suite struct ConfigurationTests {
    @Test func defaultsAreTheDesigns() throws {
        let configuration = try Configuration.parse("{}", file: "f")
        #expect(configuration == Configuration())
        #expect(configuration.node == "ctl-1")
        #expect(configuration.sip.listen.map(\.description) == ["udp:127.0.0.1:5070", "tcp:127.0.0.1:5070"])
        #expect(configuration.sip.trustedPeers == ["127.0.0.1/32"])
        #expect(configuration.media.ports == 20000...20999)
        #expect(configuration.transfer.fallback == [.next, .agent])
        #expect(configuration.transfer.consultTimeout == 20_000)
        #expect(configuration.transfer.drainTimeout == 3_600_000)
        #expect(configuration.transfer.featureCodes.blind == "#1")
        #expect(configuration.events.durability == .batch)
        #expect(configuration.control.socket == "warmline.sock")
    }

    /// The example of design §5, as far as this version goes.
    private static let full = """
        {
          node: "riga-2",
          sip: { listen: ["udp:127.0.0.5:5070", "tcp:[::1]:5071"], trustedPeers: ["127.0.0.1", "10.0.0.0/8"],
                 lineFrom: "to", numbering: { country: "371" }, sessionExpires: 600, outboundProxy: "sip:proxy:5060;lr" },
          media: { address: ["127.0.0.5", "::1"], ports: [30000, 30099], codecs: ["opus", "PCMA"], rtpTimeout: 1.5 },
          agents: { zoe: { uri: "sip:1001@127.0.0.1:5081", name: "Zoe", skills: ["billing"], wrapUp: 0.5 }, anna: {} },
          groups: { support: { members: ["zoe", "anna"], serviceLevel: null, overflow: "group:rest" },
                    rest: { members: ["anna"] } },
          lines: { "7000": { to: "group:support", overflow: "agent:anna" }, "+3120*": { to: "agent:zoe", holdSignalling: "reinvite" },
                   "*": { to: "sip:9@127.0.0.1" } },
          transfer: { consultTimeout: 0.25, fallback: ["agent", "group:rest", "sip:desk@127.0.0.1"],
                      targets: { "20": ["agent:zoe", "group:rest"], "300": "sip:300@127.0.0.1" },
                      dial: "sip:{digits}@127.0.0.1:5060", allow: ["sip:3[0-9]{2}@127\\\\.0\\\\.0\\\\.1"],
                      featureCodes: { hold: null, consult: "*22", complete: "*22" } },
          events: { directory: "log", durability: "always", keepDays: 30 },
          control: { socket: "/run/warmline.sock" },
        }
        """

    @Test func readsEveryPart() throws {
        let configuration = try Configuration.parse(Self.full, file: "f")
        #expect(configuration.sip.trustedPeers == ["127.0.0.1/32", "10.0.0.0/8"])
        #expect(configuration.sip.lineFrom == .to)
        #expect(configuration.numbering == Numbering(country: "371"))
        #expect(configuration.media.rtpTimeout == 1500)
        #expect(configuration.media.addresses.map(\.text) == ["127.0.0.5", "::1"])
        #expect(configuration.agents.map(\.name) == ["zoe", "anna"])
        #expect(configuration.agents[0].wrapUp == 500)
        #expect(configuration.groups[0].serviceLevel == nil)
        #expect(configuration.groups[0].overflow == .group("rest"))
        #expect(configuration.lines.map(\.answer) == [.queue, .agent, .agent])
        #expect(configuration.lines[1].holdSignalling == .reinvite)
        #expect(configuration.transfer.consultTimeout == 250)
        #expect(configuration.transfer.fallback == [.agent, .group("rest"), .uri("sip:desk@127.0.0.1")])
        #expect(configuration.transfer.targets[0].destinations == [.agent("zoe"), .group("rest")])
        #expect(configuration.transfer.featureCodes.hold == nil)
        #expect(configuration.transfer.featureCodes.consult == "*22")
        #expect(configuration.events.durability == .always)
    }

    @Test func whatCheckPrintsIsAConfigurationAgain() throws {
        let configuration = try Configuration.parse(Self.full, file: "f")
        let again = try Configuration.parse(configuration.json.pretty, file: "again")
        #expect(again == configuration)
        #expect(try Configuration.parse(Configuration().json.line, file: "f") == Configuration())
    }

    @Test func passwordsAreMasked() {
        var configuration = Configuration()
        configuration.registrations = [.init(servers: ["sip:pbx"], user: "warmline", password: "geheim")]
        #expect(configuration.json.line.contains(#""password":"********""#))
        configuration.agents = [AgentSettings(name: "anna", uri: nil), AgentSettings(name: "boris", uri: nil)]
        configuration.accounts = [
            .init(agent: "anna", user: "anna", password: "geheim"),
            .init(agent: "boris", user: "boris", md5: String(repeating: "ab", count: 16)),
        ]
        #expect(!configuration.json.pretty.contains("geheim"))
        #expect(!configuration.json.pretty.contains("abab"))
        #expect(configuration.json.line.contains(#""password":"********","ha1":null"#))
        #expect(configuration.json.line.contains(#""password":null,"ha1":"********""#))
    }

    /// Neither what the engine is given, which a trace records, nor a message about a mistake holds a secret.
    @Test func passwordsStayWithTheConfiguration() throws {
        let configuration = try Configuration.parse(
            "{ agents: { anna: { uri: 'sip:1001@h', password: 'geheim' } } }", file: "f")
        #expect(configuration.accounts == [.init(agent: "anna", user: "1001", password: "geheim")])
        let engine = try JSONEncoder().encode(configuration.engine())
        #expect(!String(decoding: engine, as: UTF8.self).contains("geheim"))
        for text in [
            "{ agents: { anna: { password: ['geheim', 5] } } }", "{ agents: { anna: { ha1: 'geheim' } } }",
            "{ registrations: [{ server: 'sip:pbx', user: 'w', password: { geheim: 1 } }] }",
            "{ agents: { anna: { password: 'geheim\(String(repeating: "x", count: 128))' } } }",
        ] {
            let error = #expect(throws: ConfigurationError.self) { try Configuration.parse(text, file: "f") }
            #expect(error?.mistakes.contains { "\($0)".contains("geheim") } == false, "\(text)")
        }
    }

    @Test func mapsToTheEngine() throws {
        let configuration = try Configuration.parse(Self.full, file: "f")
        let engine = configuration.engine()
        #expect(engine.ownURI == "sip:riga-2@127.0.0.5:5070")
        #expect(engine.node == "riga-2")
        #expect(engine.agents == configuration.agents)
        #expect(configuration.registrable.map(\.user) == ["1001", "anna"])
        var other = Configuration()
        other.sip.listen = [ListenAddress(transport: .udp, address: IPAddress("::")!, port: 0)]
        other.media.address = IPAddress("::1")!
        #expect(other.engine(port: 40_001).ownURI == "sip:ctl-1@[::1]:40001")
    }

    @Test func aMissingFileIsNamed() {
        let error = #expect(throws: ConfigurationError.self) { try Configuration.load(file: "/nonexistent/w.json5") }
        #expect(error?.mistakes.map(\.description) == ["/nonexistent/w.json5: no such file"])
    }

    @Test func allMistakesAreNamedInTheFilesOrder() {
        let text = "{\n transfer: { fallback: [\"group:x\"] },\n nod: 1,\n media: { ports: [1] },\n}"
        let error = #expect(throws: ConfigurationError.self) { try Configuration.parse(text, file: "f") }
        #expect(
            error?.mistakes.map(\.description) == [
                #"f:2: transfer.fallback[0]: names the unknown group "x""#,
                "f:3: nod: unknown key; did you mean node?",
                "f:4: media.ports: must be [FIRST, LAST], two whole numbers",
            ])
    }
}
