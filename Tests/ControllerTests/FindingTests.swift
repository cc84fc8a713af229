import CallEvents
import EventLog
import Foundation
import Testing

@testable import Controller

/// How commands find the controller and its log, and what they say where there is none.
@Suite struct FindingTests {
    private let scratch = Scratch()

    private func make(_ path: String, _ text: String = "{}") throws {
        let url = URL(filePath: scratch.file(path))
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: false, encoding: .utf8)
    }

    /// The service's own are meant where the present directory has no socket.
    @Test func whatIsThereIsMeant() throws {
        func present() -> ControllerPlace? {
            ControllerPlace.present(in: scratch.file("here/"), root: scratch.path)
        }
        #expect(present() == nil)
        try make("etc/warmline/warmline.json5")
        let configuration = scratch.file("etc/warmline/warmline.json5")
        #expect(present() == .configuration(configuration))
        #expect(ControllerPlace.serviceConfiguration(root: scratch.path) == configuration)
        try make("run/warmline/warmline.sock")
        #expect(present() == .socket(scratch.file("run/warmline/warmline.sock")))
        try make("here/warmline.sock")
        #expect(present() == .socket(scratch.file("here/warmline.sock")))
    }

    private static let isInstalled = ControllerPlace.present(in: "/") != nil

    /// One who runs the tests on a machine that has the service means that one.
    @Test(.enabled(if: !isInstalled)) func withoutAControllerCommandsFailWithStatus1() throws {
        for (directory, path) in [(scratch.path, scratch.file("warmline.sock")), ("/", "/warmline.sock")] {
            let status = try Program("status", directory: directory)
            #expect(status.status == 1)
            #expect(
                status.errors
                    == "warmline: control socket \(path): no controller is running there; "
                    + "name it by --socket or --config\n")
            let metrics = try Program("metrics", directory: directory)
            #expect(metrics.status == 2)
            #expect(metrics.errors.hasPrefix("warmline: which log? Name a path, --config or --socket ("))
        }
    }

    @Test func oneThatIsNamedIsNotAskedFor() throws {
        let named = try Program("hold", "x", "--socket", "s", directory: scratch.path)
        #expect(named.status == 1)
        #expect(
            named.errors == "warmline: control socket \(scratch.file("s")): no controller is running there\n")
        try make("w.json5", "{ control: { socket: 's' } }")
        let configured = try Program("calls", "--config", "w.json5", directory: scratch.path)
        #expect(configured.status == 1)
        #expect(configured.errors == named.errors)
    }

    /// What is no log is none to every command: status 2, one line with path and reason.
    @Test func whatIsNoLogIsNoneToEveryCommand() throws {
        try make("photos/a.jpeg", "x")
        try make("diary", "Dear diary,\nnothing happened.\n")
        try FileManager.default.createDirectory(
            atPath: scratch.file("empty"), withIntermediateDirectories: false)
        for command in ["events", "verify", "metrics", "export", "staffing"] {
            for (path, reason) in [
                ("nowhere", "nowhere: No such file or directory"), ("photos", "photos holds no log"),
                ("diary", "diary is not an event log"),
            ] {
                let run = try Program(command, scratch.file(path))
                #expect(run.status == 2, "\(command) \(path)")
                #expect(run.output.isEmpty)
                #expect(run.errors.contains(reason) && run.errors.filter { $0 == "\n" }.count == 1, "\(run.errors)")
            }
            let empty = try Program(command, scratch.file("empty"))
            #expect(empty.status == 0 && empty.errors.isEmpty, "\(command): \(empty.errors)")
        }
        #expect(try Program("events", "--follow", scratch.file("nowhere")).status == 2)
        #expect(try Program("timeline", "x", scratch.file("nowhere")).status == 2)
    }

    @Test func aTypeThatNoEventHasIsNamed() throws {
        for (type, hint) in [
            ("hold.startd", "; did you mean hold.started?"), ("hold", "; did you mean hold.*?"),
            ("nope", "; there are service.started, "), ("nope.*", "; there are service.started, "),
        ] {
            let run = try Program("events", "--type", type, scratch.path)
            #expect(run.status == 2)
            #expect(
                run.errors.hasPrefix("warmline: --type: no event is called \"\(type)\"\(hint)"), "\(run.errors)")
        }
        for type in ["hold.started", "consult.*", "*", "*.ended"] {
            #expect(try Program("events", "--type", type, scratch.path).status == 0, "\(type)")
        }
    }

    @Test func whyATraceCannotBeReadIsSaid() throws {
        for (path, reason) in [(scratch.path, "Is a directory"), (scratch.file("no"), "No such file or directory")] {
            let run = try Program("replay", path)
            #expect(run.status == 1)
            #expect(run.errors == "warmline: cannot read the trace \(path): \(reason)\n")
        }
    }

    /// What cannot be printed is said, unless nobody reads any more.
    @Test(
        arguments: [
            (">/dev/full", "No space left on device"), (">&-", "Bad file descriptor"), ("", nil),
            (">/dev/full 2>&1", nil),
        ] as [(String, String?)]) func whatCannotBePrintedIsSaid(redirection: String, reason: String?) throws
    {
        try make("w.json5")
        let program = try Program.executable().path
        for words in ["check --config w.json5", "--help", "--version", "check --help"] {
            let shell = Process()
            shell.executableURL = URL(filePath: "/bin/sh")
            shell.arguments = ["-c", "exec 2>said; \(program) \(words) \(redirection); echo $? >status"]
            // Where it is not redirected it is a pipe that nobody reads.
            let pipe = Pipe()
            try pipe.fileHandleForReading.close()
            shell.standardOutput = pipe.fileHandleForWriting
            shell.currentDirectoryURL = URL(filePath: scratch.path)
            try shell.run()
            shell.waitUntilExit()
            #expect(try String(contentsOfFile: scratch.file("status"), encoding: .utf8) == "1\n", "\(words)")
            let said = reason.map { "warmline: cannot write to the standard output: \($0)\n" } ?? ""
            #expect(try String(contentsOfFile: scratch.file("said"), encoding: .utf8) == said, "\(words)")
        }
    }
}
