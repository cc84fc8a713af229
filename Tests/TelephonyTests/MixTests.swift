import CTelephony
import Foundation
import Testing

extension TelephonyTests {
    /// Several voices on one leg, and legs without a common codec.
    @Suite struct Mixes {
        /// A phone: the shim's own leg to it, and the phone's end, which listens and can speak at its own frequency.
        private struct Phone {
            var leg: tel_leg_id
            var end: tel_leg_id
            var hz: Int
            var voice: UInt32

            func speak(_ on: Bool) {
                var change = tel_route_change()
                (change.leg, change.source, change.sound) = (end, on ? TEL_SOURCE_MUSIC : TEL_SOURCE_SILENCE, voice)
                #expect(tel_route(&change, 1, 0) == TEL_OK)
            }
        }

        private static let attributes = [
            "PCMA": "8 PCMA/8000", "PCMU": "0 PCMU/8000", "G722": "9 G722/8000", "opus": "96 opus/48000/2",
        ]

        /// Runs `body` with a phone for each codec, which speak at 700, 1100, 1500 Hz.
        private func phones(_ codecs: [String], _ body: (Shim, [Phone]) throws -> Void) throws {
            let frequencies = [700, 1100, 1500]
            let files = try frequencies.map { try waveFile(rate: 16000, channels: 1, hz: Double($0), seconds: 1) }
            defer { files.forEach { try? FileManager.default.removeItem(at: $0) } }
            var settings = Settings()
            settings.codecs = ["PCMA", "PCMU", "G722", "opus"]
            try Shim.run(settings) { shim in
                var phones: [Phone] = []
                for (index, codec) in codecs.enumerated() {
                    let format = try #require(Self.attributes[codec])
                    let number = format.prefix { $0 != " " }
                    let reference = try Party(shim, formats: String(number), attributes: ["rtpmap:" + format])
                    let leg = shim.invite("sip:7000@127.0.0.1:\(shim.port)")
                    let end = try shim.expect(TEL_EVENT_INCOMING).leg
                    #expect(tel_answer(end, reference.leg) == TEL_OK)
                    try shim.expect(TEL_EVENT_ANSWERED, leg: end)
                    let answered = try shim.expect(TEL_EVENT_ANSWERED, leg: leg)
                    #expect(answered.codec == codec)
                    #expect(tel_listen(end, true) == TEL_OK)
                    var error = [CChar](repeating: 0, count: 256)
                    let voice = tel_sound(files[index].path, &error, error.count)
                    phones.append(Phone(leg: leg, end: end, hz: frequencies[index], voice: voice))
                }
                try body(shim, phones)
            }
        }

        /// Everybody hears everybody else.
        private func mix(_ shim: Shim, _ phones: [Phone], token: UInt64) throws {
            let changes = phones.map { phone in
                var change = tel_route_change()
                (change.leg, change.source) = (phone.leg, TEL_SOURCE_MIX)
                let others = phones.map(\.leg).filter { $0 != phone.leg }
                change.voices = (others[0], others.count > 1 ? others[1] : 0, 0, 0)
                return change
            }
            #expect(tel_route(changes, changes.count, token) == TEL_OK)
            let routed = recorder.next(within: 1) { $0.kind == TEL_EVENT_ROUTED && $0.token == token }
            try #require(routed != nil)
        }

        @Test(arguments: [["PCMA", "PCMA", "PCMA"], ["PCMA", "G722", "opus"], ["opus", "PCMU", "opus"]])
        func `everybody hears everybody, nobody hears themselves`(codecs: [String]) throws {
            try phones(codecs) { shim, phones in
                try mix(shim, phones, token: 1)
                // One speaks.
                phones[0].speak(true)
                for phone in phones[1...] { hears(phone.end, [700], within: 5) }
                // Two speak: whoever does hears the other alone, the third a chord.
                phones[1].speak(true)
                hears(phones[0].end, [1100], within: 5)
                hears(phones[2].end, [-1])
                #expect(recorder.next(within: 0.3) { $0.kind == TEL_EVENT_HEARD && $0.leg == phones[1].end } == nil)
                phones[0].speak(false)
                hears(phones[2].end, [1100])
                hears(phones[1].end, [0])
                #expect(recorder.next(within: 0.3) { $0.kind == TEL_EVENT_HEARD && $0.hz == 700 } == nil)
            }
        }

        @Test func `a mix becomes a plain relay when one leaves, and tones are played over it`() throws {
            try phones(["PCMA", "PCMA", "PCMU"]) { shim, phones in
                try mix(shim, phones, token: 1)
                phones[0].speak(true)
                hears(phones[1].end, [700])
                #expect(tel_play_tone(phones[1].leg, TEL_TONE_ERROR, 0) == TEL_OK)
                hears(phones[1].end, [350, 700])
                tel_hangup(phones[2].leg, 0, 0, nil, 0)
                try shim.expect(TEL_EVENT_ENDED, leg: phones[2].leg)
                hears(phones[1].end, [], within: 0)
                try route(
                    shim,
                    [
                        (phones[0].leg, TEL_SOURCE_LEG, phones[1].leg), (phones[1].leg, TEL_SOURCE_LEG, phones[0].leg),
                    ], token: 2)
                phones[0].speak(false)
                hears(phones[1].end, [0])
                phones[1].speak(true)
                hears(phones[0].end, [1100])
            }
        }

        @Test func `voices that come unevenly, twice, late or not at all stay one voice`() throws {
            try Shim.run { shim in
                let (a, b) = (try Party(shim), try Party(shim))
                var change = tel_route_change()
                (change.leg, change.source) = (b.leg, TEL_SOURCE_MIX)
                change.voices = (a.leg, 0, 0, 0)
                #expect(tel_route(&change, 1, 0) == TEL_OK)
                var voice = Voice()
                var packets = (0..<60).map { _ in voice.next() }
                packets.remove(at: 20)  // lost
                packets.swapAt(30, 31)  // late
                packets.insert(packets[40], at: 41)  // twice
                for (index, packet) in packets.enumerated() {
                    a.send(packet)
                    usleep(index % 10 == 0 ? 45_000 : 17_000)
                }
                var received: [Packet] = []
                while let packet = b.rtp.receive(within: 0.05), received.count < 60 { received.append(packet) }
                #expect(received.count >= 55)
                for (before, after) in zip(received, received.dropFirst()) {
                    #expect(after.sequence == before.sequence &+ 1 && after.timestamp == before.timestamp &+ 160)
                }
            }
        }

        @Test func `a sum that is too loud becomes softer instead of being clipped`() throws {
            try Shim.run { shim in
                let parties = try (0..<4).map { _ in try Party(shim) }
                var change = tel_route_change()
                (change.leg, change.source) = (parties[3].leg, TEL_SOURCE_MIX)
                change.voices = (parties[0].leg, parties[1].leg, parties[2].leg, 0)
                #expect(tel_route(&change, 1, 0) == TEL_OK)
                // 400 Hz, so strong that three of them are twice what can be said.
                let loud = (0..<160).map { alaw(Int(21_000 * sin(2 * Double.pi * Double($0) / 20))) }
                var voices = (0..<3).map { Voice(ssrc: UInt32($0)) }
                var received: [Packet] = []
                for _ in 0..<20 {
                    for index in 0..<3 { parties[index].send(voices[index].next(payload: loud)) }
                    if let packet = parties[3].rtp.receive(within: 0.02) { received.append(packet) }
                }
                let heard = try #require(received.last).payload
                let most = Dictionary(grouping: heard) { $0 }.values.map(\.count).max() ?? 0
                #expect(Set(heard).count > 8, "it is a tone")
                #expect(most < 24, "\(most) of 160 samples are alike: the tone's top is cut off")
            }
        }

        /// ITU-T G.711.
        private func alaw(_ sample: Int) -> UInt8 {
            let magnitude = min(abs(sample) >> 3, 4095)
            let exponent = magnitude < 32 ? 0 : Int(log2(Double(magnitude))) - 4
            let mantissa = exponent == 0 ? magnitude >> 1 : magnitude >> exponent & 15
            let code = exponent << 4 | mantissa & 15
            return UInt8((sample >= 0 ? code | 0x80 : code) ^ 0x55)
        }

        @Test(arguments: [("PCMA", "PCMU"), ("PCMA", "opus"), ("G722", "PCMU"), ("opus", "G722")])
        func `legs without a common codec hear one another`(one: String, other: String) throws {
            try phones([one, other]) { shim, phones in
                try route(
                    shim,
                    [
                        (phones[0].leg, TEL_SOURCE_LEG, phones[1].leg), (phones[1].leg, TEL_SOURCE_LEG, phones[0].leg),
                    ], token: 1)
                phones.forEach { $0.speak(true) }
                hears(phones[0].end, [1100], within: 5)
                hears(phones[1].end, [700], within: 5)
                var stats = tel_leg_stats()
                #expect(becomes { tel_get_leg_stats(phones[0].leg, &stats) && stats.packets_transcoded > 20 })
                #expect(stats.packets_dropped == 0)
            }
        }

        @Test func `what is lost, silent or a digit shows in a transcoded stream`() throws {
            try Shim.run { shim in
                let a = try Party(shim)
                let b = try Party(shim, formats: "0", attributes: ["rtpmap:0 PCMU/8000"])
                try route(shim, [(b.leg, TEL_SOURCE_LEG, a.leg)], token: 1)
                var voice = Voice()
                let packets = (0..<6).map { _ in voice.next() }
                a.send(packets[0])
                a.send(packets[2])  // 1 is lost
                a.send(packets[1])  // and comes too late
                var digit = packets[3]
                digit.payloadType = 101
                digit.payload = [5, 10, 0, 160]
                a.send(digit)
                a.send(packets[4])
                var later = packets[5]
                later.timestamp &+= 8000
                a.send(later)
                let received = try b.rtp.receive(4)
                let (sequence, timestamp) = (received[0].sequence, received[0].timestamp)
                #expect(received.map { $0.sequence &- sequence } == [0, 2, 3, 4])
                #expect(received.map { $0.timestamp &- timestamp } == [0, 320, 640, 8800])
                #expect(received.map(\.marker) == [true, false, true, true])
                #expect(received.allSatisfy { $0.payloadType == 0 && $0.payload.count == 160 })
                #expect(becomes { a.stats.packets_dropped == 1 })
            }
        }
    }
}
