/// Scores a device's data with the selector alone.
public enum ImportanceScoring {
    /// The gates of every module for every example: the softmax over all modules of a layer.
    ///
    /// Modules beyond an example's top k count too: which of them comes next matters to a device that cannot have all, and
    /// a sub-model renormalises over what it has.
    /// - Parameters:
    ///   - data: The device's examples, in the selector's raw input form.
    ///   - selector: The selector; no module is needed.
    ///   - topK: Keeps only so many gates of each example and layer, as the whole network would; `nil` keeps all.
    ///   - batch: Examples a pass.
    /// - Throws: ``LearningError``: `data` as ``LocalDataCheck``.
    public static func scores(
        of data: TrainingData, by selector: Selector, topK: Int? = nil, batch: Int = 256
    ) throws -> SelectorScores {
        try LocalDataCheck.check(data, for: selector.specification)
        let layers = selector.specification.layers.map(\.choices)
        let kept = topK ?? layers.max() ?? 1
        var rows: [Float] = []
        rows.reserveCapacity(data.count * layers.reduce(0, +))
        for start in stride(from: 0, to: data.count, by: max(1, batch)) {
            let batch = start..<min(data.count, start + max(1, batch))
            let values = try Tensor.withoutGradient {
                try selector.gates(data.batch(batch), topK: kept).map { try $0.scalars() }
            }
            for row in 0..<batch.count {
                for (modules, gates) in zip(layers, values) {
                    rows.append(contentsOf: gates[(row * modules)..<((row + 1) * modules)])
                }
            }
        }
        return try SelectorScores(layers: layers, gates: rows)
    }

    /// The importance of every module for a device: its mean gate over the device's examples (paper section 2).
    ///
    /// - Returns: One list a layer, in index order, the bypass last.
    /// - Throws: ``LearningError``: `data` as ``LocalDataCheck``.
    public static func importances(
        of data: TrainingData, by selector: Selector, topK: Int? = nil
    ) throws -> [[Double]] {
        try scores(of: data, by: selector, topK: topK).importances
    }
}
