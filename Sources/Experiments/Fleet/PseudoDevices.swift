import Datasets
import ECLMCore
import Fleets
import Learning

/// Devices made of the proxy's validation data, to choose hyperparameters on: no device of the experiment is touched.
enum PseudoDevices {
    /// The part of a pseudo-device's data that it is measured on.
    private static let testShare = 0.4

    /// Makes pseudo-devices whose data differ as the task's devices do, with the task's budgets in turn.
    ///
    /// - Throws: ``ExperimentError`` with `data` where the validation data is too little.
    static func make(
        _ count: Int, from validation: Examples, task: TaskSettings, classes: Int, random: SplitMix64
    ) throws -> [FleetDevice] {
        var random = random
        return try (0..<count).map { number in
            let wanted = task.samples.lowerBound + random.below(task.samples.count)
            let pool = try pool(number, of: count, validation, task.skew, classes: classes, &random)
            // Of every class the last examples are the test: windows of a recording overlap, and are in the order of time.
            let split = try HeldOutSplit(labels: pool.map { validation.labels[$0] }, share: testShare)
            let train = random.shuffled(split.training).prefix(wanted).map { pool[$0] }
            guard train.count >= 2, !split.heldOut.isEmpty else {
                throw ExperimentError(
                    .data,
                    "the proxy's \(validation.count) validation examples are too few for \(count) pseudo-devices; ask for "
                        + "fewer of them")
            }
            return try FleetDevice(
                id: "pseudo-\(number)", index: number, budgetShare: task.budgetShares[number % task.budgetShares.count],
                train: TrainingData(validation.subset(train)),
                test: TrainingData(validation.subset(split.heldOut.prefix(task.testLimit).map { pool[$0] })))
        }
    }

    /// The validation examples of one pseudo-device.
    private static func pool(
        _ number: Int, of count: Int, _ validation: Examples, _ skew: Skew, classes: Int, _ random: inout SplitMix64
    ) throws -> [Int] {
        switch skew {
        case .classes(let perDevice):
            let chosen = Set(random.shuffled(0..<classes).prefix(perDevice))
            return validation.labels.indices.filter { chosen.contains(validation.labels[$0]) }
        case .user:
            // Of each class every device gets another stretch of time, so that each has all that the users did.
            var pool: [Int] = []
            for label in 0..<classes {
                let own = validation.labels.indices.filter { validation.labels[$0] == label }
                pool += own[own.count * number / count..<own.count * (number + 1) / count]
            }
            return pool.sorted()
        case .dirichlet:
            throw ExperimentError(.settings, "pseudo-devices are made for users and for classes; choose such a skew")
        }
    }
}
