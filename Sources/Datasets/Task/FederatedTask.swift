import ECLMCore

/// A cloud with its proxy data, and devices with data of their own: what the offline stage trains on and adaptation
/// is measured on (paper, section 3). No device's data is the proxy's.
public struct FederatedTask: Sendable {
    /// The data set and the skew, such as `images-classes-2`.
    public let name: String
    /// The shape of one example: `[552]` for `har`, `[1, 28, 28]` for `images`, `[13, 1, 92]` for `speech`, the outermost
    /// extent being channels.
    public let exampleShape: [Int]
    /// The classes, in the order of the labels.
    public let classNames: [String]
    /// The cloud's training data, normalised.
    public let proxy: Examples
    /// The cloud's data for choosing hyperparameters, which must never be chosen on devices: for `har` of users who
    /// are not in ``proxy``, else a fifth of each class.
    public let proxyValidation: Examples
    /// The sub-task of each proxy example, for the ability-enhancing stage: its user, or its class.
    public let proxySubTasks: [Int]
    /// The names of the sub-tasks, such as `user 12`.
    public let subTaskNames: [String]
    public let devices: [Device]
    /// What was taken off all examples, computed on ``proxy`` alone.
    public let normalisation: Normalisation
}

extension FederatedTask {
    /// Reads a data set and splits it by the rules of docs/data.md.
    ///
    /// - Parameters:
    ///   - settings: What to make; equal settings give equal tasks.
    ///   - directory: Where `make data` put the files, which are named after the data sets.
    /// - Throws: ``DatasetError`` that says what is missing, damaged or asked for in vain.
    public static func make(_ settings: TaskSettings, directory: String = "data") throws -> FederatedTask {
        try settings.validate()
        switch settings.dataset {
        case .har: return try UserSplit(settings, HarFile(directory: directory)).task()
        case .images: return try ClassSplit(settings, ClassData.images(directory: directory)).task()
        case .speech:
            return try ClassSplit(settings, ClassData.speech(directory: directory, seed: settings.seed)).task()
        }
    }

    /// The budget shares of devices: repeated, then shuffled by the seed.
    static func budgetShares(_ settings: TaskSettings, devices: Int) -> [Double] {
        var generator = SplitPurpose.budgets.generator(settings.seed)
        return generator.shuffled((0..<devices).map { settings.budgetShares[$0 % settings.budgetShares.count] })
    }
}
