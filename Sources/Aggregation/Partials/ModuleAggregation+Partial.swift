import ECLMCore

extension ModuleAggregation {
    /// What a part of the updates comes to, as a `delta` to the base: Σ a_k w_k - base, summed in double precision and
    /// rounded once to F32 (F64 of an F64 tensor).
    ///
    /// Holds 8 bytes for each floating-point element of the module, the delta, and of the registry's files as many as fit
    /// ``blockMemory``, at least one.
    ///
    /// - Parameter sources: At least one, in ascending order of the updates; they were looked at before.
    /// - Throws: ``AggregationError`` with `invalidPolicy` for a rule that is no mean, or with `clip_norm`; else as
    ///   ``aggregate(_:onto:)``.
    package func partial(_ sources: [Source], onto base: AggregationBase) async throws -> Aggregate {
        let weigh = try partialWeights()
        let (_, header) = try await base.header(in: blobs)
        let weights = try checked(weigh(sources.map(\.contribution), base.kind), sources, base)
        var (updates, versions) = terms(sources, weights, sources.map { _ in 1 }, onto: base)
        // The base may be among the versions: what is left of it is told once.
        if let own = versions.firstIndex(where: { $0.base.file.digest == base.file.digest }) {
            versions[own].weight -= 1
            if versions[own].weight == 0 { versions.remove(at: own) }
        } else {
            versions.append((base, -1))
        }
        var sums: [Double]
        if let memory = blobs as? MemoryBlobs {
            sums = [Double](repeating: -0.0, count: MemorySum.coordinates(header))
            try memorySum(updates, versions, onto: base, header, memory).add(to: &sums)
        } else {
            sums = try await BatchedSum(blobs: blobs, base: base, header: header, memory: blockMemory, cores: cores)
                .sums(of: registryTerms(updates, versions))
        }
        return Aggregate(file: try Self.delta(of: sums, header), weights: weights)
    }

    /// The weights of a rule whose partial aggregates can be aggregated.
    private func partialWeights() throws(AggregationError) -> ([Contribution], ModuleKind) -> [Double] {
        guard rule.mergesPartials, case .weightedSum(let weigh) = rule.method else {
            throw AggregationError(
                .invalidPolicy,
                "rule \(rule.name) must see every update by itself, so regions cannot aggregate for it; use "
                    + "importance_mean or sample_mean, or aggregate all updates in one place")
        }
        guard clipNorm == nil else {
            throw AggregationError(
                .invalidPolicy,
                "clip_norm is told of each update's difference, not of a region's; leave it out, or aggregate all "
                    + "updates in one place")
        }
        return weigh
    }

    /// Differences as a file.
    ///
    /// - Parameter header: The base's, in whose order the differences are.
    private static func delta(of sums: [Double], _ header: SafetensorsHeader) throws -> [UInt8] {
        var starts: [ExactText: Int] = [:]
        var tensors: [TensorDescription] = []
        var start = 0
        for tensor in header.entries.map(\.description) where tensor.dtype.isFloatingPoint {
            starts[ExactText(tensor.name)] = start
            start += tensor.elementCount ?? 0
            tensors.append(
                TensorDescription(
                    name: tensor.name, dtype: tensor.dtype == .f64 ? .f64 : .f32, shape: tensor.shape))
        }
        let layout = try SafetensorsLayout(tensors: tensors, limits: .module)
        var file = layout.headerBytes
        file.reserveCapacity(layout.byteCount)
        sums.withUnsafeBufferPointer { sums in
            for tensor in layout.header.entries.map(\.description) {
                guard let start = starts[ExactText(tensor.name)] else { continue }
                let values = sums[start..<(start + (tensor.elementCount ?? 0))]
                tensor.dtype.append(UnsafeBufferPointer(rebasing: values), to: &file)
            }
        }
        return file
    }
}
