public import ECLMCore

/// A device's question: the sub-model that serves its data best within its means.
public struct CompositionQuery: Sendable {
    /// What the device may spend; absent figures are no limit.
    public var budget: Budget
    /// What the device is; `nil` lets every module pass.
    public var traits: DeviceTraits?
    /// Measured costs on the device's class, by the module's slot in the release; modules without an entry cost what the
    /// release says.
    public var measured: [ModuleSlot: MeasuredCosts]
    /// The importance of every module of every layer, in index order; empty for the release's defaults.
    public var importances: [[Double]]
    /// Digests that the device holds: they cost no bytes to fetch.
    public var held: Set<Digest>
    /// Modules wanted in each layer, at least.
    public var minimumPerLayer: Int
    /// When the search stops.
    public var limits: CompositionLimits

    public init(
        budget: Budget = Budget(), traits: DeviceTraits? = nil, measured: [ModuleSlot: MeasuredCosts] = [:],
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

    /// Gives the device what its traits say where the budget says nothing. Traits without a figure, 0, set no limit.
    public mutating func limitByTraits() {
        if budget.memory == nil, let memory = traits?.memory, memory > 0 { budget.memory = memory }
        if budget.flops == nil, let flops = traits?.flops, flops > 0 { budget.flops = flops }
    }
}
