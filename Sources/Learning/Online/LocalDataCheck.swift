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
        try checkShape(data, specification)
        guard let first = data.labels.first else {
            throw LearningError(.data, "the local data holds no examples; collect some first")
        }
        guard data.labels.count <= maximumExamples else {
            throw LearningError(
                .data,
                "the local data holds \(data.labels.count) examples; at most \(maximumExamples) are taken at once")
        }
        let classes = 0..<specification.classes
        if let position = data.labels.firstIndex(where: { !classes.contains($0) }) {
            throw LearningError(
                .data,
                "example \(position) has label \(data.labels[position]); \(specification.model) knows the classes 0 to "
                    + "\(specification.classes - 1)")
        }
        if let position = data.values.firstIndex(where: { !$0.isFinite }) {
            let size = max(1, data.exampleShape.reduce(1, *))
            throw LearningError(
                .data,
                "value \(position % size) of example \(position / size) is \(data.values[position]); leave such examples "
                    + "out")
        }
        return data.labels.allSatisfy { $0 == first } ? [.oneClass(label: first)] : []
    }

    private static func checkShape(_ data: TrainingData, _ specification: NetworkSpecification) throws {
        let wanted = specification.input
        let given = data.exampleShape
        guard given == wanted else {
            var reason = "examples have the shape \(given), \(specification.model) takes \(wanted)"
            if given.count == wanted.count, given.dropFirst() == wanted.dropFirst(), given[0] < wanted[0] {
                let what = wanted.count == 1 ? "features" : "channels"
                reason += ": \(wanted[0] - given[0]) of \(wanted[0]) \(what) are missing"
            }
            throw LearningError(.data, reason)
        }
        let needed = data.labels.count * given.reduce(1, *)
        guard data.values.count == needed else {
            throw LearningError(
                .data,
                "\(data.labels.count) examples of shape \(given) take \(needed) values, \(data.values.count) are there")
        }
    }
}
