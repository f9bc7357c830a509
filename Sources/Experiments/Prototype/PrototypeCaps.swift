import ECLMCore
import Learning

/// How good sub-models of a prototype are at several sizes, before any local training: the choice of settings is judged
/// by it. Measured on the validation part of the proxy data, cut into pseudo-devices.
struct PrototypeCaps {
    /// The shares of the full model's parameters.
    static let shares = [0.1, 0.2, 0.3, 0.5, 0.75, 1]
    /// Pseudo-devices under label skew, and their classes.
    private static let pseudoDevices = 12
    private static let classes = 5

    let network: ModularNetwork
    let data: PrototypeData
    let costs: [ModuleSlot: ModuleCosts]
    let seed: UInt64
    private let sizes: SizeCap

    init(network: ModularNetwork, data: PrototypeData, costs: [ModuleSlot: ModuleCosts], seed: UInt64) throws {
        self.network = network
        self.data = data
        self.costs = costs
        self.seed = seed
        sizes = try SizeCap(network)
    }

    /// The results of the modules chosen by importance, and of as many random ones.
    func results() throws -> [CapResult] {
        guard let validation = data.validation else { return [] }
        let groups = try pseudoDevices(validation)
        guard !groups.isEmpty else { return [] }
        var generator = SplitMix64(seed: seed, path: 2)
        return try [MethodCode.ours, .oursRandomModules].map { method in
            CapResult(
                row: "proxy validation", method: method,
                points: try Self.shares.map { share in
                    try point(share, groups, random: method == .oursRandomModules, using: &generator)
                })
        }
    }

    /// Half of a group's examples are scored, the other half classified.
    private typealias Group = (scored: TrainingData, tested: TrainingData)

    /// Under label skew a few classes each; where sub-tasks are users, who are others in the validation data, all of it.
    private func pseudoDevices(_ validation: TrainingData) throws -> [Group] {
        var generator = SplitMix64(seed: seed, path: 1)
        let present = Set(validation.labels).sorted()
        let isLabelSkew = data.subTasks == data.training.labels && present.count > Self.classes
        let groups =
            isLabelSkew
            ? (0..<Self.pseudoDevices).map { _ in
                Set(generator.shuffled(present).prefix(Self.classes))
            } : [Set(present)]
        return try groups.compactMap { classes in
            let rows = generator.shuffled(validation.labels.indices.filter { classes.contains(validation.labels[$0]) })
            guard rows.count >= 2 else { return nil }
            let half = rows.count / 2
            return (try validation.subset(Array(rows[..<half])), try validation.subset(Array(rows[half...])))
        }
    }

    private func point(
        _ share: Double, _ groups: [Group], random: Bool, using generator: inout SplitMix64
    ) throws -> CapPoint {
        var accuracy = 0.0
        var bytes = 0.0
        var memory = 0.0
        for group in groups {
            let importances = try ImportanceScoring.importances(of: group.scored, by: network.selector)
            let wanted = random ? importances.map { $0.map { _ in 0.5 + generator.uniform() } } : importances
            let modules = sizes.modules(share: share, importances: wanted)
            let subModel = try network.view(modules)
            accuracy += try evaluate(subModel, on: group.tested).accuracy
            for slot in subModel.slots {
                bytes += Double(costs[slot]?.bytes ?? 0)
                memory += Double(costs[slot]?.peakMemory ?? 0)
            }
        }
        let count = Double(groups.count)
        return CapPoint(
            cap: share, accuracies: [accuracy / count], subModelBytes: bytes / count,
            peakTrainingMemory: memory / count)
    }
}
