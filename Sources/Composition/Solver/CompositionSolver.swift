import ECLMCore

/// Answers ``CompositionProblem``s exactly: branch and bound on the linear relaxation (see docs/composition.md).
///
/// The answer is deterministic: equal problems give equal solutions, unless a time limit cuts the search.
public struct CompositionSolver: Sendable {
    /// Where the search stops.
    public var limits: CompositionLimits

    /// A solver with limits; without any it always proves its answer.
    public init(limits: CompositionLimits = .none) {
        self.limits = limits
    }

    /// The best sub-model, or why there is none.
    ///
    /// Between sub-models of equal importance the result is one that no single removal of a worthless module and no
    /// exchange of one module for an equally important one of the same layer makes smaller.
    public func solve(_ problem: CompositionProblem) -> CompositionOutcome {
        let start = ContinuousClock.now
        let emptyLayers = Infeasibility.emptyLayers(of: problem)
        guard emptyLayers.isEmpty else { return .infeasible(Infeasibility(emptyLayers: emptyLayers, of: problem)) }
        guard let knapsack = LayeredKnapsack(problem: problem, budget: problem.budget, profit: { $0.importance }) else {
            return .infeasible(report(problem))
        }
        if let chosen = Self.everythingUseful(in: knapsack, of: problem) {
            return .feasible(Self.solution(problem, chosen, bound: nil, binding: [], nodes: 0))
        }
        var search = BranchAndBound(knapsack, limits: limits, start: start)
        let result = search.run()
        guard let chosen = result.chosen else {
            guard result.isComplete else { return .undecided(nodes: result.nodes) }
            return .infeasible(report(problem))
        }
        let smallest = SmallestEquivalent(problem).reduce(chosen)
        return .feasible(
            Self.solution(
                problem, smallest, bound: result.isComplete ? nil : result.bound, binding: result.binding,
                nodes: result.nodes))
    }

    private func report(_ problem: CompositionProblem) -> Infeasibility {
        var repair = BudgetRepair(problem: problem, limits: limits)
        return repair.infeasibility()
    }

    /// All modules of any importance, and the smallest others where a layer has too few, if they fit together.
    private static func everythingUseful(in knapsack: LayeredKnapsack, of problem: CompositionProblem) -> [Int]? {
        var chosen: [Int] = []
        var missing = [Int](repeating: knapsack.required, count: knapsack.layerCount)
        var used = ResourceAmounts.zero
        for item in knapsack.items where item.profit > 0 {
            chosen.append(item.candidate)
            missing[item.layer] -= 1
            used = used + item.cost
        }
        guard used.fits(in: knapsack.capacity) else { return nil }
        if missing.contains(where: { $0 > 0 }) {
            let smallestFirst = SmallestEquivalent(problem)
            let rest = knapsack.items.filter { $0.profit == 0 }
                .sorted { smallestFirst.precedes($0.candidate, $1.candidate) }
            for item in rest where missing[item.layer] > 0 {
                chosen.append(item.candidate)
                missing[item.layer] -= 1
                used = used + item.cost
            }
            guard used.fits(in: knapsack.capacity) else { return nil }
        }
        // A module that does not fit by itself is missing here, but it fits in no sub-model either.
        return chosen.sorted()
    }

    private static func solution(
        _ problem: CompositionProblem, _ chosen: [Int], bound: Double?, binding: [Resource], nodes: Int
    ) -> CompositionSolution {
        var totals = problem.fixed
        var objective = 0.0
        for index in chosen {
            totals = totals + problem.candidates[index].costs
            objective += problem.candidates[index].importance
        }
        return CompositionSolution(
            chosen: chosen, totals: totals, objective: objective, bound: bound ?? objective,
            isOptimal: bound == nil, binding: binding, nodes: nodes)
    }
}
