public import ECLMCore

/// Makes a modular model of a dense checkpoint: paper section 1, "a fact worth using".
///
/// A block that maps into a wide inner layer, treats each inner neuron or channel by itself, and maps back is the sum of
/// narrower blocks over any partition of the inner ones. So a trained block becomes interchangeable modules whose sum is
/// the block, with the same number of weights. What comes after the sum (the second map's bias, a second
/// normalisation) cannot be in a module, or it would count as often as there are modules: it goes to a shared part.
///
/// - Equal checkpoints and specifications give equal blobs, digests and manifests.
/// - Costs: a multiply-add counts two operations, biases, normalisation and activation one each an element (the
///   normalisation two); peak memory is the weights plus the input, inner and output values of one sample. Parameters
///   are the elements of the floating-point tensors, running statistics included.
/// - Importance: a module's share in the weight norm of its layer (`norm`), or the same for all (`uniform`).
public struct Decomposer: Sendable {
    /// What becomes of which tensor.
    public let specification: DecompositionSpecification

    /// A decomposer for one model.
    public init(_ specification: DecompositionSpecification) {
        self.specification = specification
    }

    /// Checks the whole checkpoint against the specification without making anything.
    ///
    /// - Throws: ``DecompositionError`` as ``decompose(_:into:progress:)-(_,BlobSink,_)``.
    public func check(_ checkpoint: SafetensorsFile) throws(DecompositionError) {
        _ = try DecompositionPlan(specification, checkpoint)
    }

    /// Decomposes a checkpoint, handing over one blob at a time.
    ///
    /// - Parameters:
    ///   - checkpoint: The dense model.
    ///   - sink: Gets every module's blob, in the order of the manifest.
    ///   - progress: Called after each module.
    /// - Returns: The manifest: layers, and one version of each module by digest.
    /// - Throws: ``DecompositionError``; before the first blob when the checkpoint does not fit the specification.
    public func decompose(
        _ checkpoint: SafetensorsFile, into sink: some BlobSink,
        progress: @Sendable (DecompositionProgress) -> Void = { _ in }
    ) async throws(DecompositionError) -> ModelManifest {
        let plan = try DecompositionPlan(specification, checkpoint)
        var manifest = ModelManifest(
            model: specification.model, summary: specification.summary,
            layers: specification.layers.map { .init(name: $0.name, block: $0.block.name) }, modules: [])
        var bytesPut: Int64 = 0
        for module in plan.modules {
            let (bytes, tensors) = try module.blob()
            let digest = Digest.of(bytes)
            do {
                try await sink.put(bytes, digest: digest)
            } catch {
                throw DecompositionError(
                    .output, "module \(module.slot.defaultName) could not be stored: \(error.explanation)", cause: error
                )
            }
            manifest.modules.append(entry(module, digest, byteCount: bytes.count, tensors))
            bytesPut += Int64(bytes.count)
            progress(
                DecompositionProgress(
                    modulesDone: manifest.modules.count, modulesTotal: plan.modules.count, bytes: bytesPut,
                    module: module.slot.defaultName))
        }
        return manifest
    }

    /// Decomposes a checkpoint into a folder: the blobs, and last the manifest.
    ///
    /// - Returns: The manifest, as written.
    /// - Throws: ``DecompositionError``.
    public func decompose(
        _ checkpoint: SafetensorsFile, into directory: BlobDirectory,
        progress: @Sendable (DecompositionProgress) -> Void = { _ in }
    ) async throws(DecompositionError) -> ModelManifest {
        let sink: any BlobSink = directory
        let manifest = try await decompose(checkpoint, into: sink, progress: progress)
        try directory.put(manifest)
        return manifest
    }

    private func entry(
        _ module: DecompositionPlan.Module, _ digest: Digest, byteCount: Int, _ tensors: [TensorDescription]
    ) -> ModelManifest.Module {
        let floating = tensors.filter(\.dtype.isFloatingPoint)
        let weightBytes = tensors.map { Int64($0.byteCount ?? 0) }
        return ModelManifest.Module(
            slot: module.slot, name: module.slot.defaultName, digest: digest, tensors: tensors,
            costs: ModuleCosts(
                bytes: Int64(byteCount), parameters: Count.sum(floating.map { Int64($0.elementCount ?? 0) }),
                flops: module.flops, peakMemory: Count.sum(weightBytes + [module.activationBytes])),
            requirements: Requirements(
                dtypes: Set(floating.map(\.dtype)), operators: module.operators,
                minimumRuntime: specification.minimumRuntime),
            importance: module.importance)
    }
}
