import CTelephony
import Foundation
import Testing

/// Frequencies this close are one.
let sameHz = 8

/// Fails unless these frequencies are heard one after the other; others in between are ignored. 0 is silence, -1 a sound
/// without one dominant tone.
func hears(
    _ leg: tel_leg_id, _ frequencies: [Int], within seconds: Double = 2,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    for hz in frequencies {
        let found = recorder.next(within: seconds) {
            $0.kind == TEL_EVENT_HEARD && $0.leg == leg && (hz <= 0 ? $0.hz == hz : abs($0.hz - hz) <= sameHz)
        }
        #expect(found != nil, "\(hz) Hz not heard; left: \(recorder.all.map(\.hz))", sourceLocation: sourceLocation)
    }
}

/// A call of the shim to itself, whose called end listens.
func listening(_ settings: Settings = Settings(), _ body: (Shim, tel_leg_id, tel_leg_id) throws -> Void)
    throws
{
    try Shim.run(settings) { shim in
        let (caller, called) = try shim.callItself()
        #expect(tel_listen(called, true) == TEL_OK)
        try body(shim, caller, called)
    }
}

/// A WAV file with a sine in each channel, 16 bits.
func waveFile(rate: Int, channels: Int, hz: Double, seconds: Double) throws -> URL {
    func little(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let samples = (0..<Int(Double(rate) * seconds)).flatMap { index in
        [Int](
            repeating: Int(4000 * sin(2 * Double.pi * hz * Double(index) / Double(rate))), count: channels)
    }
    let data = samples.flatMap { little($0, 2) }
    var file = Array("RIFF".utf8) + little(36 + data.count, 4) + Array("WAVEfmt ".utf8) + little(16, 4)
    file += little(1, 2) + little(channels, 2) + little(rate, 4) + little(rate * channels * 2, 4)
    file += little(channels * 2, 2) + little(16, 2) + Array("data".utf8) + little(data.count, 4) + data
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).wav")
    try Data(file).write(to: url)
    return url
}
