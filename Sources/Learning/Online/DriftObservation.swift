/// What a device notes of examples, to tell later whether its data changed: the selector's gates, and how well the
/// sub-model does.
///
/// Loss and confidence must come from examples that the sub-model did not learn from; on others it does better, and every
/// new example would look like drift.
public struct DriftObservation: Hashable, Sendable, Codable {
    /// What the selector says of each example.
    public var scores: SelectorScores
    /// The cross entropy of each example; empty where no sub-model was there to measure with.
    public var losses: [Float]
    /// The highest class probability of each example; empty as ``losses``. Needs no labels.
    public var confidences: [Float]

    public init(scores: SelectorScores, losses: [Float] = [], confidences: [Float] = []) {
        self.scores = scores
        self.losses = losses
        self.confidences = confidences
    }

    /// Observes examples.
    ///
    /// - Parameters:
    ///   - data: The examples; the selector scores all of them.
    ///   - selector: The selector that all observations to be compared were made with.
    ///   - network: The sub-model, for losses and confidences; `nil` for none.
    ///   - measured: The positions to measure losses and confidences on; `nil` for all.
    /// - Throws: ``LearningError`` with `data` as ``LocalDataCheck``.
    public init(
        of data: TrainingData, selector: Selector, network: ModularNetwork? = nil, measuring measured: [Int]? = nil
    ) throws {
        self.init(scores: try ImportanceScoring.scores(of: data, by: selector))
        guard let network else { return }
        let examples = try measured.map { try data.subset($0) } ?? data
        (losses, confidences) = try Self.measure(network, examples, batch: 256)
    }

    private static func measure(
        _ network: ModularNetwork, _ data: TrainingData, batch: Int
    ) throws -> (losses: [Float], confidences: [Float]) {
        var losses: [Float] = []
        var confidences: [Float] = []
        for start in stride(from: 0, to: data.count, by: batch) {
            let rows = start..<min(data.count, start + batch)
            let logits = try Tensor.withoutGradient { try network.forward(data.batch(rows)).logits }
            let logarithms = try logits.logSoftmax(dimension: 1)
            let values = try logarithms.scalars()
            let classes = values.count / rows.count
            for (row, position) in rows.enumerated() { losses.append(-values[row * classes + data.labels[position]]) }
            confidences += try logarithms.exponential().maximum(dimension: 1).scalars()
        }
        return (losses, confidences)
    }
}
