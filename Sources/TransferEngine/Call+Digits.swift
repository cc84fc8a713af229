import CallEvents

/// Digits that may be the beginning of a feature code.
struct CodeBuffer: Codable, Sendable {
    var leg: LegID?
    var text = ""
    /// The first is the # behind a number that needed none: it may begin a code, but is nobody's digit.
    var beginsWithTerminator = false
}

/// The agent dials a target.
struct Dialling: Codable, Sendable {
    var kind: TransferKind
    var digits = ""
}

/// What a feature code does; which one depends on the phase.
enum Feature: Sendable {
    case consult, blind, hold, resume, complete, cancel, swap, merge
    /// A verdict, by this digit of the group's dispositions.
    case resolve(Character)
    /// Known, but not possible now.
    case impossible
}

// Digits. Those of the present agent are held against the feature codes (design §5); all others, and what is no code,
// go to whoever hears the leg they came from. None is ever logged.
extension Call {
    /// The codes of the phase. Where two features share a code, the table's order decides.
    private func features(
        _ codes: TransferSettings.FeatureCodes, _ context: Context
    ) -> [(code: String, feature: Feature)] {
        let table: [(String?, Feature)]
        switch phase {
        case .talking: table = [(codes.consult, .consult), (codes.blind, .blind), (codes.hold, .hold)]
        case .held:
            table = [
                (codes.consult, .consult), (codes.cancel, .resume), (codes.blind, .blind), (codes.hold, .resume),
                (codes.merge, .impossible), (codes.swap, .impossible),
            ]
        case .ringing:
            table = [
                (codes.complete, .complete), (codes.cancel, .cancel), (codes.merge, .impossible),
                (codes.swap, .impossible), (codes.blind, .impossible), (codes.hold, .impossible),
            ]
        case .consulting, .swapped:
            table = [
                (codes.complete, .complete), (codes.cancel, .cancel), (codes.swap, .swap), (codes.merge, .merge),
                (codes.blind, .impossible), (codes.hold, .impossible),
            ]
        case .conference:
            table = [
                (codes.complete, .complete), (codes.cancel, .cancel), (codes.merge, .impossible),
                (codes.swap, .impossible), (codes.blind, .impossible), (codes.hold, .impossible),
            ]
        case .arriving, .dialling, .seeking, .apologising, .over: table = []
        }
        return (table + verdicts(codes, context)).compactMap { code, feature in
            code.flatMap { $0.isEmpty ? nil : ($0, feature) }
        }
    }

    /// The resolve code with each digit, where the group has dispositions and the agent is with the caller.
    private func verdicts(_ codes: TransferSettings.FeatureCodes, _ context: Context) -> [(String?, Feature)] {
        guard let code = codes.resolve,
            [.talking, .held, .ringing, .consulting, .swapped, .conference].contains(phase),
            let group, context.directory.group(group)?.dispositions.isEmpty == false
        else { return [] }
        return "0123456789".map { ("\(code)\($0)", .resolve($0)) }
    }

    mutating func digit(_ digit: Character, from leg: LegID, _ context: inout Context) {
        if leg == caller, takeFromCaller(digit, &context) { return }
        guard agent != nil, handOver == nil, leg == party?.leg || leg == attempt?.agentLeg else {
            pass(String(digit), from: leg, &context)
            return
        }
        if phase == .dialling {
            collect(digit, &context)
            return
        }
        if codes.leg != leg { flushCodes(&context) }
        codes.leg = leg
        if takeTerminator(digit, from: leg, &context) { codes.beginsWithTerminator = true }
        codes.text.append(digit)
        let features = features(context.directory.transfer.featureCodes, context)
        var plain = ""
        while !codes.text.isEmpty {
            if let match = features.first(where: { $0.code == codes.text }) {
                codes = CodeBuffer()
                stopTimer(.code, &context)
                pass(plain, from: leg, &context)
                perform(match.feature, on: leg, &context)
                return
            }
            if features.contains(where: { $0.code.hasPrefix(codes.text) }) { break }
            plain.append(takeFirst())
        }
        pass(plain, from: leg, &context)
        if codes.text.isEmpty {
            stopTimer(.code, &context)
        } else {
            startTimer(.code, context.directory.transfer.codeTimeout, &context)
        }
    }

    /// The first of the digits that may be a code's, which it is not; none where it was only a number's end.
    private mutating func takeFirst() -> String {
        let first = String(codes.text.removeFirst())
        guard codes.beginsWithTerminator else { return first }
        codes.beginsWithTerminator = false
        return ""
    }

    /// The code was not finished in time: its digits go on, in order.
    mutating func flushCodes(_ context: inout Context) {
        guard let leg = codes.leg else { return }
        var waiting = codes.text.isEmpty ? "" : takeFirst()
        waiting += codes.text
        codes = CodeBuffer()
        stopTimer(.code, &context)
        pass(waiting, from: leg, &context)
    }

    /// Whether the digit is the # that an agent presses out of habit behind a number that was complete without it. Any
    /// other digit says that none will come.
    private mutating func takeTerminator(_ digit: Character, from leg: LegID, _ context: inout Context) -> Bool {
        guard terminated == leg else { return false }
        terminated = nil
        stopTimer(.terminator, &context)
        return digit == "#"
    }

    /// To whoever hears that leg; nobody does while the caller is held.
    private mutating func pass(_ digits: String, from leg: LegID, _ context: inout Context) {
        guard !digits.isEmpty else { return }
        for listener in legs where listener.hears.includes(leg) && listener.isAlive && listener.state == .answered {
            context.emit(.sendDigits(listener.id, digits))
        }
    }

    private mutating func perform(_ feature: Feature, on leg: LegID, _ context: inout Context) {
        switch feature {
        case .consult: startDialling(.attended, &context)
        case .blind: startDialling(.blind, &context)
        case .hold: hold(.code, &context)
        case .resume: resume(&context)
        case .complete: completeOrLeave(&context)
        case .cancel: cancelOrDrop(&context)
        case .swap where attempt?.agentLeg == nil: swap(&context)
        case .merge where attempt?.agentLeg == nil: merge(&context)
        case .resolve(let digit):
            guard let disposition = context.disposition(digit, group: group) else {
                context.emit(.tone(leg, .error, nil))
                return
            }
            _ = resolve(disposition.resolved, code: disposition.code, note: nil, &context)
            context.emit(.tone(leg, .comfort, nil))
        case .swap, .merge, .impossible: context.emit(.tone(leg, .error, nil))
        }
    }

    /// Complete: with the target the caller goes over to it; while it rings the agent leaves (semi-attended), and in a
    /// conference as well.
    mutating func completeOrLeave(_ context: inout Context) {
        switch phase {
        case .ringing: agentLeaves(endedBy: .agent, cause: .normal, &context)
        case .conference: agentLeavesConference(endedBy: .agent, cause: .normal, &context)
        default: complete(endedBy: .agent, cause: .normal, &context)
        }
    }

    /// Cancel: the target is given up, or dropped from a conference.
    mutating func cancelOrDrop(_ context: inout Context) {
        if phase == .conference {
            targetLeavesConference(endedBy: .agent, cause: .cancelled, &context)
        } else {
            cancelConsult(&context)
        }
    }

    private mutating func startDialling(_ kind: TransferKind, _ context: inout Context) {
        dialling = Dialling(kind: kind)
        enter(.dialling, &context)
        reroute(kind == .blind ? .blind : .consult, &context)
        startTimer(.digits, context.directory.transfer.firstDigitTimeout, &context)
    }

    mutating func stopDialling(_ context: inout Context) {
        dialling = nil
        stopTimer(.digits, &context)
    }

    /// A digit of the target's.
    private mutating func collect(_ digit: Character, _ context: inout Context) {
        guard var dialling else { return }
        if digit == "#" {
            dial(dialling, &context)
            return
        }
        dialling.digits.append(digit)
        self.dialling = dialling
        if let cancel = context.directory.transfer.featureCodes.cancel, !cancel.isEmpty,
            dialling.digits.hasSuffix(cancel)
        {
            stopDialling(&context)
            enter(.talking, &context)
            reroute(.agentPhone, &context)
        } else if context.directory.isComplete(digits: dialling.digits) {
            terminated = party?.leg
            startTimer(.terminator, context.directory.transfer.digitTimeout, &context)
            dial(dialling, &context)
        } else if dialling.digits.count >= Self.mostDigits {
            giveDiallingUp(&context)
        } else {
            startTimer(.digits, context.directory.transfer.digitTimeout, &context)
            reroute(.consult, &context)
        }
    }

    /// No number is longer (E.164 has 15, prefixes and codes come on top).
    private static var mostDigits: Int { 32 }

    /// No further digit came: what there is is dialled.
    mutating func digitsTimedOut(_ context: inout Context) {
        guard let dialling else { return }
        dial(dialling, &context)
    }

    private mutating func dial(_ dialled: Dialling, _ context: inout Context) {
        guard !dialled.digits.isEmpty else {
            giveDiallingUp(&context)
            return
        }
        stopDialling(&context)
        startTransfer(
            dialled.kind, to: context.directory.candidates(named: dialled.digits), named: dialled.digits, by: .code,
            &context)
    }

    /// Nothing that could be dialled: error tone, and back to the caller.
    private mutating func giveDiallingUp(_ context: inout Context) {
        let hold: HoldReason = dialling?.kind == .blind ? .blind : .consult
        stopDialling(&context)
        backUnasked(hold, wasDialling: true, &context)
        reroute(.agentPhone, &context)
        if let party { context.emit(.tone(party.leg, .error, nil)) }
    }
}
