/// Why a controller could not start, or a request to one could not be carried out, in words for a person.
public struct ControllerError: Error, CustomStringConvertible, Sendable {
    public let description: String

    public init(_ description: String) { self.description = description }
}

/// The version of warmline, as in the log and in `status`.
public let warmlineVersion = "0.1.0"
