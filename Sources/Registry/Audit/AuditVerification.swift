import Core
import Foundation
import PostgreSQL

/// What a check of the audit chain found.
public struct AuditVerification: Sendable, Hashable {
    /// A place where the chain does not hold.
    public struct Break: Sendable, Hashable {
        /// The row's sequence number.
        public var sequence: Int64
        /// What is wrong there.
        public var problem: String
    }

    /// Rows checked.
    public var rows: Int64
    /// The hash of the last row: note it elsewhere, and a rewritten chain shows.
    public var head: Digest
    /// Where the chain does not hold, at most 100 places; empty when it is whole.
    public var breaks: [Break]
}

extension Registry {
    /// Recomputes the audit's hash chain from its rows, outside the database.
    ///
    /// Reads in batches: memory does not grow with the audit.
    public func verifyAudit(
        progress: (@Sendable (Int64) -> Void)? = nil
    ) async throws(RegistryError) -> AuditVerification {
        try await transaction(as: nil) { connection in
            try await connection.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            var chain = AuditChain()
            while true {
                let rows = try await connection.query(
                    """
                    SELECT sequence, (extract(epoch FROM at) * 1000000)::bigint AS at_us, actor, action, object_kind,
                        object, detail::text AS detail, previous_hash, hash
                    FROM eclm.audit WHERE sequence > \(chain.last) ORDER BY sequence LIMIT 2000
                    """)
                for row in rows { try chain.append(row) }
                progress?(chain.rows)
                if rows.count < 2000 { break }
            }
            let head = try await connection.query("SELECT sequence, hash FROM eclm.audit_head").one()
            let sequence: Int64 = try head.decode("sequence")
            if try sequence != chain.last || head.digest("hash") != chain.hash {
                chain.note(sequence, "the chain does not end where its head says: rows after \(chain.last) are missing")
            }
            return AuditVerification(rows: chain.rows, head: chain.hash, breaks: chain.breaks)
        }
    }
}

/// The chain as far as it was read. docs/schema.md gives the hashed text.
private struct AuditChain {
    var last: Int64 = 0
    var rows: Int64 = 0
    var hash = Digest.of(Array("eclm audit".utf8))
    var breaks: [AuditVerification.Break] = []

    mutating func append(_ row: PostgresRow) throws {
        let sequence: Int64 = try row.decode("sequence")
        let stored = try row.digest("hash")
        let previous = try row.digest("previous_hash")
        if sequence != last + 1 { note(sequence, "a row before this one is missing") }
        if previous != hash { note(sequence, "previous_hash is not the hash of the row before") }
        var builder = DigestBuilder()
        builder.update(previous.bytes)
        for field in [
            String(sequence), String(try row.decode("at_us", as: Int64.self)), try row.decode("actor"),
            try row.decode("action"), try row.decode("object_kind"), try row.decode("object"), try row.decode("detail"),
        ] {
            builder.update(Array("\(field.utf8.count):\(field)".utf8))
        }
        if builder.finalize() != stored { note(sequence, "the row does not match its hash") }
        (last, rows, hash) = (sequence, rows + 1, stored)
    }

    mutating func note(_ sequence: Int64, _ problem: String) {
        if breaks.count < 100 { breaks.append(.init(sequence: sequence, problem: problem)) }
    }
}
