import Foundation

/// The callers of a centre: when each comes, how long they talk, how long they would wait. One seed, one row of callers,
/// whoever serves them. Times are in microseconds.
struct Callers {
    struct Caller {
        var at: Int64
        var talk: Int64
        /// Null: waits for ever.
        var patience: Int64?
    }

    private let interval: Double
    private let talk: Double
    private let patience: Double?
    private var random: Random
    private var last: Int64 = 0

    /// - Parameters: means of exponential times, in seconds.
    init(seed: UInt64, interval: Double, talk: Double, patience: Double?) {
        self.interval = interval
        self.talk = talk
        self.patience = patience
        random = Random(seed: seed)
    }

    private mutating func draw(_ mean: Double) -> Int64 {
        let uniform = (Double(random.next() >> 11) + 0.5) / Double(1 << 53)
        return Int64(-mean * log(uniform) * 1e6)
    }

    mutating func next() -> Caller {
        last += draw(interval)
        return Caller(at: last, talk: draw(talk), patience: patience.map { draw($0) })
    }
}

/// What one caller met, in milliseconds as the log counts them.
struct Fate {
    var waitMs: Int
    var isServed: Bool
}

/// First come, first served by `servers` who are never idle while anybody waits, by the recursion of Kiefer and Wolfowitz
/// (1955): a caller is served when the first server is free of all who came before, or leaves first. No events, no states:
/// what an engine must come to, in a few lines.
struct TextbookQueue {
    /// When each server is free; the first of all on top of a heap.
    private var free: [Int64]

    init(servers: Int) { free = [Int64](repeating: 0, count: servers) }

    mutating func take(_ caller: Callers.Caller) -> Fate {
        let served = max(caller.at, free[0])
        if let patience = caller.patience, served - caller.at > patience {
            return Fate(waitMs: Int((caller.at + patience) / 1_000 - caller.at / 1_000), isServed: false)
        }
        let busyUntil = served + caller.talk
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < free.count else { break }
            if child + 1 < free.count, free[child + 1] < free[child] { child += 1 }
            guard free[child] < busyUntil else { break }
            free[parent] = free[child]
            parent = child
        }
        free[parent] = busyUntil
        return Fate(waitMs: Int(served / 1_000 - caller.at / 1_000), isServed: true)
    }
}

/// What the callers of one day met on average.
struct Day {
    static let threshold = 20_000

    private var callers = 0
    private var waited = 0
    private var within = 0
    private var lost = 0
    private var waitMs = 0

    mutating func add(_ fate: Fate) {
        callers += 1
        if fate.waitMs > 0 { waited += 1 }
        if fate.isServed, fate.waitMs <= Self.threshold { within += 1 }
        if !fate.isServed { lost += 1 }
        waitMs += fate.waitMs
    }

    private func share(_ count: Int) -> Double { 100 * Double(count) / Double(callers) }

    /// Percent of callers.
    var hadToWait: Double { share(waited) }
    var answeredWithin: Double { share(within) }
    var abandoned: Double { share(lost) }
    /// Seconds, of all callers.
    var meanWait: Double { Double(waitMs) / 1_000 / Double(callers) }
}

/// The mean of independent values, and how far the true one may be from it.
struct Estimate {
    let mean: Double
    /// Half the width of the 99 % confidence interval by Student's t.
    let margin: Double

    /// Two-sided 99 % of Student's t for 1, 2, … degrees of freedom; for more by Fisher's expansion around the normal.
    private static func student(_ freedom: Int) -> Double {
        let few = [63.66, 9.92, 5.84, 4.60, 4.03, 3.71, 3.50, 3.36, 3.25, 3.17, 3.11, 3.05]
        guard freedom > few.count else { return few[max(0, freedom - 1)] }
        let (z, n) = (2.5758, Double(freedom))
        return z + (z * z * z + z) / (4 * n) + (5 * pow(z, 5) + 16 * z * z * z + 3 * z) / (96 * n * n)
    }

    init(_ values: [Double]) {
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(values.count - 1)
        self.mean = mean
        margin = Self.student(values.count - 1) * (variance / Double(values.count)).squareRoot()
    }

    private init(mean: Double, margin: Double) {
        self.mean = mean
        self.margin = margin
    }

    /// The sum of two independent ones.
    static func + (a: Estimate, b: Estimate) -> Estimate {
        Estimate(mean: a.mean + b.mean, margin: (a.margin * a.margin + b.margin * b.margin).squareRoot())
    }

    func holds(_ value: Double) -> Bool { abs(value - mean) <= margin }
}
