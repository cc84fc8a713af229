import EventLog
import Foundation

/// Serves the control socket: a thread for each client, so that one that waits keeps nobody else waiting.
final class ControlServer: @unchecked Sendable {
    /// More would be a mistake of somebody's; each costs a thread.
    private static let maximumClients = 64

    private let socket: ControlSocket
    private let methods: ControlMethods
    private let monitor = Monitor()
    // Guarded by `monitor`.
    private var clients: [ObjectIdentifier: LineChannel] = [:]
    private var stopped = false
    private var acceptor: JoinableThread?

    init(socket: ControlSocket, methods: ControlMethods) {
        self.socket = socket
        self.methods = methods
    }

    /// Begins to take clients.
    func start() {
        acceptor = startThread("control") { [self] in
            while let client = socket.accept() {
                client.limitWriting(seconds: 5)
                guard admit(client) else {
                    client.send(JSONRPC.response(.null, failure: .refused("too many clients")))
                    continue
                }
                let thread = JoinableThread(name: "client") { [self] in
                    serve(client)
                    dismiss(client)
                }
                // Without a thread the client is closed; the calls go on.
                if let thread { thread.detach() } else { dismiss(client) }
            }
        }
    }

    /// Takes no more clients, lets those there are have their last answer, and returns when the last is gone.
    func stop() {
        socket.stop()
        monitor.lock()
        stopped = true
        clients.values.forEach { $0.endReading() }
        while !clients.isEmpty { monitor.wait(microseconds: nil) }
        monitor.unlock()
        acceptor?.join()
    }

    private var isStopped: Bool {
        monitor.lock()
        defer { monitor.unlock() }
        return stopped
    }

    private func admit(_ client: LineChannel) -> Bool {
        monitor.lock()
        defer { monitor.unlock() }
        guard !stopped, clients.count < Self.maximumClients else { return false }
        clients[ObjectIdentifier(client)] = client
        return true
    }

    private func dismiss(_ client: LineChannel) {
        monitor.lock()
        clients[ObjectIdentifier(client)] = nil
        monitor.broadcast()
        monitor.unlock()
    }

    private func serve(_ client: LineChannel) {
        while true {
            switch client.receive(maximum: JSONRPC.maximumLine) {
            case .end: return
            case .tooLong:
                let failure = JSONRPC.Failure.invalidRequest("a line has at most \(JSONRPC.maximumLine) bytes")
                client.send(JSONRPC.response(.null, failure: failure))
                return
            case .line(let line):
                guard answer(line, of: client) else { return }
            }
        }
    }

    /// False when the client is done with.
    private func answer(_ line: Data, of client: LineChannel) -> Bool {
        let request: JSONRPC.Request
        do {
            request = try JSONRPC.Request(line)
        } catch {
            return client.send(JSONRPC.response(JSONValue(parsing: line)?["id"] ?? .null, failure: error))
        }
        do {
            if request.method == ControlMethods.follow {
                try methods.follow(request, client: client, until: { isStopped })
                return false
            }
            let result = try methods.call(request)
            guard let id = request.id else { return true }
            return client.send(JSONRPC.response(id, result: result))
        } catch let failure as JSONRPC.Failure {
            guard let id = request.id else { return true }
            return client.send(JSONRPC.response(id, failure: failure))
        } catch {
            guard let id = request.id else { return true }
            return client.send(JSONRPC.response(id, failure: .refused("\(error)")))
        }
    }
}
