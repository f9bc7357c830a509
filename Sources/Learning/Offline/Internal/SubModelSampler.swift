import Core

/// Draws batches and the sub-models that devices with such data would hold.
struct SubModelSampler {
    private let sampling: SubModelSampling
    private let data: PrototypeData
    /// The examples of each sub-task.
    private let rows: [[Int]]

    /// A batch and its sub-model.
    struct Sample {
        var rows: [Int]
        var modules: [[Int]]
    }

    init(_ sampling: SubModelSampling, data: PrototypeData) {
        self.sampling = sampling
        self.data = data
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

    /// In each layer the modules with the largest mean gates over the batch, as many as the cap allows and at least one,
    /// and the residual module, which costs next to nothing.
    private func modules(of network: ModularNetwork, for rows: [Int], cap: Double) throws -> [[Int]] {
        let x = try data.training.batch(rows)
        let gates = try Tensor.withoutGradient { try network.selector.gates(x, topK: .max) }
        return try zip(network.specification.layers, gates).map { layer, gates in
            let means = try gates.mean(dimensions: [0], keep: false).scalars()
            let count = max(1, Int((cap * Double(layer.modules)).rounded(.down)))
            let best = (0..<layer.modules).sorted { (means[$0], $1) > (means[$1], $0) }.prefix(count)
            return best.sorted() + (layer.bypass ? [layer.modules] : [])
        }
    }
}
