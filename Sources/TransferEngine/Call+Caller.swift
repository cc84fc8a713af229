import CallEvents

// What the caller's own keys do: while waiting, ask for a call-back; after the agent has hung up, say whether the matter
// is resolved.
extension Call {
    /// Whether the caller's digit was meant for us.
    mutating func takeFromCaller(_ digit: Character, _ context: inout Context) -> Bool {
        if phase == .over {
            answerQuestion(digit, &context)
            return true
        }
        guard let queue, canBeCalledBack(context),
            context.directory.group(queue.group)?.callback?.digit == String(digit)
        else { return false }
        requestCallback(&context)
        return true
    }

    /// Whether the waiting caller may ask for a call-back.
    func canBeCalledBack(_ context: Context) -> Bool {
        guard let queue, !queue.isTarget, !isAnswered, phase == .arriving, callerLeg?.state == .answered,
            attempt?.answered != true, direction == .inbound
        else { return false }
        return context.directory.group(queue.group)?.callback != nil
    }

    /// Whether the caller is asked when the agent hangs up.
    func isAsked(_ endedBy: EndedBy, _ cause: Cause, _ context: Context) -> GroupSettings.Verdict? {
        guard endedBy == .agent, cause == .normal, isAnswered, direction == .inbound, callerLeg?.isAlive == true,
            phase == .talking
        else { return nil }
        return group.flatMap(context.directory.group)?.verdict
    }

    /// The caller hears a tone and may answer; then, or when the time is up, comes the BYE.
    mutating func ask(_ verdict: GroupSettings.Verdict, _ context: inout Context) {
        farewell = Farewell(leg: caller, report: .none)
        question = verdict
        context.emit(.tone(caller, .comfort, nil))
        startTimer(.farewell, verdict.timeout, &context)
    }

    private mutating func answerQuestion(_ digit: Character, _ context: inout Context) {
        guard let question, farewell?.leg == caller else { return }
        guard String(digit) == question.yes || String(digit) == question.no else { return }
        _ = resolve(String(digit) == question.yes, code: nil, note: nil, by: .caller, &context)
        self.question = nil
        farewellDone(&context)
    }
}
