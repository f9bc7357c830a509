import ECLMCore
import EdgeClient
import Learning

/// The part of an adaptation that computes: trains a pulled sub-model, measures it, and writes what came of it.
struct TrainingWork: Sendable {
    let manifest: SubModelManifest
    /// Where the pulled modules lie.
    let folder: String
    /// Where trained ones go.
    let target: String
    let job: AdaptationJob
    let request: AdaptationRequest
    let data: TrainingData
    let onEvent: @Sendable (AdaptationEvent) -> Void

    func run() throws {
        let names = Dictionary(
            manifest.modules.map { ($0.slot, $0) }, uniquingKeysWith: { first, _ in first })
        let files = NetworkFiles(modules: names.mapValues { "\(folder)/\($0.file)" })
        let network = try files.network()
        let result = try LocalTraining.train(network, on: data, settings: request.training, seed: request.seed) {
            onEvent(.step(number: $0, of: $1, loss: $2))
        }
        let heldOut = result.split.heldOut
        // Later checks have the selector as it is now, trained or not.
        // What is held out tells how the sub-model does on data it did not learn from; without, only the gates are compared.
        let observation = try DriftObservation(
            of: data, selector: network.selector, network: heldOut.isEmpty ? nil : network, measuring: heldOut)
        var plan = try SubsetPlan(held: job.held, shared: job.shared, count: request.subsets)
        if !heldOut.isEmpty { try plan.measure(with: network, on: data.subset(heldOut)) }

        for slot in LocalTraining.trainedSlots(of: network, settings: request.training) {
            guard let module = names[slot] else { continue }
            let bytes = try files.bytes(slot, with: network.tensors(of: slot))
            try FileSystem.replace("\(target)/\(module.file)", with: bytes, mode: 0o600)
        }
        let model = AdaptedModel(
            model: manifest.model, release: manifest.release,
            modules: manifest.modules.map { .init(module: $0.module, slot: $0.slot, version: $0.version) },
            plan: plan, observation: observation, training: .init(result))
        try FileSystem.replace("\(target)/\(AdaptedModel.fileName)", with: JSONFile.bytes(model), mode: 0o600)
    }
}
