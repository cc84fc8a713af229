import Glibc

/// What was given is not a log, or cannot be read.
public struct InputError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }

    init(_ action: String, _ path: String, errno code: Int32) {
        description = "\(action) \(path): \(String(cString: strerror(code)))"
    }
}
