public import Composition
public import ECLMCore
import PostgreSQL

/// A release of the catalogue, with the rows of the database that it was read from.
public struct StoredRelease: Sendable {
    /// The release's row.
    public let releaseID: ReleaseID
    /// The release as composition needs it.
    public let release: CatalogueRelease
    /// The version's row of each module.
    let moduleVersionIDs: [ModuleSlot: ModuleVersionID]

    /// The model's name.
    public var model: String { release.model }
    /// The number within the model.
    public var number: Int { release.number }

    /// The rows of composed modules, in their order.
    public func moduleVersionIDs(of modules: [ComposedModule]) -> [ModuleVersionID] {
        modules.compactMap { moduleVersionIDs[$0.module.slot] }
    }

    /// Composes the best sub-model for a query; see `CatalogueRelease.compose(_:)`.
    ///
    /// - Throws: `invalidArgument` for importances that do not fit the model or figures out of range;
    ///   `failedPrecondition` when the device cannot run a shared module, which every sub-model carries;
    ///   `resourceExhausted` when the time limit came before any sub-model.
    public func compose(_ query: CompositionQuery) throws(RegistryError) -> CompositionAnswer {
        do {
            return try release.compose(query)
        } catch {
            throw RegistryError(error)
        }
    }

    static func load(
        _ releaseID: ReleaseID, model: String, number: Int, on connection: PostgresConnection
    ) async throws -> StoredRelease {
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
        var ids: [ModuleSlot: ModuleVersionID] = [:]
        let modules = try rows.map { row in
            let slot = try row.slot()
            ids[slot] = ModuleVersionID(try row.decode("module_version_id"))
            return CatalogueModule(
                module: try row.decode("module"), slot: slot,
                version: Int(try row.decode("version", as: Int32.self)), digest: try row.digest("digest"),
                costs: try row.costs(), requirements: try row.requirements(),
                importance: try row.decode("importance"))
        }
        return StoredRelease(
            releaseID: releaseID, release: CatalogueRelease(model: model, number: number, modules: modules),
            moduleVersionIDs: ids)
    }
}

extension CompositionQuery {
    /// Composes for a device class: its traits, and what was measured on it.
    ///
    /// - Throws: `notFound` for an unknown class.
    public mutating func use(
        deviceClass name: String, in snapshot: CatalogueSnapshot<StoredRelease>, for release: StoredRelease
    ) throws(RegistryError) {
        traits = try snapshot.traits(ofDeviceClass: name)
        measured = snapshot.measured[name]?[release.release.key] ?? [:]
    }
}

extension RegistryError {
    /// A composition's failure as the registry tells it.
    init(_ error: CompositionError) {
        let code: Code =
            switch error.code {
            case .incompatible, .noLayers: .failedPrecondition
            case .undecided: .resourceExhausted
            default: .invalidArgument
            }
        self.init(code, error.message, cause: error)
    }
}
