/// The name of a segment: the sequence number of its first event in 20 digits; with a number behind it where a file of
/// that name was left after a failure and its lines were written again.
public struct SegmentName: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var first: UInt64
    /// 0 for the first file of that name.
    public var copy: Int

    public init(first: UInt64, copy: Int = 0) {
        self.first = first
        self.copy = copy
    }

    /// Null for a file that is no segment.
    public init?(fileName: String) {
        let parts = fileName.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3, parts.last == "jsonl", parts[0].utf8.count == 20,
            parts[0].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let first = UInt64(parts[0])
        else { return nil }
        self.first = first
        copy = 0
        if parts.count == 3 {
            guard let copy = Int(parts[1]), copy > 0, String(copy) == parts[1] else { return nil }
            self.copy = copy
        }
    }

    public var description: String {
        let digits = String(first)
        let padded = String(repeating: "0", count: 20 - digits.utf8.count) + digits
        return copy == 0 ? "\(padded).jsonl" : "\(padded).\(copy).jsonl"
    }

    /// The order in which the files were written.
    public static func < (a: SegmentName, b: SegmentName) -> Bool { (a.first, a.copy) < (b.first, b.copy) }
}
