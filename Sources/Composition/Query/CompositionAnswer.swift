/// One module of a sub-model.
public struct ComposedModule: Sendable, Hashable {
    /// The module.
    public var module: CatalogueModule
    /// What it costs this device.
    public var costs: ResourceAmounts
    /// Its importance in this query; 0 for shared modules.
    public var importance: Double
    /// Whether the device holds the weights already.
    public var isHeld: Bool
}

/// A module that the sub-model lacks.
public struct ExcludedModule: Sendable, Hashable {
    /// The module.
    public var module: CatalogueModule
    /// Its importance in this query.
    public var importance: Double
    /// What the device lacks for it; empty when others were worth more within the budget.
    public var reasons: [String]
}

/// The answer to a ``CompositionQuery``.
public struct CompositionAnswer: Sendable {
    /// What the search found.
    public enum Outcome: Sendable {
        /// A sub-model: shared modules first, then layer by layer.
        case composed([ComposedModule], CompositionSolution)
        /// No sub-model fits, and why.
        case infeasible(Infeasibility)
    }

    /// The number of the release that it was composed from.
    public var release: Int
    /// What the search found.
    public var outcome: Outcome
    /// What was left out, and why.
    public var excluded: [ExcludedModule]
}
