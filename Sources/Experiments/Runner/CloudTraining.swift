import ECLMCore
import Learning

/// Trains the baselines' nets on proxy data.
struct CloudTraining {
    let network: NetworkSpecification
    let settings: TrainingSettings
    let data: TrainingData
    let seed: UInt64

    /// Batches that one width trains for before the next is drawn, when nested widths are trained.
    static let batchesPerWidth = 16

    /// A dense net with the first modules of every layer, trained from random weights.
    func dense(_ counts: [Int]) throws -> NetworkWeights {
        let net = try fresh().subset(network.prefix(counts))
        try train(net, on: data, settings: settings, seed: seed)
        return try NetworkWeights(of: net)
    }

    /// A dense net whose prefixes are trained as nets of their own: stretches of batches go through prefixes of random
    /// width, each second one through the whole.
    ///
    /// - Parameter forward: How the prefix with a share of the inner width is computed while it trains.
    func nested(forward: (Double) -> ForwardOptions = { _ in .init() }) throws -> NetworkWeights {
        let whole = try fresh().subset(network.denseModules)
        var generator = SplitMix64(seed: seed, path: Fleet.Purpose.cloudTraining.rawValue)
        let sizes = network.layers.map(\.modules)
        let stretch = Self.batchesPerWidth * settings.batch
        var stretchSettings = settings
        stretchSettings.epochs = 1
        stretchSettings.finalRate = 1
        let perEpoch = (data.count + stretch - 1) / stretch
        for epoch in 0..<settings.epochs {
            let order = generator.shuffled(0..<data.count)
            for number in 0..<perEpoch {
                try Task.checkCancellation()
                let share = number % 2 == 0 ? 1 : 0.1 + 0.9 * generator.uniform()
                let counts = sizes.map { min($0, max(1, Int((Double($0) * share).rounded()))) }
                let progress = Float(epoch * perEpoch + number) / Float(max(1, settings.epochs * perEpoch - 1))
                stretchSettings.rate = settings.rate * (1 + (settings.finalRate - 1) * progress)
                let slice = try whole.subset(network.prefix(counts))
                var options = TrainingOptions()
                options.forward = forward(
                    Double(counts.reduce(0, +)) / Double(sizes.reduce(0, +)))
                try train(
                    slice, on: data.subset(Array(order[number * stretch..<min((number + 1) * stretch, order.count)])),
                    settings: stretchSettings, seed: generator.next(), options: options)
                for slot in slice.slots { try whole.load(slice.tensors(of: slot), into: slot) }
            }
        }
        return try NetworkWeights(of: whole)
    }

    private func fresh() throws -> ModularNetwork { try ModularNetwork(network, seed: seed, gating: .unit(1)) }
}
