import Foundation
import Testing

/// The same jobs by the control socket's commands instead of feature codes.
@Suite("commands")
struct CommandTests {
    @Test("consult with a note, swap, cancel, consult, complete by command")
    func consult() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "0")
            let id = try await scene.callID()
            try await scene.command("consult", id, "1002", "--note", "asks for an invoice")
            try await anna.hears(boris)
            try await caller.hearsMusic()
            try await scene.log.has("transfer.started transfer=1 by=command")
            let started = try await scene.log.has("consult.started consult=1 target_agent=boris")
            #expect(started["note"] == "asks for an invoice")
            try await scene.command("swap", id)
            try await caller.hears(anna)
            try await boris.hearsMusic()
            try await scene.command("cancel", id)
            try await boris.says("ended", ["how": "bye"])
            try await anna.hears(caller)
            try await scene.log.has("transfer.cancelled transfer=1")
            try await scene.command("consult", id, "1002")
            try await anna.hears(boris, call: 1)
            try await scene.command("complete", id)
            try await caller.hears(boris)
            try await boris.hears(caller)
            try await scene.log.has("transfer.completed transfer=2 kind=attended target_agent=boris")
        }
    }

    @Test("hold, resume, calls, show, hangup by command")
    func hold() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let id = try await scene.callID()
            try await scene.command("hold", id)
            try await caller.hearsMusic()
            #expect(try await scene.command("calls").output.contains(id))
            #expect(try await scene.command("show", id).output.contains("anna"))
            try await scene.command("resume", id)
            try await caller.hears(anna)
            try await anna.hears(caller)
            try await scene.command("hangup", id)
            try await caller.says("ended", ["how": "bye"])
            try await anna.says("ended", ["how": "bye"])
            try await scene.log.tells(
                """
                hold.started hold=1 reason=command agent=anna
                hold.ended hold=1 reason=command outcome=resumed
                """)
            try await scene.log.has("call.ended ended_by=controller")
            let calls = try await scene.command("calls", "--json").output
            #expect(!calls.contains(id))
        }
    }

    @Test("blind to a target that is not allowed: refused, the caller stays with the agent")
    func notAllowed() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let id = try await scene.callID()
            for target in ["sip:2666@\(scene.address):5066", "nobody", "sip:1002@elsewhere.example"] {
                let result = try await Scene.warmline(scene.words("blind", id, target), status: 1)
                #expect(!result.errors.isEmpty)
            }
            #expect(caller.isHearing(anna) && anna.isHearing(caller))
        }
    }

    @Test("A second call to an agent who is busy: the line's overflow, else busy")
    func busyAgent() async throws {
        try await Scene.run { scene in
            _ = try await scene.conversation()
            let second = try await scene.phone("second", user: "3200", port: 5091, tone: 2300)
            second.send("call \(scene.line)")
            try await second.says("ended", ["answered": "false"])
            #expect(try scene.log.records().filter { $0.type == "call.alerting" }.count == 1)
        }
    }
}
