import ECLMCore
import Learning

/// After AdaptiveNet (Wen et al., MobiCom 2023): the cloud trains a supernet whose every path is a net; each device takes
/// the path that fits its budget and does best on its own data, and fine-tunes it.
///
/// The paths here are nested widths, layer by layer; the supernet is trained by sampling widths. The device's training
/// data decides between paths, as it does in the original.
struct AdaptiveNet: AdaptationMethod {
    /// Paths that a device tries.
    static let candidates = 8

    var codes: [MethodCode] { [.adaptiveNet] }
    var tuning: Tuning { .fineTuning }

    func artifacts(shares: [Double], costs: CostTable) throws -> [Artifacts.Kind] {
        for share in Set(shares) { _ = try costs.denseCounts(share: share) }
        return [.nested]
    }

    func run(on fleet: Fleet, _ hyperparameters: Hyperparameters) async throws -> [MethodCode: RunResult] {
        let training = DeviceTraining(fleet: fleet)
        let supernet = try fleet.artifacts[.nested]
        var meter = RunMeter(fleet)
        for device in fleet.devices {
            let paths = try paths(for: device, in: fleet)
            var best: (counts: [Int], loss: Double)?
            for counts in paths {
                let network = try supernet.network(
                    fleet.network, modules: fleet.network.prefix(counts), gating: .unit(1))
                let loss = try evaluate(network, on: device.train).loss
                if best.map({ loss < $0.loss }) ?? true { best = (counts, loss) }
            }
            guard let best else { continue }
            let network = try supernet.network(
                fleet.network, modules: fleet.network.prefix(best.counts), gating: .unit(1))
            meter.steps +=
                try training.train(
                    network, on: device, hyperparameters.fineTuning, seed: fleet.seed(.fineTuning, device.index)) ?? 0
            meter.accuracies.append(try training.accuracy(network, on: device))
            // The paths are nested: the device fetches the largest width of each layer among its candidates.
            let widest = paths.reduce(best.counts) { zip($0, $1).map(max) }
            meter.traffic.down += fleet.costs.bytes(of: fleet.costs.denseSlots(widest))
            try meter.note(network, trains: true, on: device)
        }
        return [.adaptiveNet: meter.result()]
    }

    /// The evenly grown net of the budget, and others that trade one layer's width for another's.
    private func paths(for device: FleetDevice, in fleet: Fleet) throws -> [[Int]] {
        let even = try fleet.costs.denseCounts(share: device.budgetShare)
        let cap = fleet.costs.cap(share: device.budgetShare)
        let sizes = fleet.network.layers.map(\.modules)
        var generator = fleet.random(.paths, device.index)
        var paths = [even]
        // A bounded number of draws: a small budget may have no other path.
        for _ in 0..<Self.candidates * 4 where paths.count < Self.candidates && sizes.count > 1 {
            var counts = sizes.map { 1 + generator.below($0) }
            while !fleet.costs.fits(counts, in: cap),
                let layer = generator.choice(counts.indices.filter { counts[$0] > 1 })
            {
                counts[layer] -= 1
            }
            var isGrowing = true
            while isGrowing {
                isGrowing = false
                for layer in generator.shuffled(counts.indices) where counts[layer] < sizes[layer] {
                    counts[layer] += 1
                    if fleet.costs.fits(counts, in: cap) { isGrowing = true } else { counts[layer] -= 1 }
                }
            }
            if fleet.costs.fits(counts, in: cap), !paths.contains(counts) { paths.append(counts) }
        }
        return paths
    }
}
