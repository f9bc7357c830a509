public import ECLMCore
public import Foundation
import PostgreSQL

/// A row of the audit: one change of state.
public struct AuditRecord: Sendable, Hashable {
    /// The place in the chain, from 1.
    public var sequence: Int64
    /// When it was appended.
    public var at: Date
    /// Who acted.
    public var actor: String
    /// What was done, such as `release.insert`.
    public var action: String
    /// What kind of object it was done to.
    public var objectKind: String
    /// The object's key.
    public var object: String
    /// The new values, and the old under `before`, as JSON.
    public var detail: String
    /// The row's hash in the chain.
    public var hash: Digest

    static let select: SQL = """
        SELECT sequence, at, actor, action, object_kind, object, detail::text AS detail, hash FROM eclm.audit
        """

    init(_ row: PostgresRow) throws {
        sequence = try row.decode("sequence")
        at = try row.decode("at")
        actor = try row.decode("actor")
        action = try row.decode("action")
        objectKind = try row.decode("object_kind")
        object = try row.decode("object")
        detail = try row.decode("detail")
        hash = try row.digest("hash")
    }
}

/// Which rows of the audit a listing gives.
public struct AuditFilter: Sendable, Hashable {
    /// Only about objects of this kind.
    public var objectKind: String?
    /// Only about the object with this key.
    public var object: String?
    /// Only of actors with this in the name.
    public var actorContains: String

    /// None of them lets all pass.
    public init(objectKind: String? = nil, object: String? = nil, actorContains: String = "") {
        self.objectKind = objectKind
        self.object = object
        self.actorContains = actorContains
    }
}

extension Registry {
    /// The rows of the audit, newest first; those that wait for the chain are sealed before the first page.
    public func audit(
        _ filter: AuditFilter = AuditFilter(), page: PageRequest = .first
    ) async throws(RegistryError) -> Page<AuditRecord> {
        var conditions: [SQL] = ["sequence < \(try page.numberToken() ?? .max)"]
        if let kind = filter.objectKind { conditions.append("object_kind = \(kind)") }
        if let object = filter.object { conditions.append("object = \(object)") }
        if !filter.actorContains.isEmpty { conditions.append("actor LIKE \(Self.contains(filter.actorContains))") }
        let condition = conditions.joined(separator: " AND ")
        if page.token.isEmpty { try await sealAudit() }
        return try await registryErrors {
            let rows = try await pool.query(
                """
                \(AuditRecord.select) WHERE \(condition)
                ORDER BY sequence DESC LIMIT \(page.size + 1)
                """)
            return Page(rows: try rows.map(AuditRecord.init), size: page.size) { String($0.sequence) }
        }
    }

    /// One row of the audit; `nil` where there is none.
    public func auditRow(_ sequence: Int64) async throws(RegistryError) -> AuditRecord? {
        try await registryErrors {
            try await pool.query("\(AuditRecord.select) WHERE sequence = \(sequence)").first.map(AuditRecord.init)
        }
    }
}
