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
        if let channel { try ManifestCheck.name(channel, of: "channel") }
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
        try await connection.query(
            """
            INSERT INTO eclm.models (name, summary) VALUES (\(manifest.model), \(manifest.summary))
            ON CONFLICT (name) DO NOTHING
            """)
        let model = try await Registry.lockModel(manifest.model, on: connection)
        try await settleLayers(of: model)
        let modules = try await settleModules(of: model)
        let writer = ReleaseWriter(connection: connection)
        let parent = try await parentRelease(of: model)
        var entries: [ModuleID: ReleaseEntry] = [:]
        if let parent {
            for entry in try await writer.entries(of: parent.id) { entries[entry.moduleID] = entry }
        }
        let current = try await currentVersions(entries.values.map(\.moduleVersionID))

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

    /// The release to start from: the channel's, or the newest where the channel is new.
    private func parentRelease(of model: ModelID) async throws -> (id: ReleaseID, number: Int)? {
        let rows = try await connection.query(
            """
            SELECT release_id, number FROM eclm.releases
            WHERE model_id = \(model.rawValue)
            ORDER BY release_id = (SELECT release_id FROM eclm.channels
                WHERE model_id = \(model.rawValue) AND name = \(channel)) DESC NULLS LAST, number DESC
            LIMIT 1
            """)
        return try rows.first.map {
            (ReleaseID(try $0.decode("release_id")), Int(try $0.decode("number", as: Int32.self)))
        }
    }

    private func settleLayers(of model: ModelID) async throws {
        let rows = try await connection.query(
            "SELECT layer, name, block FROM eclm.module_layers WHERE model_id = \(model.rawValue) ORDER BY layer")
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
        try await connection.query(
            """
            INSERT INTO eclm.module_layers (model_id, layer, name, block)
            SELECT \(model.rawValue), * FROM unnest(\(new.map(Int32.init)), \(new.map { manifest.layers[$0].name }),
                \(new.map { manifest.layers[$0].block }))
            """)
    }

    /// The modules by name, after making those that are new.
    private func settleModules(of model: ModelID) async throws -> [String: ModuleID] {
        let existing = try await connection.query(
            """
            SELECT module_id, name, kind::text AS kind, layer, index FROM eclm.modules WHERE model_id = \(model.rawValue)
            """)
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

    private func currentVersions(_ ids: [ModuleVersionID]) async throws -> [ModuleVersionID: ModuleVersionRecord] {
        let rows = try await connection.query(
            """
            \(ModuleVersionRecord.select) \(ModuleVersionRecord.from)
            WHERE v.module_version_id = ANY (\(ids.map(\.rawValue)))
            """)
        return try Dictionary(
            rows.map { row in
                let record = try ModuleVersionRecord(row)
                return (record.moduleVersionID, record)
            }, uniquingKeysWith: { first, _ in first })
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
