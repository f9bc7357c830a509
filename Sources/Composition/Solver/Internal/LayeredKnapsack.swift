import ECLMCore

/// The bare mathematical problem: maximise summed profit, at most `capacity` of each resource, at least `required`
/// items in each layer. Profits may be negative, so that the same search also finds the cheapest sub-model.
struct LayeredKnapsack {
    struct Item {
        /// Index of the candidate.
        var candidate: Int
        var layer: Int
        var profit: Double
        /// Costs; 0 in a row that cannot bind.
        var cost: ResourceAmounts
    }

    let layerCount: Int
    let required: Int
    let items: [Item]
    let capacity: ResourceAmounts
    /// Whether each resource limits anything.
    let limits: (memory: Bool, flops: Bool, fetchBytes: Bool)

    /// The problem over the candidates that fit at all; a resource of which all of them together stay within the
    /// capacity drops out. `nil` where a layer keeps too few candidates or a capacity is negative.
    init?(
        problem: CompositionProblem, budget: Budget, profit: (CompositionProblem.Candidate) -> Double
    ) {
        var capacity = ResourceAmounts(memory: .max, flops: .max, fetchBytes: .max)
        for resource in Resource.allCases {
            guard let limit = budget[resource] else { continue }
            capacity[resource] = limit - problem.fixed[resource]
            guard capacity[resource] >= 0 else { return nil }
        }
        var items: [Item] = []
        items.reserveCapacity(problem.candidates.count)
        var total = ResourceAmounts.zero
        var counts = [Int](repeating: 0, count: problem.layerCount)
        for (index, candidate) in problem.candidates.enumerated() where candidate.costs.fits(in: capacity) {
            items.append(
                Item(candidate: index, layer: candidate.layer, profit: profit(candidate), cost: candidate.costs))
            total = total + candidate.costs
            counts[candidate.layer] += 1
        }
        guard counts.allSatisfy({ $0 >= problem.minimumPerLayer }) else { return nil }

        limits = (
            total.memory > capacity.memory, total.flops > capacity.flops, total.fetchBytes > capacity.fetchBytes
        )
        for resource in Resource.allCases {
            if total[resource] <= capacity[resource] {
                capacity[resource] = 0
                for index in items.indices { items[index].cost[resource] = 0 }
            } else {
                // Sums are multiples of the costs' common divisor; what the capacity has beyond one can never be used.
                // Modules of one layer mostly cost the same, so this tightens the relaxation by much.
                capacity[resource] -= capacity[resource] % Self.commonDivisor(items, resource)
            }
        }
        layerCount = problem.layerCount
        required = problem.minimumPerLayer
        self.items = items
        self.capacity = capacity
    }

    private static func commonDivisor(_ items: [Item], _ resource: Resource) -> Int64 {
        var divisor: Int64 = 0
        for item in items {
            let cost = item.cost[resource]
            if divisor > 0 && cost % divisor == 0 { continue }
            var rest = cost
            while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
            if divisor == 1 { break }
        }
        return max(divisor, 1)
    }

    /// Whether any resource can bind.
    var isLimited: Bool { limits.memory || limits.flops || limits.fetchBytes }
}
