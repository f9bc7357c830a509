import ECLMCore

/// Draws batches and the sub-models that devices with such data would hold.
struct SubModelSampler {
    private let sampling: SubModelSampling
    private let data: PrototypeData
    private let sizes: SizeCap
    /// The examples of each sub-task.
    private let rows: [[Int]]

    /// A batch and its sub-model.
    struct Sample {
        var rows: [Int]
        var modules: [[Int]]
    }

    init(_ sampling: SubModelSampling, data: PrototypeData, sizes: SizeCap) {
        self.sampling = sampling
        self.data = data
        self.sizes = sizes
        var rows = [[Int]](repeating: [], count: data.subTaskNames.count)
        for (row, subTask) in data.subTasks.enumerated() { rows[subTask].append(row) }
        self.rows = rows
    }

    /// A sample, or `nil` where the batch is to go through the whole network.
    ///
    /// - Parameter batch: The examples to draw, fewer where the sub-tasks have fewer.
    func draw(_ network: ModularNetwork, batch: Int, using generator: inout SplitMix64) throws -> Sample? {
        guard generator.uniform() < sampling.share else { return nil }
        let count = 1 + generator.below(min(sampling.subTasks, rows.count))
        let subTasks = generator.shuffled(rows.indices).prefix(count)
        let pool = subTasks.flatMap { rows[$0] }
        var chosen: [Int] = []
        if pool.count <= batch {
            chosen = pool
        } else {
            // Floyd's sampling (Bentley and Floyd 1987): the pool may be far larger than the batch.
            var taken: Set<Int> = []
            for last in pool.count - batch..<pool.count {
                let place = generator.below(last + 1)
                let pick = taken.contains(place) ? last : place
                taken.insert(pick)
                chosen.append(pool[pick])
            }
        }
        let cap = generator.choice(sampling.caps) ?? 1
        return Sample(rows: chosen, modules: try modules(of: network, for: chosen, cap: cap))
    }

    /// The modules that a device with this batch for its data gets within the cap.
    private func modules(of network: ModularNetwork, for rows: [Int], cap: Double) throws -> [[Int]] {
        let x = try data.training.batch(rows)
        let gates = try Tensor.withoutGradient { try network.selector.gates(x, topK: .max) }
        let importances = try gates.map { try $0.mean(dimensions: [0], keep: false).scalars().map(Double.init) }
        return sizes.modules(share: cap, importances: importances)
    }
}
