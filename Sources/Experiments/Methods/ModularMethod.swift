import ECLMCore
import Learning

/// Ours: each device scores its data with the selector, gets the modules that matter for it within its budget, trains
/// them, and sends them back module by module; at the end it fine-tunes the best sub-model of the newest release.
struct ModularMethod: AdaptationMethod {
    let variant: ModularVariant

    var codes: [MethodCode] { [variant.code] }
    var tuning: Tuning {
        var tuning: Tuning = []
        if variant.hasRounds { tuning.insert(.round) }
        if variant.finetunes { tuning.insert(.fineTuning) }
        return tuning
    }

    func artifacts(shares: [Double], costs: CostTable) throws -> [Artifacts.Kind] { [variant.prototype] }

    func run(on fleet: Fleet, _ hyperparameters: Hyperparameters) async throws -> [MethodCode: RunResult] {
        try await fleet.withCloud(for: variant, "\(variant.code)", devices: fleet.devices.map(\.id)) { devices in
            try await run(on: fleet, devices, hyperparameters)
        }
    }

    private func run(
        on fleet: Fleet, _ devices: ModularDevices, _ hyperparameters: Hyperparameters
    ) async throws -> [MethodCode: RunResult] {
        let cloud = devices.cloud
        var meter = RunMeter(fleet)

        func evaluatePoint(_ round: Int) async throws {
            var accuracies: [Double] = []
            for device in fleet.evaluated {
                let network = try await devices.preview(for: device)
                if variant.finetunes {
                    _ = try devices.training.train(
                        network, on: device, hyperparameters.fineTuning,
                        seed: fleet.seed(.fineTuning, device.index))
                }
                accuracies.append(try devices.training.accuracy(network, on: device))
            }
            let delivery = try await devices.deliveryBytes()
            meter.point(
                round: round, accuracy: accuracies.mean, traffic: try await cloud.traffic(), delivery: delivery)
        }

        if fleet.isEvaluated(round: 0) { try await evaluatePoint(0) }
        for round in 1..<(fleet.federation.rounds + 1) where variant.hasRounds {
            for device in fleet.participants(round: round) {
                meter.steps += try await devices.takePart(device, hyperparameters.round, round: round)
            }
            _ = try await cloud.closeRound()
            if fleet.isEvaluated(round: round) { try await evaluatePoint(round) }
        }
        for device in fleet.devices {
            let network = try await devices.pull(device).network
            if variant.finetunes {
                meter.steps +=
                    try devices.training.train(
                        network, on: device, hyperparameters.fineTuning, seed: fleet.seed(.fineTuning, device.index))
                    ?? 0
            }
            meter.accuracies.append(try devices.training.accuracy(network, on: device))
            try meter.note(network, trains: variant.finetunes, on: device)
        }
        meter.traffic = try await cloud.traffic()
        let encoding = variant.exchange(fleet.exchange).encoding
        return [variant.code: meter.result(encoding: encoding, overTheWire: !(cloud is InProcessCloud))]
    }
}
