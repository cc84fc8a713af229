import CallEvents
import Testing

@testable import TransferEngine

/// Feature codes, dialling, and digits that are neither.
@Suite struct DigitTests {
    private enum Column: String, CaseIterable { case talking, dialling, ringing, consulting, swapped, conference, held }

    private func scene(in column: Column) -> (scene: Scene, caller: LegID, agent: LegID, target: LegID?) {
        let scene = Scene()
        switch column {
        case .talking, .held, .dialling:
            let (caller, agent) = scene.talking()
            if column == .held { scene.press(agent, "*5") }
            if column == .dialling { scene.press(agent, "*2") }
            return (scene, caller, agent, nil)
        case .ringing:
            let (caller, agent, target) = scene.dialled()
            return (scene, caller, agent, target)
        case .consulting, .swapped, .conference:
            let (caller, agent, target) = scene.consulting()
            if column == .swapped { scene.press(agent, "*4") }
            if column == .conference { scene.press(agent, "*3") }
            return (scene, caller, agent, target)
        }
    }

    /// The table of design §5: what each code does in each state, told by what the legs hear.
    @Test(
        "feature codes by state",
        arguments: [
            ("talking", "*2", "dialling"), ("talking", "#1", "dialling"), ("talking", "*5", "held"),
            ("talking", "*1", "digits"), ("talking", "*3", "digits"), ("talking", "*4", "digits"),
            ("dialling", "*1", "talking"),
            ("ringing", "*2", "seeking"), ("ringing", "*1", "talking"), ("ringing", "*3", "error"),
            ("ringing", "*4", "error"), ("ringing", "#1", "error"), ("ringing", "*5", "error"),
            ("consulting", "*2", "completed"), ("consulting", "*1", "talking"), ("consulting", "*4", "swapped"),
            ("consulting", "*3", "conference"), ("consulting", "#1", "error"), ("consulting", "*5", "error"),
            ("swapped", "*2", "completed"), ("swapped", "*1", "talking"), ("swapped", "*4", "consulting"),
            ("swapped", "*3", "conference"), ("swapped", "#1", "error"), ("swapped", "*5", "error"),
            ("conference", "*2", "completed"), ("conference", "*1", "talking"), ("conference", "*3", "error"),
            ("conference", "*4", "error"), ("conference", "#1", "error"), ("conference", "*5", "error"),
            ("held", "*2", "dialling"), ("held", "#1", "dialling"), ("held", "*1", "talking"),
            ("held", "*5", "talking"),
            ("held", "*3", "error"), ("held", "*4", "error"),
        ])
    func table(state: String, code: String, result: String) throws {
        let column = try #require(Column(rawValue: state))
        let (scene, caller, agent, target) = scene(in: column)
        let holds = scene.all(holdStarted).count
        scene.press(agent, code)
        let tones = scene.legs[agent]?.tones ?? []
        #expect(tones == (result == "error" ? [.error] : []))
        switch result {
        case "talking":
            #expect(scene.hears(caller) == .leg(agent))
            #expect(scene.hears(agent) == .leg(caller))
            #expect(target == nil || scene.legs[target ?? caller]?.hungUp != nil)
        case "dialling":
            #expect(scene.hears(caller) == .music)
            #expect(scene.hears(agent) == .dialTone)
            // The same segment where the caller was held already.
            #expect(scene.all(holdStarted).count == (column == .held ? holds : holds + 1))
        case "held": #expect(scene.hears(caller) == .music)
        case "digits": #expect(scene.legs[caller]?.digits == code)
        case "seeking":
            #expect(scene.hears(caller) == .ringback)
            #expect(scene.legs[agent]?.hungUp != nil)
        case "completed":
            #expect(scene.hears(caller) == target.map { .leg($0) })
            #expect(scene.legs[agent]?.hungUp != nil)
        case "conference": #expect(target.map { scene.hears(caller) == .mix([agent, $0]) } == true)
        case "swapped":
            #expect(scene.hears(caller) == .leg(agent))
            #expect(scene.hears(target ?? caller) == .music)
        case "consulting": #expect(scene.hears(agent) == target.map { .leg($0) })
        default: #expect(scene.alive.contains(agent))
        }
        if result != "digits" { #expect(scene.legs[caller]?.digits == "") }
        scene.end(caller)
        if let target, scene.alive.contains(target) { scene.end(target) }
        scene.advance(1_000)
        scene.expectClean()
    }

    @Test("digits that are no code go on at once, in order; a code's first digits after codeTimeout")
    func passed() {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        scene.press(agent, "12")
        #expect(scene.legs[caller]?.digits == "12")
        scene.press(agent, "*")
        #expect(scene.legs[caller]?.digits == "12")
        scene.advance(1_001)
        #expect(scene.legs[caller]?.digits == "12*")
        scene.press(agent, "**7")
        #expect(scene.legs[caller]?.digits == "12***7")
        scene.press(agent, "**5")
        #expect(scene.legs[caller]?.digits == "12***7*")
        #expect(scene.hears(caller) == .music)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("callers' and targets' digits go to whoever hears them; nobody's are logged or are codes")
    func others() {
        let scene = Scene()
        let (caller, agent, target) = scene.consulting()
        scene.press(caller, "*59")
        #expect(scene.legs[agent]?.digits == "" && scene.legs[target]?.digits == "")
        scene.press(target, "*5#")
        #expect(scene.legs[agent]?.digits == "*5#")
        scene.press(agent, "77")
        #expect(scene.legs[target]?.digits == "77")
        scene.end(agent)
        scene.press(caller, "*58")
        #expect(scene.legs[target]?.digits == "77*58")
        scene.end(caller)
        scene.expectClean()
    }

    @Test("no digit within firstDigitTimeout: error tone and back")
    func noDigit() {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        scene.press(agent, "*2")
        scene.advance(4_999)
        #expect(scene.hears(caller) == .music)
        scene.advance(2)
        #expect(scene.legs[agent]?.tones == [.error])
        #expect(scene.hears(caller) == .leg(agent))
        #expect(scene.last(transferStarted) == nil)
        #expect(scene.last(holdEnded)?.outcome == .resumed)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("without # the digits are dialled after digitTimeout, or at once when no longer name begins with them")
    func digitTimeout() {
        let scene = Scene(
            testConfiguration {
                $0.transfer.targets.append(
                    TransferSettings.Target(digits: "100", destinations: [.agent("clara")]))
            })
        let (caller, agent) = scene.talking()
        scene.press(agent, "*2100")
        #expect(scene.hears(agent) == .silence)
        #expect(scene.order.count == 2)
        scene.advance(3_001)
        #expect(scene.legs[scene.newest]?.uri == "sip:1003@127.0.0.1:5083")
        scene.press(agent, "*1")
        scene.press(agent, "*2100#")
        #expect(scene.legs[scene.newest]?.uri == "sip:1003@127.0.0.1:5083")
        scene.press(agent, "*1")
        scene.press(agent, "*21002")
        #expect(scene.legs[scene.newest]?.uri == "sip:1002@127.0.0.1:5082")
        scene.end(caller)
        scene.expectClean()
    }

    @Test("a # behind a number that was complete without it reaches nobody; later, or behind another digit, it does")
    func terminator() {
        let scene = Scene()
        let (caller, agent, target) = scene.dialled()
        scene.answer(target)
        scene.press(agent, "#")
        scene.advance(1_001)
        #expect(scene.legs[target]?.digits == "")
        // Once: the next one is a digit.
        scene.press(agent, "#7")
        #expect(scene.legs[target]?.digits == "#7")
        scene.press(agent, "*1")
        // With digits behind it, which go on.
        scene.press(agent, "*21002")
        let second = scene.newest
        scene.answer(second)
        scene.press(agent, "#78")
        #expect(scene.legs[second]?.digits == "78")
        scene.press(agent, "*1*21002")
        let third = scene.newest
        scene.answer(third)
        scene.press(agent, "7#8")
        #expect(scene.legs[third]?.digits == "7#8")
        // Too late.
        scene.press(agent, "*1*21002")
        let fourth = scene.newest
        scene.answer(fourth)
        scene.advance(3_001)
        scene.press(agent, "#8")
        #expect(scene.legs[fourth]?.digits == "#8")
        #expect(scene.legs[caller]?.digits == "")
        scene.end(caller)
        scene.end(fourth)
        scene.expectClean()
    }

    @Test("a code that begins with # is one, right behind such a number too")
    func terminatorThatBeginsACode() {
        let scene = Scene()
        let (caller, agent, target) = scene.dialled()
        scene.reject(target, 486)
        #expect(scene.hears(caller) == .leg(agent))
        scene.press(agent, "#11003")
        #expect(scene.legs[agent]?.hungUp != nil && scene.last(transferStarted)?.kind == .blind)
        #expect(scene.legs[scene.newest]?.uri == "sip:1003@127.0.0.1:5083")
        scene.end(caller)
        scene.expectClean()
    }

    @Test("digits that name nobody: rejected, nothing dialled, back to the caller")
    func nobody() {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        scene.press(agent, "*2777#")
        #expect(scene.order.count == 2)
        #expect(scene.legs[agent]?.tones == [.rejected])
        #expect(scene.last(transferStarted)?.target == "777")
        #expect(scene.last(consultFailed)?.cause == .notAllowed)
        #expect(scene.last(transferFailed)?.cause == .notAllowed)
        #expect(scene.hears(caller) == .leg(agent))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("a target who is busy fails at once, nothing is dialled")
    func busyTarget() {
        let scene = Scene()
        let other = scene.call("+31201") ?? LegID(0)
        scene.answer(scene.newest)
        let (caller, agent) = scene.talking()
        let legs = scene.order.count
        scene.press(agent, "*21002")
        #expect(scene.order.count == legs)
        #expect(scene.last(consultFailed)?.cause == .busy)
        #expect(scene.last(consultFailed)?.sipStatus == nil)
        #expect(scene.hears(caller) == .leg(agent))
        scene.end(caller)
        scene.end(other)
        scene.expectClean()
    }

    @Test("the agent hears digits of nobody while dialling, and the code's digits reach nobody")
    func dialling() {
        let scene = Scene()
        let (caller, agent) = scene.talking()
        scene.press(agent, "*2")
        scene.press(caller, "5")
        scene.press(agent, "1")
        #expect(scene.legs[agent]?.digits == "")
        #expect(scene.legs[caller]?.digits == "")
        scene.end(caller)
        scene.expectClean()
    }
}
