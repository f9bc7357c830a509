public import ECLMCore

/// The question of sub-model derivation (paper, section 2): which modules, taken together, are the most important ones
/// that fit the device's memory, compute and download, with a minimum of modules in every layer.
///
/// Candidates are what is left after the compatibility filter. A module that the device already holds has
/// `fetchBytes` 0. The shared parts (stem, head, selector) always ship: their costs are `fixed` and come off the budget
/// first.
public struct CompositionProblem: Sendable {
    /// A module that may be chosen.
    public struct Candidate: Hashable, Sendable {
        /// The module layer, from 0.
        public var layer: Int
        /// What the module is worth to the device: finite, at least 0.
        public var importance: Double
        /// Peak memory in bytes.
        public var memory: Int64
        /// Floating-point operations for one sample.
        public var flops: Int64
        /// Bytes to fetch; 0 for a module the device holds.
        public var fetchBytes: Int64

        public init(layer: Int, importance: Double, memory: Int64, flops: Int64, fetchBytes: Int64) {
            self.layer = layer
            self.importance = importance
            self.memory = memory
            self.flops = flops
            self.fetchBytes = fetchBytes
        }

        /// The three costs.
        public var costs: ResourceAmounts { ResourceAmounts(memory: memory, flops: flops, fetchBytes: fetchBytes) }
    }

    /// The largest number of module layers.
    public static let maximumLayers = 256
    /// The largest number of candidates.
    public static let maximumCandidates = 16_384
    /// The largest cost of one candidate or of the shared parts, 2^48: sums of all candidates stay within 63 bits.
    public static let maximumCost: Int64 = 1 << 48
    /// The largest importance of one candidate.
    public static let maximumImportance = 1e12

    /// Number of module layers.
    public let layerCount: Int
    /// The modules to choose from; a solution names them by their index here.
    public let candidates: [Candidate]
    /// What the device may spend, shared parts included; `nil` is unlimited.
    public let budget: Budget
    /// Costs of the shared parts.
    public let fixed: ResourceAmounts
    /// Modules wanted in each layer, at least.
    public let minimumPerLayer: Int

    /// A validated problem. Throws ``CompositionError`` where a figure is out of its range.
    public init(
        layerCount: Int, candidates: [Candidate], budget: Budget, fixed: ResourceAmounts = .zero,
        minimumPerLayer: Int = 1
    ) throws(CompositionError) {
        guard (1...Self.maximumLayers).contains(layerCount) else {
            throw CompositionError(.layerCount, "\(layerCount) layers: a model has 1 to \(Self.maximumLayers)")
        }
        guard candidates.count <= Self.maximumCandidates else {
            throw CompositionError(
                .candidateCount, "\(candidates.count) candidates: narrow them to \(Self.maximumCandidates) or fewer")
        }
        guard (0...Self.maximumCandidates).contains(minimumPerLayer) else {
            throw CompositionError(
                .minimum,
                "a minimum of \(minimumPerLayer) modules in each layer: ask for 0 to \(Self.maximumCandidates)"
            )
        }
        for resource in Resource.allCases {
            if let limit = budget[resource], limit < 0 {
                throw CompositionError(.budget, "the \(resource.phrase) budget is \(limit): it must be at least 0")
            }
            guard (0...Self.maximumCost).contains(fixed[resource]) else {
                throw CompositionError(
                    .cost,
                    "the shared parts cost \(fixed[resource]) of \(resource.phrase): "
                        + "expected 0 to \(Self.maximumCost)")
            }
        }
        for (index, candidate) in candidates.enumerated() {
            try Self.validate(candidate, at: index, layerCount: layerCount)
        }
        self.layerCount = layerCount
        self.candidates = candidates
        self.budget = budget
        self.fixed = fixed
        self.minimumPerLayer = minimumPerLayer
    }

    private static func validate(
        _ candidate: Candidate, at index: Int, layerCount: Int
    ) throws(CompositionError) {
        guard (0..<layerCount).contains(candidate.layer) else {
            throw CompositionError(
                .unknownLayer,
                "candidate \(index) is in layer \(candidate.layer): the model has layers 0 to \(layerCount - 1)")
        }
        // A NaN fails both comparisons and is refused with the rest.
        guard candidate.importance >= 0, candidate.importance <= maximumImportance else {
            throw CompositionError(
                .importance,
                "candidate \(index) has importance \(candidate.importance): "
                    + "expected a finite number from 0 to \(maximumImportance)")
        }
        for resource in Resource.allCases where !(0...maximumCost).contains(candidate.costs[resource]) {
            throw CompositionError(
                .cost,
                "candidate \(index) costs \(candidate.costs[resource]) of \(resource.phrase): "
                    + "expected 0 to \(maximumCost)")
        }
    }
}
