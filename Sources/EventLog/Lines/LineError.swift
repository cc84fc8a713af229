/// Why a line is no event of the log.
public struct LineError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, without its place.
    public let reason: String
    /// The byte of the line, from 0, where it is known.
    public let offset: Int?
    /// The file, where it is known.
    public internal(set) var file: String?
    /// From 1.
    public internal(set) var line: Int?

    init(_ reason: String, offset: Int? = nil) {
        self.reason = reason
        self.offset = offset
    }

    /// `FILE:LINE: reason (at byte N)`
    public var description: String {
        let place = (file ?? "") + (line.map { ":\($0)" } ?? "")
        let text = offset.map { "\(reason) (at byte \($0))" } ?? reason
        return place.isEmpty ? text : "\(place): \(text)"
    }
}
