import Datasets
import Learning

/// A device as methods see it: its data and what it can afford.
struct FleetDevice: Sendable {
    /// A name, unique in its fleet.
    var id: String
    /// The position in its fleet.
    var index: Int
    /// The share of the full model that it can afford.
    var budgetShare: Double
    /// What it learns from.
    var train: TrainingData
    /// What it is measured on.
    var test: TrainingData

    /// The classes of its training data, one flag a class of the task.
    func classMask(of classes: Int) -> [Bool] {
        var mask = [Bool](repeating: false, count: classes)
        for label in train.labels { mask[label] = true }
        return mask
    }

    init(id: String, index: Int, budgetShare: Double, train: TrainingData, test: TrainingData) {
        self.id = id
        self.index = index
        self.budgetShare = budgetShare
        self.train = train
        self.test = test
    }
}

extension Examples {
    /// The examples as networks take them.
    func trainingData() throws -> TrainingData { try TrainingData(shape: shape, values: values, labels: labels) }
}
