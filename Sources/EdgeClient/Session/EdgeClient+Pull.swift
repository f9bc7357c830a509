import ECLMCore
internal import RegistryProtocol

/// What a pull did.
public struct PullResult: Sendable {
    /// The sub-model that was pulled.
    public var manifest: SubModelManifest
    /// Where it lies.
    public var directory: String
    /// What it is made of, and what was left out where that was asked for.
    public var composition: SubModelComposition
    /// Modules whose weights were fetched.
    public var fetchedModules: Int
    /// Bytes of weights that came over the connection.
    public var fetchedBytes: Int64
    /// All bytes on the connection during the pull.
    public var traffic: Traffic
}

extension EdgeClient {
    /// The most digests that a composition request names; the registry takes no unlimited messages.
    static var maximumHeldDigests: Int { 16_384 }

    /// Asks for the sub-model that serves the device best, without fetching it.
    ///
    /// Modules that the cache holds cost no bytes to fetch.
    /// - Throws: ``EdgeError``, with `infeasible` and an ``InfeasibleComposition`` when no sub-model fits the budget.
    public func compose(_ request: PullRequest) async throws -> SubModelComposition {
        let identity = try identity()
        guard identity != nil || request.deviceClass != nil else {
            throw EdgeError(.invalidState, "this device is not registered: run edgectl register first, or name a class")
        }
        let held =
            try request.countsHeld ? [] : cache.contents().entries.prefix(Self.maximumHeldDigests).map(\.digest)
        let message = try request.message(deviceID: identity?.deviceID, held: held)
        let answer = try await registry.call(CompositionServiceAPI.compose, message)
        if let infeasibility = answer.infeasibility {
            let cause = try InfeasibleComposition(infeasibility)
            throw EdgeError(.infeasible, cause.description, cause: cause)
        }
        guard let composition = answer.composition else {
            throw EdgeError(.registryFailed, "the registry answered neither a composition nor why there is none")
        }
        return try SubModelComposition(answer, composition)
    }

    /// Composes a sub-model, fetches what is missing and writes it to a directory: links to the cache, and the manifest.
    ///
    /// The directory's old sub-model stays until the new one is complete.
    /// - Parameters:
    ///   - directory: Where to write; by default the state directory's place for the model.
    ///   - overwrites: Whether files there may go that were changed since they were pulled, or that no pull wrote.
    ///   - onProgress: Told of the bytes to expect and of those that are there.
    /// - Throws: ``EdgeError``.
    public func pull(
        _ request: PullRequest, to directory: String? = nil, overwrites: Bool = false,
        onProgress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws -> PullResult {
        let before = registry.traffic
        return try await cache.whileInUse {
            let composition = try await compose(request)
            var result = try await fetch(composition, of: request, to: directory, overwrites: overwrites, onProgress)
            result.traffic = registry.traffic - before
            return result
        }
    }

    /// Fetches what is missing of a composition that was asked for before, and writes it to a directory, as
    /// ``pull(_:to:overwrites:onProgress:)`` does with its own.
    ///
    /// - Throws: ``EdgeError``.
    public func pull(
        _ composition: SubModelComposition, of request: PullRequest, to directory: String? = nil,
        overwrites: Bool = false,
        onProgress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws -> PullResult {
        try await cache.whileInUse {
            try await fetch(composition, of: request, to: directory, overwrites: overwrites, onProgress)
        }
    }

    private func fetch(
        _ composition: SubModelComposition, of request: PullRequest, to directory: String?, overwrites: Bool,
        _ onProgress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws -> PullResult {
        let before = registry.traffic
        let blobs = composition.blobs
        onProgress(.expected(blobs.values.reduce(0, +)))
        let fetched = try await fetch(blobs, onProgress)
        let manifest = try manifest(request, composition)
        let path = directory ?? state.subModelPath(model: composition.model)
        try FileSystem.createDirectory(path)
        let place = FileSystem.absolute(path)
        try await FileLock.withLock("\(state.path)/\(Digest.of(Array(place.utf8)).short).lock", removesFile: true) {
            try SubModelDirectory(path: place).replace(with: manifest, from: cache, overwrites: overwrites)
            try state.addRoot(place)
        }
        return PullResult(
            manifest: manifest, directory: place, composition: composition, fetchedModules: fetched.modules,
            fetchedBytes: fetched.bytes, traffic: registry.traffic - before)
    }

    private func fetch(
        _ blobs: [Digest: Int64], _ onProgress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws -> (modules: Int, bytes: Int64) {
        var queue = blobs.sorted { $0.key < $1.key }[...]
        return try await withThrowingTaskGroup(of: BlobCache.FetchResult.self) { group in
            func startNext() {
                guard let (digest, bytes) = queue.popFirst() else { return }
                group.addTask {
                    try await cache.fetch(digest, expectedBytes: bytes, from: registry) { onProgress(.moved($0)) }
                }
            }
            for _ in 0..<cache.limits.blobsInFlight { startNext() }
            var modules = 0
            var bytes: Int64 = 0
            while let result = try await group.next() {
                if result.fetched > 0 { modules += 1 }
                bytes += result.fetched
                startNext()
            }
            return (modules, bytes)
        }
    }

    private func manifest(
        _ request: PullRequest, _ composition: SubModelComposition
    ) throws(EdgeError) -> SubModelManifest {
        var modules: [SubModelManifest.Module] = []
        for module in composition.modules {
            let file: SafetensorsFile
            do throws(SafetensorsError) {
                file = try SafetensorsFile(path: cache.path(of: module.digest), limits: .module)
            } catch {
                throw EdgeError(
                    .damaged, "the weights of \(module.module) are no safetensors file of a module: \(error.message)",
                    cause: error)
            }
            modules.append(
                .init(
                    module: module.module, slot: module.slot, version: module.version,
                    moduleVersionID: module.moduleVersionID,
                    digest: module.digest, bytes: Int64(file.header.byteCount), importance: module.importance,
                    file: SubModelManifest.fileName(of: module.module), tensors: file.header.tensors))
        }
        var channel: String?
        if case .channel(let name) = request.source { channel = name }
        return SubModelManifest(
            model: composition.model, release: composition.release, channel: channel,
            deviceID: request.deviceClass == nil ? try identity()?.deviceID : nil,
            budget: composition.budget, totals: composition.totals, objective: composition.objective,
            gap: composition.gap,
            modules: modules.sorted { $0.slot < $1.slot })
    }
}

/// How far a transfer of blobs is.
public enum TransferProgress: Hashable, Sendable {
    /// So many bytes more are to be expected.
    case expected(Int64)
    /// So many bytes more are there.
    case moved(Int64)
}
