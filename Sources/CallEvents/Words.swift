/// Where a call came from. Figures count inbound calls unless told otherwise.
public enum Direction: String, LogEnum { case inbound, outbound, `internal`, callback, other }

/// Which side of the caller's conversation a stay belongs to.
public enum Party: String, LogEnum { case agent, target, other }

/// How a party came to be with the caller.
public enum PartyRole: String, LogEnum { case first, transfer, merge, recall, requeue, other }

/// Who ended a call or a stay.
public enum EndedBy: String, LogEnum { case caller, agent, target, controller, other }

/// Why a caller who had been answered has nobody to talk to.
public enum HoldReason: String, LogEnum {
    case consult, blind, code, command
    case agentPhone = "agent_phone"
    case callerPhone = "caller_phone"
    case swap
    case agentLost = "agent_lost"
    case queue, other
}

/// How a hold segment ended.
public enum HoldOutcome: String, LogEnum {
    /// The same agent's voice reached the caller again, a call-back included.
    case resumed
    /// Another party's voice reached the caller.
    case transferred
    /// A three-way conversation began.
    case merged
    /// The caller left.
    case abandoned
    /// The controller ended the call.
    case released
    /// The process died; lengths are lower bounds.
    case lost
    case other
}

/// The kinds of transfer: of a request (`attended`, `blind`) and of its completion (all three).
public enum TransferKind: String, LogEnum {
    case attended
    case semiAttended = "semi_attended"
    case blind, other
}

/// What asked for a transfer.
public enum RequestedBy: String, LogEnum {
    case code, command, refer
    /// A second call from the agent's phone while it holds the caller.
    case phone
    case other
}

/// How a consult is made.
public enum ConsultMode: String, LogEnum {
    case consult
    case semiAttended = "semi_attended"
    case blind, other
}

/// How a consult that did not fail ended.
public enum ConsultOutcome: String, LogEnum {
    case completed, merged, cancelled
    case agentHangup = "agent_hangup"
    case targetHangup = "target_hangup"
    case callerHangup = "caller_hangup"
    /// The process died.
    case lost
    case other
}

/// How the joined path is built: relayed here, or by REFER with Replaces.
public enum CompletionMethod: String, LogEnum { case bridge, refer, other }

/// How a caller left a group's queue.
public enum QueueOutcome: String, LogEnum { case answered, abandoned, overflow, callback, released, lost, other }

/// Where the fallback chain sends the caller.
public enum FallbackStep: String, LogEnum { case next, agent, group, overflow, uri, other }

/// Who gave a verdict on a call.
public enum DispositionBy: String, LogEnum { case agent, caller, other }

/// An agent's state.
public enum AgentState: String, LogEnum {
    case offline, available, ringing, talking, consulting
    case wrapUp = "wrap_up"
    case paused, other
}

/// Why something failed or ended. `Causes.swift` tells how SIP's answers map to these.
public enum Cause: String, LogEnum {
    case busy, declined
    case noAnswer = "no_answer"
    case unreachable
    case noCodec = "no_codec"
    case notAllowed = "not_allowed"
    case rejected
    case agentLost = "agent_lost"
    case cancelled, abandoned, callback, lost, normal, other
}
