import Glibc

/// The number of a name in a `NameTable`.
struct Name: Hashable, Sendable {
    var number: Int32
    /// The log says null.
    static let null = Name(number: 0)
    /// The line has no such field; the opening event's counts.
    static let missing = Name(number: -1)

    /// This name, or the other where the line had none.
    func or(_ other: Name) -> Name { number < 0 ? other : self }
    /// This name, or the other where it is missing or null.
    func orElse(_ other: Name) -> Name { number <= 0 ? other : self }
    /// A missing name counts as null.
    var known: Name { number < 0 ? .null : self }
}

/// Gives equal names equal numbers, so that events need not carry strings.
struct NameTable {
    private var slots: [Int32]
    private(set) var names: [String] = [""]
    private var bytes: [UInt8] = []
    /// Where each name's bytes begin; one more at the end.
    private var starts: [Int] = [0, 0]

    init() { slots = Array(repeating: 0, count: 64) }

    func text(_ name: Name) -> String? { name.number > 0 ? names[Int(name.number)] : nil }

    mutating func number(_ text: String) -> Name {
        var text = text
        return text.withUTF8 { number(of: UnsafeRawBufferPointer($0)) }
    }

    mutating func number(of name: UnsafeRawBufferPointer) -> Name {
        var slot = Int(truncatingIfNeeded: hash64(name)) & (slots.count - 1)
        while slots[slot] != 0 {
            if equal(slots[slot], name) { return Name(number: slots[slot]) }
            slot = (slot + 1) & (slots.count - 1)
        }
        let number = Int32(names.count)
        names.append(String(decoding: name, as: UTF8.self))
        bytes.append(contentsOf: name)
        starts.append(bytes.count)
        slots[slot] = number
        if names.count * 2 > slots.count { grow() }
        return Name(number: number)
    }

    private func equal(_ number: Int32, _ name: UnsafeRawBufferPointer) -> Bool {
        let start = starts[Int(number)]
        let count = starts[Int(number) + 1] - start
        return count == name.count
            && bytes.withUnsafeBytes { equalBytes(UnsafeRawBufferPointer(rebasing: $0[start..<(start + count)]), name) }
    }

    private mutating func grow() {
        slots = Array(repeating: 0, count: slots.count * 2)
        for number in 1..<names.count {
            let hash = bytes.withUnsafeBytes {
                hash64(UnsafeRawBufferPointer(rebasing: $0[starts[number]..<starts[number + 1]]))
            }
            var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = Int32(number)
        }
    }
}

/// Whether two stretches of the same length hold the same bytes.
func equalBytes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard let x = a.baseAddress, let y = b.baseAddress else { return true }
    return memcmp(x, y, a.count) == 0
}

/// A 64-bit hash in the manner of wyhash (Wang Yi): eight bytes at a time, mixed by the two halves of a 128-bit product.
/// Stands for a call's id and a caller's number; among a million of them two agree with a probability of 1 in 37 million.
func hash64(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash: UInt64 = 0xA076_1D64_78BD_642F ^ UInt64(bytes.count)
    var index = 0
    while index + 8 <= bytes.count {
        let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        hash = mix(hash ^ word, 0xE703_7ED1_A0B4_28DB)
        index += 8
    }
    var rest: UInt64 = 0
    while index < bytes.count {
        rest = rest << 8 | UInt64(bytes[index])
        index += 1
    }
    return mix(mix(hash ^ rest, 0x8EBC_6AF0_9C88_C6E3), 0x5899_65CC_7537_4CC3)
}

private func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
}
