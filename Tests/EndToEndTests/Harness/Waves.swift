import Foundation

/// WAV files of a sine each, so that what is heard says which file it was.
enum Waves {
    /// 8 kHz, 16 bits, mono.
    static func sine(_ hz: Double, seconds: Double) -> Data {
        func little(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        let rate = 8000
        let samples = (0..<Int(Double(rate) * seconds)).flatMap {
            little(Int(6000 * sin(2 * Double.pi * hz * Double($0) / Double(rate))), 2)
        }
        let format = little(1, 2) + little(1, 2) + little(rate, 4) + little(2 * rate, 4) + little(2, 2) + little(16, 2)
        let body = Array("WAVEfmt ".utf8) + little(16, 4) + format + Array("data".utf8) + little(samples.count, 4)
        return Data(Array("RIFF".utf8) + little(body.count + samples.count, 4) + body + samples)
    }

    /// The frequencies of the files that `write` makes, in Hz: far from one another, and from everybody's voice.
    static let music = 1900
    static let position = 620
    static let wait = 2350
    static let short = 800
    static let minutes = 700
    static let callback = 880
    static func digit(_ digit: Int) -> Int { 2500 + 100 * digit }

    /// Everything that a group can play, in a directory.
    static func write(to directory: URL, seconds: Double = 0.3) throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        var files = [
            "music": music, "position": position, "wait": wait, "less-than-a-minute": short, "minutes": minutes,
            "callback": callback,
        ]
        for number in 0...9 { files[String(number)] = digit(number) }
        for (name, hz) in files {
            // Whole periods, so that the seam of a loop is not heard.
            try sine(Double(hz), seconds: name == "music" ? 1 : seconds).write(
                to: directory.appending(path: "\(name).wav"))
        }
    }
}
