import ECLMCore

/// Labelled examples, ready for a network: normalised values and class indices.
public struct TrainingData: Sendable {
    /// The shape of one example.
    public let shape: [Int]
    /// The values, row-major: count times the product of the shape.
    public let values: [Float]
    /// The class of each example.
    public let labels: [Int]

    /// Examples from their values.
    ///
    /// - Throws: ``LearningError`` with `data` when values and labels do not fit together.
    public init(shape: [Int], values: [Float], labels: [Int]) throws {
        guard values.count == labels.count * shape.reduce(1, *), !shape.isEmpty else {
            throw LearningError(
                .data, "\(values.count) values do not make \(labels.count) examples of the shape \(shape)")
        }
        self.shape = shape
        self.values = values
        self.labels = labels
    }

    /// The number of examples.
    public var count: Int { labels.count }
    private var stride: Int { shape.reduce(1, *) }

    /// The examples of a batch as a tensor, `[rows]` and the shape of an example.
    public func batch(_ rows: some Collection<Int>) throws -> Tensor {
        let stride = stride
        var batch: [Float] = []
        batch.reserveCapacity(rows.count * stride)
        for row in rows { batch += values[row * stride..<(row + 1) * stride] }
        return try Tensor(batch, shape: [rows.count] + shape)
    }

    /// Some of the examples.
    public func subset(_ rows: [Int]) throws -> TrainingData {
        let stride = stride
        return try TrainingData(
            shape: shape, values: rows.flatMap { values[$0 * stride..<($0 + 1) * stride] },
            labels: rows.map { labels[$0] })
    }

    /// Checks that a network can learn from the examples.
    ///
    /// - Throws: ``LearningError`` with `data`: none at all, another shape (such as missing channels), labels that are no
    ///   classes of the network, values that are not finite.
    public func check(for specification: NetworkSpecification) throws {
        guard count > 0 else { throw LearningError(.data, "there are no examples") }
        guard shape == specification.input else {
            throw LearningError(
                .data,
                "examples have the shape \(shape); \(specification.model) takes \(specification.input)"
                    + (shape.first != specification.input.first ? " (are channels missing?)" : ""))
        }
        if let row = labels.firstIndex(where: { !(0..<specification.classes).contains($0) }) {
            throw LearningError(
                .data,
                "example \(row) has the label \(labels[row]); \(specification.model) has the classes 0 to \(specification.classes - 1)"
            )
        }
        if let position = values.firstNonFinite {
            throw LearningError(
                .data, "example \(position / stride) has a value that is not finite; leave it out or repair it")
        }
    }
}
