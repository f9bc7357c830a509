public import ECLMCore
import PostgreSQL

/// An edge of the lineage: a version and one parent.
public struct LineageEdge: Sendable, Hashable {
    /// What a version came from.
    public enum Parent: Sendable, Hashable {
        /// The version of the same module that it was trained from.
        case version(Int)
        /// A device's update, folded in.
        case update(UpdateID, device: String)
    }

    /// The child: a version's number within its module.
    public var version: Int
    public var parent: Parent
    /// The parent's weight in the aggregate, 0 to 1; 1 for a base.
    public var weight: Double
    /// The round that made the child.
    public var round: Int?
}

/// Which way to walk the lineage.
public enum LineageDirection: String, Sendable, Hashable, CaseIterable {
    /// What a version came from.
    case ancestors
    /// What came from it.
    case descendants
}

extension Registry {
    /// The edges of a module's lineage before or after one version, nearest first.
    ///
    /// - Parameter limit: The most edges to give, 1 to 100 000.
    /// - Returns: The edges and whether there are more than `limit`.
    public func lineage(
        of model: String, module: String, version: Int, direction: LineageDirection, limit: Int = 1000
    ) async throws(RegistryError) -> (edges: [LineageEdge], truncated: Bool) {
        guard (1...100_000).contains(limit) else {
            throw RegistryError(.invalidArgument, "the limit \(limit) is not in 1...100000")
        }
        let record = try await self.version(of: model, module: module, version: version)
        let id = record.moduleVersionID.rawValue
        // Bases go back one version at a time, so a bounded walk by number is a bounded walk by distance.
        let reached: SQL =
            switch direction {
            case .ancestors:
                """
                SELECT \(id)::bigint AS module_version_id UNION
                SELECT module_version_id FROM eclm.ancestors(\(id)) WHERE module_version_id IS NOT NULL
                """
            case .descendants:
                "SELECT module_version_id FROM eclm.descendants(\(id)) WHERE module_version_id IS NOT NULL"
            }
        return try await registryErrors {
            let rows = try await pool.query(
                """
                SELECT v.version, p.version AS parent_version, l.update_id, u.device_id, l.weight, r.number AS round
                FROM (\(reached)) reached
                JOIN eclm.lineage l USING (module_version_id)
                JOIN eclm.module_versions v USING (module_version_id)
                LEFT JOIN eclm.module_versions p ON p.module_version_id = l.parent_version_id
                LEFT JOIN eclm.updates u ON u.update_id = l.update_id
                LEFT JOIN eclm.rounds r ON r.round_id = v.round_id
                ORDER BY abs(v.version - \(Int32(record.version))), l.parent_version_id NULLS LAST, l.update_id
                LIMIT \(limit + 1)
                """)
            let edges = try rows.prefix(limit).map { row in
                let parent: LineageEdge.Parent =
                    if let update = try row.decode("update_id", as: Int64?.self) {
                        .update(UpdateID(update), device: try row.decode("device_id"))
                    } else {
                        .version(Int(try row.decode("parent_version", as: Int32.self)))
                    }
                return LineageEdge(
                    version: Int(try row.decode("version", as: Int32.self)), parent: parent,
                    weight: try row.decode("weight"), round: try row.decode("round", as: Int32?.self).map(Int.init))
            }
            return (edges, rows.count > limit)
        }
    }
}
