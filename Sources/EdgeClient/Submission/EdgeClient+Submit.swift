import ECLMCore
import RPC

extension EdgeClient {
    /// Submits trained weights: checks them, sends those the registry lacks, and hands in the update.
    ///
    /// Safe to repeat after any failure: uploads go on where they stopped, and the same content is the same update.
    /// Modules whose weights did not change are left out. In an encoding other than `full` the trained weights are sent as
    /// their difference to the pulled versions, which are fetched again where the cache lacks them, and to what earlier
    /// updates did not send.
    /// - Parameter onProgress: Told of the bytes to expect and of those that are there.
    /// - Throws: ``EdgeError``, with `invalidWeights` before anything is sent when the weights do not fit the sub-model.
    public func submit(
        _ submission: Submission, onProgress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws -> SubmitResult {
        let before = registry.traffic
        guard let identity = try identity() else {
            throw EdgeError(.invalidState, "this device is not registered: run edgectl register first")
        }
        guard submission.sampleCount >= 1 else {
            throw EdgeError(.refused, "an update needs at least 1 sample, \(submission.sampleCount) were given")
        }
        if let metric = submission.metrics.first(where: { !$0.value.isFinite }) {
            throw EdgeError(.refused, "metric \(metric.key) is \(metric.value); only finite numbers are taken")
        }
        guard submission.fraction > 0, submission.fraction <= 1 else {
            throw EdgeError(.refused, "the fraction must be above 0 and at most 1, not \(submission.fraction)")
        }
        let manifest = try SubModelManifest(directory: submission.subModelDirectory)
        let (trained, unchanged) = try Self.trainedWeights(submission, manifest)
        func send(_ weights: [TrainedWeights]) async throws -> SubmitResult {
            var draft = try Self.draft(submission, manifest, weights, from: identity.deviceID)
            draft.idempotencyKey = try submission.idempotencyKey ?? draft.contentKey
            onProgress(.expected(weights.reduce(0) { $0 + $1.bytes }))
            let (uploaded, receipt) = try await deliver(draft, weights, onProgress)
            return SubmitResult(
                updateID: receipt.updateID, isReplay: receipt.isReplay,
                isEncodedOtherwise: receipt.isEncodedOtherwise, status: receipt.status,
                idempotencyKey: draft.idempotencyKey, modules: weights.map(\.module.module), unchanged: unchanged,
                encoding: submission.encoding, uploadedBytes: uploaded, traffic: registry.traffic - before)
        }
        guard submission.encoding.isDifference else { return try await send(trained) }
        let residuals = try ResidualStore(state: state, model: manifest.model)
        return try await residuals.whileEncoding {
            var steps: [ResidualStore.Step] = []
            var encoded: [TrainedWeights] = []
            for weights in trained {
                let base = try await base(of: weights.module)
                let step = try residuals.encode(
                    weights, base: base, as: submission.encoding, fraction: submission.fraction)
                steps.append(step)
                encoded.append(try TrainedWeights(encodedAt: step.outgoing, from: weights))
            }
            let result = try await send(encoded)
            // What arrived before in another encoding left out something else, or nothing.
            if !result.isEncodedOtherwise { try residuals.commit(steps) }
            return result
        }
    }

    /// The version that a module was trained from, out of the cache: what lies in the sub-model's directory may have been
    /// trained in place.
    private func base(of module: SubModelManifest.Module) async throws -> SafetensorsFile {
        try await cache.whileInUse {
            try await cache.fetch(module.digest, expectedBytes: module.bytes, from: registry)
            do {
                return try SafetensorsFile(path: cache.path(of: module.digest), limits: .module)
            } catch {
                throw EdgeError(
                    .damaged, "the pulled weights of \(module.module) are no safetensors file: \(error.explanation)",
                    cause: error)
            }
        }
    }

    private static func trainedWeights(
        _ submission: Submission, _ manifest: SubModelManifest
    ) throws(EdgeError) -> (trained: [TrainedWeights], unchanged: [String]) {
        var paths: [(path: String, name: String)] = []
        switch submission.weights {
        case .directory(let directory):
            for name in try FileSystem.names(in: directory) where name.hasSuffix(".safetensors") {
                paths.append(("\(directory)/\(name)", name))
            }
        case .files(let files):
            for file in files {
                paths.append((file, file.split(separator: "/").last.map(String.init) ?? file))
            }
        }
        var trained: [TrainedWeights] = []
        var unchanged: [String] = []
        for (path, name) in paths {
            guard let module = manifest.modules.first(where: { SubModelManifest.fileName(of: $0.module) == name })
            else {
                throw EdgeError(
                    .invalidWeights,
                    "\(path) belongs to no module of the sub-model of \(manifest.model); files are named after their module"
                )
            }
            guard !trained.contains(where: { $0.module == module }), !unchanged.contains(module.module) else {
                throw EdgeError(.invalidWeights, "\(path): the module \(module.module) is named twice")
            }
            let weights = try TrainedWeights(path: path, module: module)
            if weights.digest == module.digest { unchanged.append(module.module) } else { trained.append(weights) }
        }
        guard !trained.isEmpty else {
            throw EdgeError(
                .invalidWeights,
                unchanged.isEmpty
                    ? "there are no weights to submit: expected MODULE.safetensors files"
                    : "nothing was trained: all \(unchanged.count) files are the weights that were pulled")
        }
        return (trained, unchanged)
    }

    private static func draft(
        _ submission: Submission, _ manifest: SubModelManifest, _ trained: [TrainedWeights], from device: String
    ) throws(EdgeError) -> UpdateDraft {
        var draft = UpdateDraft(
            deviceID: device, model: manifest.model, baseRelease: manifest.release, sampleCount: submission.sampleCount,
            metrics: submission.metrics, modules: [])
        for weights in trained {
            var module = UpdateDraft.Module(
                module: weights.module.module, baseVersion: weights.module.version, digest: weights.digest,
                encoding: submission.encoding, importance: weights.module.importance, base: weights.module.digest,
                trained: weights.trained)
            if !submission.importances.isEmpty, let layer = weights.module.slot.layer {
                guard submission.importances.indices.contains(layer),
                    submission.importances[layer].indices.contains(weights.module.slot.index)
                else {
                    throw EdgeError(.refused, "the importances say nothing of the module \(weights.module.module)")
                }
                module.importance = submission.importances[layer][weights.module.slot.index]
            }
            guard module.importance.isFinite, module.importance >= 0 else {
                throw EdgeError(
                    .refused, "the importance of \(weights.module.module) is \(module.importance); at least 0 is needed"
                )
            }
            draft.modules.append(module)
        }
        return draft
    }

    /// Hands in an update: small weights with it, in one call, and larger ones before.
    private func deliver(
        _ draft: UpdateDraft, _ weights: [TrainedWeights], _ onProgress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws -> (bytes: Int64, receipt: UpdateReceipt) {
        let (small, large) = Self.divided(weights, attaching: cache.limits.attachedBytes)
        let uploaded = try await upload(large, onProgress)
        do {
            let receipt = try await registry.submit(draft, with: small)
            onProgress(.moved(small.reduce(0) { $0 + $1.bytes }))
            return (uploaded + receipt.storedBytes, receipt)
        } catch let error as EdgeError where !small.isEmpty && Self.mayTakePieces(error) {
            let more = try await upload(small, onProgress)
            return (uploaded + more, try await registry.submit(draft))
        }
    }

    /// The smallest of the weights, together of at most so many bytes, and the others. Two modules may have learned the same
    /// bytes; their blob is one.
    private static func divided(
        _ weights: [TrainedWeights], attaching limit: Int64
    ) -> (small: [TrainedWeights], large: [TrainedWeights]) {
        let blobs = Dictionary(weights.map { ($0.digest, $0) }) { first, _ in first }.values
            .sorted { ($0.bytes, $0.digest) < ($1.bytes, $1.digest) }
        var total: Int64 = 0
        let count = blobs.prefix { weights in
            total += weights.bytes
            return total <= limit
        }.count
        return (Array(blobs.prefix(count)), Array(blobs.dropFirst(count)))
    }

    /// Whether weights that could not be sent with their update may arrive in pieces: the registry is too old to take
    /// them, or the connection too slow or too bad for so much at once.
    private static func mayTakePieces(_ error: EdgeError) -> Bool {
        guard let status = (error.cause as? RPCError)?.status else { return false }
        return [.notFound, .timedOut, .connectionClosed].contains(status)
    }

    private func upload(
        _ weights: [TrainedWeights], _ onProgress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws -> Int64 {
        var queue = weights[...]
        return try await withThrowingTaskGroup(of: Int64.self) { group in
            func startNext() {
                guard let next = queue.popFirst() else { return }
                let upload = BlobUpload(file: next.file, digest: next.digest, registry: registry)
                let chunk = cache.limits.chunkBytes
                group.addTask { try await upload.run(chunkBytes: chunk) { onProgress(.moved($0)) } }
            }
            for _ in 0..<cache.limits.blobsInFlight { startNext() }
            var sent: Int64 = 0
            while let bytes = try await group.next() {
                sent += bytes
                startNext()
            }
            return sent
        }
    }
}
