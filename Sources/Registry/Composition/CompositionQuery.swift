import ECLMCore

/// A device's question: the sub-model that serves its data best within its means.
public struct CompositionQuery: Sendable {
    /// What the device may spend; absent figures are no limit.
    public var budget: Budget
    /// What the device is; `nil` lets every module pass.
    public var traits: DeviceTraits?
    /// Measured costs on the device's class; modules without an entry cost what the release says.
    public var measured: [ModuleVersionID: MeasuredCosts]
    /// The importance of every module of every layer, in index order; empty for the release's defaults.
    public var importances: [[Double]]
    /// Digests that the device holds: they cost no bytes to fetch.
    public var held: Set<Digest>
    /// Modules wanted in each layer, at least.
    public var minimumPerLayer: Int
    /// When the search stops.
    public var limits: CompositionLimits

    public init(
        budget: Budget = Budget(), traits: DeviceTraits? = nil, measured: [ModuleVersionID: MeasuredCosts] = [:],
        importances: [[Double]] = [], held: Set<Digest> = [], minimumPerLayer: Int = 1,
        limits: CompositionLimits = CompositionLimits(time: .milliseconds(250))
    ) {
        self.budget = budget
        self.traits = traits
        self.measured = measured
        self.importances = importances
        self.held = held
        self.minimumPerLayer = minimumPerLayer
        self.limits = limits
    }

    /// Composes for a device class: its traits, and what was measured on it.
    public mutating func use(_ deviceClass: DeviceClassRecord, in snapshot: CatalogueSnapshot) {
        traits = deviceClass.traits
        measured = snapshot.measured[deviceClass.deviceClassID] ?? [:]
    }

    /// Gives the device what its traits say where the budget says nothing. Traits without a figure, 0, set no limit.
    public mutating func limitByTraits() {
        if budget.memory == nil, let memory = traits?.memory, memory > 0 { budget.memory = memory }
        if budget.flops == nil, let flops = traits?.flops, flops > 0 { budget.flops = flops }
    }
}

/// One module of a sub-model.
public struct ComposedModule: Sendable, Hashable {
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
