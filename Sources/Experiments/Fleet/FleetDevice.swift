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
}
