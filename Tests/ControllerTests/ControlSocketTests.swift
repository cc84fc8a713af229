import CallEvents
import EventLog
import Foundation
import Testing
import TransferEngine

@testable import Controller

/// A directory of the test's own.
final class Scratch {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "wl-" + UUID().uuidString.prefix(8)
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
}

@Suite struct ControlSocketTests {
    private let scratch = Scratch()

    @Test func onlyTheOwnerMayUseIt() throws {
        let socket = try ControlSocket(path: scratch.file("s"))
        var status = stat()
        #expect(lstat(scratch.file("s"), &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(status.st_mode & S_IFMT == S_IFSOCK)
        socket.stop()
        #expect(!FileManager.default.fileExists(atPath: scratch.file("s")))
    }

    @Test func aLivingControllersSocketIsNotTaken() throws {
        let path = scratch.file("s")
        let first = try ControlSocket(path: path)
        let error = #expect(throws: ControllerError.self) { try ControlSocket(path: path) }
        #expect(error?.description == "control socket \(path): another controller is listening there")
        // The first still serves.
        #expect(LineChannel(path: path) != nil)
        first.stop()
    }

    @Test func aDeadControllersSocketIsReplaced() throws {
        let path = scratch.file("s")
        // A socket that was bound and closed without being removed, as by kill -9.
        let address = try #require(UnixAddress(path))
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #expect(address.with { bind(descriptor, $0, $1) } == 0)
        close(descriptor)
        #expect(LineChannel(path: path) == nil)
        let replaced = try ControlSocket(path: path)
        #expect(LineChannel(path: path) != nil)
        replaced.stop()
    }

    @Test func aFileInTheWayIsLeftAlone() throws {
        let path = scratch.file("s")
        try "precious".write(toFile: path, atomically: false, encoding: .utf8)
        #expect(throws: ControllerError.self) { try ControlSocket(path: path) }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
    }

    @Test func aMissingDirectoryIsNamed() {
        let error = #expect(throws: ControllerError.self) { try ControlSocket(path: scratch.file("no/s")) }
        #expect(error?.description.contains("No such file or directory") == true)
    }

    @Test func theSocketOfASuccessorIsNotRemoved() throws {
        let path = scratch.file("s")
        let first = try ControlSocket(path: path)
        unlink(path)
        let second = try ControlSocket(path: path)
        first.stop()
        #expect(LineChannel(path: path) != nil)
        second.stop()
    }
}

/// A control server with a real engine thread behind it, and nothing real behind that.
private final class ControlBench {
    let scratch = Scratch()
    let inbox = Inbox<RunMessage>()
    let server: ControlServer
    private let thread: JoinableThread

    init() throws {
        let configuration = try Configuration.parse(Bench.configuration, file: "bench")
        let socket = try ControlSocket(path: scratch.file("s"))
        let file = scratch.file("w.json5")
        try Bench.configuration.write(toFile: file, atomically: false, encoding: .utf8)
        let reloader = Reloader(
            file: file, configuration: configuration, port: nil, inbox: inbox, load: { _ in }, say: { _ in })
        let methods = ControlMethods(
            inbox: inbox, reloader: reloader, status: { ["open_calls": JSONValue($0.openCalls)] },
            stream: { filter, client, begun, _ in
                _ = begun()
                client.send(JSONRPC.notification("event", parameters: "{\"call\":\"\(filter.call ?? "-")\"}"))
            })
        server = ControlServer(socket: socket, methods: methods)
        server.start()
        thread = startThread("engine") { [inbox] in
            EngineLoop(
                engine: TransferEngine(configuration: configuration.engine()),
                settings: EngineLoop.Settings(callPrefix: "n-"), inbox: inbox,
                telephony: FakeTelephony(inbox: inbox, clock: EventTime.now), log: FakeLog(), clock: EventTime.now
            ).run()
        }
    }

    func stop() {
        inbox.post(.terminate)
        thread.join()
        server.stop()
    }

    /// What comes back for one line.
    func answer(_ line: String) -> String {
        guard let client = LineChannel(path: scratch.file("s")), client.send(line),
            case .line(let answer) = client.receive()
        else { return "nothing" }
        return String(decoding: answer, as: UTF8.self)
    }
}

@Suite struct ControlServerTests {
    @Test(arguments: [
        (#"{"jsonrpc":"2.0","id":7,"method":"calls.list"}"#, #"{"jsonrpc":"2.0","id":7,"result":[]}"#),
        (
            #"{"jsonrpc":"2.0","id":"a","method":"status","params":{}}"#,
            #"{"jsonrpc":"2.0","id":"a","result":{"open_calls":0}}"#
        ),
        ("hold", #"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error: the line is no JSON"}}"#),
        ("[]", #"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"invalid request: expected an object"}}"#),
        (
            #"{"id":1,"method":"status"}"#,
            #"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"invalid request: jsonrpc must be \"2.0\""}}"#
        ),
        (
            #"{"jsonrpc":"2.0","id":1,"method":2}"#,
            #"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"invalid request: method must be a string"}}"#
        ),
        (
            #"{"jsonrpc":"2.0","id":1,"method":"call.dance"}"#,
            #"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"there is no method call.dance"}}"#
        ),
        (
            #"{"jsonrpc":"2.0","id":1,"method":"call.hold"}"#,
            #"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: call is missing"}}"#
        ),
        (
            #"{"jsonrpc":"2.0","id":1,"method":"call.hold","params":["n-1"]}"#,
            #"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: expected an object of named parameters"}}"#
        ),
        (
            #"{"jsonrpc":"2.0","id":1,"method":"call.hold","params":{"call":"n-1","now":true}}"#,
            #"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: there is no parameter now"}}"#
        ),
        (
            #"{"jsonrpc":"2.0","id":1,"method":"call.consult","params":{"call":"n-1","targets":[]}}"#,
            #"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid params: targets must be a list of at least one string"}}"#
        ),
        (
            #"{"jsonrpc":"2.0","id":1,"method":"call.hold","params":{"call":"n-1"}}"#,
            #"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"there is no open call n-1"}}"#
        ),
        (
            #"{"jsonrpc":"2.0","id":1,"method":"call.show","params":{"call":"n-1"}}"#,
            #"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"there is no open call n-1"}}"#
        ),
    ])
    func answers(line: String, expected: String) throws {
        let bench = try ControlBench()
        defer { bench.stop() }
        #expect(bench.answer(line) == expected)
    }

    /// An arriving call is seen, refuses what its state does not allow with the engine's reason, and is ended.
    @Test func commandsReachTheEngine() throws {
        let bench = try ControlBench()
        defer { bench.stop() }
        let incoming = TelephonyEvent.Incoming(
            sipCallID: "c", requestURI: "sip:7000@127.0.0.1", to: "sip:7000@127.0.0.1", from: "sip:5550@127.0.0.1",
            trusted: true)
        bench.inbox.post(.telephony(TelephonyEvent(leg: 1, time: EventTime.now(), kind: .incoming(incoming))))
        let client = try ControlClient(path: bench.scratch.file("s"))
        let calls = try client.call("calls.list")
        #expect(calls.elements?.count == 1)
        #expect(calls.elements?.first?["call"]?.text == "n-1")
        let error = #expect(throws: ControllerError.self) { try client.call("call.complete", ["call": "n-1"]) }
        #expect(error?.description.isEmpty == false)
        #expect(try client.call("call.show", ["call": "n-1"])["legs"]?.elements?.isEmpty == false)
        _ = try client.call("call.hangup", ["call": "n-1"])
        bench.inbox.post(.telephony(TelephonyEvent(leg: 1, time: EventTime.now(), kind: .ended(LegEnd(how: .local)))))
        bench.inbox.post(.telephony(TelephonyEvent(leg: 101, time: EventTime.now(), kind: .ended(LegEnd(how: .local)))))
        #expect(try client.call("calls.list") == .array([]))
    }

    @Test func notificationsGetNoAnswerAndManyClientsAreServed() throws {
        let bench = try ControlBench()
        defer { bench.stop() }
        let clients = try (0..<20).map { _ in try #require(LineChannel(path: bench.scratch.file("s"))) }
        for (index, client) in clients.enumerated() {
            client.send(#"{"jsonrpc":"2.0","method":"calls.list"}"#)
            client.send(#"{"jsonrpc":"2.0","id":\#(index),"method":"calls.list"}"#)
        }
        for (index, client) in clients.enumerated() {
            guard case .line(let line) = client.receive() else {
                Issue.record("client \(index) got nothing")
                continue
            }
            #expect(String(decoding: line, as: UTF8.self) == #"{"jsonrpc":"2.0","id":\#(index),"result":[]}"#)
        }
    }

    @Test func aLineWithoutEndIsRefused() throws {
        let bench = try ControlBench()
        defer { bench.stop() }
        let answer = bench.answer(String(repeating: "x", count: 70_000))
        #expect(answer.contains("-32600"))
        #expect(answer.contains("65536"))
    }

    @Test func followAnswersAndThenStreams() throws {
        let bench = try ControlBench()
        defer { bench.stop() }
        let client = try #require(LineChannel(path: bench.scratch.file("s")))
        client.send(#"{"jsonrpc":"2.0","id":1,"method":"events.follow","params":{"call":"n-1"}}"#)
        guard case .line(let first) = client.receive(), case .line(let second) = client.receive() else {
            Issue.record("no stream")
            return
        }
        #expect(String(decoding: first, as: UTF8.self) == #"{"jsonrpc":"2.0","id":1,"result":{}}"#)
        #expect(
            String(decoding: second, as: UTF8.self) == #"{"jsonrpc":"2.0","method":"event","params":{"call":"n-1"}}"#)
    }

    @Test func stoppingEndsTheClients() throws {
        let bench = try ControlBench()
        let client = try #require(LineChannel(path: bench.scratch.file("s")))
        #expect(bench.answer(#"{"jsonrpc":"2.0","id":1,"method":"status"}"#).contains("open_calls"))
        bench.stop()
        guard case .end = client.receive() else {
            Issue.record("the client is still connected")
            return
        }
        #expect(throws: ControllerError.self) { try ControlClient(path: bench.scratch.file("s")) }
    }
}

@Suite struct EventFilterTests {
    @Test(arguments: [
        ("consult.*", "consult.started", true), ("consult.*", "hold.started", false), ("*", "call.ended", true),
        ("*.ended", "call.ended", true), ("*.ended", "call.ended.not", false), ("call.ended", "call.ended", true),
        ("c*l*.*d", "call.ended", true), ("", "call.ended", false), ("**", "", true), ("call", "call.ended", false),
        ("*a*a*a*a*b", String(repeating: "a", count: 5000), false),
    ])
    func globs(pattern: String, text: String, matches: Bool) {
        #expect(EventFilter.matches(Array(pattern.utf8)[...], Array(text.utf8)[...]) == matches)
    }
}
