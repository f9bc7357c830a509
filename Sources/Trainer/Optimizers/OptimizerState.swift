import Core
import PostgreSQL
import Registry

/// What an optimizer remembers since it made a version: a safetensors file that has, of each floating-point tensor `NAME`
/// of the version, `m.NAME` and, for the adaptive ones, `v.NAME`, as F64 for F64 and as F32 for all others.
struct OptimizerState: Sendable {
    /// The version that it belongs to.
    var version: ModuleVersionID
    /// Steps since the optimizer began.
    var step: Int
    var file: ModuleFile

    /// A tensor of the file.
    static func tensor(_ moment: String, of tensor: TensorDescription) -> TensorDescription {
        TensorDescription(
            name: "\(moment).\(tensor.name)", dtype: tensor.dtype == .f64 ? .f64 : .f32, shape: tensor.shape)
    }

    /// The states that an optimizer left with some versions. Those of other optimizers are of no use to it.
    static func read(
        of versions: [ModuleVersionID], by optimizer: ServerOptimizer, on connection: PostgresConnection
    ) async throws -> [ModuleVersionID: OptimizerState] {
        let rows = try await connection.query(
            """
            SELECT module_version_id, step, digest, bytes FROM eclm.optimizer_states
            WHERE module_version_id = ANY (\(versions.map(\.rawValue).sorted())) AND optimizer = \(optimizer.name)
            """)
        var states: [ModuleVersionID: OptimizerState] = [:]
        for row in rows {
            let version = ModuleVersionID(try row.decode("module_version_id"))
            states[version] = OptimizerState(
                version: version, step: Int(try row.decode("step", as: Int32.self)),
                file: ModuleFile(digest: try row.digest("digest"), size: try row.decode("bytes")))
        }
        return states
    }
}

/// A version's new state, on its way to the database.
struct NewOptimizerState: Sendable {
    var optimizer: String
    /// The version whose state it goes on from; `nil` where the optimizer begins.
    var previous: ModuleVersionID?
    var step: Int
    var digest: Digest
    var size: Int64

    /// Writes the states of new versions, in the order of the versions.
    static func insert(
        _ states: [(version: ModuleVersionID, state: NewOptimizerState)], on connection: PostgresConnection
    ) async throws {
        guard !states.isEmpty else { return }
        try await connection.query(
            """
            INSERT INTO eclm.optimizer_states (module_version_id, optimizer, step, previous_version_id, digest, bytes)
            SELECT s.version, s.optimizer, s.step, nullif(s.previous, 0), s.digest, s.bytes
            FROM unnest(\(states.map(\.version.rawValue)), \(states.map(\.state.optimizer)),
                \(states.map { Int32($0.state.step) }), \(states.map { $0.state.previous?.rawValue ?? 0 }),
                \(states.map(\.state.digest.bytes)), \(states.map(\.state.size)))
                AS s (version, optimizer, step, previous, digest, bytes)
            """)
    }
}
