import Aggregation
import ECLMCore
package import PostgreSQL

extension PolicyVocabulary {
    /// Writes what policies may name and how updates may be written, for the checks of the database: what is new is added,
    /// what changed is replaced, and what this program does not know stays, since another's methods may be among it.
    ///
    /// Needs the rights of the schema's owner. Nothing where the schema is older than these checks.
    package func write(on connection: PostgresConnection) async throws {
        let isThere: Bool = try await connection.query(
            "SELECT to_regclass('eclm.policy_methods') IS NOT NULL AS there"
        ).one().decode("there")
        guard isThere else { return }
        try await connection.transaction { connection in
            for rule in rules {
                try await write(
                    "rule", rule.definition, RuleSpecification.checks(of: rule),
                    maximumUpdates: Int32(clamping: rule.maximumUpdates), isPrivate: rule.isPrivate, on: connection)
            }
            for optimizer in optimizerDefinitions {
                try await write("optimizer", optimizer, [], maximumUpdates: nil, isPrivate: false, on: connection)
            }
            let encodings = UpdateEncoding.allCases
            try await connection.query(
                """
                INSERT INTO eclm.update_encodings AS e (name, summary, is_difference)
                SELECT * FROM unnest(\(encodings.map(\.rawValue)), \(encodings.map(\.summary)),
                    \(encodings.map(\.isDifference)))
                ON CONFLICT (name) DO UPDATE SET summary = EXCLUDED.summary, is_difference = EXCLUDED.is_difference
                WHERE (e.summary, e.is_difference) IS DISTINCT FROM (EXCLUDED.summary, EXCLUDED.is_difference)
                """)
        }
    }

    private func write(
        _ kind: String, _ method: MethodDefinition, _ common: [Parameter], maximumUpdates: Int32?, isPrivate: Bool,
        on connection: PostgresConnection
    ) async throws {
        try await connection.query(
            """
            INSERT INTO eclm.policy_methods AS m (kind, name, summary, maximum_updates, is_private)
            VALUES (\(kind), \(method.name), \(method.summary), \(maximumUpdates), \(isPrivate))
            ON CONFLICT (kind, name) DO UPDATE
            SET summary = EXCLUDED.summary, maximum_updates = EXCLUDED.maximum_updates, is_private = EXCLUDED.is_private
            WHERE (m.summary, m.maximum_updates, m.is_private)
                IS DISTINCT FROM (EXCLUDED.summary, EXCLUDED.maximum_updates, EXCLUDED.is_private)
            """)
        let parameters = method.parameters + common
        try await connection.query(
            """
            INSERT INTO eclm.policy_parameters AS p
                (kind, method, name, summary, minimum, maximum, standard, is_whole, is_required)
            SELECT \(kind), \(method.name), n.name, n.summary, n.minimum, n.maximum,
                CASE WHEN n.has_standard THEN n.standard END, n.is_whole, n.is_required
            FROM unnest(\(parameters.map(\.name)), \(parameters.map(\.summary)),
                \(parameters.map(\.range.lowerBound)), \(parameters.map(\.range.upperBound)),
                \(parameters.map { $0.standard != nil }), \(parameters.map { $0.standard ?? 0 }),
                \(parameters.map(\.isWhole)), \(parameters.map(\.isRequired)))
                AS n (name, summary, minimum, maximum, has_standard, standard, is_whole, is_required)
            ON CONFLICT (kind, method, name) DO UPDATE
            SET summary = EXCLUDED.summary, minimum = EXCLUDED.minimum, maximum = EXCLUDED.maximum,
                standard = EXCLUDED.standard, is_whole = EXCLUDED.is_whole, is_required = EXCLUDED.is_required
            WHERE (p.summary, p.minimum, p.maximum, p.standard, p.is_whole, p.is_required)
                IS DISTINCT FROM (EXCLUDED.summary, EXCLUDED.minimum, EXCLUDED.maximum, EXCLUDED.standard,
                    EXCLUDED.is_whole, EXCLUDED.is_required)
            """)
        try await connection.query(
            """
            DELETE FROM eclm.policy_parameters
            WHERE kind = \(kind) AND method = \(method.name) AND name <> ALL (\(parameters.map(\.name)))
            """)
    }
}
