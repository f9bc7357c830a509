import Learning

/// The baselines without collaboration: the cloud's dense net of the device's size, as it is (NA), or fine-tuned on the
/// device's own data (LA).
struct LocalMethod: AdaptationMethod {
    /// Whether the device fine-tunes.
    let finetunes: Bool

    var codes: [MethodCode] { [finetunes ? .localAdaptation : .noAdaptation] }
    var tuning: Tuning { finetunes ? .fineTuning : [] }

    func artifacts(shares: [Double], costs: CostTable) throws -> [Artifacts.Kind] {
        try Set(shares).sorted().map { .dense(try costs.denseCounts(share: $0)) }
    }

    func run(on fleet: Fleet, _ hyperparameters: Hyperparameters) async throws -> [MethodCode: RunResult] {
        let training = DeviceTraining(fleet: fleet)
        var meter = RunMeter(fleet)
        for device in fleet.devices {
            let counts = try fleet.costs.denseCounts(share: device.budgetShare)
            let network = try fleet.artifacts[.dense(counts)].network(fleet.network, gating: .unit(1))
            if finetunes {
                meter.steps +=
                    try training.train(
                        network, on: device, hyperparameters.fineTuning, seed: fleet.seed(.fineTuning, device.index))
                    ?? 0
            }
            meter.accuracies.append(try training.accuracy(network, on: device))
            meter.traffic.down += fleet.costs.bytes(of: fleet.costs.denseSlots(counts))
            try meter.note(network, trains: finetunes, on: device)
        }
        return [codes[0]: meter.result()]
    }
}
