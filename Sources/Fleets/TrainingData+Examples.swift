public import Datasets
public import Learning

extension TrainingData {
    /// The examples of a data set.
    ///
    /// - Throws: `LearningError` with `data` for none at all.
    public init(_ examples: Examples) throws {
        try self.init(shape: examples.shape, values: examples.values, labels: examples.labels)
    }
}
