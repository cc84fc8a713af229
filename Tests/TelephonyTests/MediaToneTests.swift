import CTelephony
import Foundation
import Testing

extension TelephonyTests {
    @Suite struct MediaTones {
        @Test(arguments: [
            (TEL_TONE_ERROR, [350]), (TEL_TONE_REJECTED, [620, 0, 620, 0, 620]), (TEL_TONE_NO_ANSWER, [480, 0, 480]),
            (TEL_TONE_UNREACHABLE, [950, 1400, 1800]), (TEL_TONE_CALLER_GONE, [1400, 700]), (TEL_TONE_COMFORT, [440]),
            (TEL_TONE_APOLOGY, [450, 330, 0, 450, 330, 0, 450, 330]),
        ]) func `each tone has its frequencies`(tone: tel_tone, frequencies: [Int]) throws {
            try listening { shim, caller, called in
                try route(shim, [(caller, TEL_SOURCE_TONE, 0)], token: 1)
                tel_set_tone(1300)
                hears(called, [1300])
                #expect(tel_play_tone(caller, tone, 5) == TEL_OK)
                hears(called, frequencies)
                let ended = recorder.next(within: 3) { $0.kind == TEL_EVENT_TONE_ENDED && $0.token == 5 }
                #expect(ended?.leg == caller)
                hears(called, [1300])  // what was sent before goes on
            }
        }

        @Test func `ringback begins with the ring, dial tone goes on`() throws {
            try listening { shim, caller, called in
                try route(shim, [(caller, TEL_SOURCE_RINGBACK, 0)], token: 1)
                hears(called, [425], within: 0.3)
                hears(called, [0], within: 1.2)
                try route(shim, [(caller, TEL_SOURCE_DIAL_TONE, 0)], token: 2)
                hears(called, [425], within: 0.3)
                #expect(recorder.next(within: 1.2) { $0.kind == TEL_EVENT_HEARD } == nil)
                try route(shim, [(caller, TEL_SOURCE_SILENCE, 0)], token: 3)
                hears(called, [0], within: 0.4)
            }
        }

        @Test(arguments: ["PCMA", "PCMU", "G722", "opus"])
        func `music is known by its notes in every codec`(codec: String) throws {
            var settings = Settings()
            settings.codecs = [codec]
            try listening(settings) { shim, caller, called in
                var notes: [Int] = []
                var next = tel_melody()
                while next.pointee != 0 {
                    notes.append(Int(next.pointee))
                    next += 1
                }
                try route(shim, [(caller, TEL_SOURCE_MUSIC, 0)], token: 1)
                var heard: Set<Int> = []
                let enough = becomes(within: 8) {
                    let event = recorder.next(within: 1) { $0.kind == TEL_EVENT_HEARD && $0.leg == called }
                    if let note = notes.first(where: { abs($0 - (event?.hz ?? 0)) <= sameHz }) { heard.insert(note) }
                    return heard.count >= 3
                }
                #expect(enough, "of \(notes) heard \(heard)")
            }
        }

        @Test func `the melody keeps away from frequencies that mean something`() {
            let meaning = [
                300, 350, 425, 440, 480, 600, 620, 700, 800, 950, 1000, 1200, 1300, 1400, 1500, 1600, 1800, 2000,
            ]
            var next = tel_melody()
            while next.pointee != 0 {
                #expect(meaning.allSatisfy { abs($0 - Int(next.pointee)) > 15 }, "\(next.pointee) Hz")
                next += 1
            }
        }

        @Test func `a tone that is replaced, or whose leg goes, has ended`() throws {
            try Shim.run { shim in
                let a = try Party(shim)
                #expect(tel_play_tone(a.leg, TEL_TONE_APOLOGY, 1) == TEL_OK)
                #expect(tel_play_tone(a.leg, TEL_TONE_APOLOGY, 2) == TEL_OK)
                #expect(try shim.expect(TEL_EVENT_TONE_ENDED, within: 0.5).token == 1)
                tel_hangup(a.leg, 200, 0, nil, 0)
                #expect(try shim.expect(TEL_EVENT_TONE_ENDED, within: 0.5).token == 2)
                #expect(tel_play_tone(a.leg, TEL_TONE_ERROR, 3) == TEL_OK)
                #expect(try shim.expect(TEL_EVENT_TONE_ENDED, within: 0.5).token == 3)
                #expect(tel_play_tone(a.leg, tel_tone(rawValue: 99), 4) == TEL_ERR_INVALID)
            }
        }

        @Test func `a tone on a leg without media takes its time`() throws {
            try Shim.run { shim in
                let peer = try Peer(shimPort: shim.port)
                let leg = shim.invite("sip:1@127.0.0.1:\(peer.port)")
                let started = Date()
                #expect(tel_play_tone(leg, TEL_TONE_ERROR, 1) == TEL_OK)
                try shim.expect(TEL_EVENT_TONE_ENDED, within: 2)
                #expect(-started.timeIntervalSinceNow > 0.35)
            }
        }

        @Test func `a muted leg sends nothing`() throws {
            try Shim.run { shim in
                let a = try Party(shim)
                try route(shim, [(a.leg, TEL_SOURCE_MUSIC, 0)], token: 1)
                _ = try a.rtp.receive(2)
                tel_mute_rtp(a.leg, true)
                try route(shim, [], token: 2)
                a.rtp.drain()
                #expect(a.rtp.receive(within: 0.1) == nil)
                tel_mute_rtp(a.leg, false)
                #expect(try a.rtp.receive(1)[0].marker)
            }
        }

        @Test func `a recording holds what was heard`() throws {
            let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).wav")
            defer { try? FileManager.default.removeItem(at: path) }
            try listening { shim, caller, called in
                tel_set_tone(1000)
                #expect(tel_record(called, path.path) == TEL_OK)
                #expect(tel_record(called, "/nowhere/at/all.wav") == TEL_ERR_SYSTEM)
                try route(shim, [(caller, TEL_SOURCE_TONE, 0)], token: 1)
                hears(called, [1000])
                #expect(recorder.next(within: 0.4) { $0.kind == TEL_EVENT_HEARD } == nil)
                tel_record(called, nil)
                try route(shim, [], token: 2)
            }
            let bytes = [UInt8](try Data(contentsOf: path))
            #expect(String(decoding: bytes[0..<4] + bytes[8..<16], as: UTF8.self) == "RIFFWAVEfmt ")
            let size = bytes[40..<44].reversed().reduce(0) { $0 << 8 | Int($1) }
            #expect(size == bytes.count - 44 && size > 16000 * 4 / 10)
            let samples = stride(from: 44, to: bytes.count, by: 2).map {
                Int16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)
            }
            let crossings = zip(samples, samples.dropFirst()).count { $0 < 0 && $1 >= 0 }
            #expect(
                abs(crossings * 8000 / samples.count - 1000) < 100, "1000 Hz crosses zero upwards 1000 times a second")
        }

        @Test func `a new stream is told`() throws {
            try Shim.run { shim in
                let a = try Party(shim)
                tel_listen(a.leg, true)
                var voice = Voice(ssrc: 1)
                a.send(voice.next())
                let first = try shim.expect(TEL_EVENT_STREAM, leg: a.leg)
                #expect(first.ssrc == 1 && first.payloadType == 8)
                a.send(voice.next())
                voice.ssrc = 2
                a.send(voice.next())
                #expect(try shim.expect(TEL_EVENT_STREAM, leg: a.leg).ssrc == 2)
            }
        }

        @Test(arguments: [(8000, 1), (11025, 1), (44100, 2), (48000, 2)])
        func `music comes out of a file of any rate`(rate: Int, channels: Int) throws {
            let file = try waveFile(rate: rate, channels: channels, hz: 1150, seconds: 1)
            defer { try? FileManager.default.removeItem(at: file) }
            var settings = Settings()
            settings.musicFile = file.path
            try listening(settings) { shim, caller, called in
                try route(shim, [(caller, TEL_SOURCE_MUSIC, 0)], token: 1)
                hears(called, [1150])
            }
        }

        @Test func `voices go over IPv6 too`() throws {
            var settings = Settings()
            settings.listen = ["udp:[::1]:0"]
            settings.mediaAddress = "::1"
            settings.trusted = ["::1/128"]
            try Shim.run(settings) { shim in
                let caller = shim.invite("sip:7000@[::1]:\(shim.port)")
                let called = try shim.expect(TEL_EVENT_INCOMING).leg
                #expect(tel_answer(called, 0) == TEL_OK)
                try shim.expect(TEL_EVENT_ANSWERED, leg: caller)
                #expect(tel_listen(called, true) == TEL_OK)
                try route(shim, [(caller, TEL_SOURCE_DIAL_TONE, 0)], token: 1)
                hears(called, [425])
            }
        }

        @Test func `a music file that cannot be read is named`() throws {
            var settings = Settings()
            settings.musicFile = "/nowhere/at/all.wav"
            let failure = #expect(throws: StartFailure.self) { try Shim.run(settings) { _ in } }
            #expect(failure?.description.contains("/nowhere/at/all.wav") == true)
        }
    }
}
