import CallEvents
import Testing

@testable import TransferEngine

/// Every input in every state: nothing traps, every invariant holds, and the call can still be ended.
@Suite struct EveryEventTests {
    /// A way into a state of the machine.
    enum Place: String, CaseIterable, Sendable {
        case arriving, arrivingRinging, arrivingEarly, arrivingMatching, queuedRinging, queuedMusic, queuedAnnounced
        case outboundRinging, outboundTalking
        case talking, agentPhoneHolds, callerPhoneHolds, talkingToTarget, backUnasked, backUnaskedDialling
        case held, dialling, diallingDigits, codePending
        case terminatorPending, terminatorGone
        case ringing, ringingEarly, ringingTogether, ringingMatching, ringingLast
        case consulting, swapped, consultingCallerHolds
        case conference, conferenceAgentHolds
        case secondRinging, secondConsulting
        case handingOver, handedOver, handedOverLeft, handingOverLeft
        case referRinging, referSeeking, referSecondRinging, referSecondGone
        case seekingSemi, seekingTogether, seekingBlind, seekingMatching, seekingRecall, seekingGroup,
            seekingGroupPaused,
            seekingGroupAnnounced, seekingOverflow
        case apologising, overTone, overTalkOn, overEnding

        /// The phase it is to be in.
        var phase: Call.Phase {
            switch self {
            case .arriving, .arrivingRinging, .arrivingEarly, .arrivingMatching, .queuedRinging, .queuedMusic,
                .queuedAnnounced, .outboundRinging:
                .arriving
            case .handingOver, .outboundTalking, .talking, .agentPhoneHolds, .callerPhoneHolds, .talkingToTarget,
                .backUnasked, .backUnaskedDialling, .codePending:
                .talking
            case .held: .held
            case .dialling, .diallingDigits: .dialling
            case .terminatorPending, .terminatorGone, .ringing, .ringingEarly, .ringingTogether, .ringingMatching,
                .ringingLast, .secondRinging,
                .referRinging,
                .referSecondRinging, .referSecondGone:
                .ringing
            case .consulting, .consultingCallerHolds, .secondConsulting: .consulting
            case .swapped: .swapped
            case .conference, .conferenceAgentHolds: .conference
            case .seekingSemi, .seekingTogether, .seekingBlind, .seekingMatching, .seekingRecall, .seekingGroup,
                .seekingGroupPaused,
                .seekingGroupAnnounced, .seekingOverflow, .referSeeking:
                .seeking
            case .apologising: .apologising
            case .overTone, .overTalkOn, .overEnding, .handedOver, .handedOverLeft, .handingOverLeft: .over
            }
        }

        func scene() -> Scene {
            let scene = Scene(
                testConfiguration {
                    $0.transfer.fallback = [.next, .agent, .group("support")]
                    $0.groups[0].members = ["boris"]
                    $0.transfer.holdSignalling = .reinvite
                    if "\(self)".hasSuffix("Announced") {
                        $0.groups[0].announcements = GroupSettings.Announcements(every: 2_000, after: 0, sounds: "s")
                        $0.groups[0].music = "m"
                    }
                    if "\(self)".hasSuffix("Together") {
                        $0.groups[0].members = ["boris", "clara"]
                        $0.groups[0].strategy = .ringAll
                    }
                    if "\(self)".hasPrefix("hand") { $0.transfer.completion = .refer }
                })
            switch self {
            case .arriving: scene.call("7000")
            case .arrivingRinging:
                scene.call("7000")
                scene.ring(scene.newest)
            case .arrivingEarly:
                scene.call("7300")
                scene.ring(scene.newest, early: true)
            case .arrivingMatching:
                scene.call("7100")
                scene.reject(scene.newest, 486)
                scene.advance(1_001)
                scene.answer(scene.newest, codec: "opus")
            case .queuedRinging: scene.call("7100")
            case .queuedMusic, .queuedAnnounced:
                scene.call("7100")
                scene.reject(scene.newest, 486)
                if self == .queuedAnnounced { scene.advance(1) }
            case .outboundRinging: scene.call("55", from: "sip:1001@127.0.0.1:5081")
            case .outboundTalking:
                scene.call("55", from: "sip:1001@127.0.0.1:5081")
                scene.answer(scene.newest)
            case .talking: _ = scene.talking()
            case .agentPhoneHolds: scene.media(scene.talking().agent, sends: false, receives: false)
            case .callerPhoneHolds: scene.media(scene.talking().caller, sends: true, receives: false)
            case .talkingToTarget:
                scene.call("7300")
                scene.answer(scene.newest)
            case .backUnasked: scene.reject(scene.dialled().target, 486)
            case .backUnaskedDialling: scene.press(scene.talking().agent, "*2#")
            case .codePending: scene.press(scene.talking().agent, "*")
            case .held: scene.press(scene.talking().agent, "*5")
            case .dialling: scene.press(scene.talking().agent, "*2")
            case .diallingDigits: scene.press(scene.talking().agent, "#110")
            case .ringing: _ = scene.dialled("20")
            case .terminatorPending: scene.press(scene.dialled("20").agent, "#")
            case .terminatorGone:
                _ = scene.dialled("20")
                scene.advance(3_001)
            case .ringingTogether: scene.press(scene.talking().agent, "*260")
            case .seekingTogether:
                let agent = scene.talking().agent
                scene.press(agent, "*260")
                scene.end(agent)
            case .ringingEarly: scene.ring(scene.dialled().target, early: true)
            case .ringingMatching: scene.answer(scene.dialled().target, codec: "opus")
            case .ringingLast: scene.reject(scene.dialled("20").target, 486)
            case .consulting: _ = scene.consulting()
            case .consultingCallerHolds: scene.media(scene.consulting().caller, sends: false, receives: false)
            case .swapped: scene.press(scene.consulting().agent, "*4")
            case .conference: scene.press(scene.consulting().agent, "*3")
            case .conferenceAgentHolds:
                let agent = scene.consulting().agent
                scene.press(agent, "*3")
                scene.media(agent, sends: true, receives: false)
            case .secondRinging, .secondConsulting:
                scene.media(scene.talking().agent, sends: false, receives: false)
                scene.call("1002", from: "sip:1001@127.0.0.1:5081")
                if self == .secondConsulting { scene.answer(scene.newest) }
            case .handingOver: scene.end(scene.consulting().agent)
            case .handedOver:
                scene.endsLegs = false
                scene.end(scene.consulting().agent)
                scene.handedOver(200, final: true)
            case .handedOverLeft, .handingOverLeft:
                let (caller, agent, target) = scene.consulting()
                scene.end(agent)
                scene.handedOver(202)
                scene.end(self == .handedOverLeft ? target : caller)
            case .referRinging: scene.refer(scene.talking().agent, to: "sip:20@127.0.0.1:5070")
            case .referSeeking:
                let agent = scene.talking().agent
                scene.refer(agent, to: "sip:20@127.0.0.1:5070")
                scene.end(agent)
            case .referSecondRinging, .referSecondGone:
                let agent = scene.talking().agent
                scene.media(agent, sends: false, receives: false)
                let second = scene.call("1002", from: "sip:1001@127.0.0.1:5081") ?? LegID(0)
                scene.refer(agent, to: "sip:1002@127.0.0.1:5070", replaces: second)
                if self == .referSecondGone { scene.end(second, LegEnd(how: .cancelled)) }
            case .seekingSemi: scene.end(scene.dialled("20").agent)
            case .seekingBlind: scene.press(scene.talking().agent, "#11002")
            case .seekingMatching:
                scene.press(scene.talking().agent, "#11002")
                scene.answer(scene.newest, codec: "G722")
            case .seekingRecall, .seekingGroup, .seekingGroupPaused, .seekingGroupAnnounced, .seekingOverflow,
                .apologising:
                scene.end(scene.talking("7200").agent, LegEnd(how: .vanished))
                guard self != .seekingRecall else { break }
                scene.reject(scene.newest, 486)
                guard self != .seekingGroup else { break }
                scene.reject(scene.newest, 486)
                guard self != .seekingGroupPaused else { break }
                if self == .seekingGroupAnnounced {
                    scene.advance(1)
                    break
                }
                scene.due.removeAll { if case .timer(let timer) = $0.input { timer != maxWait(scene) } else { false } }
                scene.advance(31_000)
                guard self != .seekingOverflow else { break }
                scene.reject(scene.newest, 486)
            case .overTone: scene.end(scene.dialled().caller)
            case .overTalkOn: scene.end(scene.consulting().caller)
            case .overEnding:
                scene.endsLegs = false
                scene.end(scene.talking().caller)
            }
            return scene
        }

        private func maxWait(_ scene: Scene) -> TimerID? {
            scene.engine.inOrder.first?.timers.first { $0.purpose == .maxWait }?.id
        }
    }

    private func inputs(_ scene: Scene) -> [Input] {
        var inputs: [Input] = []
        for leg in scene.order + [LegID(999)] {
            inputs += [100, 180, 183].flatMap { status in
                [true, false].map { Input.legProgress(leg, sipStatus: status, earlyMedia: $0) }
            }
            inputs += ["PCMA", "opus", nil].map { .legAnswered(leg, codec: $0) }
            inputs += LegEnd.How.allCases.map { .legEnded(leg, LegEnd(how: $0)) }
            inputs += [302, 480, 486, 488].map {
                .legEnded(
                    leg, LegEnd(how: .rejected, sipStatus: $0, contacts: ["sip:1777@127.0.0.1", "sip:x@y", "rubbish"]))
            }
            for sends in [true, false] {
                for receives in [true, false] {
                    inputs.append(.legMedia(leg, peerSends: sends, peerReceives: receives, codec: sends ? "G722" : nil))
                }
            }
            for user in ["1001", "1002", "1400"] {
                inputs.append(.identity(leg, Identity(uri: "sip:\(user)@pbx.example")))
            }
            inputs.append(.rtpTimeout(leg))
            inputs += ["sip:3999@pbx", "sip:1003@127.0.0.1", "rubbish"].map { .identity(leg, Identity(uri: $0)) }
            for (number, target) in ["sip:1003@127.0.0.1:5070", "sip:evil@elsewhere.example", "rubbish"].enumerated() {
                let id = ReferID(100 + UInt64(number))
                inputs.append(.refer(leg, Referral(id: id, referTo: target)))
                inputs.append(.refer(leg, Referral(id: id, referTo: target, replacesHeader: "a;to-tag=b;from-tag=c")))
                for other in scene.order + [LegID(0)] {
                    inputs.append(.refer(leg, Referral(id: id, referTo: target, replaces: other)))
                }
            }
            for from in ["sip:1001@h", "sip:1003@h", "sip:9@x"] {
                inputs.append(
                    .invite(
                        Invitation(
                            handle: 98, call: "ctl-1-98", sipCallID: "y", requestURI: "sip:7000@h", to: "", from: from,
                            replaces: leg)))
            }
            inputs += "0125*#D".compactMap(Digit.init).map { .digit(leg, $0) }
            let reports = scene.engine.inOrder.flatMap { $0.legs.compactMap(\.matching) } + [ReportID(12345)]
            for report in reports {
                inputs += [200, 488, 491, 0].map { .reoffered(leg, report, sipStatus: $0, codec: "PCMU") }
            }
        }
        let reports = (1...16).map { ReportID(UInt64($0)) }
        for hand in scene.handOvers {
            for (status, isFinal) in [(202, false), (100, false), (200, true), (481, true), (0, true)] {
                inputs.append(.handedOver(hand.leg, hand.report, sipStatus: status, isFinal: isFinal))
            }
        }
        inputs += reports.flatMap { [.routed($0), .toneEnded($0)] }
        inputs += scene.engine.inOrder.flatMap { $0.timers.map { .timer($0.id) } } + [.timer(TimerID(999))]
        let id = "ctl-1-1"
        let commands: [Command] = [
            .hold(call: id), .resume(call: id), .complete(call: id), .cancel(call: id), .swap(call: id),
            .merge(call: id),
            .hangup(call: id), .consult(call: id, targets: ["1003"], note: "x"), .blind(call: id, targets: ["1003"]),
            .consult(call: id, targets: [], note: nil), .consult(call: id, targets: ["99", "1003"], note: nil),
            .blind(call: id, targets: ["boris", "clara"]),
        ]
        inputs += commands.map { .command(RequestID(1), $0) }
        inputs += [
            .started, .remembered(caller: "+37120000001", agent: "boris", WallTime(microseconds: 1)),
            .rememberedCall(
                RememberedCall(
                    call: id, agent: "anna", group: nil, line: nil, arrived: WallTime(microseconds: 1),
                    ended: WallTime(microseconds: 2), verdict: nil)),
            .rememberedCallback(
                RememberedCallback(
                    request: id, group: "support", caller: "+37120000001", requested: WallTime(microseconds: 1))),
            .command(RequestID(1), .resolve(call: id, resolved: true, code: nil, note: "n")),
        ]
        for agent in ["anna", "boris", "x"] {
            inputs += [AgentCommand.login, .logout, .ready, .pause(reason: nil)].map {
                .agent(RequestID(1), agent: agent, $0)
            }
        }
        inputs += [.terminate, .logHealth(writable: false), .registered(agent: "anna", contact: nil)]
        inputs.append(.configuration(EngineConfiguration(node: "ctl-1", ownURI: "sip:x@y")))
        inputs.append(.inviteRefused(from: "", to: "", sipStatus: 0))
        for (line, from) in [("7000", "sip:9@x"), ("1003", "sip:1001@127.0.0.1:5081"), ("", ""), ("55", "sip:1002@h")] {
            inputs.append(
                .invite(
                    Invitation(
                        handle: 99, call: "ctl-1-99", sipCallID: "x", requestURI: "sip:\(line)@h", to: "", from: from)))
        }
        return inputs
    }

    @Test("every state is reached", arguments: Place.allCases)
    func reached(place: Place) {
        let scene = place.scene()
        #expect(scene.engine.inOrder.first?.phase == place.phase)
        #expect(scene.invariants.problems.isEmpty, "\(scene.invariants.problems)")
    }

    @Test("every input in every state", arguments: Place.allCases)
    func every(place: Place) {
        let model = place.scene()
        for input in inputs(model) {
            let scene = model.copy()
            if case .legEnded(let leg, _) = input { scene.legs[leg]?.ended = true }
            if case .legAnswered(let leg, let codec) = input {
                scene.legs[leg]?.answered = true
                scene.legs[leg]?.codec = codec
            }
            scene.feed(input)
            scene.settle()
            end(scene)
            #expect(scene.invariants.problems.isEmpty, "\(place) with \(input): \(scene.invariants.problems)")
        }
    }

    /// Ends everything, as after two SIGTERMs.
    private func end(_ scene: Scene) {
        scene.endsLegs = true
        scene.advance(3)
        scene.feed(.terminate)
        scene.feed(.terminate)
        scene.settle()
        for leg in scene.order where scene.legs[leg]?.ended == false { scene.end(leg, LegEnd(how: .local)) }
        scene.advance(10_000)
        scene.invariants.finish(scene.engine)
        #expect(scene.finished == 1)
    }
}
