/// Whether a device's own data can be learned from by a network, before any of it is used.
public enum LocalDataCheck {
    /// The most examples that are taken at once: a device keeps what it learns from in memory.
    public static var maximumExamples: Int { 1 << 20 }

    /// Something about local data that a device should know, though it can be learned from.
    public enum Warning: Hashable, Sendable, Codable, CustomStringConvertible {
        /// All examples are of one class: what is learned serves that class alone.
        case oneClass(label: Int)
        /// There are too few examples to hold any out: there are no metrics.
        case nothingHeldOut(examples: Int)

        /// The warning for people.
        public var description: String {
            switch self {
            case .oneClass(let label):
                "all examples are of class \(label): the sub-model will serve that class alone"
            case .nothingHeldOut(let examples):
                "\(examples) examples are too few to hold some out, so nothing is measured before and after"
            }
        }
    }

    /// Checks shapes, labels and values.
    ///
    /// - Returns: What is odd about the data; one class only is odd, not wrong.
    /// - Throws: ``LearningError`` with `data` for no examples, another shape than the network's input (a missing channel
    ///   among them), labels beyond its classes, and values that are not finite.
    @discardableResult
    public static func check(_ data: TrainingData, for specification: NetworkSpecification) throws -> [Warning] {
        try data.check(for: specification)
        guard data.count <= maximumExamples else {
            throw LearningError(
                .data, "the local data holds \(data.count) examples; at most \(maximumExamples) are taken at once")
        }
        let first = data.labels[0]
        return data.labels.allSatisfy { $0 == first } ? [.oneClass(label: first)] : []
    }
}
