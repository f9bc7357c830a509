/// Scores a device's data with the selector alone.
public enum ImportanceScoring {
    /// The gates of every module for every example.
    ///
    /// - Parameters:
    ///   - data: The device's examples, in the selector's raw input form.
    ///   - selector: The selector; no module is needed.
    ///   - batch: Examples a pass.
    /// - Throws: ``LearningError``: `data` as ``LocalDataCheck``.
    public static func scores(of data: TrainingData, by selector: Selector, batch: Int = 256) throws -> SelectorScores {
        try LocalDataCheck.check(data, for: selector.specification)
        return try scores(of: data, batch: batch) { try selector.gates($0, topK: nil) }
    }

    /// The importance of every module for a device: its mean gate over the device's examples (paper section 2).
    ///
    /// - Returns: One list a layer, in index order, the bypass last.
    /// - Throws: ``LearningError``: `data` as ``LocalDataCheck``.
    public static func importances(of data: TrainingData, by selector: Selector) throws -> [[Double]] {
        try scores(of: data, by: selector).importances
    }

    private static func scores(
        of data: TrainingData, batch: Int, gates: (Tensor) throws -> [Tensor]
    ) throws -> SelectorScores {
        let count = data.labels.count
        let size = data.exampleShape.reduce(1, *)
        var layers: [Int] = []
        var rows: [Float] = []
        for start in stride(from: 0, to: count, by: max(1, batch)) {
            let end = min(count, start + max(1, batch))
            let layerGates = try Tensor.withoutGradient {
                try gates(
                    Tensor(
                        Array(data.values[(start * size)..<(end * size)]), shape: [end - start] + data.exampleShape))
            }
            layers = layerGates.map { $0.shape[1] }
            let values = try layerGates.map { try $0.scalars() }
            for row in 0..<(end - start) {
                for (modules, gates) in zip(layers, values) {
                    rows.append(contentsOf: gates[(row * modules)..<((row + 1) * modules)])
                }
            }
        }
        return try SelectorScores(layers: layers, gates: rows)
    }
}
