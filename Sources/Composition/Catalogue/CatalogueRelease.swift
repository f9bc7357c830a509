import ECLMCore

/// Everything that answers need of one release. A release is immutable, so a loaded one never goes stale; what was
/// measured on device classes, and may change, is in ``CatalogueSnapshot/measured``.
public struct CatalogueRelease: Sendable {
    /// The model's name.
    public let model: String
    /// The number within the model.
    public let number: Int
    /// The modules that every sub-model carries.
    public let shared: [CatalogueModule]
    /// The modules of each layer, in index order.
    public let layers: [[CatalogueModule]]

    /// A release from its modules, in any order; besides a database's, one that is kept in memory can be composed from.
    public init(model: String, number: Int, modules: [CatalogueModule]) {
        self.model = model
        self.number = number
        shared = modules.filter(\.slot.kind.isShared).sorted { $0.slot < $1.slot }
        let layered = Dictionary(grouping: modules.filter { $0.slot.layer != nil }) { $0.slot.layer ?? 0 }
        layers = (0..<((layered.keys.max() ?? -1) + 1)).map { layer in
            (layered[layer] ?? []).sorted { $0.slot.index < $1.slot.index }
        }
    }

    /// What names the release among those of all models.
    public var key: ReleaseKey { ReleaseKey(model: model, number: number) }
}

/// A release by its model's name and its number.
public struct ReleaseKey: Sendable, Hashable {
    public var model: String
    public var number: Int

    public init(model: String, number: Int) {
        self.model = model
        self.number = number
    }
}
