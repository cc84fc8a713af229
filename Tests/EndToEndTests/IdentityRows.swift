import Foundation
import Testing

/// Who is calling, and about what: what phones are told when a transfer is made.
@Suite("who is calling")
struct IdentityRows {
    @Test("after completion the target's phone shows the caller, the caller's the target")
    func completion() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation(caller: ["--name", "Zoë \"Z\" Ä"])
            let boris = try await scene.boris("--answer-after", "200")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            try await boris.says("incoming", ["from": "sip:1001@\(scene.address)", "name": "Anna"])
            #expect(boris.event("identity") == nil, "the consult is the agent's")
            anna.send("hangup")
            try await caller.hears(boris)
            try await boris.says(
                "identity",
                ["uri": "sip:3100@\(scene.address)", "name": "Zoë \"Z\" Ä", "method": "UPDATE", "privacy": "false"])
            try await caller.says("identity", ["uri": boris.uri, "name": "Boris", "method": "UPDATE"])
            try await boris.hears(caller)
            caller.send("hangup")
        }
    }

    @Test("a peer puts somebody else behind its leg in mid-call: logged once, and the other phone shows them")
    func changed() async throws {
        try await Scene.run { scene in
            let (caller, anna) = try await scene.conversation()
            let new = "sip:3999@\(scene.address)"
            caller.send("identify \(new)")
            try await anna.says("identity", ["uri": new])
            caller.send("identify \(new)")
            // Of the agent's leg a first word that names no other agent is another name of the same one.
            anna.send("identify sip:1077@\(scene.address)")
            #expect(caller.isHearing(anna) && anna.isHearing(caller))
            // Whose the leg is has not changed: the agent's codes work.
            anna.send("digits *5")
            try await caller.hearsMusic()
            #expect(try scene.log.records().filter { $0.type == "party.changed" }.map { $0["uri"] ?? "" } == [new])
            caller.send("hangup")
        }
    }

    @Test("callerId caller: the target's phone shows the caller while it rings")
    func callerID() async throws {
        try await Scene.run(["transfer.callerId": "caller"]) { scene in
            let (caller, anna) = try await scene.conversation()
            let boris = try await scene.boris("--answer-after", "200", "--show", "Referred-By,History-Info")
            anna.send("digits *21002#")
            try await anna.hears(boris)
            let incoming = try await boris.says("incoming", ["from": "sip:3100@\(scene.address)", "name": "caller"])
            let headers = incoming["headers"] ?? ""
            #expect(headers.contains("Referred-By: <\(anna.uri)>\n"))
            #expect(headers.contains("History-Info: <\(scene.line)>;index=1, <\(boris.uri)>;index=1.1;mp=1\n"))
            anna.send("hangup")
            try await caller.hears(boris)
            try await caller.says("identity", ["uri": boris.uri])
            #expect(boris.event("identity") == nil)
            caller.send("hangup")
        }
    }

    @Test("a number that is withheld reaches trusted phones alone", arguments: [true, false])
    func withheld(trusted: Bool) async throws {
        let elsewhere = "127.77.\(Int(getpid()) / 250 % 250).\(1 + Int(getpid()) % 250)"
        let port = trusted ? 5082 : 5083
        let changes: [String: Any] = [
            "sip.trustedPeers": ["{address}/32"] + (trusted ? ["\(elsewhere)/32"] : []),
            "agents.boris.uri": "sip:1002@\(elsewhere):\(port)",
        ]
        try await Scene.run(changes) { scene in
            let (caller, anna) = try await scene.conversation(caller: [
                "--header", "P-Asserted-Identity: \"Zoë\" <sip:+4420@pbx.example>", "--header", "Privacy: id",
            ])
            try await anna.says(
                "incoming", ["from": "sip:anonymous@anonymous.invalid", "asserted": "sip:+4420@pbx.example"])
            let boris = try TestPhone(
                "boris", user: "1002", tone: 1600, address: elsewhere, port: port, ["--answer-after", "100"])
            scene.others.append(boris.child)
            try await boris.says("ready", within: 10)
            anna.send("digits *21002#")
            try await anna.hears(boris)
            anna.send("hangup")
            try await caller.hears(boris)
            let identity = try await boris.says("identity")
            #expect(identity["uri"] == (trusted ? "sip:+4420@pbx.example" : "sip:anonymous@anonymous.invalid"))
            #expect(identity["name"] == (trusted ? "Zoë" : "Anonymous"))
            #expect(identity["privacy"] == (trusted ? "true" : "false"))
            #expect(trusted || !boris.child.lines.contains { $0.text.contains("4420") })
            caller.send("hangup")
            try await boris.says("ended")
        }
    }

    @Test(
        "the note and the caller's own headers reach the target: in the INVITE, and as MESSAGE",
        arguments: [true, false])
    func note(takesMessages: Bool) async throws {
        let changes: [String: Any] = ["transfer.passHeaders": ["User-to-User", "X-Customer"], "events.notes": false]
        try await Scene.run(changes) { scene in
            let (caller, anna) = try await scene.conversation(caller: [
                "--header", "User-to-User: 56a390f3d2b7310023a2;encoding=hex", "--header", "X-Customer: Zoë; 17",
                "--header", "X-Other: stays here",
            ])
            let boris = try await scene.boris(
                "--answer-after=100", "--show=Subject,User-to-User,X-Customer,X-Other,X-Evil",
                takesMessages ? "--messages" : "--rtp-timeout=0")
            let note = "asks for an invoice – Zoë\r\nX-Evil: 1"
            try await scene.command("consult", scene.callID(), "1002", "--note", note)
            try await anna.hears(boris)
            let incoming = try await boris.says("incoming")
            #expect(
                incoming["headers"]
                    == """
                    Subject: asks for an invoice – Zoë X-Evil: 1
                    User-to-User: 56a390f3d2b7310023a2;encoding=hex
                    X-Customer: Zoë; 17

                    """)
            if takesMessages {
                try await boris.says("message", call: 1, ["text": note])
            } else {
                #expect(boris.event("message") == nil)
            }
            let started = try await scene.log.has("consult.started consult=1 note=-")
            #expect(started["note"] == nil)
            anna.send("hangup")
            try await caller.hears(boris)
            try await boris.hears(caller)
            let log = try await Scene.warmline(["events", scene.log.directory.path(percentEncoded: false)]).output
            #expect(!log.contains("invoice"))
            caller.send("hangup")
        }
    }
}
