/// Every event of the log, by type.
public enum CallEvent: Codable, Hashable, Sendable {
    case serviceStarted(ServiceStarted)
    case serviceStopping(ServiceStopping)
    case serviceRecovered(ServiceRecovered)
    case serviceAlive(ServiceAlive)
    case logSegment(LogSegment)
    case callOpen(CallOpen)
    case callRefused(CallRefused)
    case callArrived(CallArrived)
    case callAlerting(CallAlerting)
    case callAlertFailed(CallAlertFailed)
    case callAnswered(CallAnswered)
    case callDisposition(CallDisposition)
    case callEnded(CallEnded)
    case callQueued(CallQueued)
    case callDequeued(CallDequeued)
    case slaBreached(SLABreached)
    case callbackRequested(CallbackRequested)
    case callbackStarted(CallbackStarted)
    case callbackCompleted(CallbackCompleted)
    case callbackFailed(CallbackFailed)
    case partyJoined(PartyJoined)
    case partyLeft(PartyLeft)
    case partyChanged(PartyChanged)
    case holdStarted(HoldStarted)
    case holdEnded(HoldEnded)
    case transferStarted(TransferStarted)
    case transferCompleted(TransferCompleted)
    case transferFailed(TransferFailed)
    case transferCancelled(TransferCancelled)
    case transferFallback(TransferFallback)
    case consultStarted(ConsultStarted)
    case consultRinging(ConsultRinging)
    case consultAnswered(ConsultAnswered)
    case consultFailed(ConsultFailed)
    case consultEnded(ConsultEnded)
    case conferenceStarted(ConferenceStarted)
    case conferenceEnded(ConferenceEnded)
    case agentStateChanged(AgentStateChanged)
    /// A type of a later version, kept by its name.
    case other(type: String)

    /// The `type` of the log.
    public var type: String {
        switch self {
        case .serviceStarted: "service.started"
        case .serviceStopping: "service.stopping"
        case .serviceRecovered: "service.recovered"
        case .serviceAlive: "service.alive"
        case .logSegment: "log.segment"
        case .callOpen: "call.open"
        case .callRefused: "call.refused"
        case .callArrived: "call.arrived"
        case .callAlerting: "call.alerting"
        case .callAlertFailed: "call.alert_failed"
        case .callAnswered: "call.answered"
        case .callDisposition: "call.disposition"
        case .callEnded: "call.ended"
        case .callQueued: "call.queued"
        case .callDequeued: "call.dequeued"
        case .slaBreached: "sla.breached"
        case .callbackRequested: "callback.requested"
        case .callbackStarted: "callback.started"
        case .callbackCompleted: "callback.completed"
        case .callbackFailed: "callback.failed"
        case .partyJoined: "party.joined"
        case .partyLeft: "party.left"
        case .partyChanged: "party.changed"
        case .holdStarted: "hold.started"
        case .holdEnded: "hold.ended"
        case .transferStarted: "transfer.started"
        case .transferCompleted: "transfer.completed"
        case .transferFailed: "transfer.failed"
        case .transferCancelled: "transfer.cancelled"
        case .transferFallback: "transfer.fallback"
        case .consultStarted: "consult.started"
        case .consultRinging: "consult.ringing"
        case .consultAnswered: "consult.answered"
        case .consultFailed: "consult.failed"
        case .consultEnded: "consult.ended"
        case .conferenceStarted: "conference.started"
        case .conferenceEnded: "conference.ended"
        case .agentStateChanged: "agent.state"
        case .other(let type): type
        }
    }

    /// Empty fields of the named type for a reader to fill, `other` when the type is not known.
    public init(type: String) {
        switch type {
        case "service.started": self = .serviceStarted(ServiceStarted())
        case "service.stopping": self = .serviceStopping(ServiceStopping())
        case "service.recovered": self = .serviceRecovered(ServiceRecovered())
        case "service.alive": self = .serviceAlive(ServiceAlive())
        case "log.segment": self = .logSegment(LogSegment())
        case "call.open": self = .callOpen(CallOpen())
        case "call.refused": self = .callRefused(CallRefused())
        case "call.arrived": self = .callArrived(CallArrived())
        case "call.alerting": self = .callAlerting(CallAlerting())
        case "call.alert_failed": self = .callAlertFailed(CallAlertFailed())
        case "call.answered": self = .callAnswered(CallAnswered())
        case "call.disposition": self = .callDisposition(CallDisposition())
        case "call.ended": self = .callEnded(CallEnded())
        case "call.queued": self = .callQueued(CallQueued())
        case "call.dequeued": self = .callDequeued(CallDequeued())
        case "sla.breached": self = .slaBreached(SLABreached())
        case "callback.requested": self = .callbackRequested(CallbackRequested())
        case "callback.started": self = .callbackStarted(CallbackStarted())
        case "callback.completed": self = .callbackCompleted(CallbackCompleted())
        case "callback.failed": self = .callbackFailed(CallbackFailed())
        case "party.joined": self = .partyJoined(PartyJoined())
        case "party.left": self = .partyLeft(PartyLeft())
        case "party.changed": self = .partyChanged(PartyChanged())
        case "hold.started": self = .holdStarted(HoldStarted())
        case "hold.ended": self = .holdEnded(HoldEnded())
        case "transfer.started": self = .transferStarted(TransferStarted())
        case "transfer.completed": self = .transferCompleted(TransferCompleted())
        case "transfer.failed": self = .transferFailed(TransferFailed())
        case "transfer.cancelled": self = .transferCancelled(TransferCancelled())
        case "transfer.fallback": self = .transferFallback(TransferFallback())
        case "consult.started": self = .consultStarted(ConsultStarted())
        case "consult.ringing": self = .consultRinging(ConsultRinging())
        case "consult.answered": self = .consultAnswered(ConsultAnswered())
        case "consult.failed": self = .consultFailed(ConsultFailed())
        case "consult.ended": self = .consultEnded(ConsultEnded())
        case "conference.started": self = .conferenceStarted(ConferenceStarted())
        case "conference.ended": self = .conferenceEnded(ConferenceEnded())
        case "agent.state": self = .agentStateChanged(AgentStateChanged())
        default: self = .other(type: type)
        }
    }

    /// Visits the type's own fields in the order of the log.
    public mutating func visit<Visitor: FieldVisitor>(_ visitor: inout Visitor) {
        switch self {
        case .serviceStarted(var fields):
            fields.visit(&visitor)
            self = .serviceStarted(fields)
        case .serviceStopping(var fields):
            fields.visit(&visitor)
            self = .serviceStopping(fields)
        case .serviceRecovered(var fields):
            fields.visit(&visitor)
            self = .serviceRecovered(fields)
        case .serviceAlive(var fields):
            fields.visit(&visitor)
            self = .serviceAlive(fields)
        case .logSegment(var fields):
            fields.visit(&visitor)
            self = .logSegment(fields)
        case .callOpen(var fields):
            fields.visit(&visitor)
            self = .callOpen(fields)
        case .callRefused(var fields):
            fields.visit(&visitor)
            self = .callRefused(fields)
        case .callArrived(var fields):
            fields.visit(&visitor)
            self = .callArrived(fields)
        case .callAlerting(var fields):
            fields.visit(&visitor)
            self = .callAlerting(fields)
        case .callAlertFailed(var fields):
            fields.visit(&visitor)
            self = .callAlertFailed(fields)
        case .callAnswered(var fields):
            fields.visit(&visitor)
            self = .callAnswered(fields)
        case .callDisposition(var fields):
            fields.visit(&visitor)
            self = .callDisposition(fields)
        case .callEnded(var fields):
            fields.visit(&visitor)
            self = .callEnded(fields)
        case .callQueued(var fields):
            fields.visit(&visitor)
            self = .callQueued(fields)
        case .callDequeued(var fields):
            fields.visit(&visitor)
            self = .callDequeued(fields)
        case .slaBreached(var fields):
            fields.visit(&visitor)
            self = .slaBreached(fields)
        case .callbackRequested(var fields):
            fields.visit(&visitor)
            self = .callbackRequested(fields)
        case .callbackStarted(var fields):
            fields.visit(&visitor)
            self = .callbackStarted(fields)
        case .callbackCompleted(var fields):
            fields.visit(&visitor)
            self = .callbackCompleted(fields)
        case .callbackFailed(var fields):
            fields.visit(&visitor)
            self = .callbackFailed(fields)
        case .partyJoined(var fields):
            fields.visit(&visitor)
            self = .partyJoined(fields)
        case .partyLeft(var fields):
            fields.visit(&visitor)
            self = .partyLeft(fields)
        case .partyChanged(var fields):
            fields.visit(&visitor)
            self = .partyChanged(fields)
        case .holdStarted(var fields):
            fields.visit(&visitor)
            self = .holdStarted(fields)
        case .holdEnded(var fields):
            fields.visit(&visitor)
            self = .holdEnded(fields)
        case .transferStarted(var fields):
            fields.visit(&visitor)
            self = .transferStarted(fields)
        case .transferCompleted(var fields):
            fields.visit(&visitor)
            self = .transferCompleted(fields)
        case .transferFailed(var fields):
            fields.visit(&visitor)
            self = .transferFailed(fields)
        case .transferCancelled(var fields):
            fields.visit(&visitor)
            self = .transferCancelled(fields)
        case .transferFallback(var fields):
            fields.visit(&visitor)
            self = .transferFallback(fields)
        case .consultStarted(var fields):
            fields.visit(&visitor)
            self = .consultStarted(fields)
        case .consultRinging(var fields):
            fields.visit(&visitor)
            self = .consultRinging(fields)
        case .consultAnswered(var fields):
            fields.visit(&visitor)
            self = .consultAnswered(fields)
        case .consultFailed(var fields):
            fields.visit(&visitor)
            self = .consultFailed(fields)
        case .consultEnded(var fields):
            fields.visit(&visitor)
            self = .consultEnded(fields)
        case .conferenceStarted(var fields):
            fields.visit(&visitor)
            self = .conferenceStarted(fields)
        case .conferenceEnded(var fields):
            fields.visit(&visitor)
            self = .conferenceEnded(fields)
        case .agentStateChanged(var fields):
            fields.visit(&visitor)
            self = .agentStateChanged(fields)
        case .other: break
        }
    }
}

/// One event of one call (or of none), as the engine states it: what happened and when.
public struct CallRecord: Codable, Hashable, Sendable {
    public var time: EventTime
    /// The call's id; null for events of the service and of agents.
    public var call: String?
    public var event: CallEvent
    /// The number of the leg whose media figures are yet to be filled in, by whoever knows them. Not logged.
    public var measured: UInt64?

    public init(time: EventTime, call: String? = nil, event: CallEvent, measured: UInt64? = nil) {
        self.time = time
        self.call = call
        self.event = event
        self.measured = measured
    }
}

/// One line of the log: a record with its envelope.
public struct LoggedEvent: Hashable, Sendable {
    /// The version of the layout.
    public static let version = 1
    /// From 1, one more each, across restarts.
    public var seq: UInt64
    /// `mono` is in whole milliseconds when it was read from a log.
    public var time: EventTime
    public var node: String
    public var call: String?
    public var event: CallEvent

    public init(seq: UInt64, node: String, time: EventTime, call: String?, event: CallEvent) {
        self.seq = seq
        self.time = time
        self.node = node
        self.call = call
        self.event = event
    }
}
