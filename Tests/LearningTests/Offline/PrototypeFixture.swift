import ECLMCore
import Foundation
import Learning
import PythonReference

/// A prototype of a small network that is made in a second.
enum PrototypeFixture {
    static let specification = SmallNetworks.dense

    static func data(_ specification: NetworkSpecification = specification, count: Int = 90) throws -> PrototypeData {
        let training = try SmallNetworks.examples(specification, count: count)
        return try PrototypeData(
            training: training, subTasks: training.labels,
            subTaskNames: (0..<specification.classes).map { "class \($0)" },
            validation: SmallNetworks.examples(specification, count: 30, seed: 8))
    }

    static func settings(dense: Bool = false) -> PrototypeSettings {
        let training = TrainingSettings(epochs: 3, batch: 16, rate: 0.01, clipNorm: 5, finalRate: 0.1)
        return PrototypeSettings(
            dense: dense ? training : nil,
            endToEnd: EndToEndStage(training: training, topK: 2, openEpochs: dense ? 1 : 0),
            abilityEnhancing: AbilityStage(
                training: training, divergence: 0.5, modulesPerSubTask: 2,
                subModels: SubModelSampling(share: 0.5, subTasks: 2, caps: [0.3, 0.6])), checkpointSteps: 4)
    }

    static func prototype(
        dense: Bool = false, seed: UInt64 = 5, _ change: (inout PrototypeSettings) -> Void = { _ in }
    ) throws -> Prototype {
        var settings = settings(dense: dense)
        change(&settings)
        return try Prototype(specification, data: data(), settings: settings, seed: seed)
    }

    /// All weights, to be compared bit for bit.
    static func weights(_ network: ModularNetwork) throws -> [ModuleTensors] {
        try network.slots.map { try network.tensors(of: $0) }
    }

    struct Interruption: Error {}
}
