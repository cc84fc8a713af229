import Glibc

/// What could not be done with a file of the log, and why.
public struct LogError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried.
    public let action: String
    public let path: String
    /// As `errno` says it; 0 where the reason is none of the system's.
    public let code: Int32
    private let detail: String?

    public init(_ action: String, _ path: String, _ code: Int32) {
        self.action = action
        self.path = path
        self.code = code
        detail = nil
    }

    public init(_ action: String, _ path: String, because reason: String) {
        self.action = action
        self.path = path
        code = 0
        detail = reason
    }

    public var description: String { "\(action) \(path): \(detail ?? String(cString: strerror(code)))" }
}
