import Foundation

/// Queueing formulas for `servers` agents offered `load` Erlang (arrivals per second × mean handle time).
enum Erlang {
    /// Erlang B: the part of callers who find nobody free where nobody waits (A. K. Erlang, 1917); by the recursion
    /// B(n) = A·B(n−1) ÷ (n + A·B(n−1)), which does not overflow.
    static func b(servers: Int, load: Double) -> Double {
        guard load > 0 else { return servers > 0 ? 0 : 1 }
        var blocked = 1.0
        for server in stride(from: 1, through: servers, by: 1) {
            blocked = load * blocked / (Double(server) + load * blocked)
        }
        return blocked
    }

    /// Erlang C: the part of callers who have to wait, where all wait until they are answered; 1 where the agents cannot
    /// keep up.
    static func c(servers: Int, load: Double) -> Double {
        guard load < Double(servers) else { return 1 }
        let blocked = b(servers: servers, load: load)
        return Double(servers) * blocked / (Double(servers) - load * (1 - blocked))
    }

    /// The part answered within `threshold` seconds by Erlang C.
    static func serviceLevel(servers: Int, load: Double, handle: Double, threshold: Double) -> Double {
        guard load < Double(servers), handle > 0 else { return load == 0 ? 1 : 0 }
        return 1 - c(servers: servers, load: load) * exp(-(Double(servers) - load) * threshold / handle)
    }

    /// The part answered within `threshold` seconds where callers lose patience after an exponential time of mean
    /// `patience` (Erlang A; Palm 1946, and Garnett, Mandelbaum, Reiman 2002): of all who arrive, those served before the
    /// threshold. By the distribution of the queue and, for one who finds k waiting, the time until k + 1 have gone.
    static func serviceLevelA(
        servers: Int, load: Double, handle: Double, patience: Double, threshold: Double
    ) -> Double {
        guard load > 0, handle > 0, patience > 0 else { return load == 0 ? 1 : 0 }
        guard servers > 0 else { return 0 }
        let arrival = load / handle
        let service = Double(servers) / handle
        let leave = 1 / patience
        // Relative to all agents busy and nobody waiting. Below: Erlang B is the share of that state among 0…servers.
        let below = 1 / b(servers: servers, load: load)
        var weights: [Double] = [1]
        var sum = 1.0
        while weights.count < 100_000, let last = weights.last, last > 1e-12 * (below + sum) {
            let next = last * arrival / (service + Double(weights.count) * leave)
            weights.append(next)
            sum += next
        }
        let whole = below - 1 + sum
        var within = (below - 1) / whole
        for (ahead, weight) in weights.enumerated() {
            within += weight / whole * servedWithin(threshold, ahead: ahead, service: service, leave: leave)
        }
        return within
    }

    /// The probability that one with `ahead` others before them is served, and within the time: the queue moves up at
    /// `service + j·leave`, while the caller's own patience runs out at `leave`. Kolmogorov's equations, uniformised.
    private static func servedWithin(_ time: Double, ahead: Int, service: Double, leave: Double) -> Double {
        let rate = service + Double(ahead + 1) * leave
        let steps = rate * time
        // places[j]: j others before them.
        var places = [Double](repeating: 0, count: ahead + 1)
        places[ahead] = 1
        var served = 0.0
        var result = 0.0
        var poisson = exp(-steps)
        var seen = poisson
        var step = 0
        // exp underflows beyond 700: there a normal distribution would be as good, and the wait is far over any target.
        guard steps < 700 else { return 0 }
        while true {
            result += poisson * served
            step += 1
            if seen > 1 - 1e-10 || step > 5000 { return result + max(0, 1 - seen) * served }
            var next = [Double](repeating: 0, count: ahead + 1)
            for place in 0...ahead where places[place] > 0 {
                let forward = (service + Double(place) * leave) / rate
                let gone = leave / rate
                if place == 0 { served += places[0] * forward } else { next[place - 1] += places[place] * forward }
                next[place] += places[place] * max(0, 1 - forward - gone)
            }
            places = next
            poisson *= steps / Double(step)
            seen += poisson
        }
    }

    /// The fewest agents for whom `level` reaches the target.
    static func servers(load: Double, target: Double, level: (Int) -> Double) -> Int {
        var servers = load > 0 ? 1 : 0
        while servers < 100_000, level(servers) < target { servers += 1 }
        return servers
    }
}
