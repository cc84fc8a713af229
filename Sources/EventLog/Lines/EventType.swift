import CallEvents

/// The types of events as small numbers, so that a reader of millions of lines need not compare words.
public enum EventType: UInt8, CaseIterable, Sendable {
    case serviceStarted, serviceStopping, serviceRecovered, serviceAlive, logSegment
    case callOpen, callRefused, callArrived, callAlerting, callAlertFailed, callAnswered, callDisposition, callEnded
    case callQueued, callDequeued, slaBreached
    case callbackRequested, callbackStarted, callbackCompleted, callbackFailed
    case partyJoined, partyLeft, partyChanged
    case holdStarted, holdEnded
    case transferStarted, transferCompleted, transferFailed, transferCancelled, transferFallback
    case consultStarted, consultRinging, consultAnswered, consultFailed, consultEnded
    case conferenceStarted, conferenceEnded
    case agentStateChanged
    /// A type of a later version.
    case other

    /// An event of the type with empty fields; `other` has no name here.
    var prototype: CallEvent {
        switch self {
        case .serviceStarted: .serviceStarted(ServiceStarted())
        case .serviceStopping: .serviceStopping(ServiceStopping())
        case .serviceRecovered: .serviceRecovered(ServiceRecovered())
        case .serviceAlive: .serviceAlive(ServiceAlive())
        case .logSegment: .logSegment(LogSegment())
        case .callOpen: .callOpen(CallOpen())
        case .callRefused: .callRefused(CallRefused())
        case .callArrived: .callArrived(CallArrived())
        case .callAlerting: .callAlerting(CallAlerting())
        case .callAlertFailed: .callAlertFailed(CallAlertFailed())
        case .callAnswered: .callAnswered(CallAnswered())
        case .callDisposition: .callDisposition(CallDisposition())
        case .callEnded: .callEnded(CallEnded())
        case .callQueued: .callQueued(CallQueued())
        case .callDequeued: .callDequeued(CallDequeued())
        case .slaBreached: .slaBreached(SLABreached())
        case .callbackRequested: .callbackRequested(CallbackRequested())
        case .callbackStarted: .callbackStarted(CallbackStarted())
        case .callbackCompleted: .callbackCompleted(CallbackCompleted())
        case .callbackFailed: .callbackFailed(CallbackFailed())
        case .partyJoined: .partyJoined(PartyJoined())
        case .partyLeft: .partyLeft(PartyLeft())
        case .partyChanged: .partyChanged(PartyChanged())
        case .holdStarted: .holdStarted(HoldStarted())
        case .holdEnded: .holdEnded(HoldEnded())
        case .transferStarted: .transferStarted(TransferStarted())
        case .transferCompleted: .transferCompleted(TransferCompleted())
        case .transferFailed: .transferFailed(TransferFailed())
        case .transferCancelled: .transferCancelled(TransferCancelled())
        case .transferFallback: .transferFallback(TransferFallback())
        case .consultStarted: .consultStarted(ConsultStarted())
        case .consultRinging: .consultRinging(ConsultRinging())
        case .consultAnswered: .consultAnswered(ConsultAnswered())
        case .consultFailed: .consultFailed(ConsultFailed())
        case .consultEnded: .consultEnded(ConsultEnded())
        case .conferenceStarted: .conferenceStarted(ConferenceStarted())
        case .conferenceEnded: .conferenceEnded(ConferenceEnded())
        case .agentStateChanged: .agentStateChanged(AgentStateChanged())
        case .other: .other(type: "")
        }
    }

    /// The word of the log; empty for `other`.
    public var name: String { Self.names[Int(rawValue)] }

    private static let names: [String] = allCases.map { $0.prototype.type }

    /// The type of the word in `bytes`, `other` for an unknown one.
    public init(bytes: UnsafeRawBufferPointer) { self = Self.table.find(bytes) }

    private static let table = Table()

    /// Open addressing over a hash of the word.
    private struct Table {
        private var slots: [EventType]
        private var words: [[UInt8]]

        init() {
            slots = Array(repeating: .other, count: 128)
            words = Array(repeating: [], count: 128)
            for type in EventType.allCases where type != .other {
                let word = Array(type.prototype.type.utf8)
                var slot = word.withUnsafeBytes(Self.hash)
                while slots[slot] != .other { slot = (slot + 1) & 127 }
                slots[slot] = type
                words[slot] = word
            }
        }

        func find(_ bytes: UnsafeRawBufferPointer) -> EventType {
            var slot = Self.hash(bytes)
            while slots[slot] != .other {
                if words[slot].elementsEqual(bytes) { return slots[slot] }
                slot = (slot + 1) & 127
            }
            return .other
        }

        private static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
            var hash: UInt32 = 2_166_136_261
            for byte in bytes { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
            return Int((hash ^ hash >> 15) & 127)
        }
    }
}
