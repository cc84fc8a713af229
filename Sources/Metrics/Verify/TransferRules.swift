import CallEvents

/// The rules of a call's transfers and consults.
extension CallBook {
    mutating func checkTransfer(_ event: CallEvent, at mono: Int64, _ findings: inout Findings) {
        switch event {
        case .transferStarted(let fields):
            Self.count("transfer", fields.transfer, after: &lastTransfer, &findings)
            if let open = transfers.keys.max() {
                findings.add(.opening, "transfer \(fields.transfer) began while \(open) was open")
            }
            transfers[fields.transfer] = Transfer(opening: fields, targets: [fields.target])
        case .transferCompleted(let fields): checkCompleted(fields, &findings)
        case .transferFailed(let fields):
            close(fields.transfer, kind: fields.kind, agent: fields.agent, target: fields.target, &findings)
        case .transferCancelled(let fields):
            close(fields.transfer, kind: fields.kind, agent: fields.agent, target: fields.target, &findings)
        case .transferFallback(let fields):
            if transfers[fields.transfer] == nil {
                findings.add(.opening, "fallback of transfer \(fields.transfer), which is not open")
            }
        case .consultStarted(let fields): checkConsultStarted(fields, at: mono, &findings)
        case .consultRinging(let fields):
            if let consult = consults[fields.consult] {
                repeats(consult, transfer: fields.transfer, target: fields.target, &findings)
            } else {
                findings.add(.opening, "consult \(fields.consult) rings, but is not open")
            }
        case .consultAnswered(let fields): checkConsultAnswered(fields, at: mono, &findings)
        case .consultFailed(let fields):
            guard let consult = consults.removeValue(forKey: fields.consult) else {
                return findings.add(.closing, "consult \(fields.consult) failed while it was not open")
            }
            repeats(consult, transfer: fields.transfer, target: fields.target, &findings)
            ring(fields.ringMs, of: consult, to: mono, &findings)
            if consult.answered != nil { findings.add(.outcome, "consult \(fields.consult) failed after its answer") }
        case .consultEnded(let fields): checkConsultEnded(fields, at: mono, &findings)
        default: break
        }
    }

    private mutating func checkConsultStarted(
        _ fields: ConsultStarted, at mono: Int64, _ findings: inout Findings
    ) {
        Self.count("consult", fields.consult, after: &lastConsult, &findings)
        consults[fields.consult] = Consult(transfer: fields.transfer, opening: fields, started: mono)
        if transfers[fields.transfer] == nil {
            findings.add(.opening, "consult \(fields.consult) of transfer \(fields.transfer), which is not open")
        } else {
            transfers[fields.transfer]?.targets.insert(fields.target)
        }
    }

    private mutating func checkConsultAnswered(
        _ fields: ConsultAnswered, at mono: Int64, _ findings: inout Findings
    ) {
        guard var consult = consults[fields.consult] else {
            return findings.add(.opening, "consult \(fields.consult) answered, but is not open")
        }
        repeats(consult, transfer: fields.transfer, target: fields.target, &findings)
        ring(fields.ringMs, of: consult, to: mono, &findings)
        if consult.answered != nil { findings.add(.opening, "consult \(fields.consult) answered twice") }
        consult.answered = mono
        consults[fields.consult] = consult
    }

    private mutating func checkConsultEnded(_ fields: ConsultEnded, at mono: Int64, _ findings: inout Findings) {
        guard let consult = consults.removeValue(forKey: fields.consult) else {
            if arrival != nil { findings.add(.closing, "consult \(fields.consult) ended while it was not open") }
            return
        }
        repeats(consult, transfer: fields.transfer, target: fields.target, &findings)
        if consult.opening != nil {
            Self.length("consult_ms", fields.consultMs, from: consult.answered ?? mono, to: mono, &findings)
        }
        transfers[fields.transfer]?.consultMs += Int64(fields.consultMs)
        switch fields.outcome {
        case .completed, .merged:
            if consult.opening != nil, consult.answered == nil {
                findings.add(.outcome, "consult \(fields.consult) was \(fields.outcome.rawValue) without an answer")
            }
            transfers[fields.transfer]?.reached = true
        case .agentHangup: transfers[fields.transfer]?.reached = true
        default: break
        }
    }

    private mutating func checkCompleted(_ fields: TransferCompleted, _ findings: inout Findings) {
        let open = transfers[fields.transfer]
        close(fields.transfer, kind: fields.kind, agent: fields.agent, target: fields.target, &findings)
        guard let open, open.opening != nil else { return }
        if !open.reached { findings.add(.outcome, "transfer \(fields.transfer) completed without a consult that did") }
        findings.equal(.total, "consult_ms", found: Int64(fields.consultMs), expected: open.consultMs)
        if Int64(fields.holdMs) > holdMs || fields.holdMs < 0 {
            findings.add(.total, "hold_ms is \(fields.holdMs), the call's holds add up to \(holdMs)")
        }
    }

    private mutating func close(
        _ number: Int, kind: TransferKind, agent: String?, target: String, _ findings: inout Findings
    ) {
        guard let open = transfers.removeValue(forKey: number) else {
            return findings.add(.closing, "transfer \(number) ended while it was not open")
        }
        guard let opening = open.opening else { return }
        findings.equal(.fields, "agent", found: agent, expected: opening.agent)
        // An attended request may end as semi-attended: the agent left while the target rang.
        if kind != opening.kind, !(opening.kind == .attended && kind == .semiAttended) {
            findings.equal(.fields, "kind", found: kind.rawValue, expected: opening.kind.rawValue)
        }
        if !open.targets.contains(target) {
            findings.add(.fields, "target \(target) was not dialled in transfer \(number)")
        }
    }

    private func repeats(_ consult: Consult, transfer: Int, target: String, _ findings: inout Findings) {
        guard let opening = consult.opening else { return }
        findings.equal(.fields, "transfer", found: transfer, expected: opening.transfer)
        findings.equal(.fields, "target", found: target, expected: opening.target)
    }

    private func ring(_ ringMs: Int, of consult: Consult, to mono: Int64, _ findings: inout Findings) {
        guard let started = consult.started else { return }
        if ringMs < 0 || Int64(ringMs) > mono - started {
            findings.add(.duration, "ring_ms is \(ringMs), the consult began \(mono - started) ms ago")
        }
    }
}
