import CTelephony
import Foundation
import Testing

extension TelephonyTests {
    @Suite struct MediaDigits {
        /// The packets of a digit as a phone sends them: updates every 20 ms, then the end three times.
        private func digit(_ event: UInt8, sequence: UInt16, timestamp: UInt32) -> [Packet] {
            (0..<7).map { index in
                let duration = UInt16(min(index + 1, 5) * 160)
                return Packet(
                    payloadType: 101, marker: index == 0, sequence: sequence &+ UInt16(index), timestamp: timestamp,
                    ssrc: 7,
                    payload: [event, index >= 4 ? 0x8a : 0x0a, UInt8(duration >> 8), UInt8(duration & 0xff)])
            }
        }

        private func digits(_ leg: tel_leg_id) -> String {
            recorder.all.filter { $0.kind == TEL_EVENT_DIGIT && $0.leg == leg }.map(\.digit).joined()
        }

        @Test func `each event is one digit, at its first packet`() throws {
            try Shim.run { shim in
                let a = try Party(shim)
                let one = digit(1, sequence: 100, timestamp: 5000)
                a.send(one[0])
                #expect(becomes { digits(a.leg) == "1" })
                one.dropFirst().forEach(a.send)
                digit(1, sequence: 107, timestamp: 6280).dropFirst(3).forEach(a.send)  // its beginning is lost
                digit(10, sequence: 114, timestamp: 7560).suffix(1).forEach(a.send)  // all but its last end
                a.send(one[6])  // late
                digit(11, sequence: 121, timestamp: 8840).forEach(a.send)
                digit(15, sequence: 128, timestamp: 10120).forEach(a.send)
                digit(16, sequence: 135, timestamp: 11400).forEach(a.send)  // a flash is no digit
                #expect(becomes { digits(a.leg) == "11*#D" })
                #expect(becomes { a.stats.packets_received == 34 })
                #expect(digits(a.leg) == "11*#D")
            }
        }

        @Test func `digits are sent as RFC 4733 has it`() throws {
            try Shim.run { shim in
                let a = try Party(shim)
                try route(shim, [(a.leg, TEL_SOURCE_MUSIC, 0)], token: 1)
                _ = try a.rtp.receive(2)
                #expect(tel_send_digits(a.leg, "5#") == TEL_OK)
                var all: [Packet] = []
                let ended = becomes(within: 3) {
                    if let packet = a.rtp.receive() { all.append(packet) }
                    return all.contains { $0.payloadType == 101 } && all.last?.payloadType == 8
                        && all.filter { $0.payloadType == 101 }.count >= 14
                }
                #expect(ended, "\(all)")
                let events = all.filter { $0.payloadType == 101 }
                #expect(
                    events.map { $0.payload[0] } == [UInt8](repeating: 5, count: 7) + [UInt8](repeating: 11, count: 7))
                #expect(events.map(\.marker) == (0..<14).map { $0 % 7 == 0 })
                #expect(events.map { $0.payload[1] & 0x80 != 0 } == (0..<14).map { $0 % 7 >= 4 })
                let durations = events.map { Int($0.payload[2]) << 8 | Int($0.payload[3]) }
                #expect(durations == [160, 320, 480, 640, 800, 800, 800, 160, 320, 480, 640, 800, 800, 800])
                #expect(Set(events.map(\.timestamp)).count == 2)
                #expect(events[7].timestamp &- events[0].timestamp >= 800 + 400, "50 ms between two digits at least")
                for (before, after) in zip(all, all.dropFirst()) { #expect(after.sequence == before.sequence &+ 1) }
                let back = try #require(all.last)
                #expect(back.marker && back.timestamp &- events[13].timestamp >= 800)
                let between = all.drop { $0.payloadType == 8 }.dropLast()
                #expect(between.allSatisfy { $0.payloadType == 101 }, "no music while digits are sent")
            }
        }

        @Test func `what one leg sends the other hears, in order`() throws {
            try Shim.run { shim in
                let (caller, called) = try shim.callItself()
                #expect(tel_send_digits(caller, "*2300#ABC") == TEL_OK)
                #expect(becomes(within: 3) { digits(called) == "*2300#ABC" }, "heard \(digits(called))")
            }
        }
    }
}
