import CallEvents
import Testing

@testable import TransferEngine

@Suite struct TargetTests {
    @Test(
        "canonical form: escapes decoded, host lower-case, no parameters",
        arguments: [
            ("sip:1001@127.0.0.1:5081", "sip:1001@127.0.0.1:5081"),
            ("SIP:%31001@LOCALHOST;transport=tcp", "sip:1001@localhost"),
            ("sips:a@[::1]:5061;x", "sips:a@[::1]:5061"), ("sip:example.com", "sip:example.com"),
            ("sip:1001@127.0.0.1?Replaces=x", nil), ("sip:a%40evil@127.0.0.1", nil), ("sip:a%00b@h", nil),
            ("sip:a%2@h", nil), ("sip:a%zz@h", nil), ("tel:1001", nil), ("1001", nil), ("sip:@h", nil), ("sip:", nil),
            ("sip:a b@h", nil), ("sip:a@h:", nil), ("sip:a@h:123456", nil), ("sip:a@h:5o", nil), ("<sip:a@h>", nil),
            ("sip:a@b@c", nil), ("sip:a@h\r\nX: y", nil), ("sip:a%ff@h", nil), ("sip:a@h_/x", nil), ("", nil),
            ("sip:a@[::1", nil), ("sip:a@[::1]x", nil),
        ] as [(String, String?)])
    func canonical(uri: String, canonical: String?) {
        #expect(SIPAddress(uri)?.canonical == canonical)
    }

    @Test(
        "the allow-list matches the whole canonical form",
        arguments: [
            ("sip:1555@127.0.0.1", true), ("sip:1555@127.0.0.1:5060", true), ("sip:1555@127.0.0.1;maddr=1.2.3.4", true),
            ("sip:%31555@127.0.0.1", true), ("sip:1555@127.0.0.1.evil.example", false), ("xsip:1555@127.0.0.1", false),
            ("sip:15555@127.0.0.1", false), ("sip:1555@127.0.0.1?Route=x", false), ("sips:1555@127.0.0.1", false),
            ("sip:1555:secret@127.0.0.1", false), ("sip:1555@127a0.0.1", false),
        ])
    func allowed(uri: String, isAllowed: Bool) {
        let directory = Directory(testConfiguration())
        #expect((directory.candidate(at: uri, trusted: false).verdict == nil) == isAllowed)
    }

    @Test("what is dialled of a given address keeps nothing that could lead elsewhere")
    func dialable() {
        let directory = Directory(testConfiguration())
        let candidate = directory.candidate(
            at: "sip:1555@127.0.0.1;maddr=203.0.113.9;transport=TCP;method=BYE;lr", trusted: false)
        #expect(candidate.uri == "sip:1555@127.0.0.1;transport=tcp")
        // An agent's own address is the agent, parameters or not.
        #expect(directory.candidate(at: "sip:1002@127.0.0.1:5082;maddr=203.0.113.9", trusted: false).agent == "boris")
    }

    @Test("names: digits, lists, agents, groups, the dial template, URIs")
    func names() {
        var configuration = testConfiguration()
        configuration.transfer.dial = "sip:{digits}@127.0.0.1:5060"
        let directory = Directory(configuration)
        #expect(directory.candidates(named: "20").map(\.agent) == ["boris", "clara"])
        #expect(directory.candidates(named: "clara").map(\.agent) == ["clara"])
        #expect(directory.candidates(named: "agent:clara").map(\.agent) == ["clara"])
        // A group stands for its members until one is chosen.
        #expect(directory.candidates(named: "support").map(\.isGroup) == [true])
        #expect(directory.candidates(named: "group:support").map(\.group) == ["support"])
        #expect(directory.candidates(named: "group:support+billing+x").map(\.skills) == [["billing", "x"]])
        #expect(directory.candidates(named: "group:nobody").map(\.verdict) == [.unreachable])
        #expect(directory.candidates(named: "1777").map(\.uri) == ["sip:1777@127.0.0.1:5060"])
        #expect(directory.candidates(named: "2777").map(\.verdict) == [.notAllowed])
        #expect(directory.candidates(named: "1#*@").map(\.verdict) == [.notAllowed])
        #expect(directory.candidates(named: "sip:1555@127.0.0.1").map(\.uri) == ["sip:1555@127.0.0.1"])
        #expect(directory.candidates(named: "agent:nobody").map(\.verdict) == [.unreachable])
        #expect(directory.candidates(named: "").map(\.verdict) == [.notAllowed])
    }

    @Test(
        "causes: Q.850 beats the status",
        arguments: [
            (486, nil, false, Cause.busy), (600, nil, false, .busy), (603, nil, false, .declined),
            (408, nil, true, .noAnswer), (408, nil, false, .unreachable), (480, nil, true, .noAnswer),
            (480, nil, false, .unreachable), (404, nil, true, .unreachable), (410, nil, false, .unreachable),
            (484, nil, false, .unreachable), (604, nil, false, .unreachable), (500, nil, true, .unreachable),
            (503, nil, false, .unreachable), (488, nil, false, .noCodec), (606, nil, false, .noCodec),
            (415, nil, false, .noCodec), (403, nil, false, .rejected), (487, nil, true, .rejected),
            (302, nil, false, .rejected), (480, 17, true, .busy), (480, 21, true, .declined),
            (500, 18, false, .noAnswer), (500, 19, false, .noAnswer), (486, 1, true, .unreachable),
            (486, 3, true, .unreachable), (486, 20, true, .unreachable), (486, 27, true, .unreachable),
            (486, 38, true, .unreachable), (486, 16, true, .busy), (486, 0, true, .busy),
        ] as [(Int, Int?, Bool, Cause)])
    func causes(status: Int, q850: Int?, rang: Bool, cause: Cause) {
        #expect(Causes.failure(LegEnd(how: .rejected, sipStatus: status, q850: q850), rang: rang) == cause)
    }

    @Test("causes: how a leg ended")
    func hows() {
        #expect(Causes.failure(LegEnd(how: .noResponse), rang: false) == .unreachable)
        #expect(Causes.failure(LegEnd(how: .transport), rang: false) == .unreachable)
        #expect(Causes.failure(LegEnd(how: .noCodec), rang: true) == .noCodec)
        #expect(Causes.timeout(rang: true) == .noAnswer)
        #expect(Causes.timeout(rang: false) == .unreachable)
        #expect(Causes.ending(LegEnd(how: .bye), isAgent: true) == .normal)
        #expect(Causes.ending(LegEnd(how: .vanished), isAgent: true) == .agentLost)
        #expect(Causes.ending(LegEnd(how: .vanished), isAgent: false) == .lost)
        for how in LegEnd.How.allCases {
            #expect(Causes.failure(LegEnd(how: how), rang: false) != .other)
        }
    }

    @Test("national numbering without a prefix")
    func numbering() {
        let plan = Numbering(country: "371", international: "00", national: "")
        #expect(plan.international("20000001") == "+37120000001")
        #expect(plan.international("1001") == "1001")
        #expect(plan.international("00") == "00")
    }
}
