public import ECLMCore
import PostgreSQL

/// Which modules of a release a listing gives.
public struct ModuleFilter: Sendable, Hashable {
    /// Only of this kind.
    public var kind: ModuleKind?
    /// Only of this layer.
    public var layer: Int?
    /// Only with this in the name.
    public var nameContains: String

    /// None of them lets all pass.
    public init(kind: ModuleKind? = nil, layer: Int? = nil, nameContains: String = "") {
        self.kind = kind
        self.layer = layer
        self.nameContains = nameContains
    }
}

extension Registry {
    /// The modules of a release in the order of their places, shared parts first.
    public func modules(
        of model: String, release: ReleaseSelector = .standard, filter: ModuleFilter = ModuleFilter(),
        page: PageRequest = .first
    ) async throws(RegistryError) -> (release: ReleaseRecord, modules: Page<ReleasedModule>) {
        let release = try await self.release(of: model, release)
        // Modules are numbered in the order of their places, so that the module's identity is the page key.
        var conditions: [SQL] = [
            "rm.release_id = \(release.releaseID.rawValue)", "rm.module_id > \(try page.numberToken() ?? 0)",
        ]
        if let kind = filter.kind { conditions.append("m.kind = '\(raw: kind.rawValue)'") }
        if let layer = filter.layer { conditions.append("m.layer = \(Int32(clamping: layer))") }
        if !filter.nameContains.isEmpty { conditions.append("m.name LIKE \(Self.contains(filter.nameContains))") }
        let condition = conditions.joined(separator: " AND ")
        return try await registryErrors {
            let rows = try await pool.query(
                """
                \(ModuleVersionRecord.select), rm.importance \(ModuleVersionRecord.from)
                JOIN eclm.release_modules rm ON rm.module_version_id = v.module_version_id
                WHERE \(condition) ORDER BY rm.module_id LIMIT \(page.size + 1)
                """)
            let modules = try rows.map {
                ReleasedModule(version: try ModuleVersionRecord($0), importance: try $0.decode("importance"))
            }
            return (release, Page(rows: modules, size: page.size) { $0.version.moduleID.description })
        }
    }

    /// The history of a module: its versions, newest first.
    public func versions(
        of model: String, module: String, page: PageRequest = .first
    ) async throws(RegistryError) -> Page<ModuleVersionRecord> {
        let before = try page.numberToken().map { Int32(clamping: $0) } ?? .max
        return try await registryErrors {
            let moduleID = try await moduleID(of: model, module)
            let rows = try await pool.query(
                """
                \(ModuleVersionRecord.select) \(ModuleVersionRecord.from)
                WHERE v.module_id = \(moduleID.rawValue) AND v.version < \(before)
                ORDER BY v.version DESC LIMIT \(page.size + 1)
                """)
            return Page(rows: try rows.map(ModuleVersionRecord.init), size: page.size) { String($0.version) }
        }
    }

    /// One version of a module.
    public func version(
        of model: String, module: String, version: Int
    ) async throws(RegistryError) -> ModuleVersionRecord {
        try await registryErrors {
            let moduleID = try await moduleID(of: model, module)
            let rows = try await pool.query(
                """
                \(ModuleVersionRecord.select) \(ModuleVersionRecord.from)
                WHERE v.module_id = \(moduleID.rawValue) AND v.version = \(Int32(clamping: version))
                """)
            guard let row = rows.first else { throw Self.noSuchVersion(version, of: model, module) }
            return try ModuleVersionRecord(row)
        }
    }

    func moduleID(of model: String, _ module: String) async throws -> ModuleID {
        let modelID = try await modelID(model)
        let rows = try await pool.query(
            "SELECT module_id FROM eclm.modules WHERE model_id = \(modelID.rawValue) AND name = \(module)")
        guard let row = rows.first else { throw Self.noSuchModule(module, of: model) }
        return ModuleID(try row.decode("module_id"))
    }

    static func noSuchModule(_ module: String, of model: String) -> RegistryError {
        RegistryError(
            .notFound, "model \(model) has no module \(module.debugDescription); list-modules shows those there are")
    }

    static func noSuchVersion(_ version: Int, of model: String, _ module: String) -> RegistryError {
        RegistryError(
            .notFound, "module \(module) of \(model) has no version \(version); versions shows those there are")
    }
}
