import CallEvents

/// One figure: its key, what it measures, and how it is computed from the counts.
public struct Figure: Sendable {
    public enum Unit: String, Sendable { case milliseconds, percent, count }

    public let key: String
    public let unit: Unit
    /// The name a person reads.
    public let title: String
    /// The formula, and what it means.
    public let explanation: String
    /// Whether it is a part of the calls received, and so nothing where none is received.
    let isOfReceived: Bool
    let compute: @Sendable (Cell) -> Value

    /// A figure's value; `none` where its denominator is empty.
    public enum Value: Hashable, Sendable {
        case none
        case whole(Int64)
        case real(Double)

        public var real: Double? {
            switch self {
            case .none: nil
            case .whole(let value): Double(value)
            case .real(let value): value
            }
        }

        /// As JSON and CSV write it: whole numbers exactly, others with up to three decimals.
        public var plain: String? {
            switch self {
            case .none: nil
            case .whole(let value): String(value)
            case .real(let value): Figure.decimal(value)
            }
        }
    }

    init(
        _ key: String, _ unit: Unit, _ title: String, _ explanation: String, isOfReceived: Bool = false,
        _ compute: @escaping @Sendable (Cell) -> Value
    ) {
        self.key = key
        self.unit = unit
        self.title = title
        self.explanation = explanation
        self.isOfReceived = isOfReceived
        self.compute = compute
    }

    static func decimal(_ value: Double) -> String {
        let thousandths = (value * 1000).rounded()
        guard abs(thousandths) < 9e15 else { return String(value) }
        let whole = Int64(thousandths)
        var text = DurationText.seconds(whole)
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }

    /// The figure of a key.
    public static func named(_ key: String) -> Figure? { all.first { $0.key == key } }
}

/// `a ÷ b`, nothing when b is 0.
func ratio(_ a: Int64, _ b: Int) -> Figure.Value { b == 0 ? .none : .real(Double(a) / Double(b)) }

/// `a ÷ b × 100`.
func percent(_ a: Int, _ b: Int) -> Figure.Value { b == 0 ? .none : .real(Double(a) / Double(b) * 100) }

func whole(_ value: Int) -> Figure.Value { .whole(Int64(value)) }

func whole(_ value: Int64?) -> Figure.Value { value.map { .whole($0) } ?? .none }
