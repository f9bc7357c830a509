import ECLMCore

/// Finds what an infeasible problem lacks: each figure is the optimum of the same search with a cost for its profit.
struct BudgetRepair {
    let problem: CompositionProblem
    let limits: CompositionLimits
    /// All searches of one report share the time limit.
    private let start = ContinuousClock.now
    /// Whether a limit has cut a search that then found nothing.
    private var wasCut = false

    init(problem: CompositionProblem, limits: CompositionLimits) {
        self.problem = problem
        self.limits = limits
    }

    /// The least of one resource that a sub-model needs.
    private struct Need {
        var amount: Int64
        var isExact: Bool
    }

    /// A raised budget and by how much of the old one it is raised in all.
    private struct Repair {
        var budget: Budget
        var raised: [Resource]
        var increase: Double
        var isExact: Bool
    }

    /// The report; the problem is known to be infeasible, with enough candidates in every layer.
    mutating func infeasibility() -> Infeasibility {
        let limited = Resource.allCases.filter { problem.budget[$0] != nil }
        var alone: [Resource: Need] = [:]
        for resource in limited { alone[resource] = least(of: resource, within: lifting([resource])) }
        let repair = smallestRepair(limited: limited, alone: alone)
        var isExact = repair.isExact && alone.values.allSatisfy(\.isExact)

        var shortfalls: [Infeasibility.Shortfall] = []
        for resource in limited {
            guard let budget = problem.budget[resource] else { continue }
            if let need = alone[resource] {
                guard need.amount > budget else { continue }
                shortfalls.append(
                    .init(resource: resource, budget: budget, needed: need.amount, repairsAlone: true))
                continue
            }
            var needed = repair.budget[resource] ?? budget
            if needed <= budget, alone.isEmpty, let lifted = least(of: resource, within: Budget()) {
                needed = lifted.amount
                isExact = isExact && lifted.isExact
            }
            guard needed > budget else { continue }
            shortfalls.append(.init(resource: resource, budget: budget, needed: needed, repairsAlone: false))
        }
        return Infeasibility(
            emptyLayers: [], shortfalls: shortfalls, message: Infeasibility.message(for: shortfalls),
            smallestBudget: repair.budget, isExact: isExact && !wasCut)
    }

    private func lifting(_ resources: [Resource]) -> Budget {
        var budget = problem.budget
        for resource in resources { budget[resource] = nil }
        return budget
    }

    /// Raises as few resources as possible; among the ways to do that, the one with the least increase.
    private mutating func smallestRepair(limited: [Resource], alone: [Resource: Need]) -> Repair {
        var best: Repair?
        for resource in limited {
            guard let need = alone[resource] else { continue }
            keepBetter(&best, raise([resource], to: [need]))
        }
        if let best { return best }
        for size in 2...max(2, limited.count) {
            for order in Self.orders(of: limited, size: size) {
                guard let needs = successiveNeeds(order) else { continue }
                keepBetter(&best, raise(order, to: needs))
            }
            if let best { return best }
        }
        // Without budgets any sub-model will do, so only a limit that cut every search leads here; take one by sums.
        return raise(limited, to: limited.map { Need(amount: costOfSomeSubModel($0), isExact: false) })
    }

    /// The least of the first resource with the others of `order` lifted, then of the second given the first, and so
    /// on.
    private mutating func successiveNeeds(_ order: [Resource]) -> [Need]? {
        var budget = lifting(order)
        var needs: [Need] = []
        for resource in order {
            guard let need = least(of: resource, within: budget) else { return nil }
            needs.append(need)
            budget[resource] = max(need.amount, problem.budget[resource] ?? 0)
        }
        return needs
    }

    private func raise(_ resources: [Resource], to needs: [Need]) -> Repair {
        var repair = Repair(budget: problem.budget, raised: [], increase: 0, isExact: true)
        for (resource, need) in zip(resources, needs) {
            let old = problem.budget[resource] ?? 0
            repair.isExact = repair.isExact && need.isExact
            guard need.amount > old else { continue }
            repair.budget[resource] = need.amount
            repair.raised.append(resource)
            repair.increase += Double(need.amount - old) / Double(max(old, 1))
        }
        return repair
    }

    private func keepBetter(_ best: inout Repair?, _ other: Repair) {
        if let current = best, current.increase <= other.increase { return }
        best = other
    }

    private static func orders(of resources: [Resource], size: Int) -> [[Resource]] {
        guard size > 0 else { return [[]] }
        return resources.flatMap { first in
            orders(of: resources.filter { $0 != first }, size: size - 1).map { [first] + $0 }
        }
    }

    /// The smallest budget of `resource` under which a sub-model fits `budget`, shared parts included.
    private mutating func least(of resource: Resource, within budget: Budget) -> Need? {
        guard
            let knapsack = LayeredKnapsack(problem: problem, budget: budget, profit: { -Double($0.costs[resource]) })
        else { return nil }
        guard knapsack.isLimited else {
            return Need(amount: sumOfLeast(resource, in: knapsack), isExact: true)
        }
        var search = BranchAndBound(knapsack, limits: limits, start: start)
        let result = search.run()
        guard let chosen = result.chosen else {
            wasCut = wasCut || !result.isComplete
            return nil
        }
        let amount = chosen.reduce(problem.fixed[resource]) { $0 + problem.candidates[$1].costs[resource] }
        return Need(amount: amount, isExact: result.isComplete)
    }

    /// With nothing else limited, the cheapest modules of each layer make the cheapest sub-model.
    private func sumOfLeast(_ resource: Resource, in knapsack: LayeredKnapsack) -> Int64 {
        var layers = [[Int64]](repeating: [], count: problem.layerCount)
        for item in knapsack.items { layers[item.layer].append(problem.candidates[item.candidate].costs[resource]) }
        return layers.reduce(problem.fixed[resource]) { $0 + $1.sorted().prefix(problem.minimumPerLayer).reduce(0, +) }
    }

    private func costOfSomeSubModel(_ resource: Resource) -> Int64 {
        var counts = [Int](repeating: 0, count: problem.layerCount)
        var sum = problem.fixed[resource]
        for candidate in problem.candidates where counts[candidate.layer] < problem.minimumPerLayer {
            counts[candidate.layer] += 1
            sum += candidate.costs[resource]
        }
        return sum
    }
}
