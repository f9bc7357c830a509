import Aggregation
import ECLMCore
import PostgreSQL
import Registry

extension OptimizerState {
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
