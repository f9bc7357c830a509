public import ECLMCore

/// What the cloud has to make a prototype of: its proxy data, and which sub-task each example belongs to.
public struct PrototypeData: Sendable {
    /// The most sub-tasks there may be.
    public static let maximumSubTasks = 4096

    /// What is trained on.
    public let training: TrainingData
    /// The sub-task of each training example: a class, a user or a domain (paper section 2, stage 2).
    public let subTasks: [Int]
    /// What the sub-tasks are called.
    public let subTaskNames: [String]
    /// What settings are judged by; never trained on.
    public let validation: TrainingData?

    /// - Throws: ``LearningError`` with `data` where they do not fit together, or a sub-task has no example.
    public init(
        training: TrainingData, subTasks: [Int], subTaskNames: [String], validation: TrainingData? = nil
    ) throws {
        guard subTasks.count == training.count else {
            throw LearningError(
                .data, "\(subTasks.count) sub-tasks are given for \(training.count) examples; each needs one")
        }
        guard (1...Self.maximumSubTasks).contains(subTaskNames.count) else {
            throw LearningError(
                .data, "there are \(subTaskNames.count) sub-tasks; there must be 1 to \(Self.maximumSubTasks)")
        }
        var counts = [Int](repeating: 0, count: subTaskNames.count)
        for (row, subTask) in subTasks.enumerated() {
            guard counts.indices.contains(subTask) else {
                throw LearningError(
                    .data,
                    "example \(row) belongs to sub-task \(subTask); there are the sub-tasks 0 to \(counts.count - 1)")
            }
            counts[subTask] += 1
        }
        if let empty = counts.firstIndex(of: 0) {
            throw LearningError(
                .data, "sub-task \(subTaskNames[empty]) has no example; leave it out, or bring examples of it")
        }
        self.training = training
        self.subTasks = subTasks
        self.subTaskNames = subTaskNames
        self.validation = validation
    }

    /// Checks that a network can learn from the data.
    ///
    /// - Throws: ``LearningError`` with `data`; also where all examples have one class, which nothing can be learnt from.
    public func check(for specification: NetworkSpecification) throws {
        try training.check(for: specification)
        try validation?.check(for: specification)
        guard Set(training.labels).count >= 2 else {
            throw LearningError(
                .data,
                "all \(training.count) training examples have the label \(training.labels.first ?? 0); "
                    + "at least two classes are needed")
        }
    }

    /// What tells these data from others.
    public var digest: Digest {
        var builder = DigestBuilder()
        func add(_ integers: [Int]) {
            integers.map { Int64($0).littleEndian }.withUnsafeBytes { builder.update($0) }
        }
        for part in [training, validation].compactMap({ $0 }) {
            add(part.shape + [part.count])
            part.values.withUnsafeBytes { builder.update($0) }
            add(part.labels)
        }
        add(subTasks + [subTaskNames.count])
        return builder.finalize()
    }
}
