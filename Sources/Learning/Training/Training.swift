import ECLMCore

/// One run of training over a network; see ``train(_:on:settings:seed:options:)``.
public struct TrainingOptions {
    /// How forward passes are made.
    public var forward = ForwardOptions()
    /// The parts that are trained; `nil` for all.
    public var parts: (@Sendable (Parameter.Part) -> Bool)?
    /// Classes that count in the loss: the logits of others are masked (HeteroFL's masked cross-entropy). `nil` for all.
    public var classMask: [Bool]?
    /// Called behind each step: its number from 1, the number there will be, and the loss. May throw to stop.
    public var onStep: ((Int, Int, Float) throws -> Void)?

    /// Nothing of it.
    public init() {}
}

/// What came of a training run.
public struct TrainingLog: Hashable, Sendable {
    /// Steps made.
    public var steps = 0
    /// The mean loss of each epoch.
    public var losses: [Float] = []

    /// Nothing yet.
    public init() {}
}

/// Trains a network in place: cross-entropy over shuffled batches, the last of an epoch perhaps smaller.
///
/// The same network, data, settings and seed give the same weights, bit for bit, on one thread.
///
/// - Throws: ``LearningError``: `data` for examples that the network cannot take, `diverged` when the loss is no longer a
///   finite number, and what the options' closures throw.
@discardableResult
public func train(
    _ network: ModularNetwork, on data: TrainingData, settings: TrainingSettings, seed: UInt64,
    options: TrainingOptions = .init()
) throws -> TrainingLog {
    try data.check(for: network.specification)
    var options = options
    options.forward.freezesSelector = options.forward.freezesSelector || settings.freezesSelector
    let trained = network.parameters.filter {
        !(settings.freezesSelector && $0.part == .selector) && (options.parts?($0.part) ?? true)
    }
    var optimizer = try Optimizer(trained, settings: settings)
    var generator = SplitMix64(seed: seed)
    var log = TrainingLog()
    let total = settings.stepsPerEpoch(data.count) * settings.epochs
    for _ in 0..<settings.epochs {
        let order = generator.shuffled(Array(0..<data.count))
        var sum: Float = 0
        for start in stride(from: 0, to: order.count, by: settings.batch) {
            let rows = Array(order[start..<min(start + settings.batch, order.count)])
            let loss = try trainingStep(network, data, rows, options)
            try optimizer.step(scale: settings.rateScale(step: log.steps, of: total))
            log.steps += 1
            sum += loss * Float(rows.count)
            try options.onStep?(log.steps, total, loss)
        }
        log.losses.append(sum / Float(data.count))
    }
    return log
}

/// The loss of a batch, and its gradients in the parameters.
private func trainingStep(
    _ network: ModularNetwork, _ data: TrainingData, _ rows: [Int], _ options: TrainingOptions
) throws -> Float {
    var logits = try network.forward(try data.batch(rows), options: options.forward).logits
    if let mask = options.classMask, mask.contains(false) {
        let row = try Tensor(mask.map { $0 ? 0 : -1e9 }, shape: [1, mask.count])
        logits = try logits + row
    }
    let loss = try logits.crossEntropy(labels: rows.map { data.labels[$0] })
    let value = try loss.item()
    guard value.isFinite else {
        throw LearningError(
            .diverged, "training diverged: the loss is \(value); lower the learning rate or clip the gradients")
    }
    try loss.backward()
    return value
}

/// How good a network is on some examples.
public struct Evaluation: Hashable, Sendable {
    /// The share of the examples that it classifies as labelled.
    public var accuracy: Double
    /// The mean cross-entropy.
    public var loss: Double
    /// Whether it was right about each example.
    public var correct: [Bool]
}

/// Classifies examples and compares with their labels. Keeps no gradients.
///
/// - Throws: ``LearningError`` with `data` for examples that the network cannot take.
public func evaluate(
    _ network: ModularNetwork, on data: TrainingData, batch: Int = 256, options: ForwardOptions = .init()
) throws -> Evaluation {
    try data.check(for: network.specification)
    return try Tensor.withoutGradient {
        var correct: [Bool] = []
        var loss = 0.0
        for start in stride(from: 0, to: data.count, by: max(1, batch)) {
            let rows = start..<min(start + max(1, batch), data.count)
            let logits = try network.forward(try data.batch(rows), options: options).logits
            let labels = Array(data.labels[rows])
            loss += Double(try logits.crossEntropy(labels: labels).item()) * Double(rows.count)
            correct += zip(try logits.argmax(dimension: 1), labels).map { $0 == $1 }
        }
        return Evaluation(
            accuracy: Double(correct.filter { $0 }.count) / Double(data.count), loss: loss / Double(data.count),
            correct: correct)
    }
}
