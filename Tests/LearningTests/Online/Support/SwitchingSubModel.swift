import ECLMCore
import Learning

/// A sub-model on a device that switches to a subset of its modules when its budget shrinks, and back; no network is
/// involved.
final class SwitchingSubModel {
    /// What it can switch to.
    let plan: SubsetPlan
    /// The subset in use.
    private(set) var current: SubsetPlan.Subset
    /// The network in use; run this one.
    private(set) var network: ModularNetwork
    private let whole: ModularNetwork

    /// A sub-model that uses what a budget allows.
    ///
    /// - Throws: `LearningError` with `budget` when no subset fits.
    init(_ network: ModularNetwork, plan: SubsetPlan, budget: Budget = .init()) throws {
        self.plan = plan
        whole = network
        current = try plan.subset(within: budget)
        self.network = try Self.network(network, current)
    }

    /// Uses the best subset within another budget.
    ///
    /// - Returns: Whether the subset changed.
    /// - Throws: `LearningError` with `budget` when no subset fits; the one in use stays.
    @discardableResult
    func use(_ budget: Budget) throws -> Bool {
        let next = try plan.subset(within: budget)
        guard next.modules != current.modules else { return false }
        network = try Self.network(whole, next)
        current = next
        return true
    }

    private static func network(_ whole: ModularNetwork, _ subset: SubsetPlan.Subset) throws -> ModularNetwork {
        whole.modules == subset.modules ? whole : try whole.subset(subset.modules)
    }
}
