import CTelephony
import CallEvents
import EventLog
import Foundation
import TransferEngine

/// Who may register here, who may sign requests, and with whom we are registered.
struct Admission: Hashable, Sendable {
    /// User parts of addresses.
    var users: [String] = []
    var accounts: [Configuration.Account] = []
    var registrations: [Configuration.Registration] = []
}

extension Configuration {
    var admission: Admission {
        Admission(users: registrable.map(\.user), accounts: accounts, registrations: registrations)
    }

    /// User part of a REGISTER → agent.
    var agentsByUser: [String: String] {
        Dictionary(registrable.map { ($0.user, $0.agent) }) { first, _ in first }
    }
}

/// A changed configuration, on its way to the engine thread.
struct ConfigurationChange: Sendable {
    var engine: EngineConfiguration
    var admission: Admission
    var agentsByUser: [String: String]
    var lineFrom: Configuration.LineSource
    var answer: ControlAnswer
}

extension SIPTelephony {
    /// All of it, or nothing.
    func admit(_ admission: Admission) -> tel_result {
        let strings = CStrings()
        let accounts = admission.accounts.map {
            tel_account(
                user: strings.add($0.user), password: strings.add($0.password), ha1_md5: strings.add($0.md5),
                ha1_sha256: strings.add($0.sha256))
        }
        let registrations = admission.registrations.map {
            tel_registration(
                servers: strings.add($0.servers), server_count: $0.servers.count, user: strings.add($0.user),
                password: strings.add($0.password), realm: strings.add($0.realm), expires_s: UInt32($0.expires))
        }
        return withExtendedLifetime(strings) {
            let result = tel_set_accounts(accounts, accounts.count)
            guard result == TEL_OK else { return result }
            // With the unchanged ones nothing happens, so that this may be taken back.
            let registered = tel_set_registrations(registrations, registrations.count)
            guard registered == TEL_OK else { return registered }
            return tel_set_registrable(strings.add(admission.users), admission.users.count)
        }
    }
}

/// Reads the configuration file again and has the running controller take it: the whole of it, or nothing.
final class Reloader: @unchecked Sendable {
    enum Failure: Error {
        /// What is wrong, a line each, as `check` says it.
        case refused([String])
        /// The controller ends.
        case stopping
    }

    private let file: String
    /// Where the file leaves it to the system.
    private let port: Int?
    private let inbox: Inbox<RunMessage>
    /// Reads what the engine thread, which never touches the disk, is going to need.
    private let load: @Sendable ([GroupSettings]) throws(ControllerError) -> Void
    private let say: @Sendable (String) -> Void
    private let monitor = Monitor()
    /// What the controller runs with; guarded by `monitor`.
    private var current: Configuration

    init(
        file: String, configuration: Configuration, port: Int?, inbox: Inbox<RunMessage>,
        load: @escaping @Sendable ([GroupSettings]) throws(ControllerError) -> Void,
        say: @escaping @Sendable (String) -> Void
    ) {
        self.file = file
        self.port = port
        self.inbox = inbox
        self.load = load
        self.say = say
        current = configuration
    }

    /// - Returns: the keys that have changed, and warnings.
    func reload() throws(Failure) -> (changed: [String], warnings: [String]) {
        // One after the other, so that the last one to read the file is the last one to be heard.
        monitor.lock()
        defer { monitor.unlock() }
        ServiceManager.notify("RELOADING=1\nMONOTONIC_USEC=\(Self.monotonic)")
        defer { ServiceManager.notify("READY=1\nSTATUS=taking calls") }
        let changed: [String]
        do {
            let configuration = try read()
            changed = current.changes(to: configuration)
            try take(configuration)
            configuration.warnings.forEach { say("warning: \($0)") }
            current = configuration
        } catch {
            if case .refused(let reasons) = error {
                reasons.forEach(say)
                say("the configuration stays as it was")
            }
            throw error
        }
        say("configuration read again: \(changed.isEmpty ? "nothing has changed" : changed.joined(separator: ", "))")
        return (changed, current.warnings)
    }

    private func read() throws(Failure) -> Configuration {
        let configuration: Configuration
        do {
            configuration = try Configuration.load(file: file)
        } catch {
            throw .refused(error.mistakes.map(\.description))
        }
        let fixed = current.changes(to: configuration).filter { !Configuration.isChangeable($0) }
        guard fixed.isEmpty else {
            throw .refused(fixed.map { ConfigurationMistake.needsRestart($0, file: file).description })
        }
        return configuration
    }

    private func take(_ configuration: Configuration) throws(Failure) {
        do {
            try load(configuration.groups)
        } catch {
            throw .refused(["\(file): \(error)"])
        }
        let answer = ControlAnswer()
        let change = ConfigurationChange(
            engine: configuration.engine(port: port), admission: configuration.admission,
            agentsByUser: configuration.agentsByUser, lineFrom: configuration.sip.lineFrom, answer: answer)
        guard inbox.post(.configuration(change)) else { throw .stopping }
        switch answer.wait() {
        case .command(.done): return
        case .command(.refused(let reason)): throw .refused(["\(file): \(reason)"])
        default: throw .stopping
        }
    }

    /// What systemd orders notifications by (sd_notify(3), `MONOTONIC_USEC`).
    private static var monotonic: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}
