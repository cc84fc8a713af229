extension String {
    /// The one of the words that was probably meant: equal but for case, or one letter too many, too few or wrong, or two
    /// swapped.
    public func nearest(of words: some Sequence<String>) -> String? { words.filter { $0.isNear(self) }.min() }

    private func isNear(_ other: String) -> Bool {
        let a = Array(lowercased())
        let b = Array(other.lowercased())
        if a == b { return true }
        let head = zip(a, b).prefix { $0 == $1 }.count
        let tail = zip(a.reversed(), b.reversed()).prefix { $0 == $1 }.count
        let longer = max(a.count, b.count)
        if a.count == b.count, longer - head - tail == 2 { return a[head] == b[head + 1] && a[head + 1] == b[head] }
        return abs(a.count - b.count) <= 1 && head + tail >= longer - 1
    }
}
