public import ECLMCore
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

    /// A row of a table that is not as the chain tells.
    public struct Difference: Sendable, Hashable {
        /// What kind of object it is, as in ``AuditRecord/objectKind``.
        public var objectKind: String
        /// The object's key.
        public var object: String
        /// What is wrong with it.
        public var problem: String
        /// The row of the chain that tells otherwise; `nil` where that row waits for the chain, or there is none.
        public var sequence: Int64?
    }

    /// Rows checked.
    public var rows: Int64
    /// The hash of the last row: note it elsewhere, and a rewritten chain shows.
    public var head: Digest
    /// Where the chain does not hold, at most 100 places; empty when it is whole.
    public var breaks: [Break]
    /// Rows of the tables that are not as the chain tells, at most 100; empty where all are.
    public var differences: [Difference]
    /// Changes that wait to be put into the chain, and so are proven by nothing yet: those of the last moments, or on a
    /// standby, which cannot seal.
    public var unsealed: Int64
}

extension Registry {
    /// Puts committed changes that wait for the audit's chain into it. Servers do so every second; a standby cannot, and
    /// does nothing.
    ///
    /// - Parameter everything: Whether to look through all that waits, whatever earlier seals say that they took along.
    /// - Returns: How many changes there were.
    @discardableResult
    public func sealAudit(everything: Bool = false) async throws(RegistryError) -> Int {
        try await registryErrors {
            var total = 0
            while true {
                let row = try await pool.query("SELECT eclm.seal_audit(\(everything)) AS sealed").one()
                let sealed = Int(try row.decode("sealed", as: Int32.self))
                guard sealed > 0 else { return total }
                total += sealed
            }
        }
    }

    /// Seals what waits, then recomputes the audit's hash chain from its rows, outside the database, and compares the tables
    /// with what the chain tells of them.
    ///
    /// Reads in batches: memory does not grow with the audit.
    public func verifyAudit(
        progress: (@Sendable (Int64) -> Void)? = nil
    ) async throws(RegistryError) -> AuditVerification {
        try await sealAudit(everything: true)
        return try await registryErrors {
            // One consistent view, so that rows written meanwhile look like no break.
            let (chain, differences) = try await pool.transaction(isolation: .repeatableRead, readOnly: true) {
                connection in
                let chain = try await AuditChain.read(on: connection, progress: progress)
                return (chain, try await Self.auditDifferences(of: nil, on: connection))
            }
            return AuditVerification(
                rows: chain.rows, head: chain.hash, breaks: chain.breaks, differences: differences,
                unsealed: chain.unsealed)
        }
    }
}

extension Registry {
    /// The rows of some kinds of objects that are not as the audit's chain tells, at most 100.
    public func auditDifferences(
        of kinds: [String]
    ) async throws(RegistryError) -> [AuditVerification.Difference] {
        try await registryErrors {
            try await pool.withConnection { try await Self.auditDifferences(of: kinds, on: $0) }
        }
    }

    private static func auditDifferences(
        of kinds: [String]?, on connection: PostgresConnection
    ) async throws -> [AuditVerification.Difference] {
        try await connection.query(
            "SELECT object_kind, object, problem, sequence FROM eclm.audit_differences(\(kinds)) LIMIT 100"
        ).map { row in
            AuditVerification.Difference(
                objectKind: try row.decode("object_kind"), object: try row.decode("object"),
                problem: try row.decode("problem"), sequence: try row.decode("sequence"))
        }
    }
}

/// The chain as far as it was read. docs/schema.md gives the hashed text.
private struct AuditChain {
    var last: Int64 = 0
    var rows: Int64 = 0
    var hash = Digest.of(Array("eclm audit".utf8))
    var breaks: [AuditVerification.Break] = []
    var unsealed: Int64 = 0

    private static let batch = 2000

    static func read(
        on connection: PostgresConnection, progress: (@Sendable (Int64) -> Void)?
    ) async throws -> AuditChain {
        var chain = AuditChain()
        while let next = try await chain.followed(on: connection) {
            chain = next
            progress?(chain.rows)
        }
        return try await chain.ended(on: connection)
    }

    /// The chain with the next rows; `nil` when there are none.
    ///
    /// A function of its own, never inlined: Swift 6.3 crashes on the loop when it optimises both as one.
    @inline(never)
    private func followed(on connection: PostgresConnection) async throws -> AuditChain? {
        let rows = try await nextRows(on: connection)
        return rows.isEmpty ? nil : try with(rows)
    }

    private func with(_ rows: PostgresResult) throws -> AuditChain {
        var chain = self
        for row in rows { try chain.append(row) }
        return chain
    }

    /// The chain, compared with what the database says of its end.
    @inline(never)
    private func ended(on connection: PostgresConnection) async throws -> AuditChain {
        let seals = try await connection.query(
            "SELECT sequence, hash FROM eclm.audit_seals ORDER BY sequence DESC LIMIT 1")
        let waiting = try await connection.query("SELECT count(*) AS count FROM eclm.audit_waiting").one()
        return try with(seals.first, unsealed: waiting.decode("count"))
    }

    private func with(_ seal: PostgresRow?, unsealed: Int64) throws -> AuditChain {
        var chain = self
        chain.unsealed = unsealed
        let sequence: Int64 = try seal?.decode("sequence") ?? 0
        if try seal == nil || sequence != last || seal?.digest("hash") != hash {
            chain.note(sequence, "the chain ends at \(last), and not where its newest seal says")
        }
        return chain
    }

    private func nextRows(on connection: PostgresConnection) async throws -> PostgresResult {
        try await connection.query(
            """
            SELECT sequence, (extract(epoch FROM at) * 1000000)::bigint AS at_us, actor, action, object_kind, object,
                detail::text AS detail, previous_hash, hash
            FROM eclm.audit WHERE sequence > \(last) ORDER BY sequence LIMIT \(Self.batch)
            """)
    }

    private mutating func append(_ row: PostgresRow) throws {
        let sequence: Int64 = try row.decode("sequence")
        let stored = try row.digest("hash")
        let previous = try row.digest("previous_hash")
        if sequence != last + 1 { note(sequence, "a row before this one is missing") }
        if previous != hash { note(sequence, "previous_hash is not the hash of the row before") }
        var builder = DigestBuilder()
        builder.update(previous.bytes)
        for field: String in [
            String(sequence), String(try row.decode("at_us", as: Int64.self)), try row.decode("actor"),
            try row.decode("action"), try row.decode("object_kind"), try row.decode("object"), try row.decode("detail"),
        ] {
            builder.update(field: field)
        }
        if builder.finalize() != stored { note(sequence, "the row does not match its hash") }
        (last, rows, hash) = (sequence, rows + 1, stored)
    }

    private mutating func note(_ sequence: Int64, _ problem: String) {
        if breaks.count < 100 { breaks.append(.init(sequence: sequence, problem: problem)) }
    }
}
