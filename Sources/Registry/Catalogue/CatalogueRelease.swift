import ECLMCore
import PostgreSQL

/// One module of a release as composition needs it.
public struct CatalogueModule: Sendable, Hashable {
    /// The version's row.
    public var moduleVersionID: ModuleVersionID
    /// The module's name.
    public var module: String
    /// The module's place.
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
        moduleVersionID: ModuleVersionID, module: String, slot: ModuleSlot, version: Int, digest: Digest,
        costs: ModuleCosts, requirements: Requirements, importance: Double
    ) {
        self.moduleVersionID = moduleVersionID
        self.module = module
        self.slot = slot
        self.version = version
        self.digest = digest
        self.costs = costs
        self.requirements = requirements
        self.importance = importance
    }
}

/// Everything that answers need of one release. A release is immutable, so a loaded one never goes stale; what was
/// measured on device classes, and may change, is in ``CatalogueSnapshot/measured``.
public struct CatalogueRelease: Sendable {
    /// The row's identity.
    public let releaseID: ReleaseID
    /// The model's name.
    public let model: String
    /// The number within the model.
    public let number: Int
    /// The modules that every sub-model carries.
    public let shared: [CatalogueModule]
    /// The modules of each layer, in index order.
    public let layers: [[CatalogueModule]]

    /// A release from its modules, in any order; besides a database's, one that is kept in memory can be composed from.
    public init(releaseID: ReleaseID, model: String, number: Int, modules: [CatalogueModule]) {
        self.releaseID = releaseID
        self.model = model
        self.number = number
        shared = modules.filter(\.slot.kind.isShared).sorted { $0.slot < $1.slot }
        let layered = Dictionary(grouping: modules.filter { $0.slot.layer != nil }) { $0.slot.layer ?? 0 }
        layers = (0..<((layered.keys.max() ?? -1) + 1)).map { layer in
            (layered[layer] ?? []).sorted { $0.slot.index < $1.slot.index }
        }
    }

    static func load(
        _ releaseID: ReleaseID, model: String, number: Int, on connection: PostgresConnection
    ) async throws -> CatalogueRelease {
        let rows = try await connection.query(
            """
            SELECT v.module_version_id, m.name AS module, m.kind::text AS kind, m.layer, m.index, v.version, v.digest,
                v.bytes, v.parameters, v.flops, v.peak_memory, q.dtypes, q.operators, q.minimum_runtime, rm.importance
            FROM eclm.release_modules rm
            JOIN eclm.module_versions v USING (module_version_id)
            JOIN eclm.modules m ON m.module_id = rm.module_id
            JOIN eclm.requirements q USING (module_version_id)
            WHERE rm.release_id = \(releaseID.rawValue)
            """)
        let modules = try rows.map { row in
            CatalogueModule(
                moduleVersionID: ModuleVersionID(try row.decode("module_version_id")), module: try row.decode("module"),
                slot: try row.slot(), version: Int(try row.decode("version", as: Int32.self)),
                digest: try row.digest("digest"), costs: try row.costs(), requirements: try row.requirements(),
                importance: try row.decode("importance"))
        }
        return CatalogueRelease(releaseID: releaseID, model: model, number: number, modules: modules)
    }
}
