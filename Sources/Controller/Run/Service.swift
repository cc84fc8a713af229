import CTelephony
import CallEvents
import EventLog
import Foundation
import Synchronization
import TransferEngine

extension LogWriter: EventSink {}

/// `warmline serve`: the parts put together, from start to orderly end.
public struct Service: Sendable {
    public var configuration: Configuration
    /// Where it was read, and is read again.
    public var file: String
    /// Where every input of the engine is recorded; null: nowhere.
    public var trace: String?
    /// Where every SIP message is recorded, as pcap; null: nowhere.
    public var traceSIP: String?
    public var logLevel: LogLevel

    public init(
        configuration: Configuration, file: String, trace: String? = nil, traceSIP: String? = nil,
        logLevel: LogLevel = .notice
    ) {
        self.configuration = configuration
        self.file = file
        self.trace = trace
        self.traceSIP = traceSIP
        self.logLevel = logLevel
    }

    /// Runs until a signal ends it and the last call is over. Once a process.
    /// - Parameters:
    ///   - ready: calls are taken from now on.
    ///   - say: diagnostics, a line each.
    /// - Throws: `ControllerError` or `LogError` when it cannot start.
    public func run(ready: () -> Void, say: @escaping @Sendable (String) -> Void) throws {
        Signals.block()
        ProcessLimits.raiseOpenFiles()
        let inbox = Inbox<RunMessage>()
        // What to undo, last first, when the start fails half-way.
        var undo: [() -> Void] = []
        let parts: Parts
        do {
            parts = try start(inbox: inbox, say: say, undo: &undo)
        } catch {
            undo.reversed().forEach { $0() }
            throw error
        }
        say("PJSIP: \(TelephonyService.version)")
        for address in parts.telephony.addresses { say("listening on \(address)") }
        let started = EventTime.now()
        let version = ServiceStarted(version: warmlineVersion, bootID: parts.log.configuration.boot)
        parts.log.append(CallRecord(time: started, event: .serviceStarted(version)))
        let happenings = Happenings(level: logLevel, say: say)
        let loop = startLoop(parts, started: started, inbox: inbox, happenings: happenings)
        let reloader = Reloader(
            file: file, configuration: configuration, port: parts.telephony.addresses.first?.port, inbox: inbox,
            load: { groups throws(ControllerError) in try parts.telephony.load(groups) }, say: say)
        let methods = ControlMethods(
            inbox: inbox, reloader: reloader, status: { [self] in status($0, started: started, parts) },
            stream: { [self] in try stream($0, to: $1, begun: $2, until: $3) })
        let server = ControlServer(socket: parts.socket, methods: methods)
        server.start()
        let textfile = configuration.metrics.textfile.map {
            Textfile(
                path: $0, log: configuration.events.directory, milliseconds: configuration.metrics.interval, say: say)
        }
        let recollection = Recollection(
            log: parts.log, groups: configuration.groups, now: started, inbox: inbox, say: say)
        recollection.start()
        parts.bindings.start()
        let signals = watchSignals(inbox: inbox, reloader: reloader, say: say)
        ready()
        ServiceManager.notify("READY=1\nSTATUS=taking calls")
        let watchdog = Watchdog(
            inbox: inbox, turns: { parts.telephony.turns }, notify: { ServiceManager.notify($0) })

        loop.join()
        watchdog?.stop()
        Signals.wake()
        signals.join()
        recollection.stop()
        parts.bindings.stop()
        parts.telephony.stop()
        parts.trace?.close()
        happenings?.stop()
        // Whoever follows the log sees its end.
        parts.log.close()
        textfile?.stop()
        server.stop()
    }

    /// What runs beside the engine.
    private struct Parts: Sendable {
        var socket: ControlSocket
        var log: LogWriter
        var telephony: TelephonyService
        var bindings: Bindings
        var engine: EngineConfiguration
        var trace: TraceWriter?
    }

    private func start(
        inbox: Inbox<RunMessage>, say: @escaping @Sendable (String) -> Void, undo: inout [() -> Void]
    ) throws -> Parts {
        // First what tells whether another controller runs here; it touches the process's umask, so before any thread.
        let socket = try ControlSocket(path: configuration.control.socket)
        undo.append(socket.stop)
        let log = try openLog(inbox: inbox, say: say)
        undo.append {
            // Nothing was cut off: the next start need not put anything in order.
            log.append(CallRecord(time: .now(), event: .serviceStopping(ServiceStopping(reason: "start failed"))))
            log.close()
        }
        let bindings = Bindings(directory: configuration.events.directory, say: say)
        let telephony = try TelephonyService(
            configuration, traceFile: traceSIP, bindings: bindings, inbox: inbox, say: say)
        undo.append(telephony.stop)
        bindings.restore()
        let engine = configuration.engine(port: telephony.addresses.first?.port)
        return Parts(
            socket: socket, log: log, telephony: telephony, bindings: bindings, engine: engine,
            trace: try trace.map { try TraceWriter(path: $0, configuration: engine) })
    }

    private func openLog(inbox: Inbox<RunMessage>, say: @escaping @Sendable (String) -> Void) throws -> LogWriter {
        let events = configuration.events
        let settings = LogConfiguration(
            directory: events.directory, node: configuration.node, durability: events.durability,
            segmentBytes: events.segmentBytes, keepDays: events.keepDays, maxPending: events.maxPending)
        let waits = events.durability == .always
        let callbacks = LogWriter.Callbacks(
            durable: { if waits { inbox.post(.durable($0)) } },
            health: { status in
                inbox.post(.logHealth(writable: status.writable))
                say(status.writable ? "the event log is written again" : "the event log is down: \(status.error ?? "")")
            })
        let log = try LogWriter(settings, callbacks: callbacks)
        if log.recovery.wasInterrupted {
            let found = log.recovery
            say("the last run was cut off (calls lost: \(found.lostCalls), bytes of the log torn: \(found.tornBytes))")
        }
        return log
    }

    private func startLoop(
        _ parts: Parts, started: EventTime, inbox: Inbox<RunMessage>, happenings: Happenings?
    ) -> JoinableThread {
        // The milliseconds of the start keep call ids apart from those of earlier runs.
        let run = String(started.wall / 1000, radix: 36)
        let settings = EngineLoop.Settings(
            lineFrom: configuration.sip.lineFrom, waitsForLog: configuration.events.durability == .always,
            callPrefix: "\(configuration.node)-\(run)-",
            users: configuration.agentsByUser, admission: configuration.admission)
        return startThread("engine") {
            inbox.idle(by: TelephonyIdling())
            EngineLoop(
                engine: TransferEngine(configuration: parts.engine), settings: settings, inbox: inbox,
                telephony: SIPTelephony(sounds: parts.telephony.sounds), log: parts.log, trace: parts.trace,
                happenings: happenings,
                clock: EventTime.now
            ).run()
            inbox.idle(by: nil)
        }
    }

    private func watchSignals(
        inbox: Inbox<RunMessage>, reloader: Reloader, say: @escaping @Sendable (String) -> Void
    ) -> JoinableThread {
        let asked = Atomic<Int>(0)
        return Signals.watch { signal in
            switch signal {
            case SIGTERM, SIGINT:
                switch asked.add(1, ordering: .relaxed).oldValue {
                case 0:
                    ServiceManager.notify("STOPPING=1\nSTATUS=waiting for the last calls")
                    say("stopping: no new calls; a second signal ends the running ones")
                case 1: say("ending the running calls")
                default: break
                }
                inbox.post(.terminate)
                return true
            case SIGHUP:
                // What came of it has been said.
                _ = try? reloader.reload()
                return true
            default: return false
            }
        }
    }

    /// `status`, as JSON with the words of the log.
    private func status(_ run: RunStatus, started: EventTime, _ parts: Parts) -> JSONValue {
        let log = parts.log.status
        let uptime = EventTime.now().mono - started.mono
        let state = run.draining ? "draining" : !log.writable ? "log down" : run.accepting ? "running" : "not accepting"
        return .object(
            [
                .init("version", .string(warmlineVersion)),
                .init("node", .string(configuration.node)),
                .init("state", .string(state)),
                .init("pid", .int(Int64(getpid()))),
                .init("started", .string(started.wallTime.timestamp)),
                .init("uptime_ms", .int(uptime / 1000)),
                .init("open_calls", JSONValue(run.openCalls)),
                .init("listen", .array(parts.telephony.addresses.map { .string($0.description) })),
                .init(
                    "registered",
                    .array(run.registered.map { ["agent": .string($0.agent), "contact": .string($0.contact)] })),
                .init("events", logJSON(log, late: run.late)),
            ] + parts.telephony.status)
    }

    private func logJSON(_ log: LogStatus, late: Int) -> JSONValue {
        [
            "directory": .string(Self.absolute(configuration.events.directory)),
            "durability": .string(configuration.events.durability.rawValue),
            "writable": .bool(log.writable),
            "error": JSONValue(log.error),
            "synced_seq": .int(Int64(clamping: log.syncedSeq)),
            "waiting": JSONValue(log.waiting),
            "late": JSONValue(late),
            "dropped": JSONValue(log.dropped),
            "refused_unlogged": JSONValue(log.refusedUnlogged),
            "failures": JSONValue(log.failures),
            "file": JSONValue(log.file),
        ]
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
