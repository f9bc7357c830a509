import Composition
import ECLMCore
import RegistryProtocol

extension Wire.ResourceAmounts {
    init(_ amounts: ResourceAmounts) {
        self.init()
        (memory, flops, fetchBytes) = (amounts.memory, amounts.flops, amounts.fetchBytes)
    }
}

extension Wire.ComposedModule {
    init(_ composed: ComposedModule, _ id: ModuleVersionID) {
        self.init()
        moduleVersionId = id.rawValue
        module = composed.module.module
        slot = Wire.ModuleSlot(composed.module.slot)
        version = Int32(composed.module.version)
        digest = composed.module.digest.bytes
        bytes = composed.module.costs.bytes
        importance = composed.importance
        held = composed.isHeld
        memory = composed.costs.memory
        flops = composed.costs.flops
    }
}

extension Wire.ExcludedModule {
    init(_ excluded: ExcludedModule) {
        self.init()
        module = excluded.module.module
        importance = excluded.importance
        reasons = excluded.reasons
    }
}

extension Wire.Composition {
    init(_ modules: [ComposedModule], _ ids: [ModuleVersionID], _ solution: CompositionSolution) {
        self.init()
        self.modules = zip(modules, ids).map(Wire.ComposedModule.init)
        totals = Wire.ResourceAmounts(solution.totals)
        objective = solution.objective
        bound = solution.bound
        gap = solution.gap
        optimal = solution.isOptimal
        binding = solution.binding.map(Wire.Resource.init)
        nodes = Int64(solution.nodes)
    }
}

extension Wire.Infeasibility {
    init(_ infeasibility: Infeasibility) {
        self.init()
        emptyLayers = infeasibility.emptyLayers.map(Int32.init)
        shortfalls = infeasibility.shortfalls.map { shortfall in
            var wire = Wire.Shortfall()
            wire.resource = Wire.Resource(shortfall.resource)
            wire.budget = shortfall.budget
            wire.needed = shortfall.needed
            wire.missing = shortfall.missing
            return wire
        }
        smallestBudget = infeasibility.smallestBudget.map(Wire.Budget.init)
        message = infeasibility.message
    }
}
