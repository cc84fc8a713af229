/// The frequencies of the tones that the controller plays, in Hz.
enum Tones {
    static let ringback = [425]
    static let error = [350]
    static let rejected = [620]
    static let noAnswer = [480]
    static let unreachable = [950, 1400, 1800]
    static let callerGone = [1400, 700]
    static let comfort = 440
    static let apology = [480, 300]
}
