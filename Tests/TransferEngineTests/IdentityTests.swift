import CallEvents
import Testing

@testable import TransferEngine

/// Whom phones show, and what goes with the calls that are placed for a caller.
@Suite struct IdentityTests {
    private let anna = Identity(uri: "sip:1001@127.0.0.1:5081", display: "Anna")
    private let boris = Identity(uri: "sip:1002@127.0.0.1:5082", display: "Boris")
    private let caller = Identity(uri: "sip:+37120000001@pbx.example", display: "Zoë")

    private func call(_ scene: Scene, _ line: String = "7000", withheld: Bool = false, asserted: Bool = false) -> (
        caller: LegID, agent: LegID
    ) {
        let caller = scene.call(line) {
            $0.fromDisplay = "Zoë"
            $0.withheld = withheld
            if asserted { $0.assertedIdentity = "sip:+4420@pbx.example" }
        }
        let agent = scene.newest
        scene.answer(agent)
        return (caller ?? LegID(0), agent)
    }

    @Test("after completion the phones of caller and target show one another")
    func completion() {
        let scene = Scene()
        let (caller, agent) = call(scene)
        scene.press(agent, "*21002")
        let target = scene.newest
        #expect(scene.legs[target]?.invite?.from == anna.uri && scene.legs[target]?.invite?.fromDisplay == "Anna")
        scene.answer(target)
        #expect(scene.legs[target]?.shows == nil && scene.legs[caller]?.shows == nil)
        scene.end(agent)
        #expect(scene.legs[target]?.shows == self.caller && scene.legs[caller]?.shows == boris)
        let told = scene.effects.flatMap(\.self).compactMap { effect in
            if case .identify(let leg, _, let isEntitled) = effect { (leg, isEntitled) } else { nil }
        }
        #expect(told.contains { $0 == (target, true) } && told.contains { $0 == (caller, false) } && told.count == 2)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("callerId caller: the target's phone shows the caller at once, and who transfers is said beside")
    func callerID() {
        let scene = Scene(testConfiguration { $0.transfer.callerID = .caller })
        let (caller, agent) = call(scene)
        scene.press(agent, "*21002")
        let target = scene.newest
        let invite = scene.legs[target]?.invite
        #expect(invite?.from == self.caller.uri && invite?.fromDisplay == "Zoë")
        #expect(invite?.headers.contains("Referred-By: <\(anna.uri)>") == true)
        scene.answer(target)
        scene.end(agent)
        #expect(scene.legs[target]?.shows == nil, "it shows the caller already")
        #expect(scene.legs[caller]?.shows == boris)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("a caller who withholds their number: it is asserted as withheld, in INVITEs and in mid-call")
    func withheld() {
        let scene = Scene()
        let (caller, agent) = call(scene, withheld: true, asserted: true)
        let invite = scene.legs[agent]?.invite
        #expect(invite?.from == "sip:anonymous@anonymous.invalid" && invite?.fromDisplay == "Anonymous")
        #expect(invite?.asserted == Identity(uri: "sip:+4420@pbx.example", display: "Zoë", withheld: true))
        scene.press(agent, "*21002")
        let target = scene.newest
        scene.answer(target)
        scene.end(agent)
        #expect(scene.legs[target]?.shows?.withheld == true)
        scene.end(caller)
        scene.expectClean()
    }

    @Test(
        "a blind target shows the caller from the first; a semi-attended one when it answers; the recalled agent again")
    func othersWays() {
        let scene = Scene()
        let (caller, agent) = call(scene)
        scene.press(agent, "#11002")
        let blind = scene.newest
        #expect(scene.legs[blind]?.invite?.from == self.caller.uri)
        #expect(scene.legs[blind]?.invite?.headers.contains("Referred-By: <\(anna.uri)>") == true)
        scene.answer(blind)
        #expect(scene.legs[blind]?.shows == nil && scene.legs[caller]?.shows == boris)
        scene.press(blind, "*21003")
        let semi = scene.newest
        #expect(scene.legs[semi]?.invite?.from == boris.uri)
        scene.end(blind)
        #expect(scene.legs[semi]?.shows == nil)
        scene.answer(semi)
        #expect(scene.legs[semi]?.shows == self.caller)
        scene.press(semi, "*21002")
        scene.end(semi)
        scene.reject(scene.newest, 486)
        let recalled = scene.newest
        #expect(scene.legs[recalled]?.invite?.from == self.caller.uri)
        scene.answer(recalled)
        #expect(scene.legs[recalled]?.shows == nil)
        #expect(scene.legs[caller]?.shows?.uri == "sip:1003@127.0.0.1:5083")
        scene.end(caller)
        scene.expectClean()
    }

    @Test("a consult that comes to nothing changes no display")
    func cancelled() {
        let scene = Scene()
        let (caller, agent) = call(scene)
        scene.press(agent, "*21002")
        scene.answer(scene.newest)
        scene.press(agent, "*1")
        #expect(scene.legs[caller]?.shows == nil && scene.legs[agent]?.shows == nil)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("an agent's own call: the customer is told who has it now, the target whom the agent had called")
    func outbound() {
        let scene = Scene()
        scene.call("55", from: "sip:1001@127.0.0.1:5081")
        let customer = scene.newest
        #expect(scene.legs[customer]?.invite?.from == anna.uri)
        let agent = scene.order[0]
        scene.answer(customer)
        #expect(scene.legs[customer]?.shows == nil)
        scene.press(agent, "*21002")
        let target = scene.newest
        scene.answer(target)
        scene.end(agent)
        #expect(scene.legs[customer]?.shows == boris)
        #expect(scene.legs[target]?.shows?.uri == "sip:1555@127.0.0.1")
        scene.end(customer)
        scene.expectClean()
    }

    @Test("the caller's own headers, the number dialled and the note go with every INVITE they belong to")
    func headers() {
        let scene = Scene()
        let caller = scene.call("7000") { $0.headers = ["User-to-User: 56a3;encoding=hex"] } ?? LegID(0)
        let agent = scene.newest
        #expect(
            scene.legs[agent]?.invite?.headers == [
                "User-to-User: 56a3;encoding=hex",
                "History-Info: <sip:7000@127.0.0.1:5070>;index=1, <sip:1001@127.0.0.1:5081>;index=1.1;mp=1",
            ])
        scene.answer(agent)
        let note = "\n\tZoë:\u{7}\n \u{1F600}\r\n\r\nX-Evil: 1" + String(repeating: "é", count: 300)
        scene.command(.consult(call: "ctl-1-1", targets: ["20"], note: note))
        let first = scene.legs[scene.newest]?.invite
        #expect(first?.note == note)
        #expect(first?.headers.first == "User-to-User: 56a3;encoding=hex")
        let subject = first?.headers.last ?? ""
        #expect(subject.hasPrefix("Subject: Zoë: \u{1F600} X-Evil: 1éé") && subject.hasSuffix("é…"))
        #expect(subject.utf8.count < 260 && !subject.contains("\r") && !subject.contains("\n"))
        scene.reject(scene.newest, 486)
        let second = scene.legs[scene.newest]?.invite
        #expect(
            second?.headers.contains(
                "History-Info: <sip:7000@127.0.0.1:5070>;index=1, <sip:1003@127.0.0.1:5083;cause=486>;index=1.1;mp=1")
                == true)
        #expect(second?.note == note + "\nbefore: boris busy")
        scene.end(caller)
        scene.expectClean()
    }

    @Test("a blind target reads who has had the caller, the first one too; one who is consulted does not")
    func history() {
        func past(_ digits: String, rejecting count: Int = 0) -> (header: String?, note: String?) {
            let scene = Scene()
            let (caller, agent) = scene.talking()
            scene.advance(4_000)
            scene.press(agent, digits)
            for _ in 0..<count { scene.reject(scene.newest, 486) }
            let invite = scene.legs[scene.newest]?.invite
            scene.end(caller)
            scene.expectClean()
            return (invite?.headers.first { $0.hasPrefix("X-Warmline-History") }, invite?.note)
        }
        let first = past("#120")
        #expect(first.header == "X-Warmline-History: anna 7s blind transfer")
        #expect(first.note == "before: anna 7s blind transfer")
        #expect(past("#120", rejecting: 1).header == "X-Warmline-History: anna 7s blind transfer; boris busy")
        #expect(past("*220") == (nil, nil))
    }
}
