import ECLMCore
import PostgreSQL
import Registry

/// What an optimizer remembers since it made a version: a safetensors file that has, of each floating-point tensor `NAME`
/// of the version, `m.NAME` and, for the adaptive ones, `v.NAME`, as F64 for F64 and as F32 for all others.
struct OptimizerState: Sendable {
    /// The optimizer's name.
    var optimizer: String
    /// Steps since the optimizer began.
    var step: Int
    var file: ModuleFile

    /// A tensor of the file.
    static func tensor(_ moment: String, of tensor: TensorDescription) -> TensorDescription {
        TensorDescription(
            name: "\(moment).\(tensor.name)", dtype: tensor.dtype == .f64 ? .f64 : .f32, shape: tensor.shape)
    }

    /// What optimizers left with some versions.
    static func read(
        of versions: some Collection<ModuleVersionID>, on connection: PostgresConnection
    ) async throws -> [ModuleVersionID: OptimizerState] {
        let rows = try await connection.query(
            """
            SELECT module_version_id, optimizer, step, digest, bytes FROM eclm.optimizer_states
            WHERE module_version_id = ANY (\(versions.map(\.rawValue).sorted()))
            """)
        var states: [ModuleVersionID: OptimizerState] = [:]
        for row in rows {
            states[ModuleVersionID(try row.decode("module_version_id"))] = OptimizerState(
                optimizer: try row.decode("optimizer"), step: Int(try row.decode("step", as: Int32.self)),
                file: ModuleFile(digest: try row.digest("digest"), size: try row.decode("bytes")))
        }
        return states
    }
}

extension OptimizerState {
    /// The state of a new version, on its way to the database.
    struct Entry {
        var version: ModuleVersionID
        var state: OptimizerState
        /// The version that it was built on, whose state it goes on from unless the optimizer begins.
        var parent: ModuleVersionID
    }

    /// Writes the states of new versions.
    static func insert(_ entries: [Entry], on connection: PostgresConnection) async throws {
        guard !entries.isEmpty else { return }
        try await connection.query(
            """
            INSERT INTO eclm.optimizer_states (module_version_id, optimizer, step, previous_version_id, digest, bytes)
            SELECT s.version, s.optimizer, s.step, nullif(s.previous, 0), s.digest, s.bytes
            FROM unnest(\(entries.map(\.version.rawValue)), \(entries.map(\.state.optimizer)),
                \(entries.map { Int32($0.state.step) }), \(entries.map { $0.state.step > 1 ? $0.parent.rawValue : 0 }),
                \(entries.map(\.state.file.digest.bytes)), \(entries.map(\.state.file.size)))
                AS s (version, optimizer, step, previous, digest, bytes)
            """)
    }
}
