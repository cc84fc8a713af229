import CallEvents

// What a call keeps its agents busy with: told to them after each input.
extension Call {
    mutating func occupyAgents(_ context: inout Context) {
        for index in legs.indices {
            // Taken out first: an access to the array around the call would copy all of the call.
            let leg = legs[index]
            guard leg.agent != nil else { continue }
            let kind = occupation(of: leg)
            guard kind != leg.occupation else { continue }
            legs[index].occupation = kind
            let group = leg.id == party?.leg ? party?.group ?? group : attempt?.candidate.group ?? group
            context.setOccupation(
                leg.agent, leg.id,
                kind.map {
                    Agent.Occupation(leg: leg.id, kind: $0, call: id, group: group, line: line?.pattern)
                })
        }
        let pending = phase == .seeking ? transfer?.agent : nil
        if pending != reserved {
            context.touch(reserved) { $0.pending -= 1 }
            context.touch(pending) { $0.pending += 1 }
            reserved = pending
        }
    }

    private func occupation(of leg: Leg) -> Agent.Occupation.Kind? {
        guard leg.isAlive else { return nil }
        if phase == .over {
            // Agent and target talk on; an agent who is only being told that the caller is gone is free of them.
            return leg.id == attempt?.leg || leg.id == attempt?.agentLeg ? .consulting : nil
        }
        if leg.id == party?.leg || leg.id == attempt?.agentLeg { return .talking }
        if phase == .conference, leg.id == attempt?.leg { return .talking }
        if leg.id == attempt?.leg {
            return leg.state == .answered && (phase == .consulting || phase == .swapped) ? .consulting : .ringing
        }
        // The agent's own call, from the first.
        return leg.isIncoming || leg.id == caller && leg.state == .answered ? .talking : .ringing
    }
}
