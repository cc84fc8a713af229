import CallEvents
import Testing

@testable import TransferEngine

/// What callers hear while they wait for a group.
@Suite struct AnnouncementTests {
    private static let sounds = "/sounds"

    /// Anna alone serves the group, with music of its own; every 20 s callers hear how things stand, first after 5 s.
    private func scene(_ change: (inout EngineConfiguration) -> Void = { _ in }) -> Scene {
        Scene(
            testConfiguration {
                $0.groups[0].members = ["anna"]
                $0.groups[0].music = "/music.wav"
                $0.groups[0].maxWait = 600_000
                $0.groups[0].announcements = GroupSettings.Announcements(every: 20_000, sounds: Self.sounds)
                change(&$0)
            })
    }

    /// Anna talks with a caller.
    private func busy(_ scene: Scene) -> (caller: LegID, anna: LegID) {
        let caller = scene.call("7100") ?? LegID(0)
        let anna = scene.newest
        scene.answer(anna)
        return (caller, anna)
    }

    private func said(_ scene: Scene, _ leg: LegID) -> [Announcement] { scene.legs[leg]?.announced ?? [] }

    private func words(_ position: Int?, minutes: Int? = nil, digit: String? = nil) -> Announcement {
        Announcement(sounds: Self.sounds, position: position, waitMinutes: minutes, callbackDigit: digit)
    }

    @Test("the group's music, now and then the place, then the music again")
    func repeated() {
        let scene = scene()
        let (served, _) = busy(scene)
        let first = scene.call("7100") ?? LegID(0)
        let second = scene.call("7100") ?? LegID(0)
        #expect(scene.hears(first) == .file("/music.wav") && scene.hears(second) == .file("/music.wav"))
        scene.advance(4_999)
        #expect(said(scene, second).isEmpty)
        scene.advance(1)
        // Nobody has been served yet: how long it takes is not known, and not said.
        #expect(said(scene, first) == [words(1)] && said(scene, second) == [words(2)])
        #expect(scene.hears(second) == .file("/music.wav"))
        scene.advance(19_999)
        #expect(said(scene, second).count == 1)
        scene.end(first)
        scene.advance(1)
        #expect(said(scene, second) == [words(2), words(1)])
        #expect(scene.legs[second]?.stopped == 0)
        scene.end(second)
        scene.end(served)
        scene.expectClean()
    }

    @Test("an answer cuts the announcement off, and nothing is said afterwards")
    func answered() {
        let scene = scene()
        let (served, _) = busy(scene)
        let caller = scene.call("7100") ?? LegID(0)
        scene.advance(5_500)
        #expect(said(scene, caller).count == 1)
        scene.end(served)
        let anna = scene.newest
        scene.ring(anna)
        #expect(scene.legs[caller]?.stopped == 0)
        scene.answer(anna)
        #expect(scene.legs[caller]?.stopped == 1 && scene.hears(caller) == .leg(anna))
        scene.advance(60_000)
        #expect(said(scene, caller).count == 1)
        scene.end(caller)
        scene.expectClean()
    }

    @Test("a caller who hangs up in the middle of an announcement is told nothing more")
    func left() {
        let scene = scene()
        let (served, _) = busy(scene)
        let caller = scene.call("7100") ?? LegID(0)
        scene.advance(5_500)
        scene.end(caller)
        scene.advance(60_000)
        #expect(scene.legs[caller]?.stopped == 0 && said(scene, caller).count == 1)
        scene.end(served)
        scene.expectClean()
    }

    @Test("expected wait: position × handling time ÷ members at work, rounded up")
    func expectedWait() {
        let scene = scene {
            $0.groups[0].members = ["anna", "boris", "clara"]
            for index in 0..<3 { $0.agents[index].wrapUp = 30_000 }
        }
        scene.feed(.agent(RequestID(1), agent: "clara", .pause(reason: nil)))
        // Two callers of 150 s each, and 30 s of wrap-up.
        for _ in 1...2 {
            let caller = scene.call("7100") ?? LegID(0)
            scene.answer(scene.newest)
            scene.advance(150_000)
            scene.end(caller)
        }
        scene.advance(30_000)
        let served = (1...2).map { _ in
            let caller = scene.call("7100") ?? LegID(0)
            scene.answer(scene.newest)
            return caller
        }
        let callers = (1...3).map { _ in scene.call("7100") ?? LegID(0) }
        scene.advance(5_000)
        // 180 s ÷ 2 = 90 s a place.
        #expect(
            callers.map { said(scene, $0) } == [[words(1, minutes: 2)], [words(2, minutes: 3)], [words(3, minutes: 5)]])
        scene.feed(.agent(RequestID(1), agent: "boris", .pause(reason: nil)))
        scene.advance(20_000)
        #expect(said(scene, callers[0]).last == words(1, minutes: 3))
        scene.feed(.agent(RequestID(1), agent: "anna", .pause(reason: nil)))
        scene.advance(20_000)
        // Nobody will be free for them: nothing is guessed.
        #expect(said(scene, callers[0]).last == words(1))
        for caller in callers + served { scene.end(caller) }
        scene.advance(40_000)
        scene.expectClean()
    }

    @Test("expected wait: only members with the skills asked for count, and only those ahead whom they could take")
    func expectedWaitBySkills() {
        let scene = scene {
            $0.groups[0].members = ["anna", "boris", "clara"]
            $0.groups[0].skillsAfter = 100_000
            $0.agents[0].skills = ["latvian"]
            $0.agents[1].skills = ["latvian", "billing"]
            $0.lines.append(
                LineSettings(pattern: "7110", to: .group("support"), answer: .queue, skills: ["latvian"]))
            $0.lines.append(
                LineSettings(pattern: "7120", to: .group("support"), answer: .queue, skills: ["billing"]))
        }
        // One caller of 100 s.
        let first = scene.call("7100") ?? LegID(0)
        scene.answer(scene.newest)
        scene.advance(100_000)
        scene.end(first)
        let served = (1...3).map { _ in
            let caller = scene.call("7100") ?? LegID(0)
            scene.answer(scene.newest)
            return caller
        }
        let callers = ["7110", "7110", "7120", "7100"].map { scene.call($0) ?? LegID(0) }
        scene.advance(5_000)
        // Two speak Latvian: 50 s a place. Billing is Boris's alone, who has two Latvian callers before it.
        // Whoever asks for nothing waits for any of three, behind all of them.
        #expect(
            callers.map { said(scene, $0).last }
                == [words(1, minutes: 0), words(2, minutes: 2), words(3, minutes: 5), words(4, minutes: 3)])
        // Without Boris: nobody for billing, who is in nobody's way any more.
        scene.feed(.agent(RequestID(1), agent: "boris", .pause(reason: nil)))
        scene.advance(20_000)
        #expect(
            callers.map { said(scene, $0).last }
                == [words(1, minutes: 2), words(2, minutes: 4), words(3), words(4, minutes: 3)])
        // After a hundred seconds all of them may be anybody's.
        scene.advance(80_000)
        #expect(
            callers.map { said(scene, $0).last }
                == [words(1, minutes: 0), words(2, minutes: 2), words(3, minutes: 3), words(4, minutes: 4)])
        for caller in callers + served { scene.end(caller) }
        scene.advance(1_000)
        scene.expectClean()
    }

    @Test("less than a minute is said as such")
    func short() {
        let scene = scene()
        let caller = scene.call("7100") ?? LegID(0)
        scene.answer(scene.newest)
        scene.advance(30_000)
        scene.end(caller)
        let (served, _) = busy(scene)
        let waiting = scene.call("7100") ?? LegID(0)
        let behind = scene.call("7100") ?? LegID(0)
        scene.advance(5_000)
        #expect(said(scene, waiting) == [words(1, minutes: 0)] && said(scene, behind) == [words(2, minutes: 1)])
        for leg in [waiting, behind, served] { scene.end(leg) }
        scene.expectClean()
    }

    @Test("the key for a call-back is said to who may ask for it; only what is configured is said")
    func parts() {
        let scene = scene {
            $0.groups[0].callback = GroupSettings.Callback(digit: "5")
            $0.groups[0].announcements?.parts = [.callback]
            $0.transfer.dial = "sip:{digits}@127.0.0.1:5060"
            $0.transfer.allow = ["sip:\\+371[0-9]+@127\\.0\\.0\\.1:5060"]
        }
        let (served, _) = busy(scene)
        let known = scene.call("7100") ?? LegID(0)
        let withheld = scene.call("7100") { $0.withheld = true } ?? LegID(0)
        let foreign = scene.call("7100", from: "sip:+4420@pbx") ?? LegID(0)
        scene.advance(5_000)
        #expect(said(scene, known) == [words(nil, digit: "5")])
        #expect(said(scene, withheld).isEmpty && said(scene, foreign).isEmpty)
        scene.press(known, "5")
        #expect(scene.legs[known]?.stopped == 1 && scene.legs[known]?.tones == [.comfort])
        for leg in [withheld, foreign, served] { scene.end(leg) }
        scene.feed(.terminate)
        scene.settle()
        scene.answer(scene.newest)
        scene.advance(1_000)
        for leg in scene.alive { scene.end(leg) }
        scene.expectClean()
    }

    @Test("without sound files: a comfort tone")
    func tones() {
        let scene = scene { $0.groups[0].announcements?.sounds = nil }
        let (served, _) = busy(scene)
        let caller = scene.call("7100") ?? LegID(0)
        scene.advance(45_001)
        #expect(scene.legs[caller]?.tones == [.comfort, .comfort, .comfort] && said(scene, caller).isEmpty)
        scene.end(caller)
        scene.end(served)
        scene.expectClean()
    }

    @Test("one that takes longer than the pause is not cut off by the next")
    func long() {
        let scene = scene { $0.groups[0].announcements?.every = 2_000 }
        let (served, _) = busy(scene)
        let caller = scene.call("7100") ?? LegID(0)
        // At 5 s, and lasting 3: due again at 7 s, said at 9.
        scene.advance(8_999)
        #expect(said(scene, caller).count == 1 && scene.legs[caller]?.stopped == 0)
        scene.advance(1)
        #expect(said(scene, caller).count == 2 && scene.legs[caller]?.stopped == 0)
        scene.end(caller)
        scene.end(served)
        scene.expectClean()
    }

    @Test("a caller who has not been answered is told nothing; one whose answer is ours from then on")
    func unanswered() {
        let scene = scene { $0.lines[1].answer = .agent }
        let (served, _) = busy(scene)
        let caller = scene.call("7100") ?? LegID(0)
        scene.advance(60_000)
        #expect(said(scene, caller).isEmpty && scene.hears(caller) == .silence)
        scene.end(caller, LegEnd(how: .cancelled))
        scene.end(served)
        scene.expectClean()

        let later = self.scene()
        let rung = later.call("7100") ?? LegID(0)
        later.ring(later.newest)
        later.advance(4_000)
        later.reject(later.newest, 486)
        #expect(later.legs[rung]?.answered == true)
        later.advance(4_999)
        #expect(said(later, rung).isEmpty)
        later.advance(1)
        #expect(said(later, rung) == [words(1)])
        later.end(rung)
        later.expectClean()
    }

    @Test("a transferred caller in a group's queue hears its music and announcements; the answer is heard at once")
    func transferred() {
        let scene = scene { $0.groups[0].members = ["boris"] }
        let (other, _) = busy(scene)
        let (caller, anna) = scene.talking()
        scene.press(anna, "#160")
        #expect(scene.legs[anna]?.hungUp != nil)
        #expect(scene.hears(caller) == .file("/music.wav"))
        scene.advance(5_500)
        #expect(said(scene, caller) == [words(1)])
        scene.end(other)
        let boris = scene.newest
        scene.answer(boris)
        #expect(scene.legs[caller]?.stopped == 1 && scene.hears(caller) == .leg(boris))
        scene.end(caller)
        scene.expectClean()
    }

    @Test("the queue is given up: the announcement ends, and the music of all is heard under the apology")
    func overflow() {
        let scene = scene { $0.groups[0].maxWait = 6_000 }
        let (served, _) = busy(scene)
        let caller = scene.call("7100") ?? LegID(0)
        scene.advance(6_001)
        #expect(scene.legs[caller]?.stopped == 1 && scene.legs[caller]?.tones == [.apology])
        #expect(scene.hears(caller) == .music)
        scene.advance(1_000)
        scene.end(served)
        scene.expectClean()
    }
}
