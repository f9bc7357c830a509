import Composition
import ECLMCore

/// A random problem of integers: importances are `profits` over `scale`.
struct CompositionInstance {
    enum Kind: CaseIterable {
        /// Importance and costs have nothing to do with each other.
        case uncorrelated
        /// The larger a module, the more important.
        case correlated
        /// Importance is the memory cost: every sum counts.
        case subsetSum
        /// Equal costs within a layer, as in a decomposed network, with a free bypass.
        case shared
        /// All modules are equally important.
        case indifferent
        /// Few values, many ties.
        case coarse
    }

    var layerCount: Int
    var minimum: Int
    var layers: [Int] = []
    var profits: [Int64] = []
    var costs: [ResourceAmounts] = []
    var budget = Budget()
    var fixed: ResourceAmounts
    var scale: Double

    /// A random instance; `tightness` is the part of all costs that the budgets allow.
    init(
        kind: Kind, layerCount: Int, modulesPerLayer: Int, minimum: Int = 1, tightness: Double, resources: Int,
        using generator: inout SplitMix64
    ) {
        self.layerCount = layerCount
        self.minimum = minimum
        fixed = ResourceAmounts(
            memory: .random(in: 0...50, using: &generator), flops: .random(in: 0...50, using: &generator),
            fetchBytes: .random(in: 0...50, using: &generator))
        scale = [1, 1024, 7, 1_000_003].randomElement(using: &generator) ?? 1
        let hasHeldModules = Bool.random(using: &generator)
        for layer in 0..<layerCount {
            let width = Int64.random(in: 20...200, using: &generator)
            for module in 0..<modulesPerLayer {
                var cost = ResourceAmounts(
                    memory: .random(in: 10...1000, using: &generator), flops: .random(in: 10...1000, using: &generator),
                    fetchBytes: .random(in: 10...1000, using: &generator))
                var profit = Int64.random(in: 0...100_000, using: &generator)
                switch kind {
                case .uncorrelated: break
                case .correlated:
                    profit = 20 * (cost.memory + cost.flops) + .random(in: 0...8000, using: &generator)
                case .subsetSum: profit = cost.memory
                case .shared:
                    cost =
                        module == 0
                        ? .zero : ResourceAmounts(memory: width, flops: 10_000 / width, fetchBytes: width)
                case .indifferent: profit = 1000
                case .coarse:
                    profit = .random(in: 0...4, using: &generator)
                    cost = ResourceAmounts(
                        memory: .random(in: 0...3, using: &generator), flops: .random(in: 0...3, using: &generator),
                        fetchBytes: .random(in: 0...3, using: &generator))
                }
                if hasHeldModules && Int.random(in: 0..<3, using: &generator) == 0 { cost.fetchBytes = 0 }
                layers.append(layer)
                profits.append(profit)
                costs.append(cost)
            }
        }
        for resource in Resource.allCases.shuffled(using: &generator).prefix(resources) {
            let total = costs.reduce(0) { $0 + $1[resource] }
            let part = tightness * Double.random(in: 0.7...1.3, using: &generator)
            budget[resource] = fixed[resource] + Int64(Double(total) * part)
        }
    }

    func problem() throws -> CompositionProblem {
        try CompositionProblem(
            layerCount: layerCount,
            candidates: layers.indices.map { index in
                .init(
                    layer: layers[index], importance: Double(profits[index]) / scale, memory: costs[index].memory,
                    flops: costs[index].flops, fetchBytes: costs[index].fetchBytes)
            },
            budget: budget, fixed: fixed, minimumPerLayer: minimum)
    }
}

extension CompositionProblem {
    /// The same problem with another budget.
    func with(budget: Budget) throws -> CompositionProblem {
        try CompositionProblem(
            layerCount: layerCount, candidates: candidates, budget: budget, fixed: fixed,
            minimumPerLayer: minimumPerLayer)
    }

    /// Whether a choice keeps every rule of the problem, by plain sums.
    func admits(_ chosen: [Int]) -> Bool {
        var counts = [Int](repeating: 0, count: layerCount)
        var used = fixed
        for index in chosen {
            let candidate = candidates[index]
            counts[candidate.layer] += 1
            used.memory += candidate.memory
            used.flops += candidate.flops
            used.fetchBytes += candidate.fetchBytes
        }
        return counts.allSatisfy { $0 >= minimumPerLayer }
            && Resource.allCases.allSatisfy { used[$0] <= budget[$0] ?? .max }
    }

    /// The best objective by trying every choice; for up to about 14 candidates.
    func bestByEnumeration() -> Double? {
        var best: Double?
        for mask in 0..<(1 << candidates.count) {
            let chosen = candidates.indices.filter { mask >> $0 & 1 == 1 }
            guard admits(chosen) else { continue }
            best = max(best ?? 0, chosen.reduce(0) { $0 + candidates[$1].importance })
        }
        return best
    }
}

extension CompositionOutcome {
    var solution: CompositionSolution? {
        if case .feasible(let solution) = self { solution } else { nil }
    }

    var infeasibility: Infeasibility? {
        if case .infeasible(let infeasibility) = self { infeasibility } else { nil }
    }
}
