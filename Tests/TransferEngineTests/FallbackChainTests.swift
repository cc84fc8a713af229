import CallEvents
import Testing

@testable import TransferEngine

/// The chain of where a caller goes whose target cannot be had, in every combination.
@Suite struct FallbackChainTests {
    typealias Step = TransferSettings.Step

    private static let steps: [Step] = [.next, .agent, .group("night"), .uri("sip:1999@127.0.0.1")]

    /// Every order of every selection of the steps: 65.
    private static var chains: [[Step]] {
        var chains: [[Step]] = [[]]
        var last = chains
        for _ in steps {
            last = last.flatMap { chain in steps.filter { !chain.contains($0) }.map { chain + [$0] } }
            chains += last
        }
        return chains
    }

    private static func word(_ step: Step) -> FallbackStep {
        switch step {
        case .next: .next
        case .agent: .agent
        case .group: .group
        case .uri: .uri
        }
    }

    /// Anna has given her caller away, blindly or by hanging up, to boris, with clara behind; nobody takes the caller.
    private func fail(_ chain: [Step], most: Int, overflow: Bool, blind: Bool) -> (scene: Scene, caller: LegID) {
        let scene = Scene(
            testConfiguration {
                $0.transfer.fallback = chain
                $0.transfer.maxFallbacks = most
                $0.agents.append(AgentSettings(name: "dora", uri: "sip:1004@127.0.0.1:5084"))
                $0.groups.append(GroupSettings(name: "night", members: ["dora"], ringTimeout: 1_000, maxWait: 1_500))
                if overflow { $0.lines[0].overflow = .uri("sip:1500@127.0.0.1") }
            })
        let (caller, anna) = scene.talking()
        scene.press(anna, blind ? "#120" : "*220")
        if !blind { scene.end(anna) }
        for _ in 0..<40 where scene.last(callEnded) == nil {
            if let leg = scene.alive.last, leg != caller {
                scene.ring(leg)
                scene.advance(100)
                if scene.alive.contains(leg) { scene.reject(leg, 486) }
            }
            scene.advance(400)
        }
        return (scene, caller)
    }

    @Test("every order of every selection: each step once, then the line's overflow, then a tone and the end")
    func every() {
        for (index, chain) in Self.chains.enumerated() {
            for (most, overflow) in [(20, true), (20, false), (2, true), (0, false)] {
                let (scene, caller) = fail(chain, most: most, overflow: overflow, blind: index % 2 == 0)
                // `next` is the list's own and comes first wherever it stands; the overflow is no step of the chain.
                var expected: [FallbackStep] = chain.contains(.next) ? [.next] : []
                for step in chain where step != .next && expected.count < most { expected.append(Self.word(step)) }
                let last = expected.last
                if overflow { expected.append(.overflow) }
                let place: Comment = "\(chain), at most \(most), overflow: \(overflow)"
                let told = scene.all(transferFallback)
                #expect(told.map(\.step) == expected, place)
                #expect(told.allSatisfy { $0.transfer == 1 && $0.cause == .busy }, place)
                #expect(scene.all(transferFailed).count == 1 && scene.all(transferCompleted).isEmpty, place)
                #expect(scene.legs[caller]?.tones == [.apology], place)
                #expect(scene.last(callEnded)?.endedBy == .controller, place)
                // What the last of them said.
                #expect(scene.last(callEnded)?.cause == (last == .group && !overflow ? .noAnswer : .busy), place)
                #expect(scene.last(holdEnded)?.outcome == .released, place)
                scene.expectClean()
            }
        }
    }

    @Test("whoever of the chain answers has the caller, and nobody else is tried")
    func answered() {
        for chain in Self.chains where chain.count == 4 {
            for answering in 0..<4 {
                let scene = Scene(
                    testConfiguration {
                        $0.transfer.fallback = chain
                        $0.agents.append(AgentSettings(name: "dora", uri: "sip:1004@127.0.0.1:5084"))
                        $0.groups.append(GroupSettings(name: "night", members: ["dora"], maxWait: 500))
                    })
                let (caller, anna) = scene.talking()
                scene.press(anna, "#120")
                scene.reject(scene.newest, 486)
                for _ in 0..<answering {
                    let phone = scene.newest
                    scene.reject(phone, 486)
                    // A group is waited for a while longer.
                    if scene.newest == phone { scene.advance(600) }
                }
                let steps = scene.all(transferFallback).map(\.step)
                #expect(steps == [.next] + chain.filter { $0 != .next }.prefix(answering).map(Self.word), "\(chain)")
                let phone = scene.newest
                scene.answer(phone)
                #expect(scene.hears(caller) == .leg(phone), "\(chain), \(answering)")
                #expect((scene.last(transferCompleted) != nil) == (answering == 0))
                #expect((scene.last(transferFailed) != nil) == (answering > 0))
                scene.end(caller)
                scene.expectClean()
            }
        }
    }
}
