import CTelephony
import TransferEngine

/// Carries out the engine's telephony effects: knows which leg of the engine is which of the telephony side. The engine
/// thread's own.
///
/// Every command has its result as a later input. A command that failed at once makes that input here.
struct Switchboard {
    private let telephony: any Telephony
    private var handles: [LegID: UInt64] = [:]
    private var legs: [UInt64: LegID] = [:]
    /// Inputs that failed commands have made, for the run loop to take up after the effects at hand.
    private(set) var results: [Input] = []
    /// The figures of legs at their hang-up: the telephony side may be done with them before it says so.
    private var leaving: [LegID: LegMedia] = [:]
    /// The last figures of legs that have ended, for what is still to be logged of them: the newest, and those before.
    private var ended: (new: [LegID: LegMedia], old: [LegID: LegMedia]) = ([:], [:])

    init(telephony: any Telephony) { self.telephony = telephony }

    mutating func takeResults() -> [Input] {
        defer { results = [] }
        return results
    }

    func leg(_ handle: UInt64) -> LegID? { legs[handle] }

    func handle(_ leg: LegID) -> UInt64? { handles[leg] }

    /// So many legs at least are remembered.
    private static var remembered: Int { 512 }

    /// How the leg's media fares, or fared up to its end.
    func media(of leg: LegID) -> LegMedia? {
        handles[leg].flatMap { telephony.media(of: $0) } ?? leaving[leg] ?? ended.new[leg] ?? ended.old[leg]
    }

    /// No command can reach the leg any more.
    mutating func forget(_ leg: LegID, _ media: LegMedia? = nil) {
        let atHangUp = leaving.removeValue(forKey: leg)
        if let media = media ?? atHangUp {
            if ended.new.count >= Self.remembered { ended = ([:], ended.new) }
            ended.new[leg] = media
        }
        if let handle = handles.removeValue(forKey: leg) { legs[handle] = nil }
    }

    mutating func adopt(_ leg: LegID, handle: UInt64) {
        handles[leg] = handle
        legs[handle] = leg
    }

    func refuse(handle: UInt64, sipStatus: Int, retryAfter: Int?) {
        _ = telephony.hangUp(handle, HangUp(sipStatus: sipStatus, retryAfter: retryAfter))
    }

    mutating func invite(_ leg: LegID, _ invite: Invite) {
        let handle = telephony.invite(invite, codecsOf: name(invite.codecsOf))
        guard handle != 0 else {
            results.append(.legEnded(leg, LegEnd(how: .invalid, reason: telephony.lastError())))
            return
        }
        adopt(leg, handle: handle)
    }

    /// A leg that cannot be rung or answered, though it is there, is ended: nobody else would.
    mutating func ring(_ leg: LegID, sipStatus: Int, early: LegID?) {
        guard let handle = handles[leg] else { return }
        let result = telephony.ring(handle, status: sipStatus, early: name(early))
        if result != TEL_OK, result != TEL_ERR_NO_LEG, result != TEL_ERR_STATE { giveUp(handle) }
    }

    mutating func answer(_ leg: LegID, codecOf: LegID?) {
        guard let handle = handles[leg] else { return }
        let result = telephony.answer(handle, codecOf: name(codecOf))
        if result != TEL_OK, result != TEL_ERR_NO_LEG { giveUp(handle) }
    }

    private func giveUp(_ handle: UInt64) {
        _ = telephony.hangUp(handle, HangUp(sipStatus: 500, reason: telephony.lastError()))
    }

    /// Where the leg is gone its end is on the way already.
    mutating func hangUp(_ leg: LegID, _ how: HangUp) {
        guard let handle = handles[leg] else { return }
        if let media = telephony.media(of: handle) { leaving[leg] = media }
        _ = telephony.hangUp(handle, how)
    }

    mutating func hold(_ leg: LegID, _ hold: Bool, _ report: ReportID) {
        let done = handles[leg].map { telephony.hold($0, hold, token: report.number) == TEL_OK } ?? false
        if !done { results.append(.reoffered(leg, report, sipStatus: 481, codec: nil)) }
    }

    mutating func matchCodec(_ leg: LegID, to other: LegID, _ report: ReportID) {
        let done = handles[leg].map { telephony.matchCodec($0, to: name(other), token: report.number) == TEL_OK }
        if done != true { results.append(.reoffered(leg, report, sipStatus: 481, codec: nil)) }
    }

    mutating func route(_ routes: [Route], _ report: ReportID) {
        let changes = routes.compactMap { route -> tel_route_change? in
            guard let handle = handles[route.leg] else { return nil }
            var change = tel_route_change()
            change.leg = handle
            switch route.source {
            case .silence: change.source = TEL_SOURCE_SILENCE
            case .music: change.source = TEL_SOURCE_MUSIC
            case .file(let path):
                change.source = TEL_SOURCE_MUSIC
                change.sound = telephony.music(path)
            case .ringback: change.source = TEL_SOURCE_RINGBACK
            case .dialTone: change.source = TEL_SOURCE_DIAL_TONE
            case .mix(let others):
                change.source = TEL_SOURCE_MIX
                let voices = others.compactMap { handles[$0] } + [0, 0, 0, 0]
                change.voices = (voices[0], voices[1], voices[2], voices[3])
            case .leg(let other):
                // A party that is gone is heard as silence.
                change.from = handles[other] ?? 0
                change.source = change.from == 0 ? TEL_SOURCE_SILENCE : TEL_SOURCE_LEG
            }
            return change
        }
        let isDone = !changes.isEmpty && telephony.route(changes, token: report.number) == TEL_OK
        if !isDone, report != .none {
            results.append(.routed(report))
        }
    }

    mutating func play(_ tone: Tone, on leg: LegID, _ report: ReportID?) {
        let played = handles[leg].map { telephony.play(tone, on: $0, token: report?.number ?? 0) == TEL_OK } ?? false
        if !played, let report { results.append(.toneEnded(report)) }
    }

    mutating func announce(_ words: Announcement, on leg: LegID, _ report: ReportID) {
        let done = handles[leg].map { telephony.announce(words, on: $0, token: report.number) == TEL_OK } ?? false
        if !done { results.append(.toneEnded(report)) }
    }

    func stopTone(_ leg: LegID) {
        guard let handle = handles[leg] else { return }
        _ = telephony.stopTone(handle)
    }

    func sendDigits(_ leg: LegID, _ digits: String) {
        guard let handle = handles[leg] else { return }
        _ = telephony.sendDigits(handle, digits)
    }

    /// A peer that cannot be told has gone; the transfer goes on without it.
    func refer(_ id: ReferID, _ reply: ReferReply) { _ = telephony.refer(id, reply) }

    mutating func handOver(_ leg: LegID, to other: LegID, referredBy: String?, _ report: ReportID) {
        let done = handles[leg].map {
            telephony.handOver($0, to: name(other), referredBy: referredBy, token: report.number) == TEL_OK
        }
        if done != true { results.append(.handedOver(leg, report, sipStatus: 405, isFinal: true)) }
    }

    func identify(_ leg: LegID, _ identity: Identity, isEntitled: Bool) {
        guard let handle = handles[leg] else { return }
        _ = telephony.identify(handle, identity, isEntitled: isEntitled)
    }

    func setAccepting(_ accepting: Bool, retryAfter: Int?) {
        telephony.setAccepting(accepting, retryAfter: retryAfter ?? 0)
    }

    /// Null when done, else why not: then it is as it was.
    func admit(_ admission: Admission, insteadOf old: Admission) -> String? {
        guard telephony.admit(admission) != TEL_OK else { return nil }
        let reason = telephony.lastError()
        _ = telephony.admit(old)
        return reason
    }

    private func name(_ leg: LegID?) -> UInt64 { leg.flatMap { handles[$0] } ?? 0 }
}
