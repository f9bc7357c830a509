import Learning

/// FedAvg (McMahan et al., 2017) over the full dense net, whatever a device's budget; and the same with local fine-tuning
/// of the global model at the end, the strong baseline.
struct FederatedAveraging: AdaptationMethod {
    var codes: [MethodCode] { [.fedAvg, .fedAvgFineTuned] }
    var tuning: Tuning { [.round, .fineTuning] }

    func artifacts(shares: [Double], costs: CostTable) throws -> [Artifacts.Kind] {
        [.dense(costs.network.layers.map(\.modules))]
    }

    func run(on fleet: Fleet, _ hyperparameters: Hyperparameters) async throws -> [MethodCode: RunResult] {
        let training = DeviceTraining(fleet: fleet)
        let counts = fleet.network.layers.map(\.modules)
        let bytes = fleet.costs.bytes(of: fleet.costs.denseSlots(counts))
        var global = try fleet.artifacts[.dense(counts)]
        let network = try global.network(fleet.network, gating: .unit(1))
        var plain = RunMeter(fleet)
        var tuned = RunMeter(fleet)
        var traffic = CloudTraffic()

        func evaluatePoint(_ round: Int) throws {
            var accuracies: [Double] = []
            var fineTuned: [Double] = []
            for device in fleet.evaluated {
                try global.load(into: network)
                accuracies.append(try training.accuracy(network, on: device))
                _ = try training.train(
                    network, on: device, hyperparameters.fineTuning, seed: fleet.seed(.fineTuning, device.index))
                fineTuned.append(try training.accuracy(network, on: device))
            }
            let delivery = bytes * Int64(fleet.devices.count)
            plain.point(round: round, accuracy: accuracies.mean, traffic: traffic, delivery: delivery)
            tuned.point(round: round, accuracy: fineTuned.mean, traffic: traffic, delivery: delivery)
        }

        if fleet.isEvaluated(round: 0) { try evaluatePoint(0) }
        for round in 1..<(fleet.federation.rounds + 1) {
            var average = WeightAverage()
            for device in fleet.participants(round: round) {
                try global.load(into: network)
                traffic.down += bytes
                let steps = try training.train(
                    network, on: device, hyperparameters.round,
                    seed: fleet.seed(.roundTraining, device.index, round))
                // What diverged is not sent.
                guard let steps else { continue }
                plain.steps += steps
                try average.add(NetworkWeights(of: network), weight: Double(device.train.count))
                traffic.up += bytes
            }
            global = try average.mean(over: global)
            if fleet.isEvaluated(round: round) { try evaluatePoint(round) }
        }
        tuned.steps = plain.steps
        for device in fleet.devices {
            try global.load(into: network)
            traffic.down += bytes
            plain.accuracies.append(try training.accuracy(network, on: device))
            tuned.steps +=
                try training.train(
                    network, on: device, hyperparameters.fineTuning, seed: fleet.seed(.fineTuning, device.index)) ?? 0
            tuned.accuracies.append(try training.accuracy(network, on: device))
            try plain.note(network, trains: true, on: device)
        }
        tuned.noteNets(of: plain)
        (plain.traffic, tuned.traffic) = (traffic, traffic)
        return [.fedAvg: plain.result(encoding: "full"), .fedAvgFineTuned: tuned.result(encoding: "full")]
    }
}

extension [Double] {
    /// The mean; 0 of nothing.
    var mean: Double { isEmpty ? 0 : reduce(0, +) / Double(count) }
}
