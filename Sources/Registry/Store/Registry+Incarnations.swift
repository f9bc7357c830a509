import ECLMCore
public import Foundation
import PostgreSQL

/// A life of the database between two losses of memory, and where the numbers go on in it.
public struct IncarnationRecord: Sendable, Hashable {
    /// What numbers of a model it leaves out.
    public struct Jump: Sendable, Hashable {
        /// The model's name.
        public var model: String
        /// The newest release before, 0 for none.
        public var lastRelease: Int
        /// The least number of a release, and of a version of any module, afterwards.
        public var firstNumber: Int
    }

    /// Its number, from 1.
    public var incarnation: Int
    /// Why it began.
    public var reason: String
    /// When it began.
    public var begunAt: Date
    /// Who began it, knowingly or by the first change.
    public var begunBy: String
    /// By model.
    public var jumps: [Jump]
}

extension Registry {
    /// Says that the database was restored from a backup: all numbers go on far behind those that can have been given out
    /// since.
    ///
    /// The database sees by itself that it is on another server, is another database or was recovered, and does the same
    /// with the next change. It does not see that its disk was set back.
    ///
    /// - Throws: `permissionDenied` without the operator's role.
    public func beginIncarnation(as provenance: Provenance) async throws(RegistryError) -> IncarnationRecord {
        try await transaction(as: provenance) { connection in
            let number: Int32 = try await connection.query(
                """
                SELECT eclm.begin_incarnation(\(provenance.reason.isEmpty ? "restored" : provenance.reason)) AS incarnation
                """
            ).one().decode("incarnation")
            let row = try await connection.query(
                "SELECT reason, begun_at, begun_by FROM eclm.incarnations WHERE incarnation = \(number)"
            ).one()
            let jumps = try await connection.query(
                """
                SELECT mo.name, j.last_release, j.first_number FROM eclm.number_jumps j JOIN eclm.models mo USING (model_id)
                WHERE j.incarnation = \(number) ORDER BY mo.name
                """
            ).map { row in
                IncarnationRecord.Jump(
                    model: try row.decode("name"), lastRelease: Int(try row.decode("last_release", as: Int32.self)),
                    firstNumber: Int(try row.decode("first_number", as: Int32.self)))
            }
            return IncarnationRecord(
                incarnation: Int(number), reason: try row.decode("reason"), begunAt: try row.decode("begun_at"),
                begunBy: try row.decode("begun_by"), jumps: jumps)
        }
    }
}
