public import ECLMCore
import PostgreSQL

/// What a publication did.
public struct PublicationResult: Sendable, Hashable {
    /// The release that now holds the published modules.
    public var release: ReleaseRecord
    /// Module versions written.
    public var newVersions: Int
    /// Modules whose published content the release before already had.
    public var keptVersions: Int
}

extension Registry {
    /// Publishes versions of modules and a release that holds them, in one transaction.
    ///
    /// The blobs must be stored before. Modules that the manifest leaves out keep the version of the release before;
    /// content equal to that release's makes no new version, and when nothing differs, no new release.
    ///
    /// - Parameters:
    ///   - manifest: The model, its layers and the modules to publish.
    ///   - channel: The channel to point to the release; `nil` moves none.
    ///   - provenance: Who publishes, and why.
    /// - Throws: `invalidArgument` for a manifest or weights that are not well-formed; `notFound` for a missing blob;
    ///   `failedPrecondition` where the manifest contradicts the model as it is.
    public func publish(
        _ manifest: ModelManifest, channel: String?, as provenance: Provenance
    ) async throws(RegistryError) -> PublicationResult {
        try ManifestCheck.check(manifest)
        if let channel { try ManifestCheck.name(channel, .channel) }
        let manifest = try await inspected(manifest)
        return try await transaction(
            as: provenance,
            telling: { model, published in
                [.releases] + (channel.map { [.channel($0, of: model, at: published.release.releaseID)] } ?? [])
            },
            { connection in
                try await Publication(manifest: manifest, channel: channel, connection: connection).run()
            }
        ).1
    }

    /// The manifest with tensors and sizes as the stored blobs have them.
    func inspected(_ manifest: ModelManifest) async throws(RegistryError) -> ModelManifest {
        var manifest = manifest
        let sizes = try await blobs.stat(Array(Set(manifest.modules.map(\.digest))))
        let inspection = BlobInspection(blobs: blobs, known: try await blobs.shortContents(of: sizes))
        for index in manifest.modules.indices {
            let module = manifest.modules[index]
            guard let size = sizes[module.digest] else {
                throw RegistryError(
                    .notFound, "the weights of \(module.name), \(module.digest), are not stored; put the blob first")
            }
            guard module.costs.bytes == 0 || module.costs.bytes == size else {
                throw RegistryError(
                    .invalidArgument,
                    "the manifest gives \(module.name) \(module.costs.bytes) bytes, its blob has \(size)")
            }
            let header = try await inspection.header(of: module.digest, size: size, owner: module.name)
            try await inspection.checkFinite(module.digest, header: header, owner: module.name)
            manifest.modules[index].tensors = header.tensors
            manifest.modules[index].costs.bytes = size
            manifest.modules[index].costs.parameters = Int64(header.elementCount)
        }
        return manifest
    }
}

/// One publication inside its transaction.
struct Publication {
    let manifest: ModelManifest
    let channel: String?
    let connection: PostgresConnection

    func run() async throws -> (ModelID, PublicationResult) {
        let stored = try await stored()
        let (model, parent) = (stored.model, stored.parent)
        try await settleLayers(of: model, stored.layers)
        let modules = try await settleModules(of: model, stored.modules)
        let writer = ReleaseWriter(connection: connection)
        var entries = Dictionary(stored.entries.map { ($0.moduleID, $0) }, uniquingKeysWith: { first, _ in first })
        let current = Dictionary(
            stored.versions.map { ($0.moduleVersionID, $0) }, uniquingKeysWith: { first, _ in first })

        var drafts: [VersionDraft] = []
        var importances: [ModuleID: Double] = [:]
        var kept = 0
        var changed = parent == nil
        for module in manifest.modules {
            guard let id = modules[module.name] else { continue }
            importances[id] = module.importance
            let before = entries[id].flatMap { current[$0.moduleVersionID] }
            if let before { try checkShapes(of: module, against: before) }
            if let before, before.digest == module.digest, before.costs == module.costs,
                before.requirements == module.requirements
            {
                kept += 1
                changed = changed || entries[id]?.importance != module.importance
                entries[id]?.importance = module.importance
            } else {
                drafts.append(
                    VersionDraft(
                        moduleID: id, digest: module.digest, tensors: module.tensors, costs: module.costs,
                        requirements: module.requirements))
            }
        }
        let versions = try await writer.insertVersions(drafts, of: model, round: nil)
        for (draft, version) in zip(drafts, versions) {
            entries[draft.moduleID] = ReleaseEntry(
                moduleID: draft.moduleID, moduleVersionID: version, importance: importances[draft.moduleID] ?? 0)
        }
        let release: (id: ReleaseID, number: Int)
        if let parent, !changed, drafts.isEmpty {
            release = parent
        } else {
            release = try await writer.insertRelease(
                of: model, parent: parent?.id, origin: .publish, round: nil,
                entries: entries.values.sorted { $0.moduleID < $1.moduleID })
        }
        if let channel {
            try await writer.pointChannel(channel, of: model, to: release.id, action: .publish)
        }
        return (
            model,
            PublicationResult(
                release: try await ReleaseRecord.find(release.id, on: connection), newVersions: drafts.count,
                keptVersions: kept)
        )
    }

    /// What the database has of the model.
    private struct Stored {
        var model: ModelID
        var layers: PostgresResult
        var modules: PostgresResult
        /// The release to start from: the channel's, or the newest where the channel is new.
        var parent: (id: ReleaseID, number: Int)?
        /// The parent's modules, and their versions.
        var entries: [ReleaseEntry]
        var versions: [ModuleVersionRecord]
    }

    /// Makes the model where it is new, locks it, and reads what there is of it, in one round trip.
    private func stored() async throws -> Stored {
        let model: SQL = "(SELECT model_id FROM eclm.models WHERE name = \(manifest.model))"
        let parent: SQL = """
            coalesce((SELECT c.release_id FROM eclm.channels c WHERE c.model_id = \(model) AND c.name = \(channel)),
                (SELECT r.release_id FROM eclm.releases r WHERE r.model_id = \(model) ORDER BY r.number DESC LIMIT 1))
            """
        let results = try await connection.pipeline([
            """
            INSERT INTO eclm.models (name, summary) VALUES (\(manifest.model), \(manifest.summary))
            ON CONFLICT (name) DO NOTHING
            """,
            "SELECT model_id FROM eclm.models WHERE name = \(manifest.model) FOR NO KEY UPDATE",
            "SELECT layer, name, block FROM eclm.module_layers WHERE model_id = \(model) ORDER BY layer",
            """
            SELECT module_id, name, kind::text AS kind, layer, index FROM eclm.modules WHERE model_id = \(model)
            """,
            "SELECT release_id, number FROM eclm.releases WHERE release_id = \(parent)",
            "\(ReleaseEntry.select) WHERE release_id = \(parent) ORDER BY module_id",
            """
            \(ModuleVersionRecord.select) \(ModuleVersionRecord.from)
            JOIN eclm.release_modules rm ON rm.module_version_id = v.module_version_id
            WHERE rm.release_id = \(parent)
            """,
        ])
        return Stored(
            model: ModelID(try results[1].one().decode("model_id")), layers: results[2], modules: results[3],
            parent: try results[4].first.map {
                (ReleaseID(try $0.decode("release_id")), Int(try $0.decode("number", as: Int32.self)))
            }, entries: try results[5].map(ReleaseEntry.init), versions: try results[6].map(ModuleVersionRecord.init))
    }

    private func settleLayers(of model: ModelID, _ rows: PostgresResult) async throws {
        guard rows.count <= manifest.layers.count else {
            throw refused("it has \(rows.count) layers, the manifest only \(manifest.layers.count)")
        }
        for (number, row) in rows.enumerated() {
            let name: String = try row.decode("name")
            let block: String = try row.decode("block")
            guard name == manifest.layers[number].name, block == manifest.layers[number].block else {
                throw refused("layer \(number) is \(name) (\(block)), the manifest has another there")
            }
        }
        let new = manifest.layers.indices.dropFirst(rows.count)
        guard !new.isEmpty else { return }
        try await connection.query(
            """
            INSERT INTO eclm.module_layers (model_id, layer, name, block)
            SELECT \(model.rawValue), * FROM unnest(\(new.map(Int32.init)), \(new.map { manifest.layers[$0].name }),
                \(new.map { manifest.layers[$0].block }))
            """)
    }

    /// The modules by name, after making those that are new.
    private func settleModules(
        of model: ModelID, _ existing: PostgresResult
    ) async throws -> [String: ModuleID] {
        var modules: [String: ModuleID] = [:]
        var slots: [String: ModuleSlot] = [:]
        for row in existing {
            let name: String = try row.decode("name")
            modules[name] = ModuleID(try row.decode("module_id"))
            slots[name] = try row.slot()
        }
        let names = Dictionary(slots.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })
        for module in manifest.modules {
            if let slot = slots[module.name], slot != module.slot {
                throw refused(
                    "module \(module.name) is the \(slot.defaultName) of the model, not the \(module.slot.defaultName)")
            }
            if let name = names[module.slot], name != module.name {
                throw refused("its \(module.slot.defaultName) is named \(name), the manifest names it \(module.name)")
            }
        }
        let new = manifest.modules.filter { modules[$0.name] == nil }.sorted { $0.slot < $1.slot }
        guard !new.isEmpty else { return modules }
        // -1 stands for no layer: arrays hold no NULL.
        let rows = try await connection.query(
            """
            INSERT INTO eclm.modules (model_id, kind, layer, index, name)
            SELECT \(model.rawValue), n.kind::eclm.module_kind, nullif(n.layer, -1), n.index, n.name
            FROM unnest(\(new.map(\.slot.kind.rawValue)), \(new.map { Int32($0.slot.layer ?? -1) }),
                \(new.map { Int32($0.slot.index) }), \(new.map(\.name))) WITH ORDINALITY
                AS n (kind, layer, index, name, place)
            ORDER BY n.place
            RETURNING module_id, name
            """)
        for row in rows { modules[try row.decode("name")] = ModuleID(try row.decode("module_id")) }
        return modules
    }

    /// Versions of one module are interchangeable: same tensors, same shapes.
    private func checkShapes(of module: ModelManifest.Module, against before: ModuleVersionRecord) throws {
        let old = Dictionary(before.tensors.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
        let new = Dictionary(module.tensors.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
        guard old == new else {
            let name =
                (old.filter { new[$0.key] != $0.value }.keys.sorted() + new.keys.filter { old[$0] == nil }.sorted())
                .first
            throw refused(
                "module \(module.name) has other tensors than version \(before.version) (\(name ?? "")): "
                    + "a module of another shape needs another name or another model")
        }
    }

    private func refused(_ message: String) -> RegistryError {
        RegistryError(.failedPrecondition, "model \(manifest.model) exists and \(message)")
    }
}
