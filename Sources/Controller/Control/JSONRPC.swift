import Foundation

/// JSON-RPC 2.0 (jsonrpc.org/specification), one object a line; the part that client and server share.
enum JSONRPC {
    /// Longer lines are refused; a note or a list of targets is a few hundred bytes.
    static let maximumLine = 65_536

    /// What went wrong with a request.
    struct Failure: Error, Sendable {
        var code: Int
        var message: String

        static let parse = Failure(code: -32700, message: "parse error: the line is no JSON")

        static func invalidRequest(_ reason: String) -> Failure {
            Failure(code: -32600, message: "invalid request: \(reason)")
        }

        static func unknownMethod(_ name: String) -> Failure {
            Failure(code: -32601, message: "there is no method \(name)")
        }

        static func invalidParameters(_ reason: String) -> Failure {
            Failure(code: -32602, message: "invalid params: \(reason)")
        }

        /// No call has this id.
        static func unknownCall(_ call: String) -> Failure {
            Failure(code: 1, message: "there is no open call \(call)")
        }

        /// The call's state does not allow it, or the target cannot be tried.
        static func refused(_ reason: String) -> Failure { Failure(code: 2, message: reason) }

        /// The controller ends.
        static let stopping = Failure(code: 3, message: "the controller is stopping")
    }

    struct Request: Sendable {
        /// Null for a notification, which gets no response.
        var id: JSONValue?
        var method: String
        var parameters: JSONValue

        /// Takes a line apart. The id, where it can be told, goes into the response to a request that is refused.
        init(_ line: Data) throws(Failure) {
            guard let value = JSONValue(parsing: line) else { throw .parse }
            guard value.members != nil else { throw .invalidRequest("expected an object") }
            guard value["jsonrpc"]?.text == "2.0" else { throw .invalidRequest("jsonrpc must be \"2.0\"") }
            switch value["id"] {
            case .object, .array, .bool: throw .invalidRequest("id must be a string or a number")
            case let id: self.id = id
            }
            guard let method = value["method"]?.text else { throw .invalidRequest("method must be a string") }
            self.method = method
            parameters = value["params"] ?? .object([])
            guard parameters.members != nil else { throw .invalidParameters("expected an object of named parameters") }
        }
    }

    static func response(_ id: JSONValue, result: JSONValue) -> String {
        JSONValue.object([.init("jsonrpc", "2.0"), .init("id", id), .init("result", result)]).line
    }

    static func response(_ id: JSONValue, failure: Failure) -> String {
        let error: JSONValue = ["code": JSONValue(failure.code), "message": .string(failure.message)]
        return JSONValue.object([.init("jsonrpc", "2.0"), .init("id", id), .init("error", error)]).line
    }

    /// `parameters` is JSON already.
    static func notification(_ method: String, parameters: String) -> String {
        #"{"jsonrpc":"2.0","method":"\#(method)","params":\#(parameters)}"#
    }
}
