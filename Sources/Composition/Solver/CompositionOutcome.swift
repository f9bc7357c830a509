public import ECLMCore

/// The answer to a ``CompositionProblem``.
public enum CompositionOutcome: Hashable, Sendable {
    /// A sub-model, proved the best or with its gap.
    case feasible(CompositionSolution)
    /// No sub-model exists, and why.
    case infeasible(Infeasibility)
    /// The limit cut the search before it had found a sub-model or proved that there is none; carries the nodes
    /// searched.
    case undecided(nodes: Int)
}

/// A chosen sub-model.
public struct CompositionSolution: Hashable, Sendable {
    /// Indices of the chosen candidates, ascending.
    public var chosen: [Int]
    /// What the sub-model uses, shared parts included.
    public var totals: ResourceAmounts
    /// The summed importance of the chosen modules, added in ascending order of index.
    public var objective: Double
    /// A proved upper bound on the best possible objective; equal to `objective` where that is proved optimal.
    public var bound: Double
    /// `(bound - objective) / objective`; 0 where the objective is proved optimal, infinite where the objective is 0
    /// and the bound is not.
    public var gap: Double
    /// Whether the objective is proved the best, within 1e-12 of itself.
    public var isOptimal: Bool
    /// The resources with a positive price in the root's linear relaxation: more of one of them would raise the
    /// relaxation's optimum. Empty where every useful module fits.
    public var binding: [Resource]
    /// Nodes searched; 0 where no search was needed.
    public var nodes: Int

    public init(
        chosen: [Int], totals: ResourceAmounts, objective: Double, bound: Double, isOptimal: Bool,
        binding: [Resource], nodes: Int
    ) {
        self.chosen = chosen
        self.totals = totals
        self.objective = objective
        self.bound = isOptimal ? objective : max(bound, objective)
        if self.bound == objective {
            gap = 0
        } else {
            gap = objective > 0 ? (self.bound - objective) / objective : .infinity
        }
        self.isOptimal = isOptimal
        self.binding = binding
        self.nodes = nodes
    }
}
