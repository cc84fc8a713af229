import Glibc

/// One dialog of a load's phone, with what is being sent until it is answered.
final class LoadLeg {
    enum Role: Int, CaseIterable { case caller, agent, target }

    enum State: Comparable {
        /// The caller's INVITE is out.
        case calling
        /// Our 200 is out; the ACK has not come.
        case answering
        case talking
        /// Our BYE is out.
        case leaving
        case ended
    }

    let number: Int
    let role: Role
    unowned let call: LoadCall
    var state: State
    let callID: [UInt8]
    /// From and To as this side writes them in its requests, the remote tag included once it is known.
    var local: [UInt8] = []
    var remote: [UInt8] = []
    /// The peer's Contact: the Request-URI within the dialog.
    var peer: [UInt8] = []
    var cseq = 0
    var stream: LoadStream?
    /// Which of the moments in 20 ms this leg's packets leave at.
    var moment = 0
    /// The RTP port of the server this leg talks with.
    var mediaPort: UInt16 = 0

    /// A request or a 2xx of ours that has not been answered, sent again at growing intervals. `cseq` is negative for
    /// a 2xx.
    struct Pending {
        var bytes: [UInt8]
        var cseq: Int
        var interval: Double
        var tries: Int
    }
    var pending: Pending?
    /// Digits still to be sent as INFO.
    var infoDigits: [UInt8] = []

    /// Packets heard from each role of this leg's own call, and of others.
    var heard = [0, 0, 0]
    var strange = 0
    /// Music and tones of the server's.
    var unmarked = 0
    /// Whether the server ended this leg.
    var released = false

    init(number: Int, role: Role, call: LoadCall, state: State, callID: [UInt8]) {
        self.number = number
        self.role = role
        self.call = call
        self.state = state
        self.callID = callID
    }
}

/// One call: the caller, the agent who answers and the target.
final class LoadCall {
    let number: Int
    let begun: Double
    /// The step of the ramp in which it began.
    let step: Int
    var caller: LoadLeg?
    var agent: LoadLeg?
    var target: LoadLeg?
    /// Wall clock: when the agent's BYE left, and when the target's first packet after it came to the caller.
    var completedAt: Double?
    var joinedAt: Double?
    /// Monotonic: the caller's 200, the target's INVITE.
    var answeredAt: Double?
    var dialledAt: Double?
    var targetAt: Double?
    var failure: String?

    init(number: Int, step: Int, begun: Double) {
        self.number = number
        self.step = step
        self.begun = begun
    }

    func leg(_ role: LoadLeg.Role) -> LoadLeg? {
        switch role {
        case .caller: caller
        case .agent: agent
        case .target: target
        }
    }

    var legs: [LoadLeg] { [caller, agent, target].compactMap(\.self) }
}
