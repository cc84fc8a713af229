import CallEvents

// Whom each phone shows, and what goes with a call that is placed for a caller: their own headers, the way they came,
// the agent's note.
extension Call {
    /// Says in an INVITE whom the called phone is to show; what it says is remembered with the leg.
    func identify(_ invite: inout Invite, _ purpose: Attempt.Purpose, _ context: Context) -> Identity {
        let settings = context.directory.transfer
        if case .consult = purpose, let agent = consultingAgent, settings.callerID == .agent {
            let identity = identity(of: agent, context)
            invite.from = identity.uri
            invite.fromDisplay = identity.display
            return identity
        }
        let identity = callerIdentity(context)
        if identity.withheld {
            // RFC 3323 §4.1.1.3
            invite.from = "sip:anonymous@anonymous.invalid"
            invite.fromDisplay = "Anonymous"
        } else {
            invite.from = identity.uri
            invite.fromDisplay = direction == .outbound ? nil : invitation.fromDisplay
            if direction != .outbound, case .recall = search.step, case .alert = purpose {
                // The agent who gets a caller back sees so before answering.
                let name = invitation.fromDisplay ?? callerNumber ?? SIPAddress(invitation.from)?.decodedUser ?? ""
                invite.fromDisplay = "back: \(name)"
            }
        }
        if direction != .outbound, invitation.assertedIdentity != nil {
            invite.asserted = identity
            if case .recall = search.step, !identity.withheld { invite.asserted?.display = invite.fromDisplay }
        }
        return identity
    }

    /// The agent who is with the caller and asks for the consult themselves.
    private var consultingAgent: String? {
        transfer?.kind == .blind || transfer?.refer != nil || phase == .seeking ? nil : agent
    }

    /// Whoever is looked after.
    func callerIdentity(_ context: Context) -> Identity {
        let ownURI = context.directory.configuration.ownURI
        if direction == .outbound || direction == .callback, let leg = leg(caller) {
            // The agent who calls, until the customer has answered.
            if let agent = leg.agent {
                if direction == .callback { return Identity(uri: ownURI) }
                return Identity(uri: identity(of: agent, context).uri, withheld: invitation.withheld)
            }
            return Identity(uri: SIPAddress(leg.uri)?.plain ?? ownURI)
        }
        let uri = SIPAddress(invitation.assertedIdentity ?? invitation.from)?.plain ?? ownURI
        return Identity(
            uri: uri, display: invitation.assertedDisplay ?? invitation.fromDisplay, withheld: invitation.withheld)
    }

    /// An agent by the configured address, whatever the address of their phone is; one who has none is called by name.
    func identity(of agent: String, _ context: Context) -> Identity {
        let settings = context.directory.agent(agent)
        let own = SIPAddress(context.directory.configuration.ownURI)
        let uri = settings?.uri.flatMap(SIPAddress.init)?.plain ?? own?.replacingUser(agent) ?? ""
        return Identity(uri: uri, display: settings?.displayName ?? agent)
    }

    private func identity(of party: Party, _ context: Context) -> Identity {
        party.agent.map { identity(of: $0, context) }
            ?? Identity(uri: SIPAddress(party.uri)?.plain ?? context.directory.configuration.ownURI)
    }

    /// The phones of caller and party show one another: whoever has shown somebody else is told. `isTold`: they know
    /// already, by the call that brought them together.
    mutating func introduce(isTold: Bool = false, _ context: inout Context) {
        guard let party else { return }
        show(identity(of: party, context), on: caller, isTold: isTold, &context)
        show(callerIdentity(context), on: party.leg, isTold: isTold, &context)
    }

    private mutating func show(_ identity: Identity, on id: LegID, isTold: Bool, _ context: inout Context) {
        guard let index = index(id), legs[index].isAlive, legs[index].shows?.uri != identity.uri else { return }
        legs[index].shows = identity
        if !isTold { context.emit(.identify(id, identity, isEntitled: legs[index].agent != nil)) }
    }

    /// The headers of an INVITE that is placed for the caller.
    func headers(_ purpose: Attempt.Purpose, _ candidate: Candidate, uri: String, _ context: Context) -> [String] {
        var headers = invitation.headers
        if let line, let dialled = SIPAddress(invitation.requestURI)?.plain {
            headers.append(history(from: dialled, to: uri, candidate, line))
        }
        guard case .consult = purpose, let transfer else { return headers }
        // RFC 3892 §2.1: on whose word the target is called.
        if let referredBy = transfer.referredBy {
            headers.append("Referred-By: <\(referredBy)>")
        } else if let agent = transfer.agent, consultingAgent == nil || context.directory.transfer.callerID == .caller {
            headers.append("Referred-By: <\(identity(of: agent, context).uri)>")
        }
        if let note = transfer.note { headers.append("Subject: " + Self.headerText(note)) }
        return headers
    }

    /// RFC 7044 §5: the number the caller dialled led to this address; `cause` (RFC 4458) says why not to the one before.
    private func history(from dialled: String, to uri: String, _ candidate: Candidate, _ line: LineSettings) -> String {
        let target = SIPAddress(uri)?.plain ?? uri
        let attempts = transfer?.attempts ?? search.attempts
        let failed = transfer?.cause ?? search.cause
        let cause = candidate.isRedirect ? 302 : attempts > 1 ? Causes.retargeting(failed) : nil
        return "History-Info: <\(dialled)>;index=1, <\(target)\(cause.map { ";cause=\($0)" } ?? "")>;index=1.1;mp=1"
    }

    /// A header's value has no line breaks (RFC 3261 §25.1), and its datagram an end. Control characters, however many,
    /// are one blank between words.
    static func headerText(_ text: String) -> String {
        var value = ""
        var isApart = false
        for character in text {
            let isControl = character.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
            if isControl || character.isNewline {
                isApart = !value.isEmpty && value.last != " "
                continue
            }
            let kept = isApart && character != " " ? " \(character)" : String(character)
            isApart = false
            guard value.utf8.count + kept.utf8.count <= longestHeaderText else { return value + "…" }
            value += kept
        }
        return value
    }

    /// In bytes.
    private static var longestHeaderText: Int { 240 }
}

extension SIPAddress {
    /// The same host with another user part.
    func replacingUser(_ user: String) -> String { "\(scheme):\(user)@\(host)\(port.map { ":\($0)" } ?? "")" }
}
