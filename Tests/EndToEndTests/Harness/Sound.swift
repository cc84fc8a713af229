import Foundation

/// A piece of what a phone has heard, and the voices that it may have been.
struct Sound {
    /// Of every file that phones play, and of what they record.
    static let rate = 8000

    private let samples: [Double]

    /// The last 0.3 s of a WAV file that is being written (16 bits, mono); silence where nothing is.
    init(endOf file: URL) {
        var status = stat()
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        guard stat(file.path(percentEncoded: false), &status) == 0, now.tv_sec - status.st_mtim.tv_sec <= Self.stale,
            let data = try? Data(contentsOf: file, options: .mappedIfSafe), data.count > Self.header
        else {
            samples = []
            return
        }
        let tail = Array(data.dropFirst(Self.header).suffix(Self.rate * 3 / 10 * 2))
        samples = stride(from: 0, to: tail.count - 1, by: 2).map {
            Double(Int16(bitPattern: UInt16(tail[$0]) | UInt16(tail[$0 + 1]) << 8))
        }
    }

    private static let header = 44
    /// Seconds after which a file is no longer being written.
    private static let stale = 1

    private var power: Double { samples.isEmpty ? 0 : samples.reduce(0) { $0 + $1 * $1 } / Double(samples.count) }

    var isSilence: Bool { power <= 1000 }

    /// Goertzel: this frequency has by far most of the power.
    func isTone(_ hz: Int) -> Bool {
        guard samples.count >= Sound.rate / 5, !isSilence else { return false }
        let step = 2 * cos(2 * Double.pi * Double(hz) / Double(Sound.rate))
        var last = 0.0
        var before = 0.0
        for sample in samples { (last, before) = (sample + step * last - before, last) }
        let magnitude = last * last + before * before - step * last * before
        let count = Double(samples.count)
        return magnitude * 2 / (count * count) > 0.7 * power
    }

    /// A minute of a sine as a WAV file.
    static func sine(_ hz: Int) -> Data {
        let samples = (0..<rate * 60).map { index in
            Int16(5000 * sin(2 * Double.pi * Double(hz) * Double(index) / Double(rate)))
        }
        var data = Data()
        func append<Value: FixedWidthInteger>(_ value: Value) {
            withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
        }
        data.append(contentsOf: "RIFF".utf8)
        append(UInt32(36 + samples.count * 2))
        data.append(contentsOf: "WAVEfmt ".utf8)
        append(UInt32(16))
        append(UInt16(1))
        append(UInt16(1))
        append(UInt32(rate))
        append(UInt32(rate * 2))
        append(UInt16(2))
        append(UInt16(16))
        data.append(contentsOf: "data".utf8)
        append(UInt32(samples.count * 2))
        samples.forEach { append($0) }
        return data
    }
}
