import CTelephony
import Foundation
import Testing

private let digitsPort: UInt16 = 21_020

/// The ng protocol against nodes that carry nothing: what each is asked, and when.
extension TelephonyTests {
    @Suite struct RtpengineNodes {
        @Test func `a leg is described by its node's address; the node learns both sides, and the end`() throws {
            try run { shim, nodes in
                let party = try Party(shim)
                let outer = Int(party.shimPort)
                #expect(outer > 22_000 && outer < 23_000)
                let told = try nodes[0].expect("answer") { $0.port == Int(party.rtp.port) }
                #expect(nodes[0].port(of: told.call, outer: true) == outer)
                #expect(told.fields["sdp"]?.text?.contains("a=rtpmap:101 telephone-event/8000") == true)
                let ours = try nodes[0].expect("offer") {
                    $0.call == told.call && Settings().ports.contains(UInt16($0.port ?? 0))
                }
                #expect(ours.fields["flags"] == .list([.text("port latching"), .text("asymmetric")]))
                _ = try nodes[0].expect("block DTMF") { $0.call == told.call }
                #expect(tel_hangup(party.leg, 200, 0, nil, 0) == TEL_OK)
                let end = try nodes[0].expect("delete") { $0.call == told.call }
                #expect(end.fields["delete delay"] == .number(0))
            }
        }

        @Test func `requests that nobody hears are sent again`() throws {
            try run { shim, nodes in
                nodes[0].drops = 1
                let party = try Party(shim)
                var told = false
                #expect(
                    becomes(within: 3) {
                        told = nodes[0].requests.contains { $0.command == "answer" && $0.port == Int(party.rtp.port) }
                        return told
                    })
            }
        }

        @Test func `two who hear each other are joined at the node, and not while a tone is played`() throws {
            try run { shim, nodes in
                let (a, b) = (try Party(shim), try Party(shim))
                let callA = try call(of: a, nodes[0]), callB = try call(of: b, nodes[0])
                try route(shim, [(a.leg, TEL_SOURCE_LEG, b.leg), (b.leg, TEL_SOURCE_LEG, a.leg)], token: 1)
                let innerA = nodes[0].port(of: callA, outer: false), innerB = nodes[0].port(of: callB, outer: false)
                _ = try nodes[0].expect("offer") { $0.call == callA && $0.port == innerB }
                _ = try nodes[0].expect("offer") { $0.call == callB && $0.port == innerA }
                let before = nodes[0].requests.count
                #expect(tel_play_tone(a.leg, TEL_TONE_ERROR, 2) == TEL_OK)
                for call in [callA, callB] {
                    #expect(
                        becomes {
                            nodes[0].requests.dropFirst(before).contains {
                                $0.command == "offer" && $0.call == call
                                    && Settings().ports.contains(UInt16($0.port ?? 0))
                            }
                        })
                }
                try shim.expect(TEL_EVENT_TONE_ENDED)
                #expect(
                    becomes {
                        nodes[0].requests.dropFirst(before).contains {
                            $0.command == "offer" && $0.call == callA && $0.port == innerB
                        }
                    })
            }
        }

        @Test func `digits come by the log: the peer's, of legs alone`() throws {
            try run { shim, nodes in
                let party = try Party(shim)
                let call = try call(of: party, nodes[0])
                _ = try nodes[0].expect("block DTMF") { $0.call == call }
                usleep(20_000)
                nodes[0].log(digit: 3, of: call, tag: "warmline")
                nodes[0].log(digit: 4, of: "somebody else's")
                nodes[0].log(digit: 11, of: call)
                #expect(try shim.expect(TEL_EVENT_DIGIT, leg: party.leg).digit == "#")
            }
        }

        @Test func `without the log nobody is joined, and digits are not kept back`() throws {
            try run(log: false) { shim, nodes in
                let (a, b) = (try Party(shim), try Party(shim))
                let call = try call(of: a, nodes[0])
                try route(shim, [(a.leg, TEL_SOURCE_LEG, b.leg), (b.leg, TEL_SOURCE_LEG, a.leg)], token: 1)
                let asked = nodes[0].requests.filter { $0.call == call }
                #expect(!asked.contains { $0.command == "block DTMF" })
                #expect(asked.filter { $0.command == "offer" }.count == 2)
            }
        }

        @Test func `music out of a file is the node's, the melody is ours`() throws {
            let file = try waveFile(rate: 8000, channels: 1, hz: 440, seconds: 1)
            try run(music: file.path(percentEncoded: false)) { shim, nodes in
                let party = try Party(shim)
                let call = try call(of: party, nodes[0])
                try route(shim, [(party.leg, TEL_SOURCE_MUSIC, 0)], token: 1)
                let played = try nodes[0].expect("play media") { $0.call == call }
                #expect(played.fields["file"] == .text(file.path(percentEncoded: false)))
                #expect(played.fields["from-tag"] == .text("peer"))
                try route(shim, [(party.leg, TEL_SOURCE_SILENCE, 0)], token: 2)
                _ = try nodes[0].expect("stop media") { $0.call == call }
            }
            try run { shim, nodes in
                let party = try Party(shim)
                let call = try call(of: party, nodes[0])
                try route(shim, [(party.leg, TEL_SOURCE_MUSIC, 0)], token: 1)
                #expect(!nodes[0].requests.contains { $0.command == "play media" && $0.call == call })
            }
        }

        @Test func `music that is no longer wanted when the node says that it plays it is stopped`() throws {
            let file = try waveFile(rate: 8000, channels: 1, hz: 440, seconds: 1)
            try run(music: file.path(percentEncoded: false)) { shim, nodes in
                let party = try Party(shim)
                let call = try call(of: party, nodes[0])
                nodes[0].drops = 1
                try route(shim, [(party.leg, TEL_SOURCE_MUSIC, 0)], token: 1)
                #expect(becomes { nodes[0].unheard.contains("play media") })
                try route(shim, [(party.leg, TEL_SOURCE_SILENCE, 0)], token: 2)
                _ = try nodes[0].expect("play media") { $0.call == call }
                _ = try nodes[0].expect("stop media") { $0.call == call }
            }
        }

        @Test func `a node that is silent gets no legs until it answers`() throws {
            try run(nodes: 2) { shim, nodes in
                let first = try Party(shim), second = try Party(shim)
                let homes = [first, second].map { $0.shimPort / 1000 }
                #expect(Set(homes) == [22, 23], "one leg each, \(homes)")
                nodes[1].manner = .silent
                let gone = try shim.expect(TEL_EVENT_MEDIA_NODE, within: 6) { !$0.answered }
                #expect(gone.source == nodes[1].address && gone.legs == 1)
                for _ in 0..<3 { #expect(try Party(shim).shimPort / 1000 == 22) }
                nodes[1].manner = .proper
                let back = try shim.expect(TEL_EVENT_MEDIA_NODE, within: 6) {
                    $0.answered && $0.source == nodes[1].address
                }
                #expect(back.legs == 0)
            }
        }

        @Test func `no node, or one that talks nonsense: 503`() throws {
            for manner in [FakeNode.Manner.silent, .garbage] {
                try run(manner: manner) { shim, _ in
                    let peer = try Peer(shimPort: shim.port)
                    peer.request("INVITE", content: Peer.sdp())
                    #expect(try peer.response("INVITE").status == 503)
                }
            }
        }

        /// The call at the node of a party.
        func call(of party: Party, _ node: FakeNode) throws -> String {
            try node.expect("answer") { $0.port == Int(party.rtp.port) }.call
        }

        func run(
            nodes count: Int = 1, log: Bool = true, music: String? = nil, srtp: tel_srtp = TEL_SRTP_OFF,
            manner: FakeNode.Manner = .proper,
            _ body: (Shim, [FakeNode]) throws -> Void
        ) throws {
            let nodes = try (0..<count).map {
                try FakeNode(firstPort: 22_000 + $0 * 1000, digitsPort: log ? digitsPort : nil)
            }
            defer { nodes.forEach { $0.stop() } }
            nodes.forEach { $0.manner = manner }
            var settings = Settings()
            settings.musicFile = music
            settings.srtp = srtp
            settings.rtpengines = nodes.map(\.address)
            settings.rtpengineDigits = "udp:127.0.0.1:\(digitsPort)"
            try Shim.run(settings) { shim in
                // With its log tried, and calls in reserve.
                if manner == .proper {
                    try #require(becomes(within: 3) { nodes.indices.allSatisfy { isReady($0, log) } })
                }
                try body(shim, nodes)
            }
        }

        private func isReady(_ index: Int, _ log: Bool) -> Bool {
            let node = UnsafeMutablePointer<tel_media_node>.allocate(capacity: 1)
            defer { node.deallocate() }
            return tel_get_media_node(index, node) && node.pointee.ready > 8 && node.pointee.hears_digits == log
        }
    }
}
