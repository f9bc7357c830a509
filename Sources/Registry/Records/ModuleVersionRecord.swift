public import ECLMCore
public import Foundation
package import PostgreSQL

/// An immutable module version with its costs and its device-compatibility metadata.
public struct ModuleVersionRecord: Sendable, Hashable {
    /// The row's identity.
    public var moduleVersionID: ModuleVersionID
    /// The module's row.
    public var moduleID: ModuleID
    /// The model's name.
    public var model: String
    /// The module's name.
    public var module: String
    /// The module's place.
    public var slot: ModuleSlot
    /// The version's number within its module, from 1.
    public var version: Int
    /// The weights: a safetensors blob.
    public var digest: Digest
    /// The element type of the weights, or `mixed`.
    public var dtype: String
    /// What the blob holds.
    public var tensors: [TensorDescription]
    /// The analytic costs.
    public var costs: ModuleCosts
    /// What a device needs.
    public var requirements: Requirements
    /// What made it.
    public var origin: VersionOrigin
    /// The round that made it, for versions of that origin.
    public var round: Int?
    /// When it was written.
    public var createdAt: Date
    /// Who wrote it.
    public var createdBy: String
    /// Whether a rollback took it out of service.
    public var withdrawn: Bool
}

extension ModuleVersionRecord {
    /// Everything before WHERE; `v` is the version, `m` the module, `mo` the model.
    package static let select: SQL = """
        SELECT v.module_version_id, v.module_id, mo.name AS model, m.name AS module, m.kind::text AS kind, m.layer,
            m.index, v.version, v.digest, v.dtype, v.tensors, v.bytes, v.parameters, v.flops, v.peak_memory,
            q.dtypes, q.operators, q.minimum_runtime, v.origin::text AS origin, r.number AS round, v.created_at,
            v.created_by,
            EXISTS (SELECT FROM eclm.withdrawals w WHERE w.module_version_id = v.module_version_id
                AND w.reinstated_at IS NULL) AS withdrawn
        """
    package static let from: SQL = """
        FROM eclm.module_versions v
        JOIN eclm.modules m USING (module_id)
        JOIN eclm.models mo ON mo.model_id = v.model_id
        JOIN eclm.requirements q USING (module_version_id)
        LEFT JOIN eclm.rounds r ON r.round_id = v.round_id
        """

    package init(_ row: PostgresRow) throws {
        moduleVersionID = ModuleVersionID(try row.decode("module_version_id"))
        moduleID = ModuleID(try row.decode("module_id"))
        model = try row.decode("model")
        module = try row.decode("module")
        slot = try row.slot()
        version = Int(try row.decode("version", as: Int32.self))
        digest = try row.digest("digest")
        dtype = try row.decode("dtype")
        tensors = try row.json("tensors", as: [TensorDescription].self)
        costs = try row.costs()
        requirements = try row.requirements()
        origin = try row.word("origin", "origin of versions")
        round = try row.decode("round", as: Int32?.self).map(Int.init)
        createdAt = try row.decode("created_at")
        createdBy = try row.decode("created_by")
        withdrawn = try row.decode("withdrawn")
    }
}

/// A module version as a release carries it.
public struct ReleasedModule: Sendable, Hashable {
    public var version: ModuleVersionRecord
    /// The release's default importance of the module.
    public var importance: Double
}
