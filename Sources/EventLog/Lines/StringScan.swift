/// Finds what ends or interrupts a plain run of a JSON string (RFC 8259 §7).
enum StringScan {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// The first quotation mark, backslash or control at or behind `start`; the end where there is none.
    @inline(__always)
    static func special(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        let count = bytes.count
        guard let base = bytes.baseAddress else { return start }
        // Eight bytes at a time: only the first hit is looked at, because a hit may carry into the byte above it.
        while index + 8 <= count {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let quotes = word ^ ones &* UInt64(UInt8(ascii: "\""))
            let backslashes = word ^ ones &* UInt64(UInt8(ascii: "\\"))
            let controls = (word &- ones &* 0x20) & ~word
            let hits = ((quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes | controls) & highs
            if hits != 0 { return index + hits.trailingZeroBitCount >> 3 }
            index += 8
        }
        while index < count {
            let byte = base.load(fromByteOffset: index, as: UInt8.self)
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return index }
            index += 1
        }
        return count
    }
}
