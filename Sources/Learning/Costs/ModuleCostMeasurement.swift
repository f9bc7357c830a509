public import ECLMCore

/// What the modules of a network cost a device that trains them.
///
/// Bytes and parameters are those of the blobs, operations are counted from the shapes (``NetworkOperations``), and peak
/// memory is measured: sub-models of several sizes are trained for one batch, and what a module adds to the peak is the
/// slope over the number of modules. What is left, the same for every sub-model, goes to the stem, so that the sum over a
/// sub-model's modules is its peak.
public enum ModuleCostMeasurement {
    /// The costs of every module of a network.
    ///
    /// - Parameters:
    ///   - specification: The network.
    ///   - batch: Examples in a training batch.
    /// - Throws: ``LearningError`` for a specification that does not fit together, or without memory to train it.
    public static func measure(
        _ specification: NetworkSpecification, batch: Int = 16
    ) throws -> [ModuleSlot: ModuleCosts] {
        let operations = try NetworkOperations(specification)
        let memory = try PeakMemory.measure(specification, batch: batch)
        let whole = try ModularNetwork(
            specification, modules: specification.layers.map { Array(0..<$0.choices) }, gating: .selector)
        var costs: [ModuleSlot: ModuleCosts] = [:]
        for slot in whole.slots {
            let tensors = try whole.tensors(of: slot)
            let blob = try NetworkBlob.bytes(of: tensors, slot: slot, specification: specification)
            costs[slot] = ModuleCosts(
                bytes: Int64(blob.count), parameters: Int64(tensors.parameterCount),
                flops: operations.counts(of: slot).values.reduce(0, +), peakMemory: Int64(memory.share(of: slot)))
        }
        return costs
    }

    /// The peak memory of training a sub-model for one batch, in bytes: weights, gradients, the optimiser's moments and
    /// what the gradients need, with the selector frozen.
    ///
    /// - Parameters:
    ///   - modules: The modules present in each layer, ascending; `nil` for the whole network.
    ///   - batch: Examples in the batch.
    public static func trainingPeak(
        _ specification: NetworkSpecification, modules: [[Int]]? = nil, batch: Int = 16
    ) throws -> Int {
        let present = modules ?? specification.layers.map { Array(0..<$0.choices) }
        return try TensorRuntime.peakMemory {
            let network = try ModularNetwork(specification, modules: present, gating: .selector)
            var optimizer = try Optimizer(
                network.parameters.filter { $0.part != .selector }, settings: TrainingSettings(batch: batch))
            var options = ForwardOptions()
            options.freezesSelector = true
            let x = try Tensor.zeros([batch] + specification.input)
            let labels = (0..<batch).map { $0 % specification.classes }
            try network.forward(x, options: options).logits.crossEntropy(labels: labels).backward()
            try optimizer.step()
        }.peak
    }
}

/// The peak memory of training, taken apart into what each module adds and what is always there.
struct PeakMemory {
    /// What a shrunk module of each layer adds.
    var expert: [Int]
    /// What the residual module of each layer adds.
    var bypass: [Int]
    /// What every sub-model has.
    var shared: Int

    func share(of slot: ModuleSlot) -> Int {
        switch (slot.kind, slot.layer) {
        case (.expert, .some(let layer)): expert[layer]
        case (.bypass, .some(let layer)): bypass[layer]
        case (.stem, _): shared
        default: 0
        }
    }

    static func measure(_ specification: NetworkSpecification, batch: Int) throws -> PeakMemory {
        let layers = specification.layers
        func peak(_ counts: [Int], bypass: Int? = nil) throws -> Int {
            try ModuleCostMeasurement.trainingPeak(
                specification,
                modules: layers.indices.map { layer in
                    Array(0..<counts[layer]) + (bypass == layer ? [layers[layer].modules] : [])
                }, batch: batch)
        }
        let base = layers.map { max(1, $0.modules / 4) }
        let basePeak = try peak(base)
        var memory = PeakMemory(expert: [], bypass: [], shared: 0)
        var points: [(counts: [Int], peak: Int)] = [
            (base, basePeak), (layers.map { _ in 1 }, try peak(layers.map { _ in 1 })),
            (layers.map(\.modules), try peak(layers.map(\.modules))),
        ]
        for layer in layers.indices {
            var counts = base
            counts[layer] = layers[layer].modules
            let added = counts[layer] - base[layer]
            let full = added > 0 ? try peak(counts) : basePeak
            memory.expert.append(added > 0 ? max(0, (full - basePeak + added - 1) / added) : 0)
            memory.bypass.append(layers[layer].bypass ? max(0, try peak(base, bypass: layer) - basePeak) : 0)
            points.append((counts, full))
        }
        // Peaks do not quite add up: the shared part is as large as it must be for no measured sub-model to need more.
        memory.shared =
            points.map { point in
                point.peak - zip(point.counts, memory.expert).reduce(0) { $0 + $1.0 * $1.1 }
            }.max() ?? 0
        return memory
    }
}
