import ECLMCore
internal import RegistryProtocol

extension RegistryClient {
    /// The most pages that a listing is read to; a server that never ends one is at fault.
    private static var maximumPages: Int { 10_000 }

    /// The names of all models.
    ///
    /// - Throws: ``EdgeError``.
    public func modelNames() async throws -> [String] {
        try await pages { page in
            var request = Wire.ListModelsRequest()
            request.page = page
            return try await value(ModelServiceAPI.listModels, request) { ($0.models.map(\.name), $0.nextPageToken) }
        }
    }

    /// A model.
    ///
    /// - Throws: ``EdgeError``: `notFound` when there is none of the name.
    public func model(_ name: String) async throws -> RegistryModel {
        var request = Wire.GetModelRequest()
        request.model = name
        return try await value(ModelServiceAPI.getModel, request) { try RegistryModel($0.model) }
    }

    /// The modules of a release.
    ///
    /// - Throws: ``EdgeError``.
    public func modules(of model: String, source: ReleaseSource) async throws -> [RegistryModule] {
        var request = Wire.GetReleaseRequest()
        request.model = model
        request.release = source.selector
        return try await value(ReleaseServiceAPI.getRelease, request) { try $0.modules.map(RegistryModule.init) }
    }

    /// The releases of a model, newest first.
    ///
    /// - Throws: ``EdgeError``.
    public func releases(of model: String) async throws -> [RegistryRelease] {
        try await pages { page in
            var request = Wire.ListReleasesRequest()
            request.model = model
            request.page = page
            return try await value(ReleaseServiceAPI.listReleases, request) {
                (try $0.releases.map(RegistryRelease.init), $0.nextPageToken)
            }
        }
    }

    /// The versions of a module, newest first.
    ///
    /// - Throws: ``EdgeError``.
    public func versions(of module: String, in model: String) async throws -> [RegistryModuleVersion] {
        try await pages { page in
            var request = Wire.ListVersionsRequest()
            request.model = model
            request.module = module
            request.page = page
            return try await value(VersionServiceAPI.listVersions, request) {
                (try $0.versions.map(RegistryModuleVersion.init), $0.nextPageToken)
            }
        }
    }

    /// All items of a listing, page by page.
    private func pages<Item>(
        _ read: (Wire.Page?) async throws -> (items: [Item], next: String)
    ) async throws -> [Item] {
        var (items, next) = try await read(nil)
        var count = 1
        while !next.isEmpty {
            guard count < Self.maximumPages else {
                throw EdgeError(.registryFailed, "the registry's listing has no end after \(count) pages")
            }
            var page = Wire.Page()
            page.pageToken = next
            let more = try await read(page)
            items += more.items
            next = more.next
            count += 1
        }
        return items
    }
}
