import ECLMCore
import Foundation
import PostgreSQL

extension Registry {
    /// The models whose name contains `text`, by name.
    public func models(
        nameContaining text: String = "", page: PageRequest = .first
    ) async throws(RegistryError) -> Page<ModelRecord> {
        try await registryErrors {
            let rows = try await pool.query(
                """
                \(Self.modelSelect) WHERE mo.name LIKE \(Self.contains(text)) AND mo.name > \(page.token)
                ORDER BY mo.name LIMIT \(page.size + 1)
                """)
            return Page(rows: try rows.map(Self.model), size: page.size) { $0.name }
        }
    }

    /// One model with its layers and channels.
    public func model(_ name: String) async throws(RegistryError) -> ModelRecord {
        try await registryErrors {
            let rows = try await pool.query("\(Self.modelSelect) WHERE mo.name = \(name)")
            guard let row = rows.first else { throw Self.noSuchModel(name) }
            return try Self.model(row)
        }
    }

    private static let modelSelect: SQL = """
        SELECT mo.model_id, mo.name, mo.summary, mo.created_at, mo.created_by,
            (SELECT count(*) FROM eclm.modules m WHERE m.model_id = mo.model_id) AS modules,
            (SELECT max(number) FROM eclm.releases e WHERE e.model_id = mo.model_id) AS newest_release,
            (SELECT coalesce(jsonb_agg(jsonb_build_object('layer', l.layer, 'name', l.name, 'block', l.block,
                    'modules', (SELECT count(*) FROM eclm.modules m
                        WHERE m.model_id = mo.model_id AND m.layer = l.layer)) ORDER BY l.layer), '[]')
                FROM eclm.module_layers l WHERE l.model_id = mo.model_id) AS layers,
            (SELECT coalesce(jsonb_agg(jsonb_build_object('channel', c.name, 'release', e.number) ORDER BY c.name), '[]')
                FROM eclm.channels c JOIN eclm.releases e USING (release_id) WHERE c.model_id = mo.model_id) AS channels
        FROM eclm.models mo
        """

    private static func model(_ row: PostgresRow) throws -> ModelRecord {
        ModelRecord(
            modelID: ModelID(try row.decode("model_id")), name: try row.decode("name"),
            summary: try row.decode("summary"), createdAt: try row.decode("created_at"),
            createdBy: try row.decode("created_by"), layers: try row.json("layers", as: [LayerRecord].self),
            modules: Int(try row.decode("modules", as: Int64.self)),
            newestRelease: try row.decode("newest_release", as: Int32?.self).map(Int.init),
            channels: try row.json("channels", as: [ChannelPointer].self))
    }
}
