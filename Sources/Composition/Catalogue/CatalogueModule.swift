public import ECLMCore

/// One module of a release as composition needs it.
public struct CatalogueModule: Sendable, Hashable {
    /// The module's name.
    public var module: String
    /// The module's place, unique within its release.
    public var slot: ModuleSlot
    /// The version's number.
    public var version: Int
    /// The weights.
    public var digest: Digest
    /// The analytic costs.
    public var costs: ModuleCosts
    /// What a device needs.
    public var requirements: Requirements
    /// The release's default importance.
    public var importance: Double

    public init(
        module: String, slot: ModuleSlot, version: Int, digest: Digest, costs: ModuleCosts, requirements: Requirements,
        importance: Double
    ) {
        self.module = module
        self.slot = slot
        self.version = version
        self.digest = digest
        self.costs = costs
        self.requirements = requirements
        self.importance = importance
    }
}
