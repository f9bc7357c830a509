public import ECLMCore
internal import RegistryProtocol

/// One module version that a device fetched by itself, apart from any sub-model.
public struct FetchedModule: Hashable, Sendable {
    public var model: String
    /// The number of the release it is part of.
    public var release: Int32
    /// The module's name.
    public var module: String
    public var version: Int32
    /// The digest of its weights.
    public var digest: Digest
    /// Its weights in the device's cache; read-only.
    public var path: String
    /// Bytes of weights that came over the connection; 0 when the device held it.
    public var fetchedBytes: Int64
}

extension EdgeClient {
    /// Fetches one shared part of a release before anything is composed: with the selector alone a device can score its
    /// data.
    ///
    /// - Parameter kind: `stem`, `head` or `selector`; of several the first.
    /// - Throws: ``EdgeError``: `notFound` when the model has no such part.
    public func sharedModule(
        _ kind: ModuleKind, of model: String, source: ReleaseSource = .channel("stable"),
        onProgress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws -> FetchedModule {
        guard kind.isShared else {
            throw EdgeError(.refused, "modules of kind \(kind.rawValue) come with a composition: pull a sub-model")
        }
        var request = Wire.ListModulesRequest()
        request.model = model
        request.kind = Wire.ModuleKind(kind)
        request.release = source.selector
        request.deviceId = try identity()?.deviceID
        let answer = try await registry.call(ModelServiceAPI.listModules, request)
        guard let version = answer.modules.compactMap(\.version).first else {
            throw EdgeError(.notFound, "release \(answer.release) of \(model) has no \(kind.rawValue)")
        }
        let size = version.costs?.bytes ?? 0
        guard let digest = try? Digest(bytes: version.digest), size > 0 else {
            throw EdgeError(
                .registryFailed, "the registry gives the \(kind.rawValue) of \(model) an unusable digest or size")
        }
        return try await cache.whileInUse {
            onProgress(.expected(size))
            let fetched = try await cache.fetch(digest, expectedBytes: size, from: registry) { onProgress(.moved($0)) }
            return FetchedModule(
                model: model, release: answer.release, module: version.module, version: version.version,
                digest: digest, path: cache.path(of: digest), fetchedBytes: fetched.fetched)
        }
    }
}
