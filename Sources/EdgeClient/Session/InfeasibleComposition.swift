public import ECLMCore
internal import RegistryProtocol

/// A composition that no budget of the request allows: what is short, and by how much.
public struct InfeasibleComposition: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is missing of one resource.
    public struct Shortfall: Hashable, Sendable {
        public var resource: Resource
        /// What the budget allows.
        public var budget: Int64
        /// What the smallest sub-model takes.
        public var needed: Int64
        /// The difference.
        public var missing: Int64
    }

    /// The registry's explanation.
    public var description: String
    /// Layers of which the device can run no module.
    public var emptyLayers: [Int32]
    public var shortfalls: [Shortfall]
    /// The budget of the smallest sub-model, where there is one.
    public var smallestBudget: Budget?
    /// What was left out, where that was asked for.
    public var excluded: [SubModelComposition.Excluded]

    init(_ infeasibility: Wire.Infeasibility) throws(EdgeError) {
        description = infeasibility.message.isEmpty ? "no sub-model fits the budget" : infeasibility.message
        emptyLayers = infeasibility.emptyLayers
        shortfalls = []
        for shortfall in infeasibility.shortfalls {
            shortfalls.append(
                Shortfall(
                    resource: try shortfall.resource.known(), budget: shortfall.budget, needed: shortfall.needed,
                    missing: shortfall.missing))
        }
        smallestBudget = infeasibility.smallestBudget?.core
        excluded = infeasibility.excluded.map(SubModelComposition.Excluded.init)
    }
}
